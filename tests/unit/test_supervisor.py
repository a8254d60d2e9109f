"""When a child that dies is started again, and when not any more."""

from __future__ import annotations

import signal
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketlab.books import RunBook
from marketlab.digest import DigestRow, digest
from marketlab.errors import MarketlabError
from marketlab.model import Rule
from marketlab.supervisor import MAX_DEATHS, Child, Pipeline
from marketlab.testing.memory_store import MemoryStore


class Mortal(Child):
    """A child that is dead whenever somebody looks."""

    def start(self, *more: str) -> None:
        self.started = (*getattr(self, "started", ()), more)

    def close(self) -> None:
        pass

    @property
    def code(self) -> int | None:
        return -signal.SIGKILL


@pytest.fixture
def child(tmp_path: Path) -> Mortal:
    return Mortal("consumer", ["consume"], home=tmp_path, log=tmp_path / "consumer.log")


def test_a_child_that_dies_again_and_again_and_does_nothing_is_given_up(child: Mortal) -> None:
    for _ in range(MAX_DEATHS):
        child.restart()
    with pytest.raises(MarketlabError, match=r"consumer died 6 times .* signal 9 \(SIGKILL\)"):
        child.restart()


def test_a_child_that_gets_something_done_may_die_any_number_of_times(child: Mortal) -> None:
    for _ in range(10 * MAX_DEATHS):
        child.restart("--run", "r")
        child.thrives()
    assert child.restarts == len(child.started) == 10 * MAX_DEATHS


class LongRun(MemoryStore):
    """Holds a run of so many ticks, every third an alert, without holding its rows."""

    def __init__(self, ticks: int) -> None:
        super().__init__()
        self._ticks = ticks

    def digest_rows(self, run: str, *, log: str) -> Iterator[DigestRow]:
        for ordinal in range(1, self._ticks + 1):
            alert = "⚠️ A changed by 3.00%" if ordinal % 3 == 0 else None
            yield "A", ordinal, 1.0 / ordinal, float(ordinal), None, 1.0 / ordinal, alert, False

    def rules(self, run: str, *, log: str) -> list[Rule]:
        return [Rule()]


def test_what_a_run_comes_to_is_told_without_holding_its_rows(tmp_path: Path) -> None:
    store = LongRun(ticks := 30_000)
    pipeline = Pipeline(tmp_path, producer=[], consumer=[], api=[], reader=store, log="log")
    tracemalloc.start()
    try:
        result = pipeline._result(RunBook("r", "log", stored=ticks), ticks, {}, 1.0)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (result.alerts, result.digest) == (10_000, digest(store.digest_rows("r", log="log"), rules=[Rule()]))
    assert most < 10 * ticks, "bytes; a row takes some 150"
