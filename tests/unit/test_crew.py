"""Threads that come one by one and go together."""

from __future__ import annotations

import threading

import pytest

from marketlab.crew import Crew


def crew_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("crew ")]


def test_all_that_were_hired_end_with_the_block() -> None:
    begun = threading.Barrier(3)
    ended: list[str] = []

    def work(name: str, stop: threading.Event) -> None:
        begun.wait(5)
        stop.wait(5)
        ended.append(name)

    with Crew(work) as crew:
        crew.hire("A")
        crew.hire("B")
        begun.wait(5)
        assert sorted(crew_threads()) == ["crew A", "crew B"]
    assert sorted(ended) == ["A", "B"]
    assert crew_threads() == []


def test_they_end_after_an_interrupt_too() -> None:
    stopped = threading.Event()

    def work(name: str, stop: threading.Event) -> None:
        stop.wait(5)
        stopped.set()

    def interrupted() -> None:
        with Crew(work) as crew:
            crew.hire("A")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert stopped.is_set()
    assert crew_threads() == []


def test_what_one_of_them_raises_is_raised_in_the_cell() -> None:
    def work(name: str, stop: threading.Event) -> None:
        raise ZeroDivisionError(name)

    with pytest.raises(ZeroDivisionError, match="A"), Crew(work) as crew:
        crew.hire("A")
