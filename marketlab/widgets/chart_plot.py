"""The bqplot figure of a chart and its marks, made once; only fresh arrays are assigned, one message a mark."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from bqplot import Axis, Figure, Label, LinearScale, Lines, Scatter, Tooltip

from marketlab.analytics.lines import decimals
from marketlab.axis import round_ticks, time_labels, time_ticks
from marketlab.figures import change_text
from marketlab.widgets.chart_drawing import LABEL_PX, RIGHT_PX, WIDTH_PX, tick_text
from marketlab.widgets.series import Points

__all__ = ["Plot", "assign", "quiet_axes", "quiet_figure", "show_ticks"]

MOST_HINTS = 120  # places that say more when pointed at; each is a node of the page


class Plot:
    """Price, average and alerts of one symbol.

    :param height: in pixels
    """

    def __init__(self, *, height: int) -> None:
        self.x, self.y = LinearScale(), LinearScale()
        scales = {"x": self.x, "y": self.y}
        self.times, self.prices = quiet_axes(self.x, self.y)
        self.price = Lines(x=[], y=[], scales=scales, colors=["var(--ml-accent)"], stroke_width=1.5)
        self.average = Lines(
            x=[], y=[], scales=scales, colors=["var(--ml-ink)"], stroke_width=1.25, line_style="dashed"
        )
        self.tooltip = Tooltip(fields=["name"], show_labels=False)
        hints = {"scales": scales, "tooltip": self.tooltip, "display_names": False}
        alert = hints | {"colors": ["var(--ml-alert)"], "default_size": 64}
        self.up = Scatter(x=[], y=[], marker="triangle-up", **alert)
        self.down = Scatter(x=[], y=[], marker="triangle-down", **alert)
        self.hints = Scatter(x=[], y=[], colors=["transparent"], default_size=200, **hints)
        text = {"scales": scales, "font_weight": "normal", "default_size": 12}
        # To the left of its mark: there, at the height to which the price has jumped, it has not been.
        self.alert_text = Label(
            x=[], y=[], text=[], colors=["var(--ml-alert)"], align="end", x_offset=-10, y_offset=4, **text
        )
        self.average_text = Label(
            x=[], y=[], text=[], colors=["var(--ml-ink)"], align="start", x_offset=4, apply_clip=False, **text
        )
        marks = [self.average, self.price, self.hints, self.up, self.down, self.alert_text, self.average_text]
        self.figure = quiet_figure(marks, [self.times, self.prices], height=height)
        self._lines = [self.price, self.average]
        self.parts = [*marks, self.times, self.prices, self.x, self.y, self.tooltip]

    def show(self, points: Points, seconds: tuple[float, float], limits: tuple[float, float]) -> None:
        """Draw.

        :param seconds: the part of the time that is shown
        :param limits: the prices that have room
        """
        if not len(points):
            return
        # Seconds since a whole hour: they keep their fraction, and tick labels have whole numbers as keys.
        origin = math.floor(seconds[0] / 3600) * 3600
        x = points.times - origin
        assign(self.x, min=seconds[0] - origin, max=seconds[1] - origin)
        assign(self.y, min=limits[0], max=limits[1])
        show_ticks(self.times, self.prices, seconds=seconds, limits=limits, origin=origin)
        assign(self.price, x=x, y=points.prices.copy())
        averaged = ~np.isnan(points.averages)
        assign(self.average, x=x[averaged], y=points.averages[averaged])
        self._show_alerts(points, x)
        if averaged.any():
            assign(self.average_text, x=x[averaged][-1:], y=points.averages[averaged][-1:], text=np.array(["MA"]))
        every = math.ceil(len(points) / MOST_HINTS)
        names = np.array([tick_text(points, n) for n in range(0, len(points), every)])
        assign(self.hints, x=x[::every].copy(), y=points.prices[::every].copy(), names=names)

    def dim(self, dimmed: bool) -> None:
        """Let the lines step back, or not."""
        opacity = [0.55 if dimmed else 1.0]
        for mark in self._lines:
            if mark.opacities != opacity:
                mark.opacities = opacity

    def _show_alerts(self, points: Points, x: Any) -> None:
        alerted = ~np.isnan(points.alerts)
        for mark, which in ((self.up, points.alerts > 0), (self.down, points.alerts < 0)):
            if len(mark.x) or which.any():
                names = np.array([tick_text(points, int(n)) for n in np.flatnonzero(which)])
                assign(mark, x=x[which], y=points.prices[which], names=names)
        if len(self.alert_text.x) or alerted.any():
            texts = np.array([change_text(change, glyph=False) for change in points.alerts[alerted]])
            assign(self.alert_text, x=x[alerted], y=points.prices[alerted], text=texts)


def quiet_axes(x: LinearScale, y: LinearScale) -> tuple[Axis, Axis]:
    """Times below without a grid, prices on the right with one; no lines, explicit ticks, and none before there are."""
    quiet = {"tick_style": {"font-size": "12px"}, "color": "transparent", "visible": False}
    prices = Axis(scale=y, side="right", grid_lines="solid", grid_color="var(--ml-rule)", **quiet)
    return Axis(scale=x, grid_lines="none", **quiet), prices


def quiet_figure(marks: list[Any], axes: list[Axis], *, height: int) -> Figure:
    """A figure without a ground, a title or a toolbar, as wide as there is room."""
    return Figure(
        marks=marks,
        axes=axes,
        fig_margin={"top": 8, "bottom": 24, "left": 4, "right": RIGHT_PX},
        layout={"width": "100%", "height": f"{height}px", "max_width": f"{WIDTH_PX}px"},
        background_style={"fill": "transparent"},
        padding_y=0.0,
        animation_duration=0,
        display_toolbar=False,
        min_aspect_ratio=0.01,
        max_aspect_ratio=100.0,
    )


def show_ticks(
    times: Axis,
    prices: Axis,
    *,
    seconds: tuple[float, float],
    limits: tuple[float, float],
    origin: float,
) -> None:
    """Round ticks on both axes.

    bqplot writes a tick with the format that it had when the values came, and goes on with what comes next in any
    order; so words and formats are sent before the values that need them, and words that are still shown stay.

    :param origin: what the axis of times calls 0
    """
    every = time_ticks(*seconds)
    cut_s = LABEL_PX / 2 / (WIDTH_PX - RIGHT_PX) * (seconds[1] - seconds[0])
    ticks = [tick for tick in every if tick - seconds[0] >= cut_s] or every  # half a word says nothing
    keys = [str(round(tick - origin)) for tick in ticks]
    before = [] if times.tick_values is None else [str(round(value)) for value in times.tick_values]
    shown = {key: times.tick_labels[key] for key in before}
    times.tick_labels = shown | dict(zip(keys, time_labels(ticks), strict=True))
    times.tick_values = np.array(ticks) - origin
    values = round_ticks(*limits)
    prices.tick_format = f",.{max(decimals(value) for value in values)}f"
    prices.tick_values = np.array(values)
    for axis in (times, prices):
        axis.visible = True


def assign(widget: Any, **values: Any) -> None:
    """Set several traits as one message to the front end."""
    with widget.hold_sync():
        for name, value in values.items():
            setattr(widget, name, value)
