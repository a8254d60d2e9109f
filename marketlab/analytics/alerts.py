"""When a price has moved far enough in one tick to be worth an alert."""

from __future__ import annotations

from decimal import Decimal

__all__ = ["alert_text", "change_pct", "reaches"]

# Two prices and their quotient each carry a relative rounding error of 2**-53; a hundred times their sum is still
# far below any change that two printed prices can be apart from a threshold by.
_ROUNDING_PCT = 1e-9


def change_pct(previous: float, price: float) -> float:
    """The change from one price to the next in percent, negative for a fall.

    >>> change_pct(100.0, 97.0)
    -3.0
    """
    return (price - previous) / previous * 100


def reaches(previous: float, price: float, *, threshold_pct: float) -> bool:
    """Whether the price moved by the threshold or more, up or down; exact for the decimals as printed.

    100.00 → 103.00 is a move of exactly 3 % and reaches it, although 0.03 has no exact float. Only the rare tick
    within rounding distance of the threshold pays for decimal arithmetic.

    >>> reaches(100.0, 103.0, threshold_pct=3.0), reaches(100.0, 102.99, threshold_pct=3.0)
    (True, False)
    """
    move = abs(price - previous) / previous * 100
    slack = _ROUNDING_PCT * max(1.0, move, threshold_pct)
    if abs(move - threshold_pct) > slack:
        return move > threshold_pct
    before, after = Decimal(repr(previous)), Decimal(repr(price))
    return abs(after - before) * 100 >= Decimal(repr(threshold_pct)) * before


def alert_text(symbol: str, change: float) -> str:
    """The alert as people read it.

    >>> alert_text("AAPL", 3.4512), alert_text("AAPL", -3.4512)
    ('⚠️ AAPL changed by 3.45%', '⚠️ AAPL changed by -3.45%')
    """
    return f"⚠️ {symbol} changed by {change:.2f}%"
