"""The consumer's loop over twins in memory: crashes, rebalances, zombies, a store without room."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from marketlab.books import balance
from marketlab.consumer import CLOSE_S, POLL_S, Consumer, Summary
from marketlab.digest import digest
from marketlab.errors import OffsetOutOfRangeError, StoreBusyError, StoreError, StoreFullError
from marketlab.model import Batch, Rule, StreamKey, StreamState, Tick
from marketlab.ports import Assigned, Messages, Subscription
from marketlab.producer import Pace, Producer
from marketlab.store.connection import BUSY_TIMEOUT_S
from marketlab.testing.memory_log import MemoryLog
from marketlab.testing.memory_store import MemoryStore

SYMBOLS = ("AAPL", "GOOG", "MSFT", "AMZN")


def ticks(count: int) -> Iterator[Tick]:
    for number in range(count):
        yield Tick(SYMBOLS[number % 4], 100.0 + number * 7 % 11, 1_730_896_200.0 + number)


def produce(log: MemoryLog, count: int, *, run: str = "r1") -> None:
    Producer(log.publisher(), run=run).run(ticks(count), threading.Event(), pace=Pace())


def consumer(log: MemoryLog, store: MemoryStore, **given: object) -> Consumer:
    instance = given.pop("instance_id", None)
    return Consumer(
        lambda: log.subscribe("g", instance_id=instance),  # type: ignore[arg-type]
        store,
        log=log.log_id,
        rule=Rule(),
        **given,  # type: ignore[arg-type]
    )


def drain(log: MemoryLog, store: MemoryStore, **given: object) -> Summary:
    return consumer(log, store, **given).run(threading.Event(), drain=True)


def digest_of(store: MemoryStore, log: MemoryLog, run: str = "r1") -> str:
    return digest(store.digest_rows(run, log=log.log_id), rules=store.rules(run, log=log.log_id))


def undisturbed(count: int) -> str:
    log, store = MemoryLog(), MemoryStore()
    produce(log, count)
    drain(log, store)
    return digest_of(store, log)


def books(store: MemoryStore) -> object:
    return balance(store.partition_books(), store.stream_books())


def test_everything_is_stored_and_the_books_balance() -> None:
    log, store = MemoryLog(), MemoryStore()
    produce(log, 500)
    summary = drain(log, store, batch_size=37)
    assert summary.counts.as_dict() == {
        "received": 504, "stored": 500, "late": 0, "duplicate": 0, "dead_lettered": 0, "control": 4,
    }  # fmt: skip
    account = balance(store.partition_books(), store.stream_books())
    assert account.balanced
    assert [(run.state, run.produced, run.stored) for run in account.runs] == [("closed", 500, 500)]


def test_draining_again_reads_nothing_twice() -> None:
    log, store = MemoryLog(), MemoryStore()
    produce(log, 50)
    drain(log, store)
    assert drain(log, store).counts.received == 0


def test_an_empty_log_is_drained_at_once() -> None:
    assert drain(MemoryLog(), MemoryStore()).counts.received == 0


@pytest.mark.parametrize("batch_size", [1, 3, 7, 1000])
def test_the_size_of_batches_does_not_change_the_digest(batch_size: int) -> None:
    log, store = MemoryLog(), MemoryStore()
    produce(log, 200)
    drain(log, store, batch_size=batch_size)
    assert digest_of(store, log) == undisturbed(200)


class CrashError(Exception):
    """The process is gone."""


def crash_after(batches: int) -> Callable[[Batch], None]:
    left = iter(range(batches))

    def listener(_: Batch) -> None:
        if next(left, None) is None:
            raise CrashError

    return listener


@pytest.mark.parametrize("batches", range(6))
def test_a_crash_after_any_commit_loses_and_repeats_nothing(batches: int) -> None:
    log, store = MemoryLog(), MemoryStore()
    produce(log, 200)
    with pytest.raises(CrashError):
        drain(log, store, batch_size=20, listeners=[crash_after(batches)])
    drain(log, store, batch_size=33)
    assert balance(store.partition_books(), store.stream_books()).balanced
    assert digest_of(store, log) == undisturbed(200)


def test_a_commit_that_fails_for_good_stops_and_a_restart_loses_nothing() -> None:
    log, store = MemoryLog(), MemoryStore()
    produce(log, 100)
    other = MemoryStore(beside=store)
    other.fail(StoreError("the file is damaged"))
    with pytest.raises(StoreError, match="damaged"):
        drain(log, other, batch_size=10)
    drain(log, store)
    assert digest_of(store, log) == undisturbed(100)


@pytest.mark.parametrize("error", [StoreFullError("no room"), StoreBusyError("locked")])
def test_a_store_without_room_is_waited_for_and_nothing_is_dropped(error: StoreError) -> None:
    log, store = MemoryLog(), MemoryStore()
    produce(log, 100)
    said: list[str | None] = []

    def trouble(text: str | None) -> None:
        said.append(text)

    def fail_in_the_middle(_: Batch) -> None:
        if len(said) < 4:
            store.fail(error, times=2)

    store.fail(error)  # the claim meets it too
    drain(log, store, batch_size=10, trouble=trouble, listeners=[fail_in_the_middle])
    assert str(error) in said
    assert said[-1] is None
    assert balance(store.partition_books(), store.stream_books()).balanced
    assert digest_of(store, log) == undisturbed(100)


def test_a_stop_while_the_disk_is_full_says_so_and_loses_nothing() -> None:
    log, store = MemoryLog(), MemoryStore()
    produce(log, 100)
    stop = threading.Event()
    full = MemoryStore(beside=store)

    def trouble(text: str | None) -> None:
        if text:
            stop.set()

    member = consumer(
        log, full, batch_size=10, trouble=trouble, listeners=[lambda _: full.fail(StoreFullError("x"), times=99)]
    )
    with pytest.raises(StoreFullError):
        member.run(stop)
    drain(log, store)
    assert digest_of(store, log) == undisturbed(100)


def test_an_assignment_that_changes_while_the_store_is_full_is_obeyed() -> None:
    log, store = MemoryLog(), MemoryStore()
    produce(log, 100)
    busy = MemoryStore(beside=store)
    seen: list[Batch] = []

    def trouble(text: str | None) -> None:
        if text:
            log.rebalance("g")

    def listener(batch: Batch) -> None:
        seen.append(batch)
        if len(seen) == 2:
            busy.fail(StoreFullError("x"), times=2)

    drain(log, busy, batch_size=10, trouble=trouble, listeners=[listener])
    assert balance(store.partition_books(), store.stream_books()).balanced
    assert digest_of(store, log) == undisturbed(100)


def acting_between_poll_and_commit(inner: Subscription, act: Callable[[], None]) -> Subscription:
    """A subscription that does something once, after it has handed over its first messages."""
    poll, todo = inner.poll, [act]

    def wrapped(*, timeout_s: float, max_messages: int = 5000) -> Assigned | Messages:
        polled = poll(timeout_s=timeout_s, max_messages=max_messages)
        if todo and isinstance(polled, Messages) and polled:
            todo.pop()()
        return polled

    inner.poll = wrapped  # type: ignore[method-assign]
    return inner


def test_a_zombie_that_wakes_after_another_took_over_writes_nothing() -> None:
    log, store = MemoryLog(), MemoryStore()
    produce(log, 200)
    said: list[str | None] = []

    def another_takes_over() -> None:
        other = MemoryStore(beside=store)
        Consumer(lambda: log.subscribe("other-group"), other, log=log.log_id, rule=Rule(), batch_size=50).run(
            threading.Event(), drain=True
        )

    subscriptions = iter([acting_between_poll_and_commit(log.subscribe("g"), another_takes_over)])

    def subscribe() -> Subscription:
        return next(subscriptions, None) or log.subscribe("g")

    zombie = Consumer(subscribe, store, log=log.log_id, rule=Rule(), batch_size=20, trouble=said.append)
    summary = zombie.run(threading.Event(), drain=True)
    assert summary.counts.received == 0
    assert any(text and "took over" in text for text in said)
    assert balance(store.partition_books(), store.stream_books()).balanced
    assert digest_of(store, log) == undisturbed(200)


def test_two_members_share_the_log_and_the_digest_is_the_same() -> None:
    log, store = MemoryLog(), MemoryStore()
    produce(log, 400)
    stop = threading.Event()
    members = [consumer(log, MemoryStore(beside=store), batch_size=10) for _ in range(2)]
    threads = [threading.Thread(target=member.run, args=(stop,)) for member in members]
    for thread in threads:
        thread.start()
    enough = threading.Event()
    try:
        for _ in range(2000):
            if sum(book.counts.received for book in store.partition_books()) == 404:
                break
            enough.wait(0.01)
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
    assert balance(store.partition_books(), store.stream_books()).balanced
    assert digest_of(store, log) == undisturbed(400)


def test_an_offset_that_is_gone_stops_with_the_range() -> None:
    log, store = MemoryLog(partitions=1), MemoryStore()
    produce(log, 100)
    with pytest.raises(CrashError):
        drain(log, store, batch_size=10, listeners=[crash_after(2)])
    log.trim(0, 60)
    with pytest.raises(OffsetOutOfRangeError, match="60"):
        drain(log, store)


def test_how_far_it_is_is_reported_for_lag_tools() -> None:
    log, store = MemoryLog(), MemoryStore()
    produce(log, 100)
    drain(log, store)
    assert sum(log.committed("g").values()) == 104


def test_a_stop_ends_an_idle_consumer() -> None:
    log, stop = MemoryLog(), threading.Event()
    thread = threading.Thread(target=consumer(log, MemoryStore()).run, args=(stop,))
    thread.start()
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_log_that_goes_away_while_it_is_claimed_is_waited_for() -> None:
    log, store = MemoryLog(), MemoryStore()
    produce(log, 100)
    stop, said = threading.Event(), []

    def trouble(text: str | None) -> None:
        if text:
            said.append(text)
            log.start()

    def subscribe() -> Subscription:
        subscription = log.subscribe("g")
        claim = store.claim

        def claim_and_lose(*given: object) -> object:
            if not said:
                log.stop()
            return claim(*given)  # type: ignore[arg-type]

        store.claim = claim_and_lose  # type: ignore[method-assign, assignment]
        return subscription

    def listener(_: Batch) -> None:
        if sum(book.counts.received for book in store.partition_books()) == 104:
            stop.set()

    Consumer(subscribe, store, log=log.log_id, rule=Rule(), trouble=trouble, listeners=[listener]).run(stop)
    assert len(said) == 1
    assert digest_of(store, log) == undisturbed(100)


class LockedStore(MemoryStore):
    """A store that a stranger has locked against readers too, for a while."""

    locked = 2

    def load_streams(self, keys: Sequence[StreamKey]) -> dict[StreamKey, StreamState]:
        if self.locked:
            self.locked -= 1
            raise StoreBusyError("locked")
        return super().load_streams(keys)


def test_a_store_that_is_locked_while_streams_are_read_is_waited_for() -> None:
    log, store = MemoryLog(), LockedStore()
    produce(log, 100)
    said: list[str | None] = []
    drain(log, store, trouble=said.append)
    assert said == ["locked", "locked", None]
    assert digest_of(store, log) == undisturbed(100)


def test_a_consumer_that_lost_its_partitions_waits_for_a_log_that_is_away() -> None:
    log, store = MemoryLog(), MemoryStore()
    produce(log, 100)
    said: list[str] = []

    def another_takes_over_and_the_log_goes() -> None:
        MemoryStore(beside=store).claim(log.log_id, range(3))
        log.stop()

    def trouble(text: str | None) -> None:
        if text:
            said.append(text)
        if len(said) == 2:
            log.start()

    subscriptions = iter([acting_between_poll_and_commit(log.subscribe("g"), another_takes_over_and_the_log_goes)])
    member = Consumer(
        lambda: next(subscriptions, None) or log.subscribe("g"), store, log=log.log_id, rule=Rule(), trouble=trouble
    )
    member.run(threading.Event(), drain=True)
    assert ["took over" in said[0], "log is stopped" in said[1]] == [True, True]
    assert digest_of(store, log) == undisturbed(100)


def test_a_stop_while_a_claim_waits_tries_once_more_before_it_gives_up() -> None:
    log, store, stop = MemoryLog(), MemoryStore(), threading.Event()
    store.fail(StoreFullError("no room"))
    consumer(log, store, trouble=lambda _: stop.set()).run(stop)
    assert len(store.partition_books()) == 3
    stop.clear()
    store.fail(StoreFullError("no room"), times=2)
    with pytest.raises(StoreFullError):
        consumer(log, store, trouble=lambda _: stop.set()).run(stop)


def test_the_waits_on_the_way_of_a_stop_add_up_to_less_than_five_seconds() -> None:
    assert POLL_S + BUSY_TIMEOUT_S + CLOSE_S <= 5
