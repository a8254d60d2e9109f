"""Which rows must point past those that are pruned.

A symbol's history is a chain of rows. Where all older rows of it go as well, it just ends there; only where runs of
one symbol were interleaved, a row that stays lies behind one that goes.
"""
# ruff: noqa: S608 (put together from names in this file; values are always bound)

from __future__ import annotations

from collections.abc import Iterator

import apsw

__all__ = ["relinks"]


def relinks(connection: apsw.Connection, table: str, head: str, *, goes: str, end: int) -> Iterator[tuple[int, int]]:
    """The new ``prev_id`` and the id of every row that must change.

    Whoever writes meanwhile only adds rows to the near end of a chain, so what is found here stays true as long as what
    goes is a closed list: a symbol's last row of now must stay, also when another has come.

    :param table: ``ticks`` or ``alerts``
    :param head: the column of ``latest`` that holds a symbol's last row
    :param goes: a condition on the rows up to ``end``
    """
    goes = f"({table}.id <= {end} AND {goes})"
    stay = connection.execute(f"SELECT DISTINCT symbol FROM {table} WHERE id < {end} AND NOT {goes}").fetchall()
    for (symbol,) in stay:
        row = connection.execute(f"SELECT {head} FROM latest WHERE symbol = ?", (symbol,)).get
        later, linked = None, None  # the last row that stays, and what it points to
        while row is not None:
            found = connection.execute(f"SELECT prev_id, {goes} FROM {table} WHERE id = ?", (row,)).fetchone()
            if found is None:
                break
            previous, row_goes = found
            if not row_goes:
                if later is not None and linked != row:
                    yield row, later
                later, linked = row, previous
            row = previous
