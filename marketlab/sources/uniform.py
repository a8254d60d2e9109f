"""The prices of the first lesson: drawn anew for every tick, and why that is no market."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from marketlab.model import Tick
from marketlab.ports import Source
from marketlab.sources.clocks import afresh
from marketlab.sources.simulator import DEFAULT_SEED
from marketlab.sources.symbols import DEFAULT_SYMBOLS, checked

__all__ = ["Uniform"]

LOW, SPAN = 100.0, 400.0


class Uniform(Source):
    """``uniform(100, 500)`` for a symbol picked at random: no price has to do with the one before.

    Some 95 % of its ticks move by 3 % or more and alert. It stays because the first milestone shows why that is wrong.

    :param seed: the same seed and symbols give the same symbols and prices in the same order, everywhere
    :param symbols: who is traded
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
        symbols, clock = self._symbols, afresh(self._clock)
        # Only random() is promised to stay the same from one version of Python to the next; choice() is not.
        draw = random.Random(self._seed).random  # noqa: S311 (repeatable is what is wanted)
        count = len(symbols)
        while True:
            symbol = symbols[int(draw() * count)]
            yield Tick(symbol, int((LOW + SPAN * draw()) * 100.0 + 0.5) / 100.0, clock())

    def describe(self) -> str:
        """Seed and symbols."""
        return f"uniform(100, 500) (seed {self._seed}) of {', '.join(self._symbols)}; no price depends on the last"
