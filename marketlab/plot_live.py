"""A symbol's prices, average and alerts with matplotlib, out of the store: as a picture, or in a window that follows.

In the seed this stands beside the analytics. Here those do no input or output, and whoever reads a store and opens a
window does both.
"""

from __future__ import annotations

import math
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from marketlab.errors import MarketlabError, NotFoundError
from marketlab.figures import DPI, PriceLine, draw_prices, new_figure, png
from marketlab.look import Theme
from marketlab.model import Record, Rule
from marketlab.ports import StoreReader

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DEFAULT_TICKS", "NoWindowError", "PlotLive", "line_of", "picture", "price_line"]

DEFAULT_TICKS = 300
PICTURE_PX = (1200, 600)
WINDOW_PX = (960, 480)
EVERY_MS = 500
STALE_S = 10.0

_PERCENT = re.compile(r"(-?\d+(?:\.\d+)?) ?%")


class NoWindowError(MarketlabError):
    """There is nothing to open a window with, or on."""


def price_line(reader: StoreReader, symbol: str, *, ticks: int, rule: Rule) -> PriceLine:
    """The newest ticks of a symbol, oldest first.

    Only those of the run that was written last: between two runs there may be years, and nothing is compared across.
    Late ticks stand outside of the average and are left out.

    :param rule: that averages and alerts are made by, for their names
    :raises NotFoundError: the symbol was never seen; names those that were
    """
    try:
        records = reader.history(symbol, limit=ticks)
    except NotFoundError as error:
        known = ", ".join(record.symbol for record in reader.latest())
        raise NotFoundError(
            f"no tick of {symbol} is stored; there are {known}" if known else "no tick is stored yet",
            mend="`marketlab up` fills the store.",
        ) from error
    run = records[0].run
    return line_of(symbol, [record for record in records if record.run == run], window=rule.window)


def line_of(symbol: str, records: Sequence[Record], *, window: int) -> PriceLine:
    """Records of one run as a price line, without those that came late.

    :param records: newest first, as the store gives them
    """
    kept = [record for record in reversed(records) if not record.late]
    return PriceLine(
        symbol,
        [record.timestamp for record in kept],
        [record.price for record in kept],
        [math.nan if record.moving_average is None else record.moving_average for record in kept],
        [_alert(record) for record in kept],
        window,
    )


def picture(line: PriceLine, *, rule: Rule, theme: Theme = "light") -> bytes:
    """A price line as PNG."""
    figure = new_figure(*PICTURE_PX, scale=2)
    draw_prices(figure, line, theme=theme, note=_count(line, rule))
    return png(figure)


class PlotLive:
    """A window that shows a symbol's newest ticks until it is closed.

    :param ticks: shown at the most
    :param rule: that averages and alerts are made by, for their names
    :raises NotFoundError: there are ticks, but none of this symbol
    """

    def __init__(self, reader: StoreReader, symbol: str, *, ticks: int, rule: Rule, theme: Theme = "light") -> None:
        self._reader = reader
        self._symbol = symbol
        self._ticks = ticks
        self._rule = rule
        self._theme = theme
        self._changes: int | None = None
        self._changed_at = time.monotonic()
        self._error: MarketlabError | None = None
        self._line = self._read()

    def show(self, stop: threading.Event, *, on_open: Callable[[], None] = lambda: None) -> None:
        """Open the window; returns when it is closed, or soon after ``stop`` is set.

        :raises NoWindowError: there is no display, or matplotlib has nothing to open windows with
        :raises StoreError: the store cannot be read any more
        """
        figure, plt = _open_window(f"{self._symbol} · marketlab")
        timer = figure.canvas.new_timer(interval=EVERY_MS)
        timer.add_callback(self._tick, figure, stop, plt.close)
        try:
            self.update(figure)
            timer.start()
            on_open()
            plt.show()
        finally:
            timer.stop()
            plt.close(figure)
        if self._error is not None:
            raise self._error

    def update(self, figure: Figure) -> None:
        """Draw what the store has now, and say how old it is."""
        changes = self._reader.changes()
        if changes != self._changes:
            self._changes, self._changed_at = changes, time.monotonic()
            self._line = self._read()
        draw_prices(figure, self._line, theme=self._theme, note=self._note())
        figure.canvas.draw_idle()

    def _tick(self, figure: Figure, stop: threading.Event, close: Callable[[Figure], None]) -> None:
        """Of the timer. An exception here would be printed by the window's toolkit twice a second, for ever."""
        if stop.is_set():
            close(figure)
            return
        try:
            self.update(figure)
        except MarketlabError as error:
            self._error = error
            close(figure)

    def _read(self) -> PriceLine:
        try:
            return price_line(self._reader, self._symbol, ticks=self._ticks, rule=self._rule)
        except NotFoundError:
            if self._reader.latest():
                raise
            return PriceLine(self._symbol, [], [], [], [], self._rule.window)  # nothing yet: it may come

    def _note(self) -> str:
        if not self._line.times:
            return "◌ waiting for the first tick · `marketlab up` sends some"
        age = time.monotonic() - self._changed_at
        state = f"◌ STALE {age:.0f} s" if age >= STALE_S else "● LIVE"
        return f"{state} · {_count(self._line, self._rule)}"


def _count(line: PriceLine, rule: Rule) -> str:
    alerts = sum(not math.isnan(change) for change in line.alerts)
    told = f"{alerts:,} alert{'' if alerts == 1 else 's'}"
    if not alerts:
        moves = (abs(price - before) / before * 100 for before, price in pairwise(line.prices))
        told = f"no alert ≥ {rule.threshold_pct:g} %, largest move {max(moves, default=0.0):.2g} %"
    return f"the newest {len(line.times):,} ticks · {told}"


def _alert(record: Record) -> float:
    """The change that a record's alert speaks of; a posted one may say it in its text alone."""
    if not record.alert:
        return math.nan
    if record.change_pct is not None:
        return record.change_pct
    said = _PERCENT.search(record.alert)
    return float(said[1]) if said else math.nan


def _open_window(title: str) -> tuple[Figure, Any]:
    """An empty window, and the ``pyplot`` that holds it."""
    mend = "A picture can be had everywhere: marketlab plot SYMBOL --png FILE"
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise NoWindowError("a window was wanted, but there is no display (DISPLAY is not set)", mend=mend)
    import matplotlib.pyplot as plt

    width, height = WINDOW_PX
    try:
        figure = plt.figure(title, figsize=(width / DPI, height / DPI), dpi=DPI)
    except (ImportError, RuntimeError) as error:  # what a toolkit says that cannot reach its display
        raise NoWindowError(f"a window was wanted, but matplotlib cannot open one: {error}", mend=mend) from error
    if getattr(figure.canvas, "required_interactive_framework", None) is None:
        plt.close(figure)
        raise NoWindowError(
            f"a window was wanted, but matplotlib can only draw pictures here (its backend is {plt.get_backend()})",
            mend=f"Tk is the smallest that opens windows (Debian, Ubuntu: apt install python3-tk). {mend}",
        )
    return figure, plt
