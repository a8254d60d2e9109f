"""What should stand in the store, said as shortly as it can be: the yardstick that shares no code with the engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from math import fsum, inf
from typing import NamedTuple

from marketlab.model import Close, Refusal, Tick

__all__ = ["Row", "Stream", "account"]

WINDOW, THRESHOLD_PCT = 5, 3


class Row(NamedTuple):
    """A row of the digest."""

    symbol: str
    ordinal: int
    price: float
    timestamp: float
    size: float | None
    average: float | None
    alert: str | None
    late: bool


@dataclass
class Stream:
    """One symbol of one run."""

    rows: list[Row] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    duplicate: int = 0
    refused: int = 0
    last_seq: int | None = None

    @property
    def lost(self) -> set[int]:
        """Sequence numbers that never came."""
        return set(range(1, max(self.seen | {self.last_seq or 0}) + 1)) - self.seen


def account(messages: Iterable[Tick | Close | Refusal]) -> dict[tuple[str, str], Stream]:
    """Streams by run and symbol, of messages in the order of their log."""
    streams: dict[tuple[str, str], Stream] = {}
    for it in messages:
        if isinstance(it, Refusal) and (it.symbol is None or it.seq is None):
            continue
        stream = streams.setdefault((it.run, it.symbol or ""), Stream())
        highest = max(stream.seen | {stream.last_seq or 0})
        if isinstance(it, Close):
            stream.last_seq = max(it.last_seq, stream.last_seq or 0)
            continue
        if it.seq in stream.seen:
            stream.duplicate += isinstance(it, Tick)
            continue
        stream.seen |= {it.seq} - {None}
        if isinstance(it, Refusal):
            stream.refused += 1
            continue
        kept = [row for row in stream.rows if not row.late]
        late = it.timestamp < max((row.timestamp for row in kept), default=-inf) or (it.seq or inf) <= highest
        prices = [*(row.price for row in kept[-(WINDOW - 1) :]), it.price]
        average = None if late else fsum(prices) / len(prices)
        alert = _alert(it.symbol, prices) if not late and len(prices) > 1 else None
        stream.rows.append(Row(it.symbol, len(stream.rows) + 1, it.price, it.timestamp, it.size, average, alert, late))
    return streams


def _alert(symbol: str, prices: list[float]) -> str | None:
    before, after = Decimal(repr(prices[-2])), Decimal(repr(prices[-1]))
    if abs(after - before) * 100 < THRESHOLD_PCT * before:
        return None
    return f"⚠️ {symbol} changed by {(prices[-1] - prices[-2]) / prices[-2] * 100:.2f}%"
