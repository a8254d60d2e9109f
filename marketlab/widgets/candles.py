"""Live candles: open, high, low and close of each interval, and a hatched one where nothing was traded."""

from __future__ import annotations

import html
import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from bqplot import OHLC, LinearScale, Lines, Tooltip
from ipywidgets import HTML

from marketlab.axis import SteadyRange
from marketlab.figures import change_text
from marketlab.widgets.candle_series import Candle, CandleSeries
from marketlab.widgets.candles_drawing import candles_sentence, draw_candles
from marketlab.widgets.chart_drawing import FOOT_PX, HEAD_PX, RIGHT_PX, TOP_PX, WIDTH_PX, head_shapes, price_text
from marketlab.widgets.chart_plot import assign, quiet_axes, quiet_figure, show_ticks
from marketlab.widgets.hatching import hatch
from marketlab.widgets.live import LiveWidget, Pull
from marketlab.widgets.shapes import Drawing

__all__ = ["Candles"]

MOST = 300  # intervals; bqplot draws 500 ten times a second
LEAST_SHOWN = 30  # intervals that have room, or the first candle would be as wide as the chart
STALE_S = 5.0
STATUS_PX = 32


class Candles(LiveWidget):
    """Candles of one symbol, made from the ticks that are pushed.

    Up is hollow, down is filled, an interval without a tick is hatched and never filled in with the price before.

    ::

        with Candles("AAPL", seconds=1) as candles:
            for tick in ticks:
                candles.push(tick)

    :param symbol: whose ticks are shown, those of others pass by; None: of whoever comes first
    :param seconds: length of an interval, in event time
    :param name: a second widget of the same name closes this one
    :param hz: drawn so many times a second at the most
    :param height: of the whole, in pixels
    :param max_seconds: it ends by itself after so long
    :param max_ticks: it ends by itself after so many ticks of its symbol
    :param pull: asked for new ticks before each drawing
    """

    def __init__(
        self,
        symbol: str | None = None,
        *,
        seconds: float = 1.0,
        name: str | None = None,
        hz: float = 5.0,
        height: int = 260,
        max_seconds: float | None = None,
        max_ticks: int | None = None,
        pull: Pull | None = None,
    ) -> None:
        name = name or f"candles {symbol or ''}".strip()
        super().__init__(name=name, hz=hz, max_seconds=max_seconds, max_pushes=max_ticks, pull=pull)
        self._series = CandleSeries(symbol, seconds=seconds, most=MOST)
        self._steady = SteadyRange()
        self._height = height
        self._pushed_at: float | None = None
        self._drawn_total = -1
        self._head = HTML().add_class("ml-head")
        self._plot = _Plot(height=height - HEAD_PX - STATUS_PX)
        self.begin(self._head, self._plot.figure, parts=self._plot.parts)

    def push(self, tick: Mapping[str, Any], /) -> None:
        """Add a tick: a dict with symbol, price and timestamp (s).

        :raises WidgetError: it is not a tick
        """
        if self._series.push(tick):
            self._pushed_at = time.monotonic()
            self.notify()

    def draw(self) -> str:
        """Bring the newest candles into view."""
        series, candles = self._series, self._series.candles()
        if series.total != self._drawn_total:
            self._drawn_total = series.total
            self._head.value = _head(series, candles)
            if candles:
                self._plot.show(
                    candles,
                    series.gaps(candles),
                    interval_s=series.seconds,
                    seconds=self._seconds(candles),
                    limits=self._limits(candles),
                    places=series.decimals,
                )
        age = None if self._pushed_at is None else time.monotonic() - self._pushed_at
        return self._says(candles, age=age)

    def drawing(self) -> Drawing:
        """The same as a still picture."""
        series, candles = self._series, self._series.candles()
        symbol = series.symbol or "–"
        ends = (candles[0].open, candles[-1].close) if candles else None
        return draw_candles(
            list(head_shapes(symbol, ends, series.decimals)),
            candles,
            series.gaps(candles),
            seconds=self._seconds(candles),
            limits=self._limits(candles),
            interval_s=series.seconds,
            height=self._height - STATUS_PX,
            says=candles_sentence(
                symbol, candles, empty=self._empty(candles), interval_s=series.seconds, places=series.decimals
            ),
        )

    def numbers(self) -> dict[str, Any]:
        """How many ticks came, how many candles they made, how many intervals between them are empty."""
        series, candles = self._series, self._series.candles()
        last = candles[-1] if candles else None
        return {
            "symbol": series.symbol,
            "ticks": series.total,
            "late": series.late,
            "candles": len(candles),
            "empty": self._empty(candles),
            "last": None
            if last is None
            else {"start": last.start, "open": last.open, "high": last.high, "low": last.low, "close": last.close},
        }

    def _empty(self, candles: list[Candle]) -> int:
        return sum(round((last - first) / self._series.seconds) for first, last in self._series.gaps(candles))

    def _seconds(self, candles: list[Candle]) -> tuple[float, float]:
        length = self._series.seconds
        if not candles:
            return 0.0, LEAST_SHOWN * length
        first = candles[0].start
        return first, max(candles[-1].start + length, first + LEAST_SHOWN * length)

    def _limits(self, candles: list[Candle]) -> tuple[float, float]:
        if not candles:
            return 0.0, 1.0
        lows, highs = (candle.low for candle in candles), (candle.high for candle in candles)
        return self._steady.fit(min(lows), max(highs), now=time.monotonic())

    def _says(self, candles: list[Candle], *, age: float | None) -> str:
        if not self._series.total:
            return "no tick came" if self.ended else "<b>◌</b> waiting for the first tick"
        stale = age is not None and age >= STALE_S
        state = "■ ended" if self.ended else f"◌ STALE {age:.0f} s" if stale else "● LIVE"
        parts = [f"<b>{state}</b>", f"{len(candles):,} candles of {self._series.seconds:g} s"]
        if empty := self._empty(candles):
            parts.append(f"{empty:,} empty")
        if self._series.late:
            parts.append(f"{self._series.late:,} late")
        return " · ".join(parts)


def _head(series: CandleSeries, candles: list[Candle]) -> str:
    name = f"<b>{html.escape(series.symbol or '–')}</b>"
    if not candles:
        return name
    first, last = candles[0].open, candles[-1].close
    price = f'<span class="ml-price">{price_text(last, series.decimals)}</span>'
    return f"{name}{price}{change_text((last - first) / first * 100)}"


class _Plot:
    """The bqplot figure and its marks. They are made once; only fresh arrays are assigned, one message a mark."""

    def __init__(self, *, height: int) -> None:
        self.x, self.y = LinearScale(), LinearScale()
        scales = {"x": self.x, "y": self.y}
        self.times, self.prices = quiet_axes(self.x, self.y)
        names = ["open", "high", "low", "close"]
        self.tooltip = Tooltip(fields=names, labels=names)
        self.hatching = Lines(x=[], y=[], scales=scales, colors=["var(--ml-rule)"], stroke_width=1.0)
        self.candles = OHLC(
            x=np.array([]),
            y=np.empty((0, 4)),
            scales=scales,
            marker="candle",
            stroke="var(--ml-accent)",
            colors=[None, "var(--ml-accent)"],
            tooltip=self.tooltip,
        )
        marks = [self.hatching, self.candles]
        self.figure = quiet_figure(marks, [self.times, self.prices], height=height)
        self.parts = [*marks, self.times, self.prices, self.x, self.y, self.tooltip]
        self._width_px = WIDTH_PX - RIGHT_PX
        self._height_px = height - TOP_PX - FOOT_PX

    def show(
        self,
        candles: list[Candle],
        gaps: list[tuple[float, float]],
        *,
        interval_s: float,
        seconds: tuple[float, float],
        limits: tuple[float, float],
        places: int,
    ) -> None:
        """Draw."""
        origin = math.floor(seconds[0] / 3600) * 3600  # as in a chart: small whole numbers as keys of the labels
        assign(self.x, min=seconds[0] - origin, max=seconds[1] - origin)
        assign(self.y, min=limits[0], max=limits[1])
        show_ticks(self.times, self.prices, seconds=seconds, limits=limits, origin=origin)
        # bqplot takes the smallest distance for the width of all: two more, out of sight, that are neighbours.
        first = candles[0]
        unseen = [Candle(first.start - n * interval_s, first.open, first.open, first.open, first.open) for n in (9, 8)]
        rows = np.array([(c.start - origin + interval_s / 2, c.open, c.high, c.low, c.close) for c in unseen + candles])
        assign(self.candles, x=rows[:, 0].copy(), y=rows[:, 1:].copy())
        self.tooltip.formats = [f",.{places}f"] * 4
        self._show_gaps(gaps, origin, seconds, limits)

    def _show_gaps(
        self, gaps: list[tuple[float, float]], origin: int, seconds: tuple[float, float], limits: tuple[float, float]
    ) -> None:
        """Lines that are parted by points without a value."""
        if not gaps and not len(self.hatching.x):
            return
        s_per_px = (seconds[1] - seconds[0]) / self._width_px
        price_per_px = (limits[1] - limits[0]) / self._height_px
        x: list[float] = []
        y: list[float] = []
        for first, last in gaps:
            left, right = ((time_s - seconds[0]) / s_per_px for time_s in (first, last))
            for start, end in hatch(left, right, 0.0, self._height_px):
                x += [*(px * s_per_px + seconds[0] - origin for px in (start[0], end[0], end[0]))]
                y += [*(limits[1] - px * price_per_px for px in (start[1], end[1])), math.nan]
        # Not after the last one: bqplot puts a label there, and a place without a value is an error to the browser.
        assign(self.hatching, x=np.array(x[:-1]), y=np.array(y[:-1]))
