"""Event times that come from counting instead of from a wall clock."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["START", "SimulatedClock", "simulated_clock"]

START = 1_730_896_201.0  # the timestamp of the first tick that people see in every document: 2024-11-06 12:30:01 UTC
INTERVAL_S = 1 / 20  # the default rate is 20 ticks a second


class SimulatedClock:
    """A clock that is one interval later at every look.

    The n-th look (from 0) gives ``start + n * interval_s``, never a sum carried along: that would drift.

    :param start: the first time, seconds since the epoch
    :param interval_s: seconds from one look to the next

    >>> clock = SimulatedClock(1730896201.0, interval_s=0.05)
    >>> [clock() for _ in range(3)]
    [1730896201.0, 1730896201.05, 1730896201.1]
    """

    __slots__ = ("_interval_s", "_looks", "_start")

    def __init__(self, start: float = START, *, interval_s: float = INTERVAL_S) -> None:
        self._start = start
        self._interval_s = interval_s
        self._looks = 0

    def __call__(self) -> float:
        """The next time, seconds since the epoch."""
        looks = self._looks
        self._looks = looks + 1
        return self._start + looks * self._interval_s

    def restarted(self) -> SimulatedClock:
        """A clock like this one that stands at its start again."""
        return SimulatedClock(self._start, interval_s=self._interval_s)


def simulated_clock(start: float = START, interval_s: float = INTERVAL_S) -> SimulatedClock:
    """Event time from a fixed start: the same seed then gives the same ticks, byte for byte."""
    return SimulatedClock(start, interval_s=interval_s)


def afresh(clock: Callable[[], float]) -> Callable[[], float]:
    """The clock for one more iteration of a source: a simulated one begins again, a wall clock goes on."""
    return clock.restarted() if isinstance(clock, SimulatedClock) else clock
