"""What the reader's questions have in common: numbers and texts that SQLite can take, and walks along a chain."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import apsw

from marketlab.errors import PrunedError, QueryError
from marketlab.store import statements as sql
from marketlab.store.layout import Head

__all__ = ["LARGEST_INTEGER", "at_least_one", "head_of", "is_text", "key", "pruned", "walk"]

LARGEST_INTEGER: Final = 2**63 - 1


def head_of(connection: apsw.Connection, symbol: str) -> Head | None:
    """What is known of a symbol, or None if it was never seen."""
    found = connection.execute(sql.HEAD, (symbol,)).fetchone() if is_text(symbol) else None
    return Head(*found) if found else None


def walk(
    connection: apsw.Connection,
    chain: sql.ChainQueries,
    symbol: str,
    first: int | None,
    last: int | None,
    before: int | None,
    limit: int,
) -> Iterator[tuple[Any, ...]]:
    """Rows of a symbol, newest first. A cursor of ours is one of them, and knows the one before."""
    start = last
    if before is not None and last is not None and before <= last:
        found = connection.execute(chain.previous, (key(before), symbol)).fetchone()
        if found is None:
            found = connection.execute(chain.next_below, (key(before), first, symbol)).fetchone()
        start = found[0] if found else None
    return iter(connection.execute(chain.walk, (start, key(limit))))


def at_least_one(limit: int) -> None:
    """Refuse a limit that has no meaning; to SQLite a negative one would be none at all."""
    if limit < 1:
        raise QueryError(f"limit must be at least 1, was {limit}", pointer="/limit")


def key(id_: int) -> int:
    """A number that SQLite can compare with: there are no rows beyond 64 bits."""
    return max(-LARGEST_INTEGER, min(id_, LARGEST_INTEGER))


def pruned(run: str, pruned_at: float) -> PrunedError:
    """Why a run has no digest any more."""
    return PrunedError(
        f"run {run or '(no run)'} was pruned on {datetime.fromtimestamp(pruned_at, UTC):%Y-%m-%d}: its ticks are gone, "
        "and its digest can no longer be made",
        mend="Its account is still in `marketlab books`. A backup that holds the run can still make its digest.",
    )


def is_text(value: object) -> bool:
    """Whether SQLite can compare with it: a lone surrogate has no UTF-8, so it stands in no row."""
    return not isinstance(value, str) or value.isascii() or _encodes(value)


def _encodes(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
