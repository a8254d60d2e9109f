"""Hatching: the slanted lines that say "nothing was here". Pure."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["hatch"]

STEP_PX = 8.0

Point = tuple[float, float]


def hatch(
    left: float, right: float, top: float, bottom: float, *, step: float = STEP_PX
) -> Iterator[tuple[Point, Point]]:
    """Lines of 45 degrees that fill a box, each from its lower to its upper end; all in pixels, y down.

    >>> list(hatch(0, 4, 0, 10, step=8))
    [((0.0, 8.0), (4.0, 4.0))]
    """
    width, height = right - left, bottom - top
    reach = step
    while reach < width + height:
        # Counted from the upper left corner, down the left side and along the foot.
        start = (left, top + reach) if reach <= height else (left + reach - height, bottom)
        rise = min(start[1] - top, right - start[0])
        yield (float(start[0]), float(start[1])), (float(start[0] + rise), float(start[1] - rise))
        reach += step
