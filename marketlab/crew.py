"""Threads that come one by one and all go together, for a cell of a notebook that shows several at work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

__all__ = ["Crew"]


class Crew:
    """Runs a function in a thread for each name that is hired; at the end of the block all are stopped and waited for.

    ::

        def work(name, stop):
            while not stop.is_set():
                ...

        with Crew(work) as crew:
            crew.hire("A")

    However the block ends, by an interrupt for instance: nobody goes on working behind the learner's back.

    :param work: called with a name and an event; must return soon after the event is set
    """

    def __init__(self, work: Callable[[str, threading.Event], object]) -> None:
        self._work = work
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    def hire(self, name: str) -> None:
        """Set one to work.

        :raises BaseException: what another one of the crew has raised meanwhile
        """
        self._raise_first()
        thread = threading.Thread(target=self._run, args=(name,), name=f"crew {name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if kind is None:
            self._raise_first()

    def _run(self, name: str) -> None:
        try:
            self._work(name, self._stop)
        except BaseException as error:  # noqa: BLE001 (raised again where it is seen, in the learner's cell)
            self._errors.append(error)

    def _raise_first(self) -> None:
        if self._errors:
            raise self._errors[0]
