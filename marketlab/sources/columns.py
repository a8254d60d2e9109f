"""Which column holds what: stated, or told by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from marketlab.errors import SourceError
from marketlab.sources.request import COLUMNS_MEND, Request

__all__ = ["Layout", "resolve"]

#: Names under which a column is known, in lower case with _ for blanks and hyphens. The first is the wire's own name
#: and wins; of the others only one may be there.
NAMES = {
    "timestamp": ("timestamp", "time", "datetime", "date_time", "date", "ts", "event_time", "trade_time"),
    "symbol": ("symbol", "ticker", "instrument", "pair"),
    "price": ("price", "last", "last_price", "trade_price", "px"),
    "size": ("size", "qty", "quantity", "amount", "volume", "last_size"),
    "bid": ("bid", "bid_price", "bidprice", "best_bid"),
    "ask": ("ask", "ask_price", "askprice", "best_ask", "offer"),
    "close": ("close",),
}
UNIT_IN_NAME = re.compile(r"(.+)_(s|ms|us|ns)")

Kind = Literal["trades", "quotes", "bars"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Positions of the columns, by role, and what a row therefore is.

    ``kind``: trades have a price, quotes bid and ask, bars a close; ``time_unit``: what the name of the timestamp's
    column says (``timestamp_ms``), or None.
    """

    kind: Kind
    at: Mapping[str, int]
    time_unit: str | None = None

    def describe(self, names: Sequence[str] | None) -> str:
        """The columns as people name them."""
        return ", ".join(
            f"{role} = column {position}" if names is None else f"{role} = {names[position]}"
            for role, position in self.at.items()
        )


def resolve(names: Sequence[str] | None, request: Request, *, file: str, first_row: str) -> Layout:
    """Find the columns.

    :param names: of the columns in their order, or None where the file has none
    :param file: its name, ``first_row``: as it stands there; both for people
    :returns: the columns; that of the symbol is the only one that may be missing though nobody said the symbol
    :raises SourceError: a column is not there, or it cannot be known which one is meant
    """
    at = {role: _position(role, column, names, file) for role, column in request.columns.items()}
    if names is not None:
        units = _find_by_name(at, names, request, file=file)
    elif not at:
        raise SourceError(
            f"{file}: there is no header, so the columns must be said; the first row is {first_row}", mend=COLUMNS_MEND
        )
    else:
        units = {}
    kind = _kind(at, stated=set(request.columns))
    if kind is None or "timestamp" not in at:
        wanted = "a timestamp" if kind else "a price (or bid and ask, or close)"
        found = f"the columns are {', '.join(names)}" if names is not None else f"the first row is {first_row}"
        raise SourceError(f"{file}: no column is known to hold {wanted}; {found}", mend=COLUMNS_MEND)
    used = {"trades": {"price", "size"}, "quotes": {"bid", "ask"}, "bars": {"close"}}[kind]
    used |= {"timestamp", "symbol"} | set(request.columns)
    if "symbol" in at and request.symbol is not None:
        raise SourceError(
            f"{file}: --symbol {request.symbol} was given, but the file names its symbols itself "
            f"({Layout(kind, {'symbol': at['symbol']}).describe(names)})",
            mend="Leave --symbol out.",
        )
    return Layout(
        kind,
        {role: at[role] for role in NAMES if role in at and role in used},
        None if "timestamp" in request.columns else units.get("timestamp"),
    )


def _position(role: str, column: str | int, names: Sequence[str] | None, file: str) -> int:
    if isinstance(column, int):
        if names is not None and column >= len(names):
            raise SourceError(f"{file}: {role} = column {column} was wanted, the last column is {len(names) - 1}")
        return column
    if names is None:
        raise SourceError(
            f"{file}: {role} = {column!r} was wanted, but the columns have no names",
            mend="Give positions from 0 on: --columns timestamp=0,price=1.",
        )
    found = [position for position, name in enumerate(names) if name == column]
    found = found or [position for position, name in enumerate(names) if _plain(name) == _plain(column)]
    if len(found) != 1:
        problem = "is not there" if not found else f"stands there {len(found)} times"
        raise SourceError(f"{file}: {role} = {column!r} {problem}; the columns are {', '.join(names)}")
    return found[0]


def _find_by_name(at: dict[str, int], names: Sequence[str], request: Request, *, file: str) -> dict[str, str]:
    """Add the columns that are known by their names; returns the time units that names say."""
    plain: list[str] = []
    units: dict[int, str] = {}
    for name in map(_plain, names):
        with_unit = UNIT_IN_NAME.fullmatch(name)
        if with_unit and with_unit[1] in NAMES["timestamp"]:
            name = with_unit[1]
            units[len(plain)] = with_unit[2]
        plain.append(name)
    taken = set(at.values())
    for role, known in NAMES.items():
        if role in at or (role == "size" and "close" in request.columns):
            continue
        found = [position for position, name in enumerate(plain) if name in known and position not in taken]
        own = [position for position in found if plain[position] == known[0]]
        if len(own) == 1:
            found = own
        if len(found) > 1 and _matters(role, at, request):
            raise SourceError(
                f"{file}: {' and '.join(names[position] for position in found)} could each be the {role}",
                mend=f"Say which: --columns {role}={names[found[0]]}.",
            )
        if len(found) == 1:
            at[role] = found[0]
    return {"timestamp": units[at["timestamp"]]} if at.get("timestamp") in units else {}


def _matters(role: str, at: Mapping[str, int], request: Request) -> bool:
    """Whether a row's tick depends on this role, given what is known already (roles come in the order of NAMES)."""
    if role in ("bid", "ask"):
        return "price" not in at
    if role == "size":
        return "price" in at and not {"bid", "ask", "close"} & set(request.columns)
    return role in ("timestamp", "symbol", "price")


def _kind(at: Mapping[str, int], *, stated: set[str]) -> Kind | None:
    """What a row is; what was stated comes before what was found by name."""
    for roles in (stated, set(at)):
        if "price" in roles:
            return "trades"
        if roles & {"bid", "ask"} and {"bid", "ask"} <= set(at):
            return "quotes"
        if "close" in roles:
            return "bars"
    return None


def _plain(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip().strip("<>").lower())
