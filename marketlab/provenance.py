"""Why did this alert fire? Read its ticks again from the log, recompute, compare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import fsum
from typing import Any

from marketlab.analytics import change_pct, reaches
from marketlab.model import Alert, Tick, to_dict
from marketlab.wire import examine

__all__ = ["Explanation", "Seen", "explain"]

#: Given a partition and offsets, the values that the log still holds there.
Read = Callable[[int, Iterable[int]], Mapping[int, bytes | None]]


@dataclass(frozen=True, slots=True)
class Seen:
    """One tick behind an alert: what the store said of it and what the log says now."""

    offset: int
    price: float  # as stored with the alert
    read_again: float | None  # as decoded from the log now; None: gone or no tick

    @property
    def same(self) -> bool:
        """Whether the log still says what was stored."""
        return self.read_again == self.price


@dataclass(frozen=True, slots=True)
class Explanation:
    """An alert, the ticks behind it, and whether it comes out again.

    ``verdict``: ``confirmed``, ``differs`` (the log says something else), or ``gone`` (the log no longer holds all
    of the ticks, or is not the one that the alert came from; recomputed from the stored prices only).
    """

    alert: Alert
    ticks: tuple[Seen, ...]
    previous: Seen
    recomputed_average: float
    recomputed_change_pct: float
    fires: bool
    verdict: str

    def as_dict(self) -> dict[str, Any]:
        """As ``marketlab explain --json`` prints it."""
        return {
            "alert": to_dict(self.alert),
            "previous": {"offset": self.previous.offset, "price": self.previous.price},
            "ticks": [
                {"offset": seen.offset, "price": seen.price, "read_again": seen.read_again} for seen in self.ticks
            ],
            "recomputed": {
                "moving_average": self.recomputed_average,
                "change_pct": self.recomputed_change_pct,
                "fires": self.fires,
            },
            "verdict": self.verdict,
        }


def explain(alert: Alert, *, read: Read | None) -> Explanation:
    """Explain an alert.

    :param read: reads the log that the alert came from; None if it is not at hand
    """
    wanted = {*alert.window_offsets, alert.previous_offset}
    values = read(alert.partition, sorted(wanted)) if read else {}

    def seen(offset: int, price: float) -> Seen:
        item = examine(values.get(offset), float("inf"))
        again = item.price if isinstance(item, Tick) and item.symbol == alert.symbol else None
        return Seen(offset, price, again)

    ticks = tuple(map(seen, alert.window_offsets, alert.window_prices))
    previous = seen(alert.previous_offset, alert.previous_price)
    prices = [
        price if tick.read_again is None else tick.read_again
        for tick, price in zip(ticks, alert.window_prices, strict=True)
    ]
    before = alert.previous_price if previous.read_again is None else previous.read_again
    average = fsum(prices) / len(prices)
    change = change_pct(before, prices[-1])
    fires = reaches(before, prices[-1], threshold_pct=alert.rule.threshold_pct)
    everything = (*ticks, previous)
    if any(tick.read_again is None for tick in everything):
        verdict = "gone"
    elif not all(tick.same for tick in everything):
        verdict = "differs"
    else:
        verdict = "confirmed"
    if not fires or average != alert.moving_average or change != alert.change_pct:
        verdict = "differs"
    return Explanation(alert, ticks, previous, average, change, fires, verdict)
