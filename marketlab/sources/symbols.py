"""The symbols that the seeded sources trade: where each starts and how much it moves."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from marketlab.errors import SourceError
from marketlab.wire import symbol_of

__all__ = ["DEFAULT_SYMBOLS", "Listing", "checked", "listing_of"]


class Listing(NamedTuple):
    """``start_price``: in quote currency per unit; ``volatility``: standard deviation of one tick's relative move."""

    start_price: float
    volatility: float


#: Prices as they stood around the fixed start of the simulated clock. The volatilities are those of lively shares,
#: so that a chart of one minute shows something; at 5 standard deviations they are still far below an alert of 3 %.
#: Their names, hashed, reach all three partitions of the topic.
LISTINGS = {
    "AAPL": Listing(215.0, 0.000_30),
    "GOOG": Listing(176.0, 0.000_35),
    "NFLX": Listing(780.0, 0.000_25),
    "AMZN": Listing(199.0, 0.000_40),
    "TSLA": Listing(251.0, 0.000_70),
}
DEFAULT_SYMBOLS = tuple(LISTINGS)

LEAST_PRICE, PRICE_SPAN = 20.0, 480.0  # never so low that one cent, the smallest move, comes near an alert
LEAST_VOLATILITY, VOLATILITY_SPAN = 0.000_2, 0.000_6


def listing_of(symbol: str) -> Listing:
    """Start and volatility of a symbol; one that is not listed gets its own from its name, everywhere the same."""
    if symbol in LISTINGS:
        return LISTINGS[symbol]
    digest = hashlib.sha256(symbol.encode()).digest()  # hash() differs from process to process
    first, second = (int.from_bytes(digest[at : at + 4], "big") / 2**32 for at in (0, 4))
    return Listing(round(LEAST_PRICE + PRICE_SPAN * first, 2), LEAST_VOLATILITY + VOLATILITY_SPAN * second)


def checked(symbols: Sequence[str]) -> tuple[str, ...]:
    """Symbols as they are keyed, each once, in the order given.

    :raises SourceError: none was given, or one is not a symbol
    """
    result = {}
    for text in symbols:
        symbol = symbol_of(text)
        if symbol is None:
            raise SourceError(
                f"a symbol must be 1-32 of A-Z 0-9 . - / : _ =, was {text!r}",
                mend="For example --symbols AAPL,BTC/USD.",
            )
        result[symbol] = True
    if not result:
        raise SourceError("at least one symbol was wanted, none was given", mend="For example --symbols AAPL,GOOG.")
    return tuple(result)
