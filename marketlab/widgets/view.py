"""Which part of the time a chart shows: all of it, the newest part, or a part in the past. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

__all__ = ["View"]

STEP = 2.0
LEAST_S = 2.0  # nobody needs to look closer at ticks


@dataclass(frozen=True, slots=True)
class View:
    """A part of a time that goes on growing, so it is not kept as two ends.

    ``span_s``: how much is shown, None for all; ``end_s``: where it ends, None for the newest.

    >>> View().closer(0.0, 80.0).range(0.0, 80.0), View().closer(0.0, 80.0).range(0.0, 100.0)
    ((40.0, 80.0), (60.0, 100.0))
    """

    span_s: float | None = None
    end_s: float | None = None

    def range(self, first: float, last: float) -> tuple[float, float]:
        """What is shown of a time from ``first`` to ``last``."""
        if self.span_s is None:
            return first, last
        end = last if self.end_s is None else min(last, max(self.end_s, first + self.span_s))
        return max(first, end - self.span_s), end

    def closer(self, first: float, last: float) -> Self:
        """Half as much, at the same end."""
        low, high = self.range(first, last)
        return replace(self, span_s=max(LEAST_S, (high - low) / STEP))

    def wider(self, first: float, last: float) -> Self:
        """Twice as much, all of it in the end."""
        low, high = self.range(first, last)
        span_s = (high - low) * STEP
        return type(self)() if span_s >= last - first else replace(self, span_s=span_s)

    def earlier(self, first: float, last: float) -> Self:
        """Half a width back; from then on it stands still."""
        low, high = self.range(first, last)
        if self.span_s is None:
            return self
        return replace(self, end_s=max(first + self.span_s, high - (high - low) / STEP))

    def later(self, first: float, last: float) -> Self:
        """Half a width on, and with the newest again once it gets there."""
        low, high = self.range(first, last)
        end = high + (high - low) / STEP
        return replace(self, end_s=None if end >= last else end)
