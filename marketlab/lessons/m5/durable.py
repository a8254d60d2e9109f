"""What of a function's work with SQLite a kill could leave, whenever it came."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

__all__ = ["Recorded"]

MARK = "-- said: "


class Recorded:
    """A database in memory that writes down what SQLite is told.

    :param schema: of its tables, not written down
    """

    def __init__(self, schema: str) -> None:
        self._schema = schema
        self._told: list[str] = []
        self.connection = sqlite3.connect(":memory:")
        self.connection.executescript(schema)
        self.connection.set_trace_callback(self._told.append)

    def say(self, text: str) -> None:
        """Put a remark between what SQLite was told before and after."""
        self._told.append(MARK + text)

    def states(self, look: Callable[[sqlite3.Connection], Any]) -> list[Any]:
        """What was durable one after the other, and the remarks between.

        A kill leaves what was committed last. So all that SQLite was told is told to a second database, which is looked
        at whenever no transaction is open.

        :param look: what is to be known of a database
        """
        self.connection.set_trace_callback(None)
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as other:
            other.executescript(self._schema)
            return [*self._replayed(other, look)]

    def _replayed(self, other: sqlite3.Connection, look: Callable[[sqlite3.Connection], Any]) -> Iterator[Any]:
        before = look(other)
        yield before
        for statement in self._told:
            if statement.startswith(MARK):
                yield statement.removeprefix(MARK)
                continue
            with suppress(sqlite3.Error):  # it failed the first time too
                other.execute(statement)
            if not other.in_transaction and (now := look(other)) != before:
                yield now
                before = now
