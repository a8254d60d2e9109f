"""Where everything stands in the list of symbols. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from marketlab.figures import DOWN, UP, change_text
from marketlab.widgets.chart_drawing import price_text
from marketlab.widgets.shapes import Drawing, Path, Shape, Text

__all__ = ["Row", "draw_watchlist"]

WIDTH_PX, HEAD_PX, ROW_PX = 520, 24, 28
NAME, MARK, SPARK, LAST, CHANGE, AVERAGE = 0, 84, 108, 300, 412, 516
SPARK_WIDTH, SPARK_HEIGHT = 84, 16
LONGEST_NAME = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One symbol. ``alert``: the change of its newest alert in percent; ``fresh``: it is news."""

    symbol: str
    prices: tuple[float, ...]
    change_pct: float | None
    average: float | None
    alert: float | None
    fresh: bool
    decimals: int


def draw_watchlist(rows: Sequence[Row]) -> Drawing:
    """The picture: a line a symbol, by name."""
    middle = HEAD_PX / 2
    shapes: list[Shape] = [
        Text(NAME, middle, "Symbol"),
        *(
            Text(x, middle, title, anchor="end")
            for x, title in ((LAST, "Last"), (CHANGE, "Change"), (AVERAGE, "Average"))
        ),
        _rule(HEAD_PX),
    ]
    for number, row in enumerate(rows):
        shapes += _row(row, HEAD_PX + number * ROW_PX)
    height = HEAD_PX + max(1, len(rows)) * ROW_PX
    if not rows:
        shapes.append(Text(NAME, HEAD_PX + ROW_PX / 2, "no tick came"))
    return Drawing(WIDTH_PX, height, shapes, _sentence(rows))


def _row(row: Row, top: float) -> Iterator[Shape]:
    middle = top + ROW_PX / 2
    name = row.symbol if len(row.symbol) <= LONGEST_NAME else f"{row.symbol[: LONGEST_NAME - 1]}…"
    yield Text(NAME, middle, name, 13, "alert" if row.fresh else "ink", bold=True)
    if row.alert is not None:
        yield Text(MARK, middle, UP if row.alert > 0 else DOWN, 12, "alert" if row.fresh else "ink")
    yield from _spark(row.prices, middle)
    yield Text(LAST, middle, price_text(row.prices[-1], row.decimals), 13, "ink", "end")
    yield Text(CHANGE, middle, "–" if row.change_pct is None else change_text(row.change_pct), 13, "ink", "end")
    average = "–" if row.average is None else price_text(row.average, row.decimals)
    yield Text(AVERAGE, middle, average, 13, "muted", "end")
    yield _rule(top + ROW_PX)


def _spark(prices: Sequence[float], middle: float) -> Iterator[Shape]:
    low, high = min(prices), max(prices)
    if len(prices) < 2 or low == high:
        return
    step, foot = SPARK_WIDTH / (len(prices) - 1), middle + SPARK_HEIGHT / 2
    scale = SPARK_HEIGHT / (high - low)
    yield Path(tuple((SPARK + n * step, foot - (price - low) * scale) for n, price in enumerate(prices)), "muted", 1)


def _rule(y: float) -> Path:
    return Path(((0, y), (WIDTH_PX, y)), "rule", 1)


def _sentence(rows: Sequence[Row]) -> str:
    if not rows:
        return "no tick came"
    told = (f"{row.symbol} {price_text(row.prices[-1], row.decimals)}" for row in rows)
    return f"{len(rows):,} symbols: {', '.join(told)}"
