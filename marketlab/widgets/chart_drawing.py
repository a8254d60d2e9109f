"""Where everything stands in the still picture of a chart: what remains of a live one. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from marketlab.analytics.lines import decimals
from marketlab.axis import round_ticks, time_labels, time_ticks
from marketlab.figures import change_text, clock_text
from marketlab.widgets.series import Points
from marketlab.widgets.shapes import Drawing, Path, Polygon, Shape, Text

__all__ = [
    "FOOT_PX",
    "HEAD_PX",
    "LABEL_PX",
    "LEFT_PX",
    "LETTER",
    "RIGHT_PX",
    "TOP_PX",
    "WIDTH_PX",
    "draw_chart",
    "head_shapes",
    "price_text",
    "tick_text",
]

WIDTH_PX = 860
HEAD_PX, FOOT_PX, RIGHT_PX, LEFT_PX = 28, 24, 104, 4
TOP_PX = 8  # between the head and the highest price
LABEL_PX = 56  # of a time with seconds
WORD_PX = 28  # for the average's name, between the lines and the numbers
LETTER = 0.66  # width of a bold capital or digit, as a part of its height


def price_text(price: float, places: int) -> str:
    """A price as people read it: ``61,837.63``."""
    return f"{price:,.{places}f}"


def tick_text(points: Points, number: int) -> str:
    """All that is known of one tick, in a line."""
    price, average = float(points.prices[number]), float(points.averages[number])
    parts = [clock_text(float(points.times[number])), price_text(price, points.decimals)]
    if not math.isnan(average):
        parts.append(f"MA {price_text(average, points.decimals)}")
    if not math.isnan(points.alerts[number]):
        parts.append(change_text(float(points.alerts[number])))
    return " · ".join(parts)


def draw_chart(symbol: str, points: Points, limits: tuple[float, float], *, height: int) -> Drawing:
    """The picture.

    :param limits: the lowest and highest price that have room
    :param height: of the whole, in pixels
    """
    ends = (float(points.prices[0]), float(points.prices[-1])) if len(points) else None
    shapes: list[Shape] = [*head_shapes(symbol, ends, points.decimals)]
    if len(points):
        shapes += _Plot(points, limits, height).shapes()
    else:
        shapes.append(Text(WIDTH_PX / 2, height / 2, "no tick came", 14, "muted", "middle"))
    return Drawing(WIDTH_PX, height, shapes, _sentence(symbol, points))


def head_shapes(symbol: str, ends: tuple[float, float] | None, places: int) -> Iterator[Shape]:
    """A symbol, its last price and the change since the first one.

    :param ends: the first and the last price
    """
    x, middle = 0.0, HEAD_PX / 2
    yield Text(x, middle, symbol, 14, "ink", bold=True)
    if ends is None:
        return
    first, last = ends
    price = price_text(last, places)
    x += len(symbol) * 14 * LETTER + 14
    yield Text(x, middle, price, 20, "ink", bold=True)
    x += len(price) * 20 * LETTER * 0.9 + 8
    yield Text(x, middle, change_text((last - first) / first * 100 if first else 0.0), 14, "muted")


def _change(points: Points) -> float:
    first, last = float(points.prices[0]), float(points.prices[-1])
    return (last - first) / first * 100 if first else 0.0


class _Plot:
    def __init__(self, points: Points, limits: tuple[float, float], height: int) -> None:
        self.points = points
        self.low, self.high = limits
        self.first = float(points.times[0])
        self.last = max(float(points.times[-1]), self.first + 1.0)
        self.right = WIDTH_PX - RIGHT_PX
        self.top, self.bottom = HEAD_PX + TOP_PX, height - FOOT_PX

    def x(self, time_s: float) -> float:
        return LEFT_PX + (time_s - self.first) / (self.last - self.first) * (self.right - LEFT_PX)

    def y(self, price: float) -> float:
        return self.bottom - (price - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def shapes(self) -> Iterator[Shape]:
        yield from self._axes()
        places = [(self.x(t), self.y(p)) for t, p in zip(self.points.times, self.points.prices, strict=True)]
        averages = [
            (self.x(t), self.y(a))
            for t, a in zip(self.points.times, self.points.averages, strict=True)
            if not math.isnan(a)
        ]
        if averages:
            yield Path(tuple(averages), "ink", 1.25, dashed=True)
            yield Text(averages[-1][0] + 4, averages[-1][1], "MA", 12, "ink")
        yield Path(tuple(places), "accent", 1.5)
        yield from self._alerts(places)

    def _axes(self) -> Iterator[Shape]:
        prices = round_ticks(self.low, self.high)
        places = max(decimals(price) for price in prices)
        word = 0 if all(math.isnan(average) for average in self.points.averages) else WORD_PX
        for price in prices:
            yield Path(((0, self.y(price)), (self.right, self.y(price))), "rule", 1)
            yield Text(self.right + 4 + word, self.y(price), price_text(price, places), 12)
        times = time_ticks(self.first, self.last)
        for time_s, label in zip(times, time_labels(times), strict=True):
            if self.x(time_s) >= LABEL_PX / 2:  # else it would be cut off
                yield Text(self.x(time_s), self.bottom + 14, label, 12, "muted", "middle")

    def _alerts(self, places: list[tuple[float, float]]) -> Iterator[Shape]:
        for (x, y), change in zip(places, self.points.alerts.tolist(), strict=True):
            if math.isnan(change):
                continue
            way = -1 if change > 0 else 1
            yield Polygon(((x, y + 6 * way), (x - 6, y - 5 * way), (x + 6, y - 5 * way)), "alert")
            yield Text(x, y + 16 * way, change_text(change, glyph=False), 12, "alert", "middle")


def _sentence(symbol: str, points: Points) -> str:
    if not len(points):
        return f"{symbol}: no tick came"
    price = price_text(float(points.prices[-1]), points.decimals)
    alerts = sum(not math.isnan(change) for change in points.alerts)
    told = f"{alerts:,} alert{'' if alerts == 1 else 's'}"
    return f"{symbol} at {price}, {change_text(_change(points))} over {len(points):,} ticks, {told}"
