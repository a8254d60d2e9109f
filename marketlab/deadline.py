"""One budget of time for many waits."""

from __future__ import annotations

import math
import threading
import time


class Deadline:
    """A moment after which waiting ends; each step is given what remains.

    :param timeout_s: seconds from now, or None for no limit
    """

    def __init__(self, timeout_s: float | None) -> None:
        self._end = math.inf if timeout_s is None else time.monotonic() + timeout_s

    @property
    def remaining_s(self) -> float:
        """Seconds left, never below 0; ``inf`` without a limit."""
        return max(0.0, self._end - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether nothing is left."""
        return self.remaining_s == 0.0


class Leave(Deadline):
    """A deadline that is set by a stop: no limit before it.

    :param stop: the event that asks for it
    :param timeout_s: seconds from the first look after it
    """

    def __init__(self, stop: threading.Event, timeout_s: float) -> None:
        super().__init__(None)
        self._stop = stop
        self._timeout_s = timeout_s

    @property
    def remaining_s(self) -> float:
        """Seconds left, never below 0; ``inf`` until the stop."""
        if self._end == math.inf and self._stop.is_set():
            self._end = time.monotonic() + self._timeout_s
        return super().remaining_s
