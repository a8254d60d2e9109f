"""Still pictures of prices with matplotlib, in the one visual language (:mod:`marketlab.look`).

For ``marketlab plot`` and for what a live chart leaves behind. matplotlib is imported when a picture is made; its
``pyplot`` never, for that keeps global state which threads may not share.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from marketlab.analytics.lines import decimals
from marketlab.axis import round_ticks, time_labels, time_ticks
from marketlab.look import Theme, tokens

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["DPI", "PX", "PriceLine", "change_text", "clock_text", "draw_prices", "headline", "new_figure", "png"]

DPI = 100
PX = 72 / DPI  # a pixel in points
UP, DOWN, MINUS = "▲", "▼", "\u2212"
MOST_DECIMALS = 8


@dataclass(frozen=True)
class PriceLine:
    """Prices of one symbol, oldest first.

    ``times`` in seconds since the epoch; ``averages``: NaN where there is none; ``alerts``: the signed change in
    percent where a tick alerted, NaN elsewhere; ``window``: ticks in the average.
    """

    symbol: str
    times: Sequence[float]
    prices: Sequence[float]
    averages: Sequence[float]
    alerts: Sequence[float]
    window: int | None = None


def change_text(percent: float, *, glyph: bool = True) -> str:
    """``▲ +0.41 %``, ``▼ −0.02 %``, ``0.00 %``.

    >>> change_text(-3.456), change_text(3.0, glyph=False)
    ('▼ −3.46 %', '+3.00 %')
    """
    if abs(percent) < 0.005:
        return "0.00 %"
    text = f"+{percent:.2f} %" if percent > 0 else f"{MINUS}{-percent:.2f} %"
    return f"{UP if percent > 0 else DOWN} {text}" if glyph else text


def clock_text(time_s: float) -> str:
    """Local time of day to the millisecond: ``19:44:25.838``."""
    moment = datetime.fromtimestamp(time_s)  # noqa: DTZ006 (local time is meant)
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03}"


def headline(line: PriceLine) -> tuple[str, str]:
    """The last price, and its change since the first one shown; ``–`` where there is none."""
    if not len(line.prices):
        return "–", ""
    first, last = line.prices[0], line.prices[-1]
    return f"{last:,.{_places(line)}f}", change_text((last - first) / first * 100) if first else ""


def new_figure(width: int, height: int, *, scale: float = 1.0) -> Figure:
    """An empty figure.

    :param width: in pixels, at ``scale`` 1
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI * scale)
    FigureCanvasAgg(figure)
    return figure


def draw_prices(figure: Figure, line: PriceLine, *, theme: Theme = "light", note: str = "") -> None:
    """Draw a price line into a figure, in place of what was there.

    :param note: a sentence below, for instance how old the newest tick is
    """
    ink = tokens(theme)
    width, height = figure.get_size_inches() * DPI
    figure.clear()
    figure.set_facecolor(ink["surface"])
    right = 100 if _last_average(line) is None else 132
    axes = figure.add_axes((16 / width, 48 / height, 1 - (16 + right) / width, 1 - 96 / height), facecolor="none")
    _lines(axes, line, ink)
    _alerts(axes, line, ink)
    _axes(axes, line, ink)
    price, change = headline(line)
    top = 1 - 24 / height
    name = figure.text(16 / width, top, line.symbol, color=ink["ink"], size=16 * PX, weight="bold", va="center")
    after: Any = name
    for text, colour, size in ((price, ink["ink"], 16), (change, ink["muted"], 14)):
        after = axes.annotate(
            text, (1, 0.5), xycoords=after, xytext=(10, 0), textcoords="offset points",
            color=colour, size=size * PX, va="center", annotation_clip=False,
        )  # fmt: skip
    if note:
        figure.text(16 / width, 12 / height, note, color=ink["muted"], size=12 * PX, va="center")


def png(figure: Figure) -> bytes:
    """The figure as PNG."""
    target = io.BytesIO()
    figure.savefig(target, format="png", facecolor=figure.get_facecolor(), metadata={"Software": None})
    return target.getvalue()


def _lines(axes: Axes, line: PriceLine, ink: dict[str, str]) -> None:
    axes.plot(line.times, line.prices, color=ink["accent"], linewidth=1.5, solid_joinstyle="round")
    last = _last_average(line)
    if last is not None:
        axes.plot(line.times, line.averages, color=ink["ink"], linewidth=1.25, dashes=(4, 3))
        axes.annotate(
            f"MA({line.window})" if line.window else "MA",
            (line.times[last], line.averages[last]), xytext=(4, 0), textcoords="offset points",
            color=ink["ink"], size=12 * PX, va="center", annotation_clip=False,
        )  # fmt: skip


def _alerts(axes: Axes, line: PriceLine, ink: dict[str, str]) -> None:
    for at, price, change in zip(line.times, line.prices, line.alerts, strict=True):
        if math.isnan(change):
            continue
        up = change > 0
        axes.plot(at, price, marker="^" if up else "v", color=ink["alert"], markersize=7, linestyle="none")
        axes.annotate(
            change_text(change, glyph=False), (at, price), xytext=(0, 8 if up else -8),
            textcoords="offset points", color=ink["alert"], size=12 * PX, ha="center", va="bottom" if up else "top",
        )  # fmt: skip


def _axes(axes: Axes, line: PriceLine, ink: dict[str, str]) -> None:
    axes.spines[:].set_visible(False)
    axes.grid(visible=True, axis="y", color=ink["rule"], linewidth=1 * PX)
    axes.set_axisbelow(True)
    axes.yaxis.tick_right()
    axes.tick_params(length=0, colors=ink["muted"], labelsize=12 * PX)
    axes.tick_params(axis="x", pad=6)
    # Between the lines and the numbers there is room for the average's name.
    axes.tick_params(axis="y", pad=8 if _last_average(line) is None else 40)
    if not len(line.times):
        axes.set_xticks([])
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no tick yet", transform=axes.transAxes, color=ink["muted"], ha="center", size=14 * PX)
        return
    first, last = min(line.times), max(line.times)
    axes.set_xlim(first, last if last > first else first + 1.0)
    axes.margins(y=0.14)
    axes.autoscale(axis="y")
    times, prices = time_ticks(first, last), round_ticks(*axes.get_ylim())
    places = max(decimals(price) for price in prices)
    axes.set_xticks(times, time_labels(times))
    for at, label in zip(times, axes.get_xticklabels(), strict=True):
        if at - first < 0.03 * (last - first):  # centred, the edge of the picture would cut it
            label.set_horizontalalignment("left")
    axes.set_yticks(prices, [f"{price:,.{places}f}" for price in prices])


def _last_average(line: PriceLine) -> int | None:
    return next((i for i in reversed(range(len(line.averages))) if not math.isnan(line.averages[i])), None)


def _places(line: PriceLine) -> int:
    """Decimals that the prices of this symbol need: one number for all of them."""
    return min(MOST_DECIMALS, max((decimals(price) for price in line.prices), default=2))
