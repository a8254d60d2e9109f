"""Runs what a learner wrote in a thread of its own, so that a loop without end can be told instead of waited for."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Self

__all__ = ["LIMIT_S", "Runner", "TooLongError"]

LIMIT_S = 2.0  # for one call; a right answer takes less than a thousandth of it


class TooLongError(Exception):
    """One call did not come back in time."""


class _StopError(BaseException):
    """Put into the thread from outside; no Exception, which a learner's code may catch."""


class Runner:
    """A ``with`` block in which calls are given ``limit_s`` seconds each."""

    def __init__(self, *, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._calls: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self._results: SimpleQueue[Any] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="lesson", daemon=True)
        self._busy = False

    def __call__(self, call: Callable[[], Any]) -> Any:
        """What a call returns, which must not raise.

        :raises TooLongError: it does not return in time; this runner is then of no more use
        """
        self._busy = True
        self._calls.put(call)
        try:
            result = self._results.get(timeout=self._limit_s)
        except Empty:
            raise TooLongError from None
        self._busy = False
        return result

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._calls.put(None)
        if self._busy:  # too long, or the learner has interrupted it
            thread_id = ctypes.c_ulong(self._thread.ident or 0)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread_id, ctypes.py_object(_StopError))
        self._thread.join(0.5)  # a call that sleeps hears of it when it wakes

    def _work(self) -> None:
        try:
            while (call := self._calls.get()) is not None:
                self._results.put(call())
        except _StopError:
            return
