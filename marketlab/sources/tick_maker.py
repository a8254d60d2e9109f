"""One row of cells to a tick, or to the kind of thing it is instead."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from marketlab.model import Reason, Tick
from marketlab.sources.numbers import mid
from marketlab.sources.times import Stamps
from marketlab.wire import MAX_PRICE, symbol_of

__all__ = ["CROSSED_QUOTE", "TickMaker"]

#: The one kind of row that is well formed and no tick. A bid above the ask is two sides of different moments, or of
#: different markets, so their mean is nobody's price; cleaning rules for quotes drop it (Barndorff-Nielsen, Hansen,
#: Lunde and Shephard 2009, rule Q2) and keep a locked one (bid = ask).
CROSSED_QUOTE = "crossed_quote"

BAD_CELL = (ValueError, TypeError, LookupError, ArithmeticError)
CACHE_LIMIT = 100_000  # distinct symbols remembered; a broken file may not fill the memory


class TickMaker:
    """Makes ticks of rows.

    :param keys: role → what a row gives the cell for: timestamp, symbol, size, and price, or bid and ask, or close
    :param number: a cell to a float, ValueError if it is no number
    :param symbol: of all rows, where there is no such column
    :param length_s: what is added to every stamp: the length of a bar

    ``make``: a row to a valid tick, or to the kind of row that it is instead (named as :class:`Reason` names it).
    """

    def __init__(
        self,
        keys: Mapping[str, Any],
        *,
        stamps: Stamps,
        number: Callable[[Any], float],
        symbol: str | None = None,
        length_s: float = 0.0,
    ) -> None:
        self._keys, self._stamps, self._number = keys, stamps, number
        self._symbol, self._length_s = symbol, length_s
        self._symbols = _Symbols()
        self._price_keys = [keys[role] for role in ("price", "bid", "ask", "close") if role in keys]
        self.make: Callable[[Any], Tick | str] = self._maker()

    def _maker(self) -> Callable[[Any], Tick | str]:
        """The fast way, for rows that are ticks; whatever it stumbles over is looked at again by :meth:`_why`."""
        number, why, symbol, symbols = self._number, self._why, self._symbol, self._symbols
        stamp, low, high, length_s = self._stamps.read, self._stamps.low, self._stamps.high, self._length_s
        price_key, stamp_key = self._price_keys[0], self._keys["timestamp"]
        symbol_key, size_key = self._keys.get("symbol"), self._keys.get("size")
        mid_of = self._mid if len(self._price_keys) == 2 else None

        def make(row: Any) -> Tick | str:
            try:
                price = number(row[price_key]) if mid_of is None else mid_of(row)
                time = stamp(row[stamp_key])
                name = symbols[row[symbol_key]] if symbol is None else symbol
                size = None if size_key is None or _is_empty(row, size_key) else number(row[size_key])
            except BAD_CELL:
                return why(row)
            if not (0.0 < price < MAX_PRICE and low < time < high and (size is None or 0.0 < size < math.inf)):
                return why(row)
            return Tick(name, price, time + length_s, size)

        return make

    def _mid(self, row: Any) -> float:
        bid, ask = row[self._keys["bid"]], row[self._keys["ask"]]
        if not 0.0 < self._number(bid) <= self._number(ask) < MAX_PRICE:
            raise ValueError(bid)
        return mid(bid, ask)

    def _why(self, row: Any) -> str:
        """The kind of a row that is no tick: the first thing that is wrong with it, as the wire's contract has it."""
        stamp_key, symbol_key = self._keys["timestamp"], self._keys.get("symbol")
        needed = [stamp_key, *self._price_keys] + ([] if symbol_key is None else [symbol_key])
        if any(_is_empty(row, key) for key in needed):
            return Reason.MISSING_FIELD.value
        if symbol_key is not None and self._try(self._symbols.__getitem__, row[symbol_key]) is None:
            return Reason.BAD_SYMBOL.value
        prices = [self._try(self._number, row[key]) for key in self._price_keys]
        for price in prices:
            if price is not None and not math.isfinite(price):
                return Reason.NOT_FINITE.value
            if price is None or not 0.0 < price < MAX_PRICE:
                return Reason.BAD_PRICE.value
        if len(prices) == 2 and prices[1] < prices[0]:
            return CROSSED_QUOTE
        time = self._try(self._stamps.read, row[stamp_key])
        if time is None or not self._stamps.low < time < self._stamps.high:
            return Reason.BAD_TIMESTAMP.value
        return Reason.BAD_SIZE.value

    @staticmethod
    def _try(read: Callable[[Any], Any], cell: Any) -> Any:
        """What a cell reads as, or None."""
        try:
            return read(cell)
        except BAD_CELL:
            return None


class _Symbols(dict[Any, str]):
    """Symbols as written → as keyed; LookupError for what is no symbol."""

    def __missing__(self, written: Any) -> str:
        symbol = symbol_of(written.strip()) if isinstance(written, str) else None
        if symbol is None:
            raise KeyError(written)
        if len(self) < CACHE_LIMIT:
            self[written] = symbol
        return symbol


def _is_empty(row: Any, key: Any) -> bool:
    try:
        cell = row[key]
    except LookupError:
        return True
    return cell is None or (isinstance(cell, str) and (not cell or cell.isspace()))
