"""The alerts among the ticks that were seen, each with the ticks behind it."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum
from typing import Any

from marketlab.widgets.behind import Behind, BehindTick
from marketlab.widgets.series import read_tick

__all__ = ["AlertMemory", "Remembered"]


@dataclass(frozen=True, slots=True)
class Remembered:
    """An alert: the tick as it was pushed, its change in percent, and what was seen before it."""

    number: int
    tick: Mapping[str, Any]
    change_pct: float
    previous: float | None
    came_at: float
    behind: Behind | None


class AlertMemory:
    """The newest alerts, the newest first, and the largest move of all.

    :param window: ticks in the average
    :param most: alerts that are kept
    """

    def __init__(self, *, window: int, most: int) -> None:
        self.total = 0
        self.largest: float | None = None  # in percent, with its sign
        self.alerts: deque[Remembered] = deque(maxlen=most)
        self._window = window
        self._seen: dict[str, deque[BehindTick]] = defaultdict(lambda: deque(maxlen=window + 1))

    def push(self, tick: Mapping[str, Any], *, now: float) -> None:
        """Take a tick.

        :raises WidgetError: it is not a tick
        """
        symbol, (_, price, _, change) = read_tick(tick)
        seen = self._seen[symbol]
        previous = seen[-1].price if seen else None
        seen.append(BehindTick("", tick.get("offset"), price))
        moved = tick.get("change_pct")
        if moved is None and previous:
            moved = (price - previous) / previous * 100
        if moved is not None and (self.largest is None or abs(moved) > abs(self.largest)):
            self.largest = moved
        if math.isnan(change) and tick.get("alert") and moved is not None:
            change = moved
        if not math.isnan(change):
            self.total += 1
            behind = self._behind(symbol, seen)
            self.alerts.appendleft(Remembered(self.total, dict(tick), change, previous, now, behind))

    def _behind(self, symbol: str, seen: deque[BehindTick]) -> Behind | None:
        if len(seen) < 2:
            return None
        rows = list(seen)[-self._window :]
        names = [f"{len(rows) - 1 - n} before" if n < len(rows) - 1 else "this tick" for n in range(len(rows))]
        return Behind(
            symbol=symbol,
            previous=BehindTick("the tick before", seen[-2].offset, seen[-2].price),
            ticks=[BehindTick(name, row.offset, row.price) for name, row in zip(names, rows, strict=True)],
            moving_average=fsum(row.price for row in rows) / len(rows),
            change_pct=(seen[-1].price - seen[-2].price) / seen[-2].price * 100,
            says="Worked out from the ticks seen here.",
        )
