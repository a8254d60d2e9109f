"""The list of symbols: last price, change, average, the way it came, and the mark of an alert."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ipywidgets import HTML

from marketlab.analytics.lines import decimals
from marketlab.widgets.live import LiveWidget, Pull
from marketlab.widgets.series import MOST_DECIMALS, read_tick
from marketlab.widgets.shapes import Drawing
from marketlab.widgets.watchlist_drawing import Row, draw_watchlist

__all__ = ["Watchlist"]

MOST_ROWS = 8  # 280 pixels
SPARK_POINTS = 60
FRESH_S = 10.0


@dataclass(slots=True)
class _Symbol:
    prices: deque[float] = field(default_factory=lambda: deque(maxlen=SPARK_POINTS))
    ticks: int = 0
    change_pct: float | None = None
    average: float | None = None
    alert: float | None = None
    alerted_at: float = -math.inf
    decimals: int = 2


class Watchlist(LiveWidget):
    """One line a symbol, by name; a symbol that alerts is red for ten seconds.

    ::

        with Watchlist() as watchlist:
            for tick in ticks:
                watchlist.push(tick)

    :param name: a second widget of the same name closes this one
    :param hz: drawn so many times a second at the most
    :param max_seconds: it ends by itself after so long
    :param max_ticks: it ends by itself after so many ticks
    :param pull: asked for new ticks before each drawing
    """

    def __init__(
        self,
        *,
        name: str = "watchlist",
        hz: float = 5.0,
        max_seconds: float | None = None,
        max_ticks: int | None = None,
        pull: Pull | None = None,
    ) -> None:
        super().__init__(name=name, hz=hz, max_seconds=max_seconds, max_pushes=max_ticks, pull=pull)
        self._symbols: dict[str, _Symbol] = {}
        self._lock = threading.Lock()
        self._svg = HTML()
        self.begin(self._svg)

    def push(self, tick: Mapping[str, Any], /) -> None:
        """Add a tick: a dict with symbol, price and timestamp (s); moving_average, alert and change_pct if there are.

        Without a change_pct the change is that from the symbol's tick before.

        :raises WidgetError: it is not a tick
        """
        symbol, (_, price, average, alert) = read_tick(tick)
        with self._lock:
            seen = self._symbols.setdefault(symbol, _Symbol())
            seen.ticks += 1
            given = tick.get("change_pct")
            before = seen.prices[-1] if seen.prices else None
            seen.change_pct = given if given is not None else before and (price - before) / before * 100
            seen.prices.append(price)
            seen.decimals = max(seen.decimals, min(decimals(price), MOST_DECIMALS))
            seen.average = None if math.isnan(average) else average
            if not math.isnan(alert):
                seen.alert, seen.alerted_at = alert, time.monotonic()
        self.notify()

    def draw(self) -> str:
        """Bring the newest prices into view."""
        svg = self.drawing().svg()
        if self._svg.value != svg:
            self._svg.value = svg
        with self._lock:
            symbols, ticks = len(self._symbols), sum(seen.ticks for seen in self._symbols.values())
        if not symbols:
            return "no tick came" if self.ended else "<b>◌</b> waiting for the first tick"
        more = f" · {symbols - MOST_ROWS:,} more symbols" if symbols > MOST_ROWS else ""
        return f"<b>{'■ ended' if self.ended else '● LIVE'}</b> · {ticks:,} ticks · {symbols:,} symbols{more}"

    def drawing(self) -> Drawing:
        """The same as a still picture."""
        now = time.monotonic()
        with self._lock:
            rows = [
                Row(
                    symbol,
                    tuple(seen.prices),
                    seen.change_pct,
                    seen.average,
                    seen.alert,
                    now - seen.alerted_at < FRESH_S,
                    seen.decimals,
                )
                for symbol, seen in sorted(self._symbols.items())[:MOST_ROWS]
            ]
        return draw_watchlist(rows)

    def numbers(self) -> dict[str, Any]:
        """Ticks, last price, change and average of every symbol."""
        with self._lock:
            return {
                "symbols": {
                    symbol: {
                        "ticks": seen.ticks,
                        "last": seen.prices[-1],
                        "change_pct": seen.change_pct,
                        "moving_average": seen.average,
                    }
                    for symbol, seen in sorted(self._symbols.items())
                }
            }
