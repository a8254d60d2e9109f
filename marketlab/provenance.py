"""Why did this alert fire? Read its ticks again from the log, byte for byte, recompute, compare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import fsum, inf
from typing import Any

from marketlab.analytics import alert_text, change_pct, reaches
from marketlab.model import Alert, Tick, to_dict
from marketlab.wire import examine

__all__ = ["Explanation", "Seen", "explain"]

#: Given a partition and offsets, the values that the log still holds there.
Read = Callable[[int, Iterable[int]], Mapping[int, bytes | None]]


@dataclass(frozen=True, slots=True)
class Seen:
    """One tick behind an alert: what was stored of it with the alert, and what the log says now.

    ``raw``: the bytes at its offset, None if the log no longer holds them. ``read_again``: the price in them, None if
    they are no tick of the alert's symbol and run.
    """

    offset: int
    price: float
    raw: bytes | None
    tick: Tick | None

    @property
    def read_again(self) -> float | None:
        """The price that the log says now."""
        return self.tick.price if self.tick else None

    @property
    def found(self) -> str:
        """``same``, ``differs`` (the log holds something else), or ``gone``."""
        if self.raw is None:
            return "gone"
        return "same" if self.read_again == self.price else "differs"

    def as_dict(self) -> dict[str, Any]:
        """As ``marketlab explain --json`` prints it; ``raw`` as text, with what is not UTF-8 escaped."""
        return {
            "offset": self.offset,
            "price": self.price,
            "read_again": self.read_again,
            "found": self.found,
            "raw": None if self.raw is None else self.raw.decode("utf-8", "backslashreplace"),
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """An alert, the ticks behind it, and whether it comes out again.

    ``verdict``: ``confirmed``, ``differs`` (the log says something else), or ``gone`` (the log no longer holds all
    of the ticks, or is not the one that the alert came from; recomputed from the stored prices then).
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
            "previous": self.previous.as_dict(),
            "ticks": [seen.as_dict() for seen in self.ticks],
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
        if offset not in values:
            return Seen(offset, price, None, None)
        raw = values[offset]
        item = examine(raw, inf)
        ours = isinstance(item, Tick) and (item.symbol, item.run) == (alert.symbol, alert.run)
        return Seen(offset, price, raw or b"", item if isinstance(item, Tick) and ours else None)

    ticks = tuple(map(seen, alert.window_offsets, alert.window_prices))
    previous = seen(alert.previous_offset, alert.previous_price)
    everything = (*ticks, previous)
    prices = [tick.price if tick.read_again is None else tick.read_again for tick in ticks]
    before = previous.price if previous.read_again is None else previous.read_again
    average = fsum(prices) / len(prices)
    change = change_pct(before, prices[-1])
    fires = reaches(before, prices[-1], threshold_pct=alert.rule.threshold_pct)
    comes_out = fires and (average, change) == (alert.moving_average, alert.change_pct)
    comes_out = comes_out and alert_text(alert.symbol, change) == alert.text
    this = ticks[-1].tick
    if this is not None:
        comes_out = comes_out and (this.timestamp, this.seq) == (alert.timestamp, alert.seq)
    if not comes_out or any(tick.found == "differs" for tick in everything):
        verdict = "differs"
    else:
        verdict = "gone" if any(tick.found == "gone" for tick in everything) else "confirmed"
    return Explanation(alert, ticks, previous, average, change, fires, verdict)
