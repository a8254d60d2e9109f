"""The account of runs that go wrong in every way: lost, refused, repaired, doubled, interleaved, late, unclosed.

Messages go through the real decoder, the engine and a store; what the books must say is reckoned here by counting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketlab.analytics import engine
from marketlab.books import RunBook, balance
from marketlab.model import Close, Tick
from marketlab.ports import Store
from marketlab.store import SqliteStore
from marketlab.testing.memory_store import MemoryStore
from marketlab.wire import encode
from tests.store_feed import Feed, tick, ticks


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened: Store = SqliteStore(tmp_path / "marketlab.db") if request.param == "sqlite" else MemoryStore()
    with opened:
        yield opened
        assert list(opened.problems()) == []


def refused(seq: int, *, symbol: str = "AAPL", run: str = "r") -> bytes:
    """A tick that is refused, and whose identity can be read."""
    return encode(Tick(symbol, 1.0, float(seq), seq=seq, run=run)).replace(b'"price":1.0', b'"price":-1')


def run_book(store: Store, run: str = "r") -> RunBook:
    book = store.books(run=run).of_run(run)
    assert book is not None
    return book


def account(store: Store, run: str = "r") -> dict[str, object]:
    book = run_book(store, run)
    names = ("state", "produced", "stored", "late", "refused", "lost", "duplicate", "balanced")
    return {name: getattr(book, name) for name in names}


# ------------------------------------------------------------------------------------------------ sent again


def test_a_repaired_message_goes_from_refused_to_late_and_the_sum_stays(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(1, 2), refused(3), *ticks(4, 5, first_seq=4), Close("r", "AAPL", 5, 1))
    before = account(store)
    assert before == {
        "state": "closed", "produced": 5, "stored": 4, "late": 0, "refused": 1, "lost": 0, "duplicate": 0,
        "balanced": True,
    }  # fmt: skip
    feed(*ticks(3, first_seq=3))
    assert account(store) == before | {"late": 1, "refused": 0}
    (partition, *_) = store.books().partitions
    assert (partition.counts.dead_lettered, partition.counts.late, partition.balanced) == (1, 1, True)


def test_a_repaired_message_that_comes_twice_is_a_duplicate_the_second_time(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(1), refused(2), Close("r", "AAPL", 2, 1))
    feed(*ticks(2, first_seq=2), *ticks(2, first_seq=2))
    feed.claim()
    feed(*ticks(2, first_seq=2))
    assert account(store)["duplicate"] == 2
    assert (account(store)["late"], account(store)["balanced"]) == (1, True)


def test_a_message_that_is_sent_again_and_refused_again_counts_once(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(1), refused(2), refused(2), Close("r", "AAPL", 2, 1))
    feed(refused(2))
    assert (account(store)["refused"], account(store)["balanced"]) == (1, True)
    assert store.books().partitions[0].counts.dead_lettered == 3


def test_a_dead_letter_without_identity_is_lost_until_it_is_sent_again_with_one(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(1, 2), b'{"symbol":"AAPL","pri', *ticks(4, first_seq=4), Close("r", "AAPL", 4, 1))
    assert (account(store)["lost"], account(store)["balanced"]) == (1, False)
    feed(*ticks(3, first_seq=3))
    assert account(store) == {
        "state": "closed", "produced": 4, "stored": 3, "late": 1, "refused": 0, "lost": 0, "duplicate": 0,
        "balanced": True,
    }  # fmt: skip


def test_a_refused_number_of_a_run_that_cannot_be_read_counts_in_no_run(store: Store) -> None:
    Feed(store)(b'{"symbol":"AAPL","price":1,"timestamp":1,"seq":1000,"run":"a run with spaces"}')
    assert store.books().runs == []
    assert store.books().balanced


def test_a_repair_that_is_not_taken_out_of_the_refused_unbalances_the_books(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sum is made of figures counted apart, so a fault in one of them shows."""

    def forgets(state: engine.StreamState, seq: int) -> bool:
        return engine.sequence.fill(state.refused_seqs, seq)

    monkeypatch.setattr(engine.sequence, "repair", forgets)
    feed = Feed(MemoryStore())
    feed(*ticks(1), refused(2), Close("r", "AAPL", 2, 1))
    feed(*ticks(2, first_seq=2))
    assert account(feed.store)["refused"] == account(feed.store)["late"] == 1
    assert not feed.store.books().balanced
    assert any("refused" in problem for problem in feed.store.problems())


# ------------------------------------------------------------------------------------------------ anything at all

SENT = 12
#: What becomes of each number of a run: arrives, is refused, is lost, arrives twice, arrives at the end, is refused
#: and repaired at the end, is refused and refused again, is repaired twice.
FATES = ("arrives", "refused", "lost", "twice", "late", "repaired", "refused twice", "repaired twice")


def messages(fates: Iterable[str]) -> tuple[list[Tick | bytes], list[Tick | bytes]]:
    """What comes in turn, and what comes after it."""
    now: list[Tick | bytes] = []
    after: list[Tick | bytes] = []
    for seq, fate in enumerate(fates, start=1):
        good, bad = tick(100.0 + seq, float(seq), seq=seq), refused(seq)
        if fate in ("arrives", "twice"):
            now += [good] * (2 if fate == "twice" else 1)
        elif fate == "late":
            after.append(good)
        elif fate != "lost":
            now.append(bad)
            after += {"repaired": [good], "refused twice": [bad], "repaired twice": [good, good]}.get(fate, [])
    return now, after


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(FATES), min_size=1, max_size=SENT), st.booleans(), st.data())
def test_every_number_of_a_run_is_accounted_for_whatever_becomes_of_it(
    fates: list[str], close_first: bool, data: st.DataObject
) -> None:
    store = MemoryStore()
    feed = Feed(store)
    now, after = messages(fates)
    close = Close("r", "AAPL", len(fates), 1)
    everything = [*now, close, *after] if close_first else [*now, *after, close]
    while everything:
        cut = data.draw(st.integers(1, len(everything)))
        feed(*everything[:cut])
        everything = everything[cut:]
        if data.draw(st.booleans()):
            feed.claim()  # as after a crash
    count = {fate: fates.count(fate) for fate in FATES}
    book = run_book(store)
    assert book.produced == len(fates)
    assert book.refused == count["refused"] + count["refused twice"]
    assert book.lost == count["lost"]
    assert book.duplicate == count["twice"] + count["repaired twice"]
    assert book.stored + book.late == len(fates) - book.refused - book.lost
    assert book.balanced == (count["lost"] == 0)
    assert {seq for first, last in book.gaps.get("AAPL", []) for seq in range(first, last + 1)} == {
        seq for seq, fate in enumerate(fates, start=1) if fate == "lost"
    }
    assert all(partition.balanced for partition in store.books().partitions)
    assert list(store.problems()) == []
    for missing in book.missing:
        assert missing.found is not None
        assert missing.found.first <= missing.first <= missing.last <= missing.found.last


# ------------------------------------------------------------------------------------------------ where it was lost


def test_a_gap_is_named_with_the_messages_around_it(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(1, 2), b"?", *ticks(6, first_seq=6))
    feed(refused(9), Close("r", "AAPL", 12, 1))
    found = [(m.first, m.last, m.partition, m.found and tuple(_fields(m.found))) for m in run_book(store).missing]
    assert found == [
        (3, 5, 0, (3, 5, 1, 2.0, 3, 6.0)),
        (7, 8, 0, (7, 8, 3, 6.0, 4, None)),  # shown by a refused message
        (10, 12, 0, (10, 12, 3, 6.0, 5, None)),  # by the closing record
    ]
    assert store.books().as_dict()["runs"][0]["gaps"][0] == {
        "symbol": "AAPL", "from": 3, "to": 5, "partition": 0,
        "before": {"offset": 1, "timestamp": 2.0}, "after": {"offset": 3, "timestamp": 6.0},
    }  # fmt: skip


def _fields(found: engine.sequence.Break) -> Iterator[object]:
    return (getattr(found, name) for name in found.__struct_fields__)


def test_a_gap_that_is_filled_in_its_middle_keeps_its_place_and_one_that_is_filled_forgets_it(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(1), *ticks(9, first_seq=9))
    feed.claim()
    feed(*ticks(5, first_seq=5))
    (low, high) = run_book(store).missing
    assert (low.first, low.last, high.first, high.last) == (2, 4, 6, 8)
    assert low.found == high.found is not None
    feed.claim()
    feed(*(tick(1.0, 1.0, seq=seq) for seq in (8, 2, 4, 3, 7, 6)))
    assert run_book(store).missing == []
    (book,) = store.stream_books()
    assert book.breaks == ()


def test_the_first_tick_of_all_that_is_missing_has_nothing_before_it(store: Store) -> None:
    Feed(store)(*ticks(4, first_seq=4))
    (missing,) = run_book(store).missing
    assert missing.as_dict() == {
        "symbol": "AAPL", "from": 1, "to": 3, "partition": 0, "before": None,
        "after": {"offset": 0, "timestamp": 4.0},
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------ runs


def test_a_straggler_after_the_close_finds_its_place(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(1), *ticks(3, first_seq=3), Close("r", "AAPL", 3, 1))
    assert (account(store)["state"], account(store)["lost"], account(store)["balanced"]) == ("closed", 1, False)
    assert feed.engine.live == 0  # a closed stream leaves memory
    feed(*ticks(2, first_seq=2))
    assert account(store) == {
        "state": "closed", "produced": 3, "stored": 2, "late": 1, "refused": 0, "lost": 0, "duplicate": 0,
        "balanced": True,
    }  # fmt: skip
    feed(*ticks(2, first_seq=2), *ticks(3, first_seq=3))
    assert (account(store)["duplicate"], account(store)["balanced"]) == (2, True)


def test_a_tick_beyond_the_closing_record_unbalances_the_run(store: Store) -> None:
    """The producer said three and sent four: one of the two figures is wrong, and the sum says so."""
    Feed(store)(*ticks(1, 2, 3), Close("r", "AAPL", 3, 1), *ticks(4, first_seq=4))
    assert (account(store)["produced"], account(store)["stored"], account(store)["balanced"]) == (3, 4, False)


def test_interleaved_runs_of_one_symbol_have_accounts_of_their_own(store: Store) -> None:
    feed = Feed(store)
    for seq in range(1, 6):
        feed(*ticks(seq, run="a", first_seq=seq), *ticks(10 * seq, run="b", first_seq=seq))
    feed(Close("a", "AAPL", 5, 1), Close("b", "AAPL", 6, 1))
    assert (account(store, "a")["stored"], account(store, "a")["balanced"]) == (5, True)
    assert (account(store, "b")["stored"], account(store, "b")["lost"], account(store, "b")["balanced"]) == (
        5,
        1,
        False,
    )
    averages = [record.moving_average for record in store.history("AAPL", limit=2)]
    assert averages == [30.0, 3.0], "no run's window holds a price of the other's"


def test_a_producer_that_died_unclosed_leaves_an_open_run_and_the_next_run_is_told_apart(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(1, 2, 3, run="died"))
    feed(*ticks(1, 2, run="next"), Close("next", "AAPL", 2, 1))
    assert (account(store, "died")["state"], account(store, "died")["produced"]) == ("open", None)
    assert (account(store, "died")["balanced"], account(store, "next")["balanced"]) == (True, True)
    feed(*ticks(9, run="died", first_seq=9))
    assert (account(store, "died")["lost"], store.books().balanced) == (5, False)


def test_ten_thousand_runs_are_counted_one_by_one_and_settled_ones_are_read_once(tmp_path: Path) -> None:
    runs = 10_000
    with SqliteStore(tmp_path / "marketlab.db") as store:
        feed = Feed(store)
        for first in range(0, runs, 1000):
            feed(
                *(
                    message
                    for number in range(first, first + 1000)
                    for message in (*ticks(1, 2, run=f"r{number:05}"), Close(f"r{number:05}", "AAPL", 2, 1))
                )
            )
        books = store.books()
        assert (len(books.runs), books.balanced) == (runs, True)
        assert {run.stored for run in books.runs} == {2}
        asked: list[str] = []
        connection = store._reading
        assert connection is not None
        connection.trace_v2(1, lambda event: asked.append(event["sql"]))  # 1: every statement
        try:
            feed(*ticks(3, run="r00007", first_seq=4))
            again = store.books()
        finally:
            connection.trace_v2(0, None)
        assert sum("FROM runs CROSS JOIN streams" in sql for sql in asked) == 1, "only the run that changed"
        assert [run.run for run in again.runs if not run.balanced] == ["r00007"]
        assert again.runs == balance((), store.stream_books()).runs
