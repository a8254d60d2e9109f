"""What stands behind an alert: its ticks, its rule, and whether it comes out again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from marketlab.analytics.lines import decimals
from marketlab.figures import change_text
from marketlab.widgets.chart_drawing import price_text
from marketlab.widgets.shapes import Drawing, Path, Shape, Text

__all__ = ["Behind", "BehindTick", "draw_behind"]

WIDTH_PX, ROW_PX = 520, 22
NAME, OFFSET, PRICE, AGAIN = 16, 250, 370, 516


@dataclass(frozen=True, slots=True)
class BehindTick:
    """One tick: where it lies in the log, what was judged, and what was read again (None: it was not)."""

    what: str
    offset: int | None
    price: float
    again: float | None = None


@dataclass(frozen=True, slots=True)
class Behind:
    """An alert taken apart.

    ``ticks``: those of the average, oldest first, the last one the alert's own; ``previous``: the tick that it was
    compared with; ``says``: what came of it, a sentence.
    """

    symbol: str
    previous: BehindTick
    ticks: Sequence[BehindTick]
    moving_average: float
    change_pct: float
    says: str


def draw_behind(behind: Behind) -> Drawing:
    """The picture: a short table and a sentence."""
    places = max(decimals(tick.price) for tick in (*behind.ticks, behind.previous))
    title = f"{behind.symbol} {change_text(behind.change_pct)}"
    read_again = any(tick.again is not None for tick in behind.ticks)
    shapes: list[Shape] = [
        Text(0, ROW_PX / 2, title, 13, "ink", bold=True),
        Text(OFFSET, ROW_PX / 2, "Offset", anchor="end"),
        Text(PRICE, ROW_PX / 2, "Price", anchor="end"),
        Path(((0, ROW_PX), (WIDTH_PX, ROW_PX)), "rule", 1),
    ]
    if read_again:
        shapes.append(Text(AGAIN, ROW_PX / 2, "Read again", anchor="end"))
    rows = list(behind.ticks)
    if not any(tick.offset == behind.previous.offset and tick.price == behind.previous.price for tick in rows):
        rows.insert(0, behind.previous)
    for number, tick in enumerate(rows, start=1):
        shapes += _row(tick, (number + 0.5) * ROW_PX, places)
    average = price_text(behind.moving_average, places)
    price, before = (price_text(tick.price, places) for tick in (behind.ticks[-1], behind.previous))
    told = f"{price} after {before}, average {average}."
    foot = (len(rows) + 1) * ROW_PX
    shapes += [
        Path(((0, foot), (WIDTH_PX, foot)), "rule", 1),
        Text(0, foot + ROW_PX / 2, told, 12, "ink"),
        Text(0, foot + ROW_PX * 3 / 2, behind.says, 12, "ink"),
    ]
    return Drawing(WIDTH_PX, int(foot + 2 * ROW_PX), shapes, f"{title}: {told} {behind.says}")


def _row(tick: BehindTick, middle: float, places: int) -> Iterator[Shape]:
    yield Text(NAME, middle, tick.what, 12)
    yield Text(OFFSET, middle, "–" if tick.offset is None else f"{tick.offset:,}", 12, "muted", "end")
    yield Text(PRICE, middle, price_text(tick.price, places), 12, "ink", "end")
    if tick.again is not None:
        yield Text(AGAIN, middle, price_text(tick.again, places), 12, "ink", "end")
