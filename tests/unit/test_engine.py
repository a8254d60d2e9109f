"""The engine: order, duplicates, gaps, averages and alerts of streams, and bins that add up."""

from __future__ import annotations

from copy import deepcopy
from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlab.analytics import Engine
from marketlab.model import BINS, Alert, Batch, Close, Reason, Rule, StreamKey, StreamState, Tick
from marketlab.wire import encode, encode_close

NOW_MS = 1_731_000_000_000


class Feed:
    """An engine, what it has committed, and offsets that go on."""

    def __init__(self, rule: Rule | None = None, *, max_live: int = 20_000) -> None:
        self.known: dict[StreamKey, StreamState] = {}
        self.rule = rule or Rule()
        self.max_live = max_live
        self.offset = 0
        self.restart()

    def restart(self) -> None:
        self.engine = Engine("log", rule=self.rule, load=self.load, max_live=self.max_live)

    def load(self, keys: object) -> dict[StreamKey, StreamState]:
        return {key: deepcopy(self.known[key]) for key in keys if key in self.known}  # type: ignore[attr-defined]

    def __call__(self, *items: Tick | Close | bytes, partition: int = 0) -> Batch:
        values = [self.raw(item) for item in items]
        batch = self.engine.batch()
        self.engine.add(
            batch,
            partition=partition,
            offsets=range(self.offset, self.offset + len(values)),
            values=values,
            record_times_ms=[NOW_MS] * len(values),
        )
        self.offset += len(values)
        self.known |= deepcopy(batch.streams)
        self.engine.committed(batch)
        return batch

    @staticmethod
    def raw(item: Tick | Close | bytes) -> bytes:
        if isinstance(item, Tick):
            return encode(item)
        return encode_close(item) if isinstance(item, Close) else item


def tick(price: float, t: float, *, seq: int | None = None, symbol: str = "AAPL", run: str = "r") -> Tick:
    return Tick(symbol, price, t, seq=seq, run=run)


def column(batch: Batch, index: int) -> list[object]:
    return [row[index] for row in batch.rows]


def averages(batch: Batch) -> list[object]:
    return column(batch, 5)


def test_the_average_is_of_the_last_five() -> None:
    batch = Feed()(*[tick(float(p), float(p)) for p in range(1, 8)])
    assert averages(batch) == [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0]


def test_it_does_not_matter_how_messages_are_cut_into_batches() -> None:
    ticks = [tick(100.0 + i % 7, i + 1.0, seq=i + 1) for i in range(20)]
    whole = Feed()(*ticks)
    feed = Feed()
    parts = [feed(item) for item in ticks]
    assert [row[1:] for row in whole.rows] == [row[1:] for part in parts for row in part.rows]


def test_a_restart_goes_on_with_the_window_of_the_store() -> None:
    ticks = [tick(100.0 + i, i + 1.0, seq=i + 1) for i in range(10)]
    whole, feed = Feed()(*ticks), Feed()
    before = feed(*ticks[:4])
    feed.restart()
    after = feed(*ticks[4:])
    assert averages(whole) == averages(before) + averages(after)


def test_the_first_tick_of_a_stream_never_alerts_and_three_percent_does() -> None:
    batch = Feed()(tick(100.0, 1), tick(103.0, 2), tick(99.91, 3), tick(99.92, 4))
    assert column(batch, 7) == [None, "⚠️ AAPL changed by 3.00%", "⚠️ AAPL changed by -3.00%", None]


def test_an_alert_names_its_ticks() -> None:
    feed = Feed()
    feed(*[tick(100.0 + i, i + 1.0) for i in range(7)])
    (alert,) = feed(tick(120.0, 9.0, seq=None)).alerts
    assert alert == Alert(
        symbol="AAPL",
        text="⚠️ AAPL changed by 13.21%",
        price=120.0,
        previous_price=106.0,
        change_pct=(120.0 - 106.0) / 106.0 * 100,
        moving_average=fsum([103, 104, 105, 106, 120]) / 5,
        timestamp=9.0,
        rule=Rule(),
        log="log",
        partition=0,
        offset=7,
        previous_offset=6,
        window_prices=(103.0, 104.0, 105.0, 106.0, 120.0),
        window_offsets=(3, 4, 5, 6, 7),
        run="r",
        ordinal=8,
    )


def test_with_a_window_of_one_an_alert_still_names_the_tick_before() -> None:
    (alert,) = Feed(Rule(window=1))(tick(100.0, 1), tick(110.0, 2)).alerts
    assert (alert.previous_offset, alert.window_offsets, alert.moving_average) == (0, (1,), 110.0)


def test_a_late_tick_is_kept_out_of_window_and_alerts() -> None:
    batch = Feed()(tick(100.0, 5), tick(200.0, 4), tick(101.0, 6))
    assert column(batch, 8) == [False, True, False]
    assert averages(batch) == [100.0, None, 100.5]
    assert batch.alerts == []
    assert (batch.counts[0].stored, batch.counts[0].late) == (2, 1)


def test_equal_stamps_are_in_order_and_equal_ticks_are_two_ticks() -> None:
    batch = Feed()(tick(100.0, 5), tick(100.0, 5))
    assert column(batch, 8) == [False, False]


def test_only_the_sequence_tells_a_duplicate() -> None:
    batch = Feed()(tick(100.0, 5, seq=1), tick(100.0, 5, seq=2), tick(100.0, 5, seq=2))
    assert batch.counts[0].as_dict() == {
        "received": 3, "stored": 2, "late": 0, "duplicate": 1, "dead_lettered": 0, "control": 0,
    }  # fmt: skip


def test_a_number_that_fills_a_gap_is_late_even_with_a_newer_stamp() -> None:
    feed = Feed()
    batch = feed(tick(1.0, 1, seq=1), tick(1.0, 3, seq=3), tick(1.0, 9, seq=2))
    assert column(batch, 8) == [False, False, True]
    assert feed.known[StreamKey("log", 0, "r", "AAPL")].gaps == []


def test_streams_do_not_see_each_other() -> None:
    feed = Feed()
    feed(tick(100.0, 9))
    for other in (tick(200.0, 1, symbol="GOOG"), tick(200.0, 1, run="other")):
        assert averages(feed(other)) == [200.0]
    assert averages(feed(tick(200.0, 1), partition=1)) == [200.0]


def test_a_straggler_after_the_close_finds_its_gap() -> None:
    feed = Feed()
    feed(tick(1.0, 1, seq=1), Close("r", "AAPL", 3, 1))
    key = StreamKey("log", 0, "r", "AAPL")
    assert feed.known[key].gaps == [[2, 3]]
    assert feed.engine.live == 0
    batch = feed(tick(1.0, 2, seq=2), tick(1.0, 2, seq=1))
    assert (batch.counts[0].late, batch.counts[0].duplicate) == (1, 1)
    assert feed.known[key].gaps == [[3, 3]]


def test_a_refused_tick_with_an_identity_is_refused_and_not_lost() -> None:
    feed = Feed()
    batch = feed(tick(1.0, 1, seq=1), b'{"symbol":"AAPL","price":-1,"timestamp":2,"run":"r","seq":2}')
    state = feed.known[StreamKey("log", 0, "r", "AAPL")]
    assert (state.refused, state.gaps, state.highest_seq) == (1, [], 2)
    (letter,) = batch.dead_letters
    assert (letter.reason, letter.offset, letter.run, letter.seq) == (Reason.BAD_PRICE, 1, "r", 2)


def test_the_same_refused_number_is_refused_once() -> None:
    feed = Feed()
    bad = b'{"symbol":"AAPL","price":-1,"timestamp":2,"run":"r","seq":1}'
    batch = feed(bad, bad)
    assert batch.counts[0].dead_lettered == 2
    assert feed.known[StreamKey("log", 0, "r", "AAPL")].refused == 1


def test_garbage_makes_no_stream() -> None:
    batch = Feed()(b"\xff", b"[]", b'{"symbol":"AAPL"}')
    assert batch.streams == {}
    assert batch.counts[0].dead_lettered == 3


def test_another_rule_restarts_the_window_and_nothing_else() -> None:
    feed = Feed()
    feed(*[tick(100.0, i + 1.0, seq=i + 1) for i in range(5)])
    feed.rule = Rule(window=3)
    feed.restart()
    batch = feed(tick(200.0, 9, seq=6), tick(200.0, 9, seq=6))
    assert averages(batch) == [200.0]
    assert batch.alerts == []
    assert batch.counts[0].duplicate == 1
    assert column(batch, 1) == [6]


def test_memory_is_bounded_by_the_streams_that_are_alive() -> None:
    feed = Feed(max_live=10)
    for number in range(100):
        feed(tick(1.0, 1, seq=1, run=f"open-{number}"))
        assert feed.engine.live <= 11
    batch = feed(tick(1.0, 1, seq=1, run="open-0"))
    assert batch.counts[0].duplicate == 1


garbage = st.binary(max_size=30)
ticks = st.builds(
    tick,
    st.sampled_from([100.0, 103.0, 97.0, 250.5]),
    st.integers(1, 6).map(float),
    seq=st.none() | st.integers(1, 9),
    symbol=st.sampled_from(["AAPL", "GOOG"]),
    run=st.sampled_from(["", "r1", "r2"]),
)
closes = st.builds(Close, st.sampled_from(["r1", "r2"]), st.sampled_from(["AAPL", "GOOG"]), st.integers(0, 10))


@given(st.lists(st.lists(ticks | closes | garbage, max_size=12), max_size=6), st.booleans())
def test_every_message_ends_in_one_bin(batches: list[list[Tick | Close | bytes]], restarting: bool) -> None:
    feed = Feed()
    for items in batches:
        if restarting:
            feed.restart()
        batch = feed(*items)
        if not items:
            assert batch.counts == {}
            continue
        counts = batch.counts[0]
        assert counts.received == len(items) == sum(getattr(counts, name) for name in BINS)
        assert counts.stored + counts.late == len(batch.rows)
        assert counts.dead_lettered == len(batch.dead_letters)
        assert batch.next_offsets == {0: feed.offset}


@given(st.lists(ticks, max_size=40))
def test_numbers_of_a_stream_are_stored_refused_or_missing_once_each(items: list[Tick]) -> None:
    feed = Feed()
    feed(*items)
    for key, state in feed.known.items():
        mine = [item for item in items if (item.run, item.symbol) == (key.run, key.symbol)]
        numbered = {item.seq for item in mine if item.seq is not None}
        assert state.stored + state.late == len(numbered) + sum(item.seq is None for item in mine)
        assert state.lost == max(numbered, default=0) - len(numbered)
        assert state.duplicate == len(mine) - state.stored - state.late


def test_offsets_and_values_of_different_length_are_a_mistake() -> None:
    engine = Feed().engine
    with pytest.raises(ValueError, match="zip"):
        engine.add(engine.batch(), partition=0, offsets=[1, 2], values=[b""], record_times_ms=[1, 2])
