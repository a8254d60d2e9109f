"""When a child that dies is started again, and when not any more."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from marketlab.errors import MarketlabError
from marketlab.supervisor import MAX_DEATHS, Child


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
