"""The lines that people read in the terminal and in the analytics log."""

from __future__ import annotations

__all__ = ["decimals", "price_text", "tick_line"]

_LEAST = 2


def decimals(price: float) -> int:
    """Decimal places that a price needs so that no digit of it is hidden; at least two.

    >>> decimals(215.6), decimals(0.00141342), decimals(1e-07)
    (2, 8, 7)
    """
    text = repr(price)
    mantissa, _, exponent = text.partition("e")
    places = len(mantissa.partition(".")[2]) if not mantissa.endswith(".0") else 0
    return max(_LEAST, places - int(exponent or 0))


def price_text(price: float) -> str:
    """A price with as many decimals as it needs.

    >>> price_text(215.6), price_text(0.00141342)
    ('215.60', '0.00141342')
    """
    return f"{price:.{decimals(price)}f}"


def tick_line(symbol: str, price: float, average: float | None, *, window: int) -> str:
    """One tick and its average, which is shown as finely as the price.

    >>> tick_line("AAPL", 314.66, 312.1234, window=5)
    'AAPL | Price: 314.66 | MA(5): 312.12'
    """
    places = decimals(price)
    if average is None:  # a late tick has no average
        return f"{symbol} | Price: {price:.{places}f} | late"
    return f"{symbol} | Price: {price:.{places}f} | MA({window}): {average:.{places}f}"
