"""Where everything stands in the picture of delays: a histogram for each way, side by side on one scale. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from marketlab.axis import round_ticks
from marketlab.widgets.shapes import Anchor, Drawing, Path, Rect, Shape, Text

__all__ = ["BINS", "draw_delays", "histogram", "seconds_text"]

BINS = 20
PANEL_PX, GAP_PX, HEIGHT_PX = 380, 60, 212
TOP_PX, BOTTOM_PX = 64, 188  # of the bars


def draw_delays(delays: Mapping[str, Sequence[float]], *, most_s: float) -> Drawing:
    """The picture: each way's bars as high as its own tallest, which says its share.

    :param delays: seconds, by way
    :param most_s: right end of the scale; what took longer stands in the last bar
    """
    shapes = [
        shape
        for number, (way, seconds) in enumerate(delays.items())
        for shape in _panel(way, seconds, number * (PANEL_PX + GAP_PX), most_s)
    ]
    width = max(1, len(delays)) * (PANEL_PX + GAP_PX) - GAP_PX
    return Drawing(width, HEIGHT_PX, shapes, "; ".join(f"{way}: {_summary(each)}" for way, each in delays.items()))


def histogram(seconds: Sequence[float], *, most_s: float) -> list[int]:
    """How many delays fall into each of the equal parts of 0 to ``most_s``; longer ones into the last.

    >>> sum(histogram([0.0, 1.2, 99.0], most_s=2.5)), histogram([99.0], most_s=2.5)[-1]
    (3, 1)
    """
    counts = [0] * BINS
    for delay in seconds:
        counts[max(0, min(BINS - 1, math.floor(delay / most_s * BINS)))] += 1
    return counts


def seconds_text(seconds: float) -> str:
    """A delay as people read it: ``18 ms``, ``1.04 s``."""
    return f"{seconds * 1000:.0f} ms" if seconds < 0.1 else f"{seconds:.2f} s"


def _panel(way: str, seconds: Sequence[float], left: float, most_s: float) -> Iterator[Shape]:
    yield Text(left, 12, way, 14, "ink", bold=True)
    yield Text(left, 32, _summary(seconds), 12, "muted")
    yield Path(((left, BOTTOM_PX), (left + PANEL_PX, BOTTOM_PX)), "rule", 1)
    for tick in round_ticks(0.0, most_s):
        x = left + tick / most_s * PANEL_PX
        anchor: Anchor = "start" if not tick else "end" if tick == most_s else "middle"
        yield Text(x, BOTTOM_PX + 14, f"{tick:g} s", 12, "muted", anchor)
    if not seconds:
        return
    counts = histogram(seconds, most_s=most_s)
    tallest, width = max(counts), PANEL_PX / BINS
    for number, count in enumerate(counts):
        if count:
            height = max(2.0, count / tallest * (BOTTOM_PX - TOP_PX))
            yield Rect(left + number * width, BOTTOM_PX - height, width - 2, height, "accent")
    place = counts.index(tallest)
    x = min(max(left + (place + 0.5) * width, left + 16), left + PANEL_PX - 16)
    yield Text(x, TOP_PX - 10, f"{100 * tallest / len(seconds):.0f} %", 12, "muted", "middle")
    mean = left + min(1.0, sum(seconds) / len(seconds) / most_s) * PANEL_PX
    yield Path(((mean, TOP_PX), (mean, BOTTOM_PX)), "ink", 1.25, dashed=True)


def _summary(seconds: Sequence[float]) -> str:
    if not seconds:
        return "nothing came yet"
    mean = sum(seconds) / len(seconds)
    return f"mean {seconds_text(mean)} · slowest {seconds_text(max(seconds))} · {len(seconds):,} ticks"
