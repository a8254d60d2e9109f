"""What somebody said about a file that is to be replayed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from marketlab.errors import SourceError
from marketlab.wire import symbol_of

__all__ = ["ROLES", "TIME_UNITS", "Request", "parse_columns"]

TIME_UNITS = ("s", "ms", "us", "ns", "iso")

#: What a column can be; a file has price, or bid and ask, or close.
ROLES = ("timestamp", "symbol", "price", "size", "bid", "ask", "close")

#: Role → what kind of row it makes; a file has one kind.
PRICE_OF = {"price": "trades", "bid": "quotes", "ask": "quotes", "close": "bars"}

NAMED_DELIMITERS = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|"}


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that was stated; None means that it is to be read from the file or refused.

    ``columns``: role → column name, or position from 0; ``time_unit``: one of TIME_UNITS; ``date``: the day (UTC)
    whose midnight the stamps count from.
    """

    path: Path
    columns: Mapping[str, str | int]
    symbol: str | None = None
    time_unit: str | None = None
    date: dt.date | None = None
    delimiter: str | None = None
    header: bool | None = None

    @classmethod
    def checked(
        cls,
        path: Path,
        *,
        columns: Mapping[str, str | int] | None = None,
        symbol: str | None = None,
        time_unit: str | None = None,
        date: dt.date | None = None,
        delimiter: str | None = None,
        header: bool | None = None,
    ) -> Request:
        """The request, if it can be meant.

        :raises SourceError: a symbol, unit, delimiter or role that is none
        """
        keyed = None if symbol is None else symbol_of(symbol)
        if symbol is not None and keyed is None:
            raise SourceError(
                f"symbol must be 1-32 of A-Z 0-9 . - / : _ =, was {symbol!r}", mend="For example --symbol BCH/EUR."
            )
        if time_unit is not None and time_unit not in TIME_UNITS:
            raise SourceError(f"time unit must be one of {', '.join(TIME_UNITS)}, was {time_unit!r}")
        delimiter = NAMED_DELIMITERS.get(delimiter.lower(), delimiter) if delimiter is not None else None
        if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\0'):
            raise SourceError(
                f"delimiter must be one character, or one of tab, space, comma, semicolon, pipe, was {delimiter!r}"
            )
        columns = dict(columns or {})
        for role, column in columns.items():
            if role not in ROLES:
                raise SourceError(f"a column can be {', '.join(ROLES)}, was {role!r}", mend=COLUMNS_MEND)
            if isinstance(column, int) and column < 0:
                raise SourceError(f"column {role} must be a name or a position from 0 on, was {column}")
        prices = [role for role in columns if role in PRICE_OF]
        if len({PRICE_OF[role] for role in prices}) > 1:
            raise SourceError(
                f"a row has a price, or bid and ask, or a close, was {', '.join(prices)}",
                mend="Leave out the columns that are not the price.",
            )
        return cls(Path(path).expanduser(), columns, keyed, time_unit, date, delimiter, header)


COLUMNS_MEND = "For example --columns timestamp=0,price=1,size=2, or with names: --columns timestamp=time,price=last."


def parse_columns(text: str) -> dict[str, str | int]:
    """The value of ``--columns``: ``role=column`` by commas, a column being its name or its position from 0.

    :raises SourceError: it is not of that form, or one role stands twice

    >>> parse_columns("timestamp=0,price=last")
    {'timestamp': 0, 'price': 'last'}
    """
    columns: dict[str, str | int] = {}
    for part in text.split(","):
        role, equals, column = (piece.strip() for piece in part.partition("="))
        if not (role and equals and column) or role in columns:
            raise SourceError(f"columns must be role=column by commas, each role once, was {text!r}", mend=COLUMNS_MEND)
        columns[role] = int(column) if column.isascii() and column.isdigit() else column
    return columns
