"""Row ids of ticks and alerts: the next one, and the last of every symbol.

Each row holds the id of the row before of its symbol, so a symbol's history is a walk along ``prev_id`` from
``latest``. An index on the symbol would make every insert two to three times as dear.
"""

from __future__ import annotations

from typing import Final

import apsw

from marketlab.store import statements as sql
from marketlab.store.layout import Head

__all__ = ["Chain"]

_SYMBOLS_KEPT: Final = 50_000  # a hostile producer may not fill the memory


class Chain:
    """What one writer remembers of the ids, for as long as nobody else commits."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._heads: dict[str, Head] = {}
        self._data_version: int | None = None
        #: Ids of the next rows; whoever writes moves them on.
        self.next_tick_id = self.next_alert_id = 0

    def begin(self) -> None:
        """Make sure that what is remembered holds.

        To be called inside BEGIN IMMEDIATE, when nobody else can commit any more: PRAGMA data_version moves when any
        other connection has committed, and only then.
        """
        data_version = self._connection.pragma("data_version")
        if data_version != self._data_version:
            self.forget()
            self.next_tick_id = self._connection.execute(sql.NEXT_TICK_ID).get
            self.next_alert_id = self._connection.execute(sql.NEXT_ALERT_ID).get
            self._data_version = data_version
        elif len(self._heads) > _SYMBOLS_KEPT:
            self._heads.clear()

    def head(self, symbol: str) -> Head:
        """The head of a symbol; whoever adds a row moves it on."""
        head = self._heads.get(symbol)
        if head is None:
            found = self._connection.execute(sql.HEAD, (symbol,)).fetchone()
            head = self._heads[symbol] = Head(*found or ())
        return head

    def forget(self) -> None:
        """The transaction did not commit: nothing that was remembered holds."""
        self._heads.clear()
        self._data_version = None
