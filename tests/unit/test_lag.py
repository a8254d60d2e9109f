"""How far behind: over the twins of log and store, and never at the price of a wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from marketlab import lag as lags
from marketlab.errors import TransportError
from marketlab.lag import GroupLag
from marketlab.model import Batch
from marketlab.ports import Transport
from marketlab.testing.memory_log import MemoryLog
from marketlab.testing.memory_store import MemoryStore
from tests.support import eventually


class Bench:
    """A log, a store that is behind it, and what asks."""

    def __init__(self) -> None:
        self.log = MemoryLog(3)
        self.store = MemoryStore()
        self.connected = 0
        self.there = True
        self.lag = GroupLag(self.connect, MemoryStore(beside=self.store))

    def connect(self) -> Transport | None:
        self.connected += 1
        return self.log if self.there else None

    def put(self, *counts: int) -> None:
        for partition, count in enumerate(counts):
            for _ in range(count):
                self.log.append(partition, b"x")

    def store_up_to(self, offsets: dict[int, int]) -> None:
        positions = self.store.claim(self.log.log_id, offsets)
        self.store.commit(Batch(self.log.log_id, next_offsets=offsets), expected=positions)

    def soon(self, wanted: object) -> None:
        eventually(lambda: self.lag() == wanted, what=f"a lag of {wanted}, was {self.lag()}")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in ("EVERY_S", "RETRY_S"):
        monkeypatch.setattr(lags, name, 0.005)
    made = Bench()
    with closing(made.lag):
        yield made


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "group-lag"]


def test_what_is_on_the_log_and_not_stored_is_behind(bench: Bench) -> None:
    bench.put(5, 3, 0)
    bench.store_up_to({0: 2, 1: 3, 2: 0})
    assert bench.lag(wait_s=20) == {0: 3, 1: 0, 2: 0}
    bench.put(0, 0, 4)
    bench.soon({0: 3, 1: 0, 2: 4})
    bench.store_up_to({0: 5, 2: 4})
    bench.soon({0: 0, 1: 0, 2: 0})
    assert bench.connected == 1, "the log is not looked up for every question"


def test_what_the_log_has_forgotten_is_not_behind_but_lost(bench: Bench) -> None:
    bench.put(10, 10)
    bench.log.trim(0, before=6)
    bench.store_up_to({0: 2, 1: 0})
    assert bench.lag(wait_s=20) == {0: 4, 1: 10, 2: 0}


def test_a_log_that_this_store_never_read_has_no_lag(bench: Bench) -> None:
    bench.put(5)
    assert bench.lag(wait_s=20) is None
    bench.store_up_to({0: 0})
    bench.soon({0: 5, 1: 0, 2: 0})


def test_a_call_waits_for_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    answered, asked = threading.Event(), threading.Event()

    def slow(*, timeout_s: float) -> dict[int, range]:
        asked.set()
        answered.wait(20)
        return {0: range(7)}

    monkeypatch.setattr(bench.log, "held", slow)
    bench.store_up_to({0: 0})
    try:
        assert bench.lag() is None
        assert asked.wait(20)
        assert bench.lag(wait_s=0.01) is None
    finally:
        answered.set()
    bench.soon({0: 7})


def test_a_log_that_is_away_is_unknown_until_it_is_back(bench: Bench) -> None:
    bench.put(5)
    bench.store_up_to({0: 0})
    bench.soon({0: 5, 1: 0, 2: 0})
    bench.log.stop()
    bench.soon(None)
    connected = bench.connected
    eventually(lambda: bench.lag() is None and bench.connected > connected, what="another look for the log")
    bench.log.start()
    bench.soon({0: 5, 1: 0, 2: 0})


def test_where_no_broker_runs_nothing_is_known(bench: Bench) -> None:
    bench.there = False
    bench.soon(None)
    bench.there = True
    bench.store_up_to({0: 0})
    bench.soon({0: 0, 1: 0, 2: 0})


def test_a_log_that_cannot_be_looked_up_is_unknown(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Transport | None:
        bench.connected += 1
        raise TransportError("no broker answers")

    monkeypatch.setattr(bench.lag, "_connect", fail)
    eventually(lambda: bench.lag() is None and bench.connected > 2, what="three tries")


def test_an_old_answer_is_not_believed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.store_up_to({0: 0})
    assert bench.lag(wait_s=20) == {0: 0, 1: 0, 2: 0}
    monkeypatch.setattr(lags, "BELIEVED_S", -1.0)
    assert bench.lag() is None


def test_nobody_is_asked_when_nobody_wants_to_know(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lags, "WANTED_S", 0.01)
    bench.store_up_to({0: 0})
    for _ in range(2):
        assert bench.lag(wait_s=20) is not None
        eventually(lambda: not threads(), what="the end of the thread")


def test_a_closed_one_knows_nothing_and_leaves_no_thread(bench: Bench) -> None:
    bench.lag(wait_s=20)
    bench.lag.close()
    bench.lag.close()
    eventually(lambda: not threads(), what="the end of the thread")
    assert bench.lag() in (None, {0: 0, 1: 0, 2: 0})
    assert not threads()
