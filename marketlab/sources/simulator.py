"""The seeded simulator: a sober price process per symbol, with rare jumps that are worth an alert.

Between jumps a price is a geometric Brownian motion without drift, one step a tick whatever the clock says, so that
the prices of a seed are the same at every rate. A step is the Milstein step, exact to the second order of the
volatility, which needs no exponential function: only additions, multiplications and ``Random.random`` are used, and
these give the same bits on every machine and every version of Python.

Every 100 to 600 ticks of all symbols together (5 to 30 s at the default rate) the symbol whose turn it is jumps by
2.5 to 6 % (Merton's jump diffusion, with a waiting time that is bounded: no flood of alerts and no hour without
one). The direction is the seed's too, unless the price left half to twice its start: then the jump leads back, for
far down one cent would be 3 %.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist

from marketlab.model import Tick
from marketlab.ports import Source
from marketlab.sources.clocks import afresh
from marketlab.sources.symbols import DEFAULT_SYMBOLS, checked, listing_of

__all__ = ["DEFAULT_SEED", "Simulator"]

#: Found by trying: at 20 ticks/s it alerts after 8.35 (up), 35.25 (up) and 50.9 s (down) of the first minute.
DEFAULT_SEED = 1

LEAST_GAP, GAP_SPAN = 100, 500  # ticks of all symbols from one jump to the next
LEAST_JUMP, JUMP_SPAN = 0.025, 0.035  # relative; some jumps stay below the default alert of 3 %
LOW, HIGH = 0.5, 2.0  # of the start price; outside, a jump leads back

#: Quantiles of the standard normal distribution in equal steps of probability: a uniform number picks its move.
#: Rounded, for the last bit of a logarithm differs from one C library to the next.
QUANTILES = 4096
NORMAL = tuple(round(NormalDist().inv_cdf((index + 0.5) / QUANTILES), 6) for index in range(QUANTILES))


class Simulator(Source):
    """Prices of a few symbols without end, in whole cents; alerts (3 % from tick to tick) come a few a minute.

    :param seed: the same seed and symbols give the same symbols and prices in the same order, everywhere
    :param symbols: who is traded; each tick's symbol is picked evenly among them
    :param clock: looked at once a tick, gives its event time in seconds since the epoch; a simulated clock begins
        again with every iteration
    :raises SourceError: a symbol is not one, or there is none
    """

    def __init__(
        self,
        *,
        seed: int = DEFAULT_SEED,
        symbols: Sequence[str] = DEFAULT_SYMBOLS,
        clock: Callable[[], float],
    ) -> None:
        super().__init__()
        self._seed = seed
        self._symbols = checked(symbols)
        self._clock = clock

    def __iter__(self) -> Iterator[Tick]:
        """Yield ticks without end."""
        symbols, clock, normal = self._symbols, afresh(self._clock), NORMAL
        draw = random.Random(self._seed).random  # noqa: S311 (repeatable is what is wanted)
        listings = [listing_of(symbol) for symbol in symbols]
        starts = [listing.start_price for listing in listings]
        volatilities = [listing.volatility for listing in listings]
        prices = list(starts)
        count = len(symbols)
        while True:
            # The symbol that jumps at the end of the gap is simply the one whose turn it is.
            for left in range(LEAST_GAP + int(GAP_SPAN * draw()), -1, -1):
                # One number picks both: its whole part the symbol, the rest, again uniform, the move.
                pick = draw() * count
                index = int(pick)
                z = normal[int((pick - index) * QUANTILES)]
                v = volatilities[index]
                price = prices[index] * (1.0 + v * z + 0.5 * v * v * (z * z - 1.0))
                if not left:
                    price *= 1.0 + _jump(draw(), draw(), price / starts[index])
                prices[index] = price
                # A whole number over 100 is the float that the two decimals are read as; round() takes 5 times as long.
                yield Tick(symbols[index], int(price * 100.0 + 0.5) / 100.0, clock())

    def describe(self) -> str:
        """Seed and symbols."""
        return f"simulator (seed {self._seed}) of {', '.join(self._symbols)}"


def _jump(direction: float, size: float, level: float) -> float:
    """A relative jump out of two uniform numbers; ``level``: the price in units of its start."""
    up = direction < 0.5 if LOW <= level <= HIGH else level < LOW
    return (LEAST_JUMP + JUMP_SPAN * size) * (1.0 if up else -1.0)
