"""The live chart: price and average of one symbol, alerts in red."""

from __future__ import annotations

import html
import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from bqplot import Axis, Figure, Label, LinearScale, Lines, Scatter
from ipywidgets import HTML

from marketlab.analytics.lines import decimals
from marketlab.axis import SteadyRange, round_ticks, time_labels, time_ticks
from marketlab.figures import change_text
from marketlab.widgets.chart_drawing import HEAD_PX, RIGHT_PX, WIDTH_PX, draw_chart, price_text
from marketlab.widgets.live import LiveWidget
from marketlab.widgets.series import Points, Series
from marketlab.widgets.shapes import Drawing

__all__ = ["LiveChart"]

STALE_S = 5.0  # without a new tick for so long a chart says so
STATUS_PX = 28  # with the space around the whole


class LiveChart(LiveWidget):
    """A line that grows while ticks are pushed.

    ::

        with LiveChart("AAPL") as chart:
            for tick in ticks:
                chart.push(tick)

    :param symbol: whose ticks are shown, those of others pass by; None: of whoever comes first
    :param name: a second chart of the same name closes this one, so that a cell that runs again does not double it
    :param max_points: older points leave on the left
    :param hz: drawn so many times a second at the most
    :param height: of the whole, in pixels
    :param max_seconds: it ends by itself after so long
    """

    def __init__(
        self,
        symbol: str | None = None,
        *,
        name: str | None = None,
        max_points: int = 1000,
        hz: float = 5.0,
        height: int = 260,
        max_seconds: float | None = None,
    ) -> None:
        super().__init__(name=name or f"chart {symbol or ''}".strip(), hz=hz, max_seconds=max_seconds)
        self._series = Series(symbol, max_points=max_points)
        self._steady = SteadyRange()
        self._height = height
        self._pushed_at: float | None = None
        self._drawn_total = -1
        self._head = HTML().add_class("ml-head")
        self._plot = _Plot(height=height - HEAD_PX - STATUS_PX)
        self.begin(self._head, self._plot.figure, parts=self._plot.parts)

    def push(self, tick: Mapping[str, Any]) -> None:
        """Add a tick: a dict with symbol, price and timestamp (s); moving_average, alert and change_pct if there are.

        Costs a few microseconds and draws nothing: the chart does so by itself.

        :raises WidgetError: it is not a tick
        """
        if self._series.push(tick):
            self._pushed_at = time.monotonic()
            self.notify()

    def draw(self) -> str:
        """Bring the newest points into view."""
        points, now = self._series.points(), time.monotonic()
        if points.total != self._drawn_total:
            self._drawn_total = points.total
            self._head.value = _head(self._series.symbol, points)
            self._plot.show(points, self._steady, now=now)
            if not np.isnan(points.averages).all():
                self.add_class("ml-averaged")
        age = None if self._pushed_at is None else now - self._pushed_at
        stale = age is not None and age >= STALE_S and not self.ended
        self._plot.dim(stale)
        return _status(points, age=age if stale else None, ended=self.ended)

    def drawing(self) -> Drawing:
        """The same as a still picture."""
        points = self._series.points()
        limits = _limits(points, self._steady, now=time.monotonic())
        return draw_chart(self._series.symbol or "–", points, limits, height=self._height - STATUS_PX)

    def numbers(self) -> dict[str, Any]:
        """How many ticks came, and the first, last, lowest and highest price that is shown."""
        points = self._series.points()
        prices = points.prices.tolist()
        found = (prices[0], prices[-1], min(prices), max(prices)) if prices else (None,) * 4
        shown = dict(zip(("first", "last", "lowest", "highest"), found, strict=True))
        alerts = int(np.count_nonzero(~np.isnan(points.alerts)))
        return {"symbol": self._series.symbol, "ticks": points.total, "shown": len(points), "alerts": alerts} | shown


def _limits(points: Points, steady: SteadyRange, *, now: float) -> tuple[float, float]:
    if not len(points):
        return 0.0, 1.0
    return steady.fit(float(points.prices.min()), float(points.prices.max()), now=now)


def _head(symbol: str | None, points: Points) -> str:
    name = f"<b>{html.escape(symbol or '–')}</b>"
    if not len(points):
        return name
    first, last = float(points.prices[0]), float(points.prices[-1])
    change = change_text((last - first) / first * 100) if first else ""
    return f'{name}<span class="ml-price">{price_text(last, points.decimals)}</span>{change}'


def _status(points: Points, *, age: float | None, ended: bool) -> str:
    if not points.total:
        return "no tick came" if ended else "<b>◌</b> waiting for the first tick"
    span = points.times[-1] - points.times[0]
    count = f"{points.total:,} ticks"
    shown = f"the last {len(points):,} shown" if points.total > len(points) else f"{span:.0f} s"
    state = "■ ended" if ended else "● LIVE" if age is None else f"◌ STALE {age:.0f} s"
    return f"<b>{state}</b> · {count} · {shown}"


class _Plot:
    """The bqplot figure and its marks. They are made once; only fresh arrays are assigned, one message a mark."""

    def __init__(self, *, height: int) -> None:
        self.x, self.y = LinearScale(), LinearScale()
        scales = {"x": self.x, "y": self.y}
        quiet = {"tick_style": {"font-size": "12px"}, "color": "transparent"}
        self.times = Axis(scale=self.x, grid_lines="none", **quiet)
        self.prices = Axis(scale=self.y, side="right", grid_lines="solid", grid_color="var(--ml-rule)", **quiet)
        self.price = Lines(x=[], y=[], scales=scales, colors=["var(--ml-accent)"], stroke_width=1.5)
        self.average = Lines(
            x=[], y=[], scales=scales, colors=["var(--ml-ink)"], stroke_width=1.25, line_style="dashed"
        )
        alert = {"scales": scales, "colors": ["var(--ml-alert)"], "default_size": 64}
        self.up = Scatter(x=[], y=[], marker="triangle-up", **alert)
        self.down = Scatter(x=[], y=[], marker="triangle-down", **alert)
        text = {"scales": scales, "font_weight": "normal", "default_size": 12}
        self.alert_text = Label(x=[], y=[], text=[], colors=["var(--ml-alert)"], align="middle", y_offset=-12, **text)
        self.average_text = Label(
            x=[], y=[], text=[], colors=["var(--ml-ink)"], align="start", x_offset=4, apply_clip=False, **text
        )
        self.figure = Figure(
            marks=[self.average, self.price, self.up, self.down, self.alert_text, self.average_text],
            axes=[self.times, self.prices],
            fig_margin={"top": 8, "bottom": 24, "left": 4, "right": RIGHT_PX},
            layout={"width": "100%", "height": f"{height}px", "max_width": f"{WIDTH_PX}px"},
            background_style={"fill": "transparent"},
            padding_y=0.0,
            animation_duration=0,
            display_toolbar=False,
            min_aspect_ratio=0.01,
            max_aspect_ratio=100.0,
        )
        self._marks = [self.price, self.average, self.up, self.down, self.alert_text, self.average_text]
        self.parts = [*self._marks, self.times, self.prices, self.x, self.y]

    def show(self, points: Points, steady: SteadyRange, *, now: float) -> None:
        if not len(points):
            return
        # Seconds since a whole hour: they keep their fraction, and tick labels have whole numbers as keys.
        origin = math.floor(points.times[0] / 3600) * 3600
        x = points.times - origin
        self._show_scales(points, origin, steady, now=now)
        _assign(self.price, x=x, y=points.prices.copy())
        averaged = ~np.isnan(points.averages)
        _assign(self.average, x=x[averaged], y=points.averages[averaged])
        self._show_alerts(points, x)
        if averaged.any():
            _assign(self.average_text, x=x[averaged][-1:], y=points.averages[averaged][-1:], text=np.array(["MA"]))

    def dim(self, dimmed: bool) -> None:
        opacity = [0.55 if dimmed else 1.0]
        for mark in (self.price, self.average):
            if mark.opacities != opacity:
                mark.opacities = opacity

    def _show_scales(self, points: Points, origin: int, steady: SteadyRange, *, now: float) -> None:
        first, last = float(points.times[0]), float(points.times[-1])
        low, high = _limits(points, steady, now=now)
        last = max(last, first + 1.0)
        ticks = time_ticks(first, last)
        _assign(self.x, min=first - origin, max=last - origin)
        labels = dict(zip((str(round(tick - origin)) for tick in ticks), time_labels(ticks), strict=True))
        _assign(self.times, tick_values=np.array(ticks) - origin, tick_labels=labels)
        _assign(self.y, min=low, max=high)
        prices = round_ticks(low, high)
        places = min(points.decimals, max(decimals(price) for price in prices))
        _assign(self.prices, tick_values=np.array(prices), tick_format=f",.{places}f")

    def _show_alerts(self, points: Points, x: Any) -> None:
        for mark, which in ((self.up, points.alerts > 0), (self.down, points.alerts < 0)):
            if len(mark.x) or which.any():
                _assign(mark, x=x[which], y=points.prices[which])
        alerted = ~np.isnan(points.alerts)
        if len(self.alert_text.x) or alerted.any():
            texts = np.array([change_text(change, glyph=False) for change in points.alerts[alerted]])
            _assign(self.alert_text, x=x[alerted], y=points.prices[alerted], text=texts)


def _assign(widget: Any, **values: Any) -> None:
    """Set several traits as one message to the front end."""
    with widget.hold_sync():
        for name, value in values.items():
            setattr(widget, name, value)
