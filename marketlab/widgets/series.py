"""The points of a chart: bounded, locked, handed out as fresh arrays."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from marketlab.analytics.lines import decimals
from marketlab.widgets.errors import WidgetError

__all__ = ["MOST_DECIMALS", "Points", "Series", "read_tick"]

MOST_DECIMALS = 8

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Points:
    """A copy of what a series held: times in seconds since the epoch, prices, averages (NaN: none), alerts in %.

    ``total`` counts all that ever came, ``decimals`` is what the prices of this symbol need.
    """

    times: Floats
    prices: Floats
    averages: Floats
    alerts: Floats
    total: int
    decimals: int

    def __len__(self) -> int:
        return len(self.times)

    def between(self, first: float, last: float) -> Points:
        """Those of a part of the time, both ends included."""
        part = slice(np.searchsorted(self.times, first, "left"), np.searchsorted(self.times, last, "right"))
        return replace(
            self,
            times=self.times[part],
            prices=self.prices[part],
            averages=self.averages[part],
            alerts=self.alerts[part],
        )


class Series:
    """The newest ticks of one symbol. Pushed to by one thread, read by another.

    :param symbol: of whom; None: of whoever comes first
    """

    def __init__(self, symbol: str | None, *, max_points: int) -> None:
        self.symbol = symbol
        self._rows: deque[tuple[float, float, float, float]] = deque(maxlen=max_points)
        self._lock = threading.Lock()
        self.total = 0
        self._decimals = 2

    def push(self, tick: Mapping[str, Any]) -> bool:
        """Take a tick; False if it is another symbol's.

        :raises WidgetError: it is not a tick
        """
        symbol, row = read_tick(tick)
        if self.symbol is None:
            self.symbol = symbol
        if symbol != self.symbol:
            return False
        with self._lock:
            self._rows.append(row)
            self.total += 1
            self._decimals = max(self._decimals, min(decimals(row[1]), MOST_DECIMALS))
        return True

    def points(self) -> Points:
        """What there is, by time; arrays that nobody else holds."""
        with self._lock:
            rows, total, places = list(self._rows), self.total, self._decimals
        columns = np.array(rows, dtype=np.float64).reshape(-1, 4)
        columns = columns[np.argsort(columns[:, 0], kind="stable")]
        times, prices, averages, alerts = (np.ascontiguousarray(column) for column in columns.T)
        return Points(times, prices, averages, alerts, total, places)


def read_tick(tick: Mapping[str, Any]) -> tuple[str, tuple[float, float, float, float]]:
    """A tick's symbol, and its time, price, average and alert (NaN: none).

    :raises WidgetError: it is not a tick
    """
    try:
        return tick["symbol"], _row(tick)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise WidgetError(
            f"a tick with symbol, price and timestamp was wanted, {tick!r} was found",
            mend='Push a dict: {"symbol": "AAPL", "price": 215.67, "timestamp": 1730896201.0}',
        ) from error


def _row(tick: Mapping[str, Any]) -> tuple[float, float, float, float]:
    time_s, price = float(tick["timestamp"]), float(tick["price"])
    if not (math.isfinite(time_s) and math.isfinite(price)):
        raise ValueError(tick)
    average = tick.get("moving_average")
    change = tick.get("change_pct") if tick.get("alert") else None
    return time_s, price, math.nan if average is None else float(average), math.nan if change is None else float(change)
