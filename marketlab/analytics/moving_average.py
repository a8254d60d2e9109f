"""The moving average of the last few prices."""

from __future__ import annotations

from collections import deque
from math import fsum

__all__ = ["MovingAverage"]


class MovingAverage:
    """Mean of the last up to ``window`` prices, the newest included.

    :param window: number of prices, at least 1
    :raises ValueError: if window < 1

    Price in, price out, one scalar each. While fewer than ``window`` prices have been seen it is the mean of those,
    as pandas has it with ``rolling(window, min_periods=1).mean()``. Summed afresh with :func:`math.fsum`, O(window):
    a carried sum keeps the rounding error of one huge price for ever.

    >>> average = MovingAverage(window=3)
    >>> [average.update(price) for price in (10.0, 20.0, 30.0, 40.0)]
    [10.0, 15.0, 20.0, 30.0]
    """

    def __init__(self, window: int = 5) -> None:
        if window < 1:
            raise ValueError(f"window must be at least 1, was {window}")
        self._prices: deque[float] = deque(maxlen=window)

    def update(self, price: float) -> float:
        """Take one price and return the mean."""
        self._prices.append(price)
        return fsum(self._prices) / len(self._prices)
