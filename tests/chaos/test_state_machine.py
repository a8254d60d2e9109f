"""Chance drives consumers over every store and log; all of them must agree with the model of a few lines."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from marketlab.consumer import Consumer
from marketlab.errors import StaleOwnerError
from marketlab.model import Batch, Close, Rule, Tick
from marketlab.partitioner import Partitioner
from marketlab.ports import Publisher, Store, Transport
from marketlab.store import SqliteStore
from marketlab.testing.memory_log import MemoryLog
from marketlab.testing.memory_store import MemoryStore
from marketlab.transports import KafkaConfig, KafkaTransport, TapeTransport
from marketlab.wire import decode, encode, encode_close
from tests.chaos.model import account

SYMBOLS = ("A", "B", "C/D")
MESSAGES = st.one_of(
    # out of order, twice, with gaps and without a number, as chance has it
    st.builds(
        Tick,
        st.sampled_from(SYMBOLS),
        st.sampled_from([1.0, 1.02, 1.03, 2.0, 1e11, 0.1 + 0.2]),
        st.sampled_from([1.0, 2.0, 3.0]),
        st.none() | st.just(2.5),
        st.none() | st.integers(1, 9),
        st.sampled_from(["", "r"]),
    ).map(encode),
    st.builds(Close, st.just("r"), st.sampled_from(SYMBOLS), st.integers(0, 12)).map(encode_close),
    st.sampled_from([b"?", b'{"symbol":"A","price":0,"timestamp":1,"seq":4,"run":"r"}']),
)


class CrashError(Exception):
    """The process is gone."""


class Pipeline(RuleBasedStateMachine):
    """One log, and two members of a group on one store, of which each may crash, sleep or lose its partitions."""

    make_log: ClassVar[Callable[[Path], Transport]]
    make_stores: ClassVar[Callable[[Path], tuple[Store, Store]]]

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name)
        self.log = type(self).make_log(path)
        self.publisher: Publisher = self.log.publisher()
        self.publisher.flush(timeout_s=10)
        self.stores = type(self).make_stores(path)
        self.partition_of = Partitioner(self.log.partitions)
        self.sent: list[list[bytes]] = [[] for _ in range(self.log.partitions)]
        self.asleep: list[tuple[Store, Batch, object]] = []

    @rule(messages=st.lists(MESSAGES, min_size=1, max_size=12))
    def send(self, messages: list[bytes]) -> None:
        for value in messages:
            item = decode(value, 2e9)
            key = (item.symbol or "A").encode()
            self.publisher.send(value, key=key)
            self.sent[self.partition_of(key)].append(value)
        self.publisher.flush(timeout_s=10)

    @rule(who=st.integers(0, 1), batch_size=st.integers(1, 9))
    def consume_to_the_end(self, who: int, batch_size: int) -> None:
        self.consume(self.stores[who], batch_size)

    @rule(who=st.integers(0, 1), batches=st.integers(0, 3), batch_size=st.integers(1, 5))
    def crash(self, who: int, batches: int, batch_size: int) -> None:
        left = iter(range(batches))

        def listener(_: Batch) -> None:
            if next(left, None) is None:
                raise CrashError

        with suppress(CrashError):
            self.consume(self.stores[who], batch_size, listener)

    @rule(who=st.integers(0, 1))
    def fall_asleep(self, who: int) -> None:
        """A consumer that has claimed, read and analysed, and does not commit yet."""
        store, asleep = self.stores[who], self.asleep

        class Sleeper(type(store)):  # type: ignore[misc]
            def commit(self, batch: Batch, *, expected: object) -> object:
                asleep.append((store, batch, expected))
                raise CrashError

        kind = store.__class__
        store.__class__ = Sleeper
        try:
            self.consume(store, 3)
        except CrashError:
            pass
        finally:
            store.__class__ = kind

    @rule()
    def wake_up(self) -> None:
        """It commits what it holds; if anybody claimed meanwhile, or wrote, that is refused."""
        while self.asleep:
            store, batch, expected = self.asleep.pop()
            with suppress(StaleOwnerError):
                store.commit(batch, expected=expected)  # type: ignore[arg-type]

    @rule(who=st.integers(0, 1))
    def claim_and_do_nothing(self, who: int) -> None:
        self.stores[who].claim(self.log.log_id, range(self.log.partitions))

    def consume(self, store: Store, batch_size: int, *listeners: Callable[[Batch], None]) -> None:
        consumer = Consumer(
            lambda: self.log.subscribe("g", instance_id="a"), store, log=self.log.log_id, rule=Rule(),
            batch_size=batch_size, listeners=listeners,
        )  # fmt: skip
        consumer.run(threading.Event(), drain=True)

    @invariant()
    def the_store_holds_what_the_model_makes_of_what_was_read(self) -> None:
        if not hasattr(self, "stores"):
            return
        for store in self.stores:
            read = {book.partition: book.counts.received for book in store.partition_books()}
            items = [
                decode(value, 2e9) for number, part in enumerate(self.sent) for value in part[: read.get(number, 0)]
            ]
            model = account(items)
            for run in ("", "r"):
                wanted = [tuple(row) for key, it in sorted(model.items()) if key[0] == run for row in it.rows]
                assert list(store.digest_rows(run, log=self.log.log_id)) == wanted
            found = {
                (book.run, book.symbol): (
                    book.stored + book.late, book.duplicate, book.refused, book.produced,
                    {seq for first, last in book.gaps for seq in range(first, last + 1)},
                )
                for book in store.stream_books()
            }  # fmt: skip
            assert found == {
                key: (len(it.rows), it.duplicate, it.refused, it.last_seq, it.lost) for key, it in model.items()
            }
            assert all(book.balanced for book in store.partition_books())

    def teardown(self) -> None:
        if hasattr(self, "stores"):
            self.consume(self.stores[0], 5)
            self.the_store_holds_what_the_model_makes_of_what_was_read()
            assert sum(book.counts.received for book in self.stores[0].partition_books()) == sum(map(len, self.sent))
            for store in self.stores:
                store.close()
            self.publisher.close(timeout_s=2)
            self.log.close()
            self.folder.cleanup()


def tape(folder: Path) -> Transport:
    return TapeTransport(folder / "tape.jsonl", topic="t", partitions=2, clock=lambda: 2e9)


def memory(_: Path) -> Transport:
    return MemoryLog(2, clock=lambda: 2e9)


def sqlite(folder: Path) -> tuple[Store, Store]:
    return SqliteStore(folder / "marketlab.db"), SqliteStore(folder / "marketlab.db")


def twins(_: Path) -> tuple[Store, Store]:
    first = MemoryStore()
    return first, MemoryStore(beside=first)


def check(
    log: Callable[[Path], Transport], stores: Callable[[Path], tuple[Store, Store]], *, examples: int, steps: int
) -> None:
    machine = type("Machine", (Pipeline,), {"make_log": staticmethod(log), "make_stores": staticmethod(stores)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketlab.consumer.POLL_S", 0.01)


@pytest.mark.parametrize("log", [memory, tape])
@pytest.mark.parametrize("stores", [sqlite, twins])
def test_crashes_zombies_and_disorder_agree_with_the_model(
    log: Callable[[Path], Transport], stores: Callable[[Path], tuple[Store, Store]]
) -> None:
    check(log, stores, examples=20, steps=15)


@pytest.mark.broker
@pytest.mark.parametrize("stores", [sqlite, twins])
def test_the_same_holds_on_kafka(
    broker: str,
    topic: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    stores: Callable[[Path], tuple[Store, Store]],
) -> None:
    monkeypatch.setattr("marketlab.consumer.POLL_S", 0.1)

    def kafka(_: Path) -> Transport:
        return KafkaTransport(KafkaConfig(bootstrap_servers=broker, topic=topic(partitions=2)))

    check(kafka, stores, examples=2, steps=8)
