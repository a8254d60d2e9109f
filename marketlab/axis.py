"""Round numbers along an axis, and a range that does not twitch; as on the dashboard. Pure."""

from __future__ import annotations

import math
import time
from datetime import datetime

__all__ = ["SteadyRange", "round_ticks", "time_labels", "time_ticks"]

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
PAD = 0.1  # room above and below, as a part of the span
HOLD_S = 10.0


def round_ticks(low: float, high: float, *, most: int = 6) -> list[float]:
    """Four to six round values within a range, or as near to that as round steps allow.

    >>> round_ticks(99.2, 101.1)
    [99.5, 100.0, 100.5, 101.0]
    """
    if not high > low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    choices = [_multiples(low, high, factor * power) for factor in STEPS]
    return min(choices, key=lambda ticks: abs(len(ticks) - (most - 1)))


def time_ticks(low: float, high: float, *, most: int = 6) -> list[float]:
    """Round local times within a range; all in seconds since the epoch."""
    days = 86400 * max(1, math.ceil((high - low) / most / 86400))
    step = next((step for step in TIME_STEPS_S if (high - low) / step <= most), days)
    offset = time.localtime(low).tm_gmtoff
    return [tick - offset for tick in _multiples(low + offset, high + offset, step)]


def time_labels(ticks: list[float]) -> list[str]:
    """Local times of day, with seconds where they differ; days where there is no time of day to tell.

    >>> time_labels([])
    []
    """
    whole_days = all((tick + time.localtime(tick).tm_gmtoff) % 86400 == 0 for tick in ticks)
    seconds = any(tick % 60 for tick in ticks)
    pattern = "%d %b" if whole_days else "%H:%M:%S" if seconds else "%H:%M"
    return [datetime.fromtimestamp(tick).strftime(pattern) for tick in ticks]  # noqa: DTZ006 (local time is meant)


class SteadyRange:
    """A range that grows at once and shrinks only when a smaller one was enough for ten seconds."""

    def __init__(self) -> None:
        self.low = math.nan
        self.high = math.nan
        self._enough_since = 0.0

    def fit(self, low: float, high: float, *, now: float) -> tuple[float, float]:
        """The range to show for values from ``low`` to ``high``.

        :param now: seconds on any clock that only goes forward
        """
        room = (high - low) * PAD or abs(high) * 0.0005 or 1.0
        if not (self.low <= low and high <= self.high):  # outside, or the first one
            self.low = low - room if math.isnan(self.low) else min(low - room, self.low)
            self.high = high + room if math.isnan(self.high) else max(high + room, self.high)
            self._enough_since = now
        elif now - self._enough_since >= HOLD_S:
            self.low, self.high = low - room, high + room
            self._enough_since = now
        return self.low, self.high


def _multiples(low: float, high: float, step: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    # 3 * 0.1 is 0.30000000000000004: cut what a round number does not have
    digits = max(0, 1 - math.floor(math.log10(step)))  # one more for the 5 of 2.5
    return [round(n * step, digits) for n in range(first, last + 1)]
