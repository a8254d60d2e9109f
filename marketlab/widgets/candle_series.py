"""Ticks of one symbol, gathered into candles: one an interval, and none made up where there was no tick."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from marketlab.analytics.lines import decimals
from marketlab.widgets.errors import WidgetError
from marketlab.widgets.series import MOST_DECIMALS, read_tick

__all__ = ["Candle", "CandleSeries"]


@dataclass(slots=True)
class Candle:
    """One interval, stamped by its left edge (s since the epoch). ``ticks`` is at least 1."""

    start: float
    open: float
    high: float
    low: float
    close: float
    ticks: int = 1

    @property
    def rose(self) -> bool:
        """Whether it closed no lower than it opened: drawn hollow."""
        return self.close >= self.open


class CandleSeries:
    """The newest intervals of one symbol. Pushed to by one thread, read by another.

    Intervals are aligned to the epoch. A tick that is older than the newest one is late: counted, and in no candle.

    :param symbol: of whom; None: of whoever comes first
    :param seconds: length of an interval
    :param most: intervals that are kept, the empty ones counted
    """

    def __init__(self, symbol: str | None, *, seconds: float, most: int) -> None:
        if not seconds > 0:
            raise WidgetError(f"candles of more than 0 seconds were wanted, {seconds!r} was found")
        self.symbol = symbol
        self.seconds = seconds
        self.total = 0
        self.late = 0
        self.decimals = 2
        self._most = most
        self._newest = -math.inf
        self._candles: dict[float, Candle] = {}
        self._lock = threading.Lock()

    def push(self, tick: Mapping[str, Any]) -> bool:
        """Take a tick; False if it is another symbol's.

        :raises WidgetError: it is not a tick
        """
        symbol, (time_s, price, _, _) = read_tick(tick)
        if self.symbol is None:
            self.symbol = symbol
        if symbol != self.symbol:
            return False
        with self._lock:
            self.total += 1
            if time_s < self._newest or tick.get("late"):
                self.late += 1
                return True
            self._newest = time_s
            self.decimals = max(self.decimals, min(decimals(price), MOST_DECIMALS))
            self._add(math.floor(time_s / self.seconds) * self.seconds, price)
        return True

    def candles(self) -> list[Candle]:
        """Copies, oldest first; where two are not neighbours, the intervals between them are empty."""
        with self._lock:
            return [Candle(c.start, c.open, c.high, c.low, c.close, c.ticks) for _, c in sorted(self._candles.items())]

    def gaps(self, candles: list[Candle]) -> list[tuple[float, float]]:
        """Where nothing was traded between candles, as (from, to) in seconds."""
        return [
            (before.start + self.seconds, after.start)
            for before, after in pairwise(candles)
            if round((after.start - before.start) / self.seconds) > 1
        ]

    def _add(self, start: float, price: float) -> None:
        candle = self._candles.get(start)
        if candle is None:
            self._candles[start] = Candle(start, price, price, price, price)
            oldest = start - (self._most - 0.5) * self.seconds
            for old in [key for key in self._candles if key < oldest]:
                del self._candles[old]
            return
        candle.high, candle.low = max(candle.high, price), min(candle.low, price)
        candle.close = price
        candle.ticks += 1
