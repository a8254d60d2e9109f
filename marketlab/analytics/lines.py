"""The lines that people read in the terminal and in the analytics log."""

from __future__ import annotations

from decimal import Decimal

__all__ = ["decimals", "price_text", "tick_line"]

_LEAST = 2


def decimals(price: float) -> int:
    """Decimal places that a price needs so that no digit of it is hidden; at least two.

    >>> decimals(215.6), decimals(0.00141342), decimals(1e-07)
    (2, 8, 7)
    """
    if float(f"{price:.2f}") == price:  # almost always, and a third of the time of the general way
        return _LEAST
    mantissa, _, exponent = repr(price).partition("e")
    return max(_LEAST, len(mantissa.partition(".")[2]) - int(exponent or 0))


def price_text(price: float) -> str:
    """A price with as many decimals as it needs; reading it gives the same price.

    >>> price_text(215.6), price_text(0.00141342)
    ('215.60', '0.00141342')
    """
    text = f"{price:.2f}"
    return text if float(text) == price else f"{Decimal(repr(price)):f}"


def tick_line(symbol: str, price: float, average: float | None, *, window: int) -> str:
    """One tick and its average, which is shown as finely as the price.

    >>> tick_line("AAPL", 314.66, 312.1234, window=5)
    'AAPL | Price: 314.66 | MA(5): 312.12'
    """
    if average is None:  # a late tick has no average
        return f"{symbol} | Price: {price_text(price)} | late"
    return f"{symbol} | Price: {price_text(price)} | MA({window}): {average:.{decimals(price)}f}"
