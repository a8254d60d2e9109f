"""What every store owes, held against SQLite and against its twin in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path

import msgspec
import pytest

from marketlab.books import balance
from marketlab.digest import digest
from marketlab.errors import NotFoundError, QueryError, StaleOwnerError, StoreError, StoreFullError
from marketlab.model import Alert, Batch, Close, Counts, Position, Reason, Record, Rule, StreamKey, StreamState, Tick
from marketlab.ports import PostedTick, Store
from marketlab.store import SqliteStore
from marketlab.testing.memory_store import MemoryStore
from tests.store_feed import LOG, Feed, tick, ticks

#: Opens one more store on the test's database, as another process would.
Open = Callable[[], Store]


@pytest.fixture(params=["sqlite", "memory"])
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    opened: list[Store] = []

    def open_store() -> Store:
        if request.param == "sqlite":
            opened.append(SqliteStore(tmp_path / "marketlab.db"))
        else:
            first = opened[0] if opened else None
            opened.append(MemoryStore(beside=first if isinstance(first, MemoryStore) else None))
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()


@pytest.fixture
def store(another: Open) -> Store:
    return another()


def everything(store: Store) -> tuple[object, ...]:
    """All that can be seen from outside."""
    return (
        store.latest(),
        [store.history(record.symbol, limit=1000) for record in store.latest()],
        store.alerts(limit=1000),
        store.dead_letters(limit=1000),
        store.partition_books(),
        list(store.stream_books()),
    )


# --------------------------------------------------------------------------------------------- claims


def test_a_partition_that_was_never_read_begins_nowhere(store: Store) -> None:
    assert store.claim(LOG, [0, 7]) == {0: Position(1, None), 7: Position(1, None)}


def test_a_claim_goes_on_from_the_last_commit_under_a_new_epoch(store: Store) -> None:
    Feed(store)(*ticks(10, 11, 12))
    assert store.claim(LOG, [0, 1]) == {0: Position(2, 3), 1: Position(2, None)}


def test_positions_of_two_logs_have_nothing_to_do_with_each_other(store: Store) -> None:
    Feed(store)(*ticks(10, 11))
    assert store.claim("tape:other", [0]) == {0: Position(1, None)}


# --------------------------------------------------------------------------------------------- commits


def test_a_committed_tick_is_the_latest_of_its_symbol(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(10, 10.2), partition=1)
    feed(Tick("MSFT", 5.0, 3.0, size=2.5))
    assert store.latest() == [
        Record(
            symbol="AAPL", price=10.2, moving_average=10.1, alert=None, timestamp=2.0, id=2, run="r", seq=2,
            change_pct=pytest.approx(2.0), partition=1, offset=1,
        ),
        Record(symbol="MSFT", price=5.0, moving_average=5.0, alert=None, timestamp=3.0, id=3, size=2.5, partition=0,
               offset=0),
    ]  # fmt: skip


def test_a_commit_returns_what_the_next_one_is_compared_with(store: Store) -> None:
    feed = Feed(store)
    positions = store.commit(feed.batch(*ticks(10, 11)), expected=feed.positions)
    assert positions == {0: Position(1, 2)}
    feed.positions |= positions
    assert feed(*ticks(12, first_seq=3)).next_offsets == {0: 3}


def test_the_states_of_new_streams_get_the_ids_of_their_rows(store: Store) -> None:
    batch = Feed(store)(*ticks(10), *ticks(20, symbol="MSFT"))
    ids = [state.id for state in batch.streams.values()]
    assert None not in ids
    assert len(set(ids)) == 2
    assert {state.id for state in store.load_streams(list(batch.streams)).values()} == set(ids)


def test_a_batch_of_nothing_changes_nothing(store: Store) -> None:
    feed = Feed(store)
    before = store.changes()
    assert store.commit(Batch(LOG), expected=feed.positions) == {}
    assert store.changes() == before


def test_a_partition_without_ticks_still_moves_on(store: Store) -> None:
    feed = Feed(store)
    feed.commit(Batch(LOG, next_offsets={2: 9}))
    assert store.claim(LOG, [2]) == {2: Position(2, 9)}


@pytest.mark.parametrize("what", ["claimed by another", "moved by another"])
def test_a_commit_of_a_former_owner_is_refused_and_writes_nothing(another: Open, what: str) -> None:
    store, other = another(), another()
    zombie = Feed(store)
    zombie(*ticks(10, 11))
    batch = zombie.batch(*ticks(20, first_seq=3), b"not json", *ticks(7, symbol="NEW"))
    owner = Feed(other)
    if what == "moved by another":
        owner(*ticks(12, first_seq=3))
    before = everything(other)
    with pytest.raises(StaleOwnerError):
        zombie.commit(batch)
    assert everything(other) == before == everything(store)
    assert batch.streams[StreamKey(LOG, 0, "r", "NEW")].id is None


def test_an_owner_that_repeats_its_own_commit_is_refused(store: Store) -> None:
    feed = Feed(store)
    batch = feed.batch(*ticks(10))
    store.commit(batch, expected=feed.positions)
    before = everything(store)
    with pytest.raises(StaleOwnerError):
        store.commit(batch, expected=feed.positions)
    assert everything(store) == before


def test_one_lost_partition_takes_the_whole_batch_down(another: Open) -> None:
    store, other = another(), another()
    feed = Feed(store)
    other.claim(LOG, [1])
    batch = feed.batch(*ticks(10), partition=0)
    feed.batch(*ticks(20, symbol="MSFT"), partition=1, into=batch)
    before = everything(store)
    with pytest.raises(StaleOwnerError):
        feed.commit(batch)
    assert everything(store) == before


def test_a_partition_that_was_not_claimed_cannot_be_written(store: Store) -> None:
    feed = Feed(store, partitions=[0])
    with pytest.raises(StaleOwnerError, match="partition 1"):
        store.commit(Batch(LOG, next_offsets={1: 5}), expected=feed.positions)


def test_a_refused_batch_can_be_committed_after_the_partition_was_claimed_back(another: Open) -> None:
    store, other = another(), another()
    feed = Feed(store)
    batch = feed.batch(*ticks(10, 11))
    other.claim(LOG, [0])
    with pytest.raises(StaleOwnerError):
        feed.commit(batch)
    feed.positions = store.claim(LOG, [0])
    feed.commit(batch)
    assert [record.price for record in store.history("AAPL", limit=9)] == [11, 10]


def _without_its_next_offset(batch: Batch) -> None:
    batch.next_offsets = {1: 1}
    batch.counts = {0: Counts(1, 1)}


def _without_its_stream(batch: Batch) -> None:
    batch.streams = {}


def _with_another_state(batch: Batch) -> None:
    batch.streams = {key: StreamState(key, Rule()) for key in batch.streams}


def _of_another_log(batch: Batch) -> None:
    key = StreamKey("tape:other", 0, "r", "X")
    batch.streams = batch.streams | {key: StreamState(key, Rule())}


def _without_the_tick_of_its_alert(batch: Batch) -> None:
    batch.rows = batch.rows[:-1]


@pytest.mark.parametrize(
    "spoil",
    [
        _without_its_next_offset,
        _without_its_stream,
        _with_another_state,
        _of_another_log,
        _without_the_tick_of_its_alert,
    ],
)
def test_a_batch_that_is_not_whole_is_refused_and_writes_nothing(store: Store, spoil: Callable[[Batch], None]) -> None:
    feed = Feed(store)
    batch = feed.batch(*ticks(10, 20))
    assert batch.alerts
    spoil(batch)
    before = everything(store)
    with pytest.raises(StoreError):
        feed.commit(batch)
    assert everything(store) == before


def test_a_position_never_goes_back(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(10, 11))
    with pytest.raises(StoreError, match="go on from 2, was 1"):
        store.commit(Batch(LOG, next_offsets={0: 1}), expected=feed.positions)


def test_a_stream_that_was_not_loaded_cannot_be_overwritten(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(10, 11))
    key = StreamKey(LOG, 0, "r", "AAPL")
    batch = Batch(LOG, next_offsets={0: 3}, streams={key: StreamState(key, Rule())})
    with pytest.raises(StoreError, match="loaded"):
        feed.commit(batch)
    assert store.load_streams([key])[key].stored == 2


# --------------------------------------------------------------------------------------------- streams


def test_a_stream_comes_back_as_it_was(store: Store) -> None:
    feed = Feed(store, rule=Rule(window=3, threshold_pct=2.5))
    key = StreamKey(LOG, 1, "r", "AAPL")
    batch = feed(
        *ticks(10, 11, 12, 13, 14), tick(1, 0.5, seq=9), tick(1, seq=9), tick(15, 8.0, seq=12),
        b'{"symbol":"AAPL","price":-1,"timestamp":9,"seq":13,"run":"r"}', Close("r", "AAPL", 20, symbols=4),
        partition=1,
    )  # fmt: skip
    loaded = store.load_streams([key])
    assert loaded == {key: batch.streams[key]}
    state = loaded[key]
    assert state.window == deque([13, 14, 15])
    assert state.window.maxlen == state.window_offsets.maxlen == 3
    assert state.gaps == [[6, 8], [10, 11], [14, 20]]
    assert (state.late, state.duplicate, state.refused, state.last_seq, state.run_symbols) == (1, 1, 1, 20, 4)


def test_a_stream_without_a_tick_has_no_newest_time(store: Store) -> None:
    Feed(store)(Close("r", "AAPL", 2))
    key = StreamKey(LOG, 0, "r", "AAPL")
    state = store.load_streams([key])[key]
    assert (state.newest, state.window, state.gaps) == (-inf, deque(), [[1, 2]])


def test_prices_come_back_to_the_last_bit(store: Store) -> None:
    prices = [0.1 + 0.2, 1e-300, 999_999_999_999.9999, 1 / 3, 100.0]
    batch = Feed(store)(*ticks(*prices))
    key = StreamKey(LOG, 0, "r", "AAPL")
    assert list(store.load_streams([key])[key].window) == prices
    assert [row[2] for row in store.digest_rows("r", log=LOG)] == prices
    assert [row[5] for row in store.digest_rows("r", log=LOG)] == [row[5] for row in batch.rows]


def test_a_loaded_state_is_the_callers_own(store: Store) -> None:
    batch = Feed(store)(*ticks(10, 11), Close("r", "AAPL", 5))
    key = StreamKey(LOG, 0, "r", "AAPL")
    for state in (batch.streams[key], store.load_streams([key])[key]):
        state.window.append(99.0)
        state.gaps[0][0] = 1
        state.stored = 77
    state = store.load_streams([key])[key]
    assert (list(state.window), state.gaps, state.stored) == ([10, 11], [[3, 5]], 2)


def test_many_streams_are_loaded_at_once_and_unknown_ones_left_out(store: Store) -> None:
    feed = Feed(store)
    symbols = [f"S{number}" for number in range(700)]
    feed(*(tick(number + 1, symbol=symbol) for number, symbol in enumerate(symbols)))
    keys = [StreamKey(LOG, 0, "r", symbol) for symbol in symbols]
    strangers = [StreamKey(LOG, 1, "r", "S1"), StreamKey(LOG, 0, "other", "S1"), StreamKey("x", 0, "r", "S1")]
    loaded = store.load_streams([*keys, *strangers])
    assert loaded.keys() == set(keys)
    assert [list(loaded[key].window) for key in keys] == [[number + 1] for number in range(700)]


# --------------------------------------------------------------------------------------------- history


def test_history_is_the_newest_first_over_batches_runs_and_partitions(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(1, 2), *ticks(50, symbol="MSFT"))
    feed(*ticks(3, run="s"), partition=1)
    feed(*ticks(4, first_seq=3))
    assert [(record.price, record.run, record.partition) for record in store.history("AAPL", limit=9)] == [
        (4, "r", 0), (3, "s", 1), (2, "r", 0), (1, "r", 0),
    ]  # fmt: skip
    assert [record.price for record in store.history("MSFT", limit=9)] == [50]


def test_pages_of_history_are_the_whole_of_it(store: Store) -> None:
    feed = Feed(store)
    for number in range(7):
        feed(
            *ticks(*range(10, 15), first_seq=5 * number + 1), *ticks(*range(3), symbol="MSFT", first_seq=3 * number + 1)
        )
    whole = store.history("AAPL", limit=100)
    pages: list[Record] = []
    before = None
    while page := store.history("AAPL", limit=4, before=before):
        assert len(page) == 4 or len(pages) + len(page) == len(whole)
        pages += page
        before = page[-1].id
    assert pages == whole
    assert len(whole) == 35
    assert [record.id for record in whole] == sorted((record.id for record in whole), reverse=True)


@pytest.mark.parametrize("before", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 2**63, -(2**70), 2**70])
def test_history_before_any_number_holds_what_was_written_before(store: Store, before: int) -> None:
    feed = Feed(store)
    feed(*ticks(9, symbol="MSFT"), *ticks(1, 2), *ticks(9, symbol="MSFT", first_seq=2), *ticks(3, first_seq=3))
    feed(*ticks(9, symbol="MSFT", first_seq=3))
    expected = [record for record in store.history("AAPL", limit=9) if record.id < before]
    assert store.history("AAPL", limit=9, before=before) == expected
    assert len(store.history("AAPL", limit=9)) == 3


@pytest.mark.parametrize("symbol", ["MSFT", "aapl", "", "\ud800", "A\0"])
def test_a_symbol_that_was_never_seen_is_not_found(store: Store, symbol: str) -> None:
    Feed(store)(*ticks(1))
    with pytest.raises(NotFoundError):
        store.history(symbol, limit=1)


def test_a_symbol_may_hold_a_slash(store: Store) -> None:
    Feed(store)(tick(0.00141342, symbol="BCH/EUR"))
    assert store.history("BCH/EUR", limit=1) == store.latest()


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_has_no_meaning(store: Store, limit: int) -> None:
    Feed(store)(*ticks(1, 2))
    for ask in (lambda: store.history("AAPL", limit=limit), lambda: store.alerts(limit=limit),
                lambda: store.alerts(limit=limit, symbol="AAPL"), lambda: store.dead_letters(limit=limit)):  # fmt: skip
        with pytest.raises(QueryError) as caught:
            ask()
        assert not isinstance(caught.value, NotFoundError)


def test_a_limit_beyond_all_rows_is_all_of_them(store: Store) -> None:
    Feed(store)(*ticks(1, 2), b"?")
    assert len(store.history("AAPL", limit=2**70)) == 2
    assert len(store.alerts(limit=2**70)) == len(store.alerts(limit=2**70, symbol="AAPL")) == 1
    assert len(store.dead_letters(limit=2**70)) == 1


def test_a_late_tick_is_kept_and_flagged(store: Store) -> None:
    Feed(store)(*ticks(10, 11), tick(12, 0.5))
    record = store.latest()[0]
    assert (record.price, record.late, record.moving_average, record.change_pct) == (12, True, None, None)
    assert [record.late for record in store.history("AAPL", limit=9)] == [True, False, False]


# --------------------------------------------------------------------------------------------- alerts


def test_an_alert_comes_back_with_all_it_takes_to_recompute_it(store: Store) -> None:
    feed = Feed(store, rule=Rule(window=3, threshold_pct=1.5))
    feed(*ticks(100, 101), partition=2)
    batch = feed(*ticks(99, 90, first_seq=3), partition=2)
    second, first = store.alerts(limit=9)
    assert first == Alert(
        symbol="AAPL", text=batch.alerts[0].text, price=99.0, previous_price=101.0,
        change_pct=batch.alerts[0].change_pct, moving_average=100.0, timestamp=3.0,
        rule=Rule(window=3, threshold_pct=1.5), log=LOG, partition=2, offset=2, previous_offset=1,
        window_prices=(100.0, 101.0, 99.0), window_offsets=(0, 1, 2), run="r", seq=3, ordinal=3, id=1, tick_id=3,
    )  # fmt: skip
    assert (second.id, second.tick_id, second.price) == (2, 4, 90.0)
    assert store.alert(1) == first
    record = next(record for record in store.history("AAPL", limit=9) if record.id == first.tick_id)
    assert (record.offset, record.alert) == (first.offset, first.text)


def test_alerts_of_one_symbol_are_found_page_by_page(store: Store) -> None:
    feed = Feed(store)
    for number in range(6):
        feed(
            *ticks(10 * 2 ** (number % 2), symbol="AAPL", first_seq=number + 1),
            *ticks(30 * 2 ** (number % 2), symbol="MSFT", first_seq=number + 1),
        )
    mine = [alert for alert in store.alerts(limit=100) if alert.symbol == "MSFT"]
    assert len(mine) == 5
    assert store.alerts(limit=100, symbol="MSFT") == mine
    assert store.alerts(limit=3, symbol="MSFT") == mine[:3]
    for before in range(12):
        assert store.alerts(limit=100, symbol="MSFT", before=before) == [a for a in mine if a.id < before]
        assert store.alerts(limit=2, before=before) == [a for a in store.alerts(limit=100) if a.id < before][:2]
    assert store.alerts(limit=5, symbol="NEVER") == store.alerts(limit=5, symbol="\ud800") == []


def test_a_symbol_without_alerts_has_none(store: Store) -> None:
    Feed(store)(*ticks(10, 10.01), *ticks(1, 2, symbol="MSFT"))
    assert store.alerts(limit=5, symbol="AAPL") == []
    assert len(store.alerts(limit=5, symbol="MSFT")) == 1


@pytest.mark.parametrize("id_", [0, 2, -1, 2**63, 2**80])
def test_what_is_not_there_is_not_found(store: Store, id_: int) -> None:
    Feed(store)(*ticks(10, 20), b"?")
    assert store.alert(1).id == store.dead_letter(1).id == 1
    with pytest.raises(NotFoundError, match=str(id_)):
        store.alert(id_)
    with pytest.raises(NotFoundError, match=str(id_)):
        store.dead_letter(id_)


def test_the_largest_move_keeps_its_sign(store: Store) -> None:
    assert store.largest_move() is None
    feed = Feed(store)
    feed(*ticks(10), *ticks(10, 10.1, symbol="MSFT"))
    feed(*ticks(5, 6, first_seq=2))
    move = store.largest_move()
    assert move is not None
    assert (move.symbol, move.price, move.change_pct) == ("AAPL", 5, -50)
    assert move == store.history("AAPL", limit=9)[1]


def test_a_new_run_of_a_symbol_leaves_the_largest_move_of_the_old_one_behind(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(10, 20), *ticks(10, 12, symbol="MSFT"))
    feed(*ticks(20, 21, run="s"))
    move = store.largest_move()
    assert move is not None
    assert (move.symbol, move.change_pct) == ("MSFT", pytest.approx(20))


# --------------------------------------------------------------------------------------------- what is new


def test_what_came_after_a_record_is_told_in_the_order_of_writing(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(10, 11), *ticks(20, symbol="MSFT"))
    store.post([PostedTick("BCH/EUR", 5.0, 3.0, run="mine")])
    feed(*ticks(21, symbol="MSFT", first_seq=2), partition=1)
    everything_written = store.records_after(0, limit=100)
    assert [record.id for record in everything_written] == [1, 2, 3, 4, 5]
    assert [record.symbol for record in everything_written] == ["AAPL", "AAPL", "MSFT", "BCH/EUR", "MSFT"]
    assert store.records_after(2, limit=2) == everything_written[2:4]
    assert store.records_after(5, limit=1) == store.records_after(10**30, limit=1) == []


def test_the_latest_since_a_record_are_those_of_symbols_that_went_on(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(10, symbol="A"), *ticks(10, symbol="B"), *ticks(10, symbol="C"))
    feed(*ticks(11, symbol="C", first_seq=2), *ticks(11, symbol="A", first_seq=2))
    assert [(record.symbol, record.id) for record in store.latest(since=3)] == [("A", 5), ("C", 4)]
    assert [record.symbol for record in store.latest(since=4)] == ["A"]
    assert store.latest(since=5) == store.latest(since=10**30) == []
    assert store.latest(since=-1) == store.latest()


def test_a_record_is_the_same_by_whatever_way_it_is_found(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(10, 20), tick(9, 0.5, seq=9), b"no tick", tick(8.0, symbol="X", run=""))
    store.post([PostedTick("HTTP", 5.0, 3.0, run="mine", moving_average=4.5, change_pct=1.5, alert="text")])
    found = {record.symbol: record for record in store.records_after(-5, limit=100)}
    assert list(found) == ["AAPL", "X", "HTTP"]
    assert [found[record.symbol] for record in store.latest()] == store.latest()
    assert store.history("AAPL", limit=1) == [found["AAPL"]]


def test_alerts_after_one_come_oldest_first(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(10, 20, 30), *ticks(5, 6, symbol="MSFT"))
    oldest_first = store.alerts(limit=100)[::-1]
    assert len(oldest_first) == 3
    assert store.alerts_after(0, limit=100) == oldest_first
    assert store.alerts_after(1, limit=1) == oldest_first[1:2]
    assert store.alerts_after(3, limit=1) == []


@pytest.mark.parametrize("limit", [0, -1])
def test_nothing_at_most_is_no_question(store: Store, limit: int) -> None:
    for ask in (store.records_after, store.alerts_after):
        with pytest.raises(QueryError, match="limit must be at least 1"):
            ask(0, limit=limit)


# --------------------------------------------------------------------------------------------- dead letters


def test_dead_letters_keep_every_byte(store: Store) -> None:
    raw = bytes(range(256))
    feed = Feed(store)
    feed(raw, partition=1)
    feed(b"", b'{"symbol":"AAPL","price":-1,"timestamp":9,"seq":3,"run":"r"}')
    third, second, first = store.dead_letters(limit=9)
    assert (first.raw, first.log, first.partition, first.offset, first.reason) == (raw, LOG, 1, 0, Reason.NOT_UTF8)
    assert (second.raw, second.reason, second.symbol) == (b"", Reason.EMPTY, None)
    assert (third.run, third.symbol, third.seq, third.reason) == ("r", "AAPL", 3, Reason.BAD_PRICE)
    assert third.record_time == 1_731_000_000.0
    assert third.detail
    assert store.dead_letter(third.id) == third


def test_dead_letters_are_counted_and_found_by_reason(store: Store) -> None:
    feed = Feed(store)
    feed(b"?", b"", b"?", b"")
    feed(b"?")
    assert store.dead_letter_counts() == {"empty": 2, "not_json": 3}
    assert [letter.offset for letter in store.dead_letters(limit=9, reason="not_json")] == [4, 2, 0]
    assert [letter.offset for letter in store.dead_letters(limit=1, reason="not_json", before=5)] == [2]
    assert store.dead_letters(limit=9, reason="unheard of") == []


# --------------------------------------------------------------------------------------------- books and digest


def test_books_add_up_over_partitions_and_commits(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(1, 2, 3), b"?", tick(2, 1.0, seq=2))
    feed(Close("r", "AAPL", 3), partition=0)
    feed(*ticks(1, symbol="MSFT"), partition=2)
    books = balance(store.partition_books(), store.stream_books())
    assert [(book.partition, book.next_offset, book.counts) for book in books.partitions] == [
        (0, 6, Counts(6, 3, 0, 1, 1, 1)),
        (1, None, Counts()),
        (2, 1, Counts(1, 1)),
    ]
    assert books.balanced
    assert {book.log for book in books.partitions} == {LOG}


def test_the_account_of_a_run_names_what_is_missing(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(1, 2), *ticks(5, first_seq=6), Close("r", "AAPL", 8, symbols=2), *ticks(1, run="other"))
    (book,) = store.stream_books(run="r")
    assert (book.produced, book.stored, book.lost, book.gaps) == (8, 3, 5, ((3, 5), (7, 8)))
    assert (book.log, book.partition, book.run, book.symbol, book.run_symbols) == (LOG, 0, "r", "AAPL", 2)
    assert len(list(store.stream_books())) == 2
    assert list(store.stream_books(run="never")) == list(store.stream_books(run="\ud800")) == []


def test_accounts_come_sorted_by_log_run_and_symbol(store: Store) -> None:
    for log in ("tape:b", "tape:a"):
        feed = Feed(store, log=log)
        feed(*ticks(1, symbol="Z", run="2"), *ticks(1, symbol="A", run="2"), partition=1)
        feed(*ticks(1, symbol="M", run="1"), *ticks(1, symbol="A", run="2"), partition=0)
    keys = [(book.log, book.run, book.symbol, book.partition) for book in store.stream_books()]
    assert keys == sorted(keys)
    assert len(keys) == 8


def test_a_digest_has_every_tick_of_the_run_in_order_and_no_other(store: Store) -> None:
    mine, other = Feed(store), Feed(store, log="tape:other")
    mine(*ticks(1, 2, symbol="Z"), *ticks(7, 7.5))
    other(*ticks(5, 6))
    mine(*ticks(9, run="s"), *ticks(3, 4, symbol="Z", first_seq=3), tick(2, 0.5, symbol="Z"))
    other(*ticks(5, 6, first_seq=3))
    mine(*ticks(8, first_seq=3), partition=0)
    rows = list(store.digest_rows("r", log=LOG))
    assert [row[:3] for row in rows] == [
        ("AAPL", 1, 7), ("AAPL", 2, 7.5), ("AAPL", 3, 8),
        ("Z", 1, 1), ("Z", 2, 2), ("Z", 3, 3), ("Z", 4, 4), ("Z", 5, 2),
    ]  # fmt: skip
    assert [row[7] for row in rows] == [False] * 7 + [True]
    assert list(store.digest_rows("never", log=LOG)) == list(store.digest_rows("\ud800", log=LOG)) == []


def test_one_run_has_one_digest_however_it_was_cut_into_batches(another: Open) -> None:
    store = another()
    messages = [*ticks(*(100 + i % 7 for i in range(40))), *ticks(*(i % 3 + 1 for i in range(40)), symbol="MSFT")]
    digests = set()
    for number, size in enumerate((1, 7, 80)):
        feed = Feed(store, log=f"tape:{number}")
        for first in range(0, len(messages), size):
            feed(*messages[first : first + size])
        digests.add(digest(store.digest_rows("r", log=feed.log), rules=store.rules("r", log=feed.log)))
    assert len(digests) == 1


def test_a_run_keeps_every_rule_it_was_judged_by(store: Store) -> None:
    Feed(store, rule=Rule(5, 3.0))(*ticks(1, 2))
    assert store.rules("r", log=LOG) == [Rule(5, 3.0)]
    Feed(store, rule=Rule(5, 2.5))(*ticks(3, first_seq=3))
    assert store.rules("r", log=LOG) == [Rule(5, 2.5), Rule(5, 3.0)]
    assert store.rules("s", log=LOG) == store.rules("r", log="tape:other") == []


def test_a_rule_under_which_no_tick_came_judged_nothing(store: Store) -> None:
    Feed(store, rule=Rule(5, 3.0))(*ticks(1, 2))
    Feed(store, rule=Rule(9, 9.0))(Close("r", "AAPL", 2), tick(1, seq=1))
    assert store.rules("r", log=LOG) == [Rule(5, 3.0)]


def test_every_act_of_writing_shows_in_changes(another: Open) -> None:
    store, other = another(), another()
    feed = Feed(store)
    seen = [(store.changes(), other.changes())]
    for act in (
        lambda: feed(*ticks(1, 2)),
        lambda: other.claim(LOG, [0]),
        lambda: store.post([PostedTick("X", 1.0, 1.0)]),
        lambda: Feed(other)(*ticks(3, first_seq=3)),
    ):
        act()
        seen.append((store.changes(), other.changes()))
    assert len({a for a, _ in seen}) == len({b for _, b in seen}) == 5
    assert (store.changes(), other.changes()) == seen[-1]


def test_a_database_is_the_same_whoever_asks_and_whatever_is_written(another: Open) -> None:
    store, other = another(), another()
    identity = store.identity()
    assert identity
    Feed(store)(*ticks(1, 2))
    assert store.identity() == other.identity() == identity


# --------------------------------------------------------------------------------------------- ticks for bars


def test_ticks_come_newest_written_first_with_the_run_they_are_of(store: Store) -> None:
    feed = Feed(store)
    feed(Tick("AAPL", 1.0, 1.0, size=2.5, seq=1, run="r"), *ticks(7, symbol="MSFT"))
    feed(Tick("AAPL", 2.0, 1.5), Tick("AAPL", 3.0, 0.5, seq=1, run="s"))
    store.post([PostedTick("AAPL", 4.0, 9.0, run="posted"), PostedTick("AAPL", 5.0, 9.5)])
    store.post([PostedTick("AAPL", 6.0, 2.0, late=True)])
    assert list(store.ticks("AAPL")) == [
        Tick("AAPL", 5.0, 9.5), Tick("AAPL", 4.0, 9.0, run="posted"), Tick("AAPL", 3.0, 0.5, seq=1, run="s"),
        Tick("AAPL", 2.0, 1.5), Tick("AAPL", 1.0, 1.0, size=2.5, seq=1, run="r"),
    ]  # fmt: skip


def test_late_ticks_are_not_among_those_that_came_in_order(store: Store) -> None:
    Feed(store)(tick(1, 5.0, seq=1), tick(2, 4.0, seq=2), tick(3, 6.0, seq=3))
    assert [found.price for found in store.ticks("AAPL")] == [3, 1]
    assert len(store.history("AAPL", limit=9)) == 3


@pytest.mark.parametrize("symbol", ["NOBODY", "\ud800"])
def test_ticks_of_a_symbol_that_was_never_seen_are_not_found(store: Store, symbol: str) -> None:
    with pytest.raises(NotFoundError, match="never seen"):
        store.ticks(symbol)


def test_whoever_reads_ticks_may_stop_and_others_may_write_meanwhile(another: Open) -> None:
    store, other = another(), another()
    feed = Feed(other)
    feed(*ticks(*range(1, 200)))
    reading = store.ticks("AAPL")
    assert next(reading).price == 199
    feed(*ticks(7, first_seq=200))
    assert next(reading).price == 198
    del reading
    assert next(store.ticks("AAPL")).price == 7


# --------------------------------------------------------------------------------------------- dead letters again


def test_a_letter_that_is_sent_again_is_marked_before_and_after(store: Store) -> None:
    Feed(store)(b"one", b"two", b"three")
    plain = {letter.id: letter for letter in store.dead_letters(limit=9)}
    before = store.changes()
    assert store.begin_resend([(plain[1], b"uno"), (plain[3], b"tre")]) == {1, 3}
    assert store.changes() != before
    begun = store.dead_letter(1)
    assert (begun.repaired, begun.resent_at, begun.raw) == (b"uno", None, b"one")
    assert begun.resend_begun_at is not None
    assert store.dead_letter(2) == plain[2]
    store.end_resend([3])
    assert store.dead_letter(3).resent_at is not None
    assert store.dead_letter(1) == begun
    assert store.begin_resend([(store.dead_letter(3), b"drei")]) == {3}
    assert (store.dead_letter(3).repaired, store.dead_letter(3).resent_at) == (b"drei", None)


def test_a_letter_keeps_the_key_of_its_message(store: Store) -> None:
    feed = Feed(store)
    keys: list[bytes | None] = [b"NYSE", None, b"\xff\x00"]
    batch = feed.engine.batch()
    feed.engine.add(
        batch, partition=0, offsets=[4, 7, 8], values=[b"one", b"two", b"three"], record_times_ms=[1, 2, 3], keys=keys
    )
    feed.commit(batch)
    assert [letter.key for letter in store.dead_letters(limit=9)] == keys[::-1]


def test_a_letter_is_taken_once_however_many_have_read_it(another: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    store, other = another(), another()
    Feed(store)(b"one", b"two")
    one, two = store.dead_letter(1), store.dead_letter(2)
    assert other.begin_resend([(one, b"uno")]) == {1}
    assert store.begin_resend([(one, b"eins"), (two, b"zwei")]) == {2}
    assert store.dead_letter(1).repaired == b"uno"
    doubtful = store.dead_letter(1)
    monkeypatch.setattr("time.time", lambda: 5.0)  # a clock that was set back
    assert other.begin_resend([(doubtful, b"due")]) == {1}
    assert store.begin_resend([(doubtful, b"drei")]) == frozenset()
    store.end_resend([1])
    assert store.begin_resend([(doubtful, b"drei")]) == frozenset()
    assert store.dead_letter(1).repaired == b"due"


@pytest.mark.parametrize("id_", [0, -1, 4, 2**63 - 1, 2**70])
def test_a_letter_that_is_not_there_is_not_sent_again_nor_those_with_it(store: Store, id_: int) -> None:
    Feed(store)(b"one", b"two", b"three")
    before = everything(store)
    one = store.dead_letter(1)
    with pytest.raises(NotFoundError):
        store.begin_resend([(one, b"uno"), (msgspec.structs.replace(one, id=id_), b"?")])
    with pytest.raises(NotFoundError):
        store.end_resend([1, id_])
    assert everything(store) == before


def test_dead_letters_are_counted_by_partition_and_reason(store: Store) -> None:
    feed = Feed(store)
    feed(b"?", b"{}", b"?", partition=2)
    feed(b"{}", partition=2)
    feed(b"{}", partition=0)
    reasons = {book.partition: book.reasons for book in store.partition_books()}
    assert reasons == {0: {"missing_field": 1}, 1: {}, 2: {"missing_field": 2, "not_json": 2}}
    assert store.books().reasons == {"missing_field": 3, "not_json": 2}


# --------------------------------------------------------------------------------------------- the whole account


def test_the_books_are_those_of_partitions_and_streams_after_every_commit(another: Open) -> None:
    store, other = another(), another()
    feed = Feed(store)
    acts = [
        lambda: feed(*ticks(1, 2), b"?", *ticks(5, first_seq=5)),
        lambda: feed(*ticks(1, symbol="MSFT", run="s"), partition=1),
        lambda: feed(Close("s", "MSFT", 1, 1), partition=1),
        lambda: feed(*ticks(1, symbol="MSFT", run="s"), partition=1),
        lambda: Feed(other, log="tape:other")(*ticks(1), Close("r", "AAPL", 1, 1)),
        lambda: other.post([PostedTick("X", 1.0, 1.0)]),
    ]
    for act in acts:
        act()
        for each in (store, other):
            assert each.books() == balance(each.partition_books(), each.stream_books())
            for run in ("r", "s", "nobody", "\ud800"):
                assert each.books(run=run) == balance(each.partition_books(), each.stream_books(run=run))
    assert [(book.log, book.run) for book in store.books().runs] == [("tape:other", "r"), (LOG, "r"), (LOG, "s")]


def test_what_a_stream_remembers_of_gaps_and_refusals_outlasts_its_owner(store: Store) -> None:
    feed = Feed(store)
    refused = b'{"symbol":"AAPL","price":0,"timestamp":1,"run":"r","seq":%d}'
    batch = feed(*ticks(1), refused % 2, refused % 3, *ticks(9, first_seq=9), refused % 11)
    (state,) = batch.streams.values()
    assert (state.refused, state.refused_seqs) == (3, [[2, 3], [11, 11]])
    assert [(found.first, found.last) for found in state.breaks] == [(4, 8), (10, 10)]
    (loaded,) = store.load_streams(list(batch.streams)).values()
    assert loaded == state
    loaded.breaks.clear()
    loaded.refused_seqs[0][0] = 1
    assert store.load_streams(list(batch.streams)) == batch.streams, "a copy that is the caller's own"


def test_a_store_that_was_only_written_by_us_has_no_problems(another: Open) -> None:
    store, other = another(), another()
    assert list(store.problems()) == []
    feed = Feed(store)
    feed(*ticks(10, 20, 5), b"?", *ticks(1, first_seq=2), *ticks(9, first_seq=7), Close("r", "AAPL", 8, 1))
    other.post([PostedTick("AAPL", 1.0, 1.0), PostedTick("X", 1.0, 1.0, log=LOG, partition=0, offset=1)])
    other.begin_resend([(other.dead_letter(1), b"x")])
    Feed(other)(*ticks(8, first_seq=8), b"{}", partition=1)
    for each in (store, other):
        assert list(each.problems()) == []


# --------------------------------------------------------------------------------------------- records by HTTP


def test_a_posted_record_stands_outside_the_books(store: Store) -> None:
    feed = Feed(store)
    feed(*ticks(10))
    books = store.partition_books(), list(store.stream_books()), list(store.digest_rows("r", log=LOG))
    posted = PostedTick("AAPL", 99.0, 5.0, moving_average=50.0, alert="⚠️ AAPL changed by 890.00%", change_pct=890.0)
    assert store.post([posted]) == 1
    assert store.latest() == [
        Record(symbol="AAPL", price=99.0, moving_average=50.0, alert="⚠️ AAPL changed by 890.00%", timestamp=5.0, id=2,
               change_pct=890.0)
    ]  # fmt: skip
    assert (store.partition_books(), list(store.stream_books()), list(store.digest_rows("r", log=LOG))) == books
    assert store.alerts(limit=9) == []


def test_posted_and_consumed_records_share_one_history(another: Open) -> None:
    store, other = another(), another()
    feed = Feed(store)
    for number in range(4):
        feed(*ticks(number * 2 + 1, first_seq=number + 1))
        other.post([PostedTick("AAPL", number * 2 + 2, 5.0), PostedTick("MSFT", 1.0, 1.0)])
    assert [record.price for record in store.history("AAPL", limit=99)] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert other.history("AAPL", limit=99) == store.history("AAPL", limit=99)
    assert len(store.history("MSFT", limit=99)) == 4


def test_a_record_that_names_its_place_is_kept_once(store: Store) -> None:
    ticks_ = [PostedTick("A", 1.0 + n, 1.0, run="r", seq=n + 1, log=LOG, partition=0, offset=n) for n in range(3)]
    assert store.post(ticks_[:2]) == 2
    assert store.post([*ticks_, ticks_[2]]) == 1
    assert [(r.price, r.run, r.seq, r.partition, r.offset) for r in store.history("A", limit=9)] == [
        (3, "r", 3, 0, 2), (2, "r", 2, 0, 1), (1, "r", 1, 0, 0),
    ]  # fmt: skip
    other = [PostedTick("A", 1.0, 1.0, log="tape:other", partition=0, offset=0),
             PostedTick("A", 1.0, 1.0, log=LOG, partition=1, offset=0)]  # fmt: skip
    assert store.post(other) == 2


def test_records_without_a_place_are_kept_as_often_as_they_come(store: Store) -> None:
    same = PostedTick("A", 1.0, 1.0, run="r", seq=1, partition=3, offset=4)
    assert store.post([same, same]) == 2
    assert store.post([same]) == 1
    assert [(r.id, r.partition, r.offset) for r in store.history("A", limit=9)] == [(n, None, None) for n in (3, 2, 1)]


def test_a_posted_record_may_be_late(store: Store) -> None:
    store.post([PostedTick("A", 1.0, 1.0, late=True)])
    assert store.latest()[0].late
    assert store.history("A", limit=1)[0].late


def test_nothing_posted_is_nothing_written(store: Store) -> None:
    assert store.post([]) == 0


def test_of_several_posted_records_of_a_symbol_the_last_is_the_latest(store: Store) -> None:
    store.post([PostedTick("A", 1.0, 1.0, change_pct=-4.0), PostedTick("B", 7.0, 1.0), PostedTick("A", 2.0, 1.0)])
    assert [(record.symbol, record.price) for record in store.latest()] == [("A", 2.0), ("B", 7.0)]
    move = store.largest_move()
    assert move is not None
    assert (move.id, move.change_pct) == (1, -4.0)


# --------------------------------------------------------------------------------------------- several stores


def test_two_writers_in_turn_lose_nothing_and_keep_one_chain(another: Open) -> None:
    one, two = Feed(another(), partitions=[0]), Feed(another(), partitions=[1])
    for number in range(10):
        one(*ticks(1, 2, 3, first_seq=3 * number + 1), partition=0)
        two(
            *ticks(4, 5, run="s", first_seq=2 * number + 1), *ticks(9, symbol="MSFT", first_seq=number + 1), partition=1
        )
        if number % 3 == 0:
            one(*ticks(7, symbol="MSFT", run="z", first_seq=number + 1), partition=0)
    for feed in (one, two):
        history = feed.store.history("AAPL", limit=1000)
        assert [record.price for record in reversed(history)] == [1, 2, 3, 4, 5] * 10
        assert len(feed.store.history("MSFT", limit=1000)) == 14
    ids = [r.id for symbol in ("AAPL", "MSFT") for r in one.store.history(symbol, limit=1000)]
    assert sorted(ids) == list(range(1, 65))


def test_a_closed_store_says_so(store: Store) -> None:
    feed = Feed(store)
    batch = feed.batch(*ticks(1))
    store.close()
    store.close()
    for act in (store.latest, lambda: feed.commit(batch), lambda: store.claim(LOG, [0]), store.changes,
                lambda: list(store.stream_books())):  # fmt: skip
        with pytest.raises(StoreError, match="closed"):
            act()


def test_the_twin_fails_as_often_as_it_is_told_and_writes_nothing() -> None:
    store = MemoryStore()
    feed = Feed(store)
    batch = feed.batch(*ticks(1, 2))
    store.fail(StoreFullError("no room"), times=2)
    before = everything(store), store.changes()
    for _ in range(2):
        with pytest.raises(StoreFullError, match="no room"):
            feed.commit(batch)
    assert (everything(store), store.changes()) == before
    feed.commit(batch)
    assert len(store.history("AAPL", limit=9)) == 2
