"""Where everything stands in the still picture of candles. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from marketlab.analytics.lines import decimals
from marketlab.axis import round_ticks, time_labels, time_ticks
from marketlab.figures import change_text
from marketlab.widgets.candle_series import Candle
from marketlab.widgets.chart_drawing import FOOT_PX, HEAD_PX, LEFT_PX, RIGHT_PX, TOP_PX, WIDTH_PX, price_text
from marketlab.widgets.hatching import hatch
from marketlab.widgets.shapes import Drawing, Path, Polygon, Shape, Text

__all__ = ["BODY", "draw_candles"]

BODY = 0.75  # of an interval's width, as bqplot has it
LABEL_PX = 56  # width of a time: half of it has no room at the left edge


def draw_candles(
    head: Sequence[Shape],
    candles: Sequence[Candle],
    gaps: Sequence[tuple[float, float]],
    *,
    seconds: tuple[float, float],
    limits: tuple[float, float],
    interval_s: float,
    height: int,
    says: str,
    alerts: Sequence[tuple[float, float, float]] = (),
) -> Drawing:
    """The picture: up hollow, down filled, empty hatched.

    :param gaps: where nothing was traded, as (from, to)
    :param alerts: time, price and change (%) of each
    :param seconds: the part of the time that is shown
    :param limits: the lowest and highest price that have room
    """
    plot = _Plot(seconds, limits, height)
    shapes: list[Shape] = [*head, *plot.axes()]
    for first, last in gaps:
        for start, end in hatch(plot.x(first), plot.x(last), plot.top, plot.bottom):
            shapes.append(Path((start, end), "rule", 1))
    for candle in candles:
        shapes += plot.candle(candle, interval_s)
    for alert in alerts:
        shapes.append(plot.alert(*alert))
    return Drawing(WIDTH_PX, height, shapes, says)


class _Plot:
    def __init__(self, seconds: tuple[float, float], limits: tuple[float, float], height: int) -> None:
        self.first, self.last = seconds
        self.low, self.high = limits
        self.right = WIDTH_PX - RIGHT_PX
        self.top, self.bottom = HEAD_PX + TOP_PX, height - FOOT_PX

    def x(self, time_s: float) -> float:
        return LEFT_PX + (time_s - self.first) / (self.last - self.first) * (self.right - LEFT_PX)

    def y(self, price: float) -> float:
        return self.bottom - (price - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def axes(self) -> Iterator[Shape]:
        prices = round_ticks(self.low, self.high)
        places = max(decimals(price) for price in prices)
        for price in prices:
            yield Path(((0, self.y(price)), (self.right, self.y(price))), "rule", 1)
            yield Text(self.right + 4, self.y(price), price_text(price, places), 12)
        times = time_ticks(self.first, self.last)
        for time_s, label in zip(times, time_labels(times), strict=True):
            x = self.x(time_s)
            yield Text(x, self.bottom + 14, label, 12, "muted", "start" if x < LABEL_PX / 2 else "middle")

    def candle(self, candle: Candle, interval_s: float) -> Iterator[Shape]:
        middle = self.x(candle.start + interval_s / 2)
        half = (self.x(candle.start + interval_s) - self.x(candle.start)) * BODY / 2
        top, bottom = self.y(max(candle.open, candle.close)), self.y(min(candle.open, candle.close))
        yield Path(((middle, self.y(candle.high)), (middle, top)), "accent", 1)
        yield Path(((middle, bottom), (middle, self.y(candle.low))), "accent", 1)
        box = ((middle - half, top), (middle + half, top), (middle + half, bottom), (middle - half, bottom))
        if not candle.rose:
            yield Polygon(box, "accent")
        yield Path((*box, box[0]), "accent", 1)

    def alert(self, time_s: float, price: float, change_pct: float) -> Polygon:
        """A triangle that points where the price went, its tip at the tick."""
        x, y, way = self.x(time_s), self.y(price), -1 if change_pct > 0 else 1
        return Polygon(((x, y), (x - 5, y - 9 * way), (x + 5, y - 9 * way)), "alert")


def candles_sentence(symbol: str, candles: Sequence[Candle], *, empty: int, interval_s: float, places: int) -> str:
    """The same in words."""
    if not candles:
        return f"{symbol}: no tick came"
    first, last = candles[0], candles[-1]
    change = change_text((last.close - first.open) / first.open * 100)
    return (
        f"{symbol}: {len(candles):,} candles of {interval_s:g} s and {empty:,} empty intervals, "
        f"from {price_text(first.open, places)} to {price_text(last.close, places)}, {change}"
    )
