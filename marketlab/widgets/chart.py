"""The live chart: price and average of one symbol, alerts in red."""

from __future__ import annotations

import html
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from ipywidgets import HTML

from marketlab.axis import SteadyRange
from marketlab.figures import change_text
from marketlab.widgets.buttons import make_button
from marketlab.widgets.chart_drawing import HEAD_PX, draw_chart, price_text
from marketlab.widgets.chart_plot import Plot
from marketlab.widgets.live import LiveWidget, Pull
from marketlab.widgets.series import Points, Series
from marketlab.widgets.shapes import Drawing
from marketlab.widgets.view import View

__all__ = ["LiveChart"]

STALE_S = 5.0  # without a new tick for so long a chart says so
STATUS_PX = 32  # with the space around the whole


class LiveChart(LiveWidget):
    """A line that grows while ticks are pushed.

    ::

        with LiveChart("AAPL") as chart:
            for tick in ticks:
                chart.push(tick)

    Its buttons look closer, back in time, and pause: then ticks gather, and the chart says how far it is behind.

    :param symbol: whose ticks are shown, those of others pass by; None: of whoever comes first
    :param name: a second chart of the same name closes this one, so that a cell that runs again does not double it
    :param max_points: older points leave on the left
    :param hz: drawn so many times a second at the most
    :param height: of the whole, in pixels
    :param max_seconds: it ends by itself after so long
    :param max_ticks: it ends by itself after so many ticks of its symbol
    :param pull: asked for new ticks before each drawing, so that nobody has to push
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
        max_ticks: int | None = None,
        pull: Pull | None = None,
    ) -> None:
        name = name or f"chart {symbol or ''}".strip()
        super().__init__(name=name, hz=hz, max_seconds=max_seconds, max_pushes=max_ticks, pull=pull)
        self._series = Series(symbol, max_points=max_points)
        self._steady = SteadyRange()
        self._height = height
        self._view = View()
        self._frozen: Points | None = None  # while paused: what is to be seen meanwhile
        self._pushed_at: float | None = None
        self._drawn: tuple[int, View] | None = None
        self._head = HTML().add_class("ml-head")
        self._plot = Plot(height=height - HEAD_PX - STATUS_PX)
        self._pause = make_button("Pause", "Stand still; ticks gather meanwhile", self._press_pause)
        buttons = [
            make_button("◂", "Earlier", lambda: self._look("earlier")),
            make_button("▸", "Later", lambda: self._look("later")),
            make_button("+", "Look closer", lambda: self._look("closer")),
            make_button("−", "See more", lambda: self._look("wider")),
            make_button("All", "See everything", lambda: self._look("all")),
            self._pause,
        ]
        self.begin(self._head, self._plot.figure, parts=self._plot.parts, buttons=buttons)

    def push(self, tick: Mapping[str, Any], /) -> None:
        """Add a tick: a dict with symbol, price and timestamp (s); moving_average, alert and change_pct if there are.

        Costs a few microseconds and draws nothing: the chart does so by itself.

        :raises WidgetError: it is not a tick
        """
        if self._series.push(tick):
            self._pushed_at = time.monotonic()
            self.notify()

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return self._frozen is not None

    def pause(self) -> None:
        """Stand still. What is pushed meanwhile is kept, as far as the chart has room for it."""
        if not self.paused and not self.ended:
            self._frozen = self._series.points()
            self.notify(pushed=0)

    def resume(self) -> None:
        """Show everything that has come."""
        self._frozen = None
        self.notify(pushed=0)

    def draw(self) -> str:
        """Bring the newest points into view."""
        if self.ended:
            self._frozen = None
        points, now = self._points(), time.monotonic()
        if (points.total, self._view) != self._drawn:
            self._drawn = points.total, self._view
            self._head.value = _head(self._series.symbol, points)
            seconds = self._seconds(points)
            self._plot.show(points, seconds, self._limits(points, seconds))
            if not np.isnan(points.averages).all():
                self.add_class("ml-averaged")
        word = "Go on" if self.paused else "Pause"
        if self._pause.description != word:
            self._pause.description = word
        age = None if self._pushed_at is None else now - self._pushed_at
        stale = age is not None and age >= STALE_S and not (self.ended or self.paused)
        self._plot.dim(stale)
        behind = self._series.total - points.total if self.paused else None
        return _status(points, age=age if stale else None, ended=self.ended, behind=behind)

    def drawing(self) -> Drawing:
        """The same as a still picture."""
        points = self._points()
        seconds = self._seconds(points)
        shown = points.between(*seconds)
        limits = self._limits(points, seconds)
        return draw_chart(self._series.symbol or "–", shown, limits, height=self._height - STATUS_PX)

    def numbers(self) -> dict[str, Any]:
        """How many ticks came, and the first, last, lowest and highest price that is kept."""
        points = self._series.points()
        prices = points.prices.tolist()
        found = (prices[0], prices[-1], min(prices), max(prices)) if prices else (None,) * 4
        shown = dict(zip(("first", "last", "lowest", "highest"), found, strict=True))
        alerts = int(np.count_nonzero(~np.isnan(points.alerts)))
        return {"symbol": self._series.symbol, "ticks": points.total, "shown": len(points), "alerts": alerts} | shown

    def _points(self) -> Points:
        return self._frozen if self._frozen is not None else self._series.points()

    def _seconds(self, points: Points) -> tuple[float, float]:
        if not len(points):
            return 0.0, 1.0
        first, last = self._view.range(float(points.times[0]), float(points.times[-1]))
        return first, max(last, first + 1.0)

    def _limits(self, points: Points, seconds: tuple[float, float]) -> tuple[float, float]:
        prices = points.between(*seconds).prices
        if not len(prices):
            return 0.0, 1.0
        return self._steady.fit(float(prices.min()), float(prices.max()), now=time.monotonic())

    def _look(self, where: str) -> None:
        points = self._points()
        if not len(points):
            return
        whole = float(points.times[0]), float(points.times[-1])
        self._view = View() if where == "all" else getattr(self._view, where)(*whole)
        self._steady = SteadyRange()  # another part has a range of its own
        self.notify(pushed=0)

    def _press_pause(self) -> None:
        self.resume() if self.paused else self.pause()


def _head(symbol: str | None, points: Points) -> str:
    name = f"<b>{html.escape(symbol or '–')}</b>"
    if not len(points):
        return name
    first, last = float(points.prices[0]), float(points.prices[-1])
    change = change_text((last - first) / first * 100) if first else ""
    return f'{name}<span class="ml-price">{price_text(last, points.decimals)}</span>{change}'


def _status(points: Points, *, age: float | None, ended: bool, behind: int | None) -> str:
    if behind is not None:
        return f"<b>⏸ {behind:,} behind</b> · {points.total:,} ticks shown"
    if not points.total:
        return "no tick came" if ended else "<b>◌</b> waiting for the first tick"
    span = points.times[-1] - points.times[0]
    count = f"{points.total:,} ticks"
    shown = f"the last {len(points):,} shown" if points.total > len(points) else f"{span:.0f} s"
    state = "■ ended" if ended else "● LIVE" if age is None else f"◌ STALE {age:.0f} s"
    return f"<b>{state}</b> · {count} · {shown}"
