"""The store that answers questions, from a file that it never changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw

from marketlab.books import Books, PartitionBook, StreamBook, balance
from marketlab.digest import DigestRow
from marketlab.errors import NotFoundError, StoreError
from marketlab.model import Alert, DeadLetter, Record, Rule, Tick
from marketlab.ports import StoreReader
from marketlab.store import statements as sql
from marketlab.store.accounts import RunBooks, partition_books
from marketlab.store.connection import (
    BUSY_TIMEOUT_S,
    file_identity,
    open_reading,
    require_library,
    translating,
)
from marketlab.store.latest import Latest
from marketlab.store.queries import LARGEST_INTEGER, at_least_one, head_of, is_text, key, pruned, walk
from marketlab.store.rows import alert_from, dead_letter_from, record_from, stream_book_from
from marketlab.store.schema import is_ready, refuse_old
from marketlab.store.soundness import problems

__all__ = ["SqliteReader"]

_SORT_CACHE_KIB: Final = 16_384  # what a digest sorts in memory before it spills to disk
_T = TypeVar("_T")


class SqliteReader(StoreReader):
    """A SQLite file, read. For any number of threads: they take turns, for answers are short.

    ``ticks``, ``stream_books``, ``digest_rows`` and ``problems`` may be long; each has a connection of its own, and so
    a snapshot, until it is read to the end or closed.

    :param path: need not exist; it begins to answer once it is there, and goes on with another file put in its place
    :param busy_timeout_s: how long to wait while the file is locked, which reading hardly ever meets
    :raises StoreError: the library is too old
    """

    def __init__(self, path: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        require_library()
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._turn = threading.RLock()
        self._reading: apsw.Connection | None = None
        self._read_file: tuple[int, int] | None = None
        self._latest = Latest()
        self._run_books = RunBooks()
        self._opened = 0
        self._closed = False

    # ------------------------------------------------------------------------------------------ ticks

    def latest(self, *, since: int = 0) -> list[Record]:
        """The last written record of every symbol, by symbol."""
        if since:
            return self._rows(record_from, sql.LATEST, (key(since),))
        with self._snapshot() as connection:
            return self._latest.read(connection) if connection else []

    def history(self, symbol: str, *, limit: int, before: int | None = None) -> list[Record]:
        """Records of a symbol, newest written first."""
        at_least_one(limit)
        with self._snapshot() as connection:
            head = connection and head_of(connection, symbol)
            if not connection or not head:
                raise _never_seen(symbol)
            return [
                record_from(row)
                for row in walk(connection, sql.TICK_CHAIN, symbol, head.first_id, head.tick_id, before, limit)
            ]

    def ticks(self, symbol: str) -> Iterator[Tick]:
        """A symbol's ticks that came in order, newest written first, one by one."""
        with self._snapshot() as connection:
            head = connection and head_of(connection, symbol)
        if not head:
            raise _never_seen(symbol)
        return (Tick(*row) for row in self._stream(sql.ORDERED_TICKS, (head.tick_id,)))

    def records_after(self, id: int, *, limit: int) -> list[Record]:  # noqa: A002
        """Records of all symbols written after the one with this id, in the order of writing."""
        at_least_one(limit)
        return self._rows(record_from, sql.RECORDS_AFTER, (key(id), key(limit)))

    def largest_move(self) -> Record | None:
        """The record with the largest |change_pct| since each symbol's present run began, or None before any."""
        return next(iter(self._rows(record_from, sql.LARGEST_MOVE)), None)

    # ------------------------------------------------------------------------------------------ alerts, dead letters

    def alerts(self, *, limit: int, before: int | None = None, symbol: str | None = None) -> list[Alert]:
        """Alerts, newest first."""
        if symbol is None:
            return self._page(alert_from, sql.ALERTS, "alerts.id", limit=limit, before=before)
        at_least_one(limit)
        with self._snapshot() as connection:
            head = connection and head_of(connection, symbol)
            if not connection or not head:
                return []
            return [
                alert_from(row) for row in walk(connection, sql.ALERT_CHAIN, symbol, 0, head.alert_id, before, limit)
            ]

    def alerts_after(self, id: int, *, limit: int) -> list[Alert]:  # noqa: A002
        """Alerts of all symbols after the one with this id, oldest first."""
        at_least_one(limit)
        return self._rows(alert_from, sql.ALERTS_AFTER, (key(id), key(limit)))

    def alert(self, id: int) -> Alert:  # noqa: A002
        """One alert."""
        return self._one(alert_from, sql.ALERTS, "alerts.id", id, "alert", "`GET /alerts` lists them.")

    def dead_letters(self, *, limit: int, before: int | None = None, reason: str | None = None) -> list[DeadLetter]:
        """Dead letters, newest first."""
        return self._page(dead_letter_from, sql.DEAD_LETTERS, "id", limit=limit, before=before, reason=reason)

    def dead_letter(self, id: int) -> DeadLetter:  # noqa: A002
        """One dead letter."""
        return self._one(
            dead_letter_from, sql.DEAD_LETTERS, "id", id, "dead letter", "`marketlab dead-letters` lists them."
        )

    def dead_letter_counts(self) -> dict[str, int]:
        """Dead letters by reason."""
        return dict(self._rows(tuple, sql.DEAD_LETTER_COUNTS))

    # ------------------------------------------------------------------------------------------ books and digest

    def partition_books(self) -> list[PartitionBook]:
        """The books of every partition that was ever claimed, by log and partition."""
        with self._snapshot() as connection:
            return partition_books(connection) if connection else []

    def stream_books(self, *, run: str | None = None) -> Iterator[StreamBook]:
        """The account of every stream (of one run), by log, run and symbol."""
        rows = self._stream(sql.STREAM_BOOKS, ()) if run is None else self._stream(sql.STREAM_BOOKS_OF_RUN, (run,))
        for row in rows:
            yield stream_book_from(row)

    def books(self, *, run: str | None = None) -> Books:
        """The whole account; only the runs that have changed since it was asked for last are read again."""
        with self._snapshot() as connection:
            if connection is None:
                return Books([], [])
            if run is None:
                return Books(partition_books(connection), self._run_books.read(connection))
            streams = connection.execute(sql.STREAM_BOOKS_OF_RUN, (run,)) if is_text(run) else ()
            return balance(partition_books(connection), map(stream_book_from, streams))

    def digest_rows(self, run: str, *, log: str) -> Iterator[DigestRow]:
        """Kept ticks of a run on a log, sorted by symbol and ordinal."""
        for pruned_at, symbol, *values, late in self._stream(sql.DIGEST_ROWS, (run, log)):
            if pruned_at is not None:
                raise pruned(run, pruned_at)
            if symbol is not None:
                yield (symbol, *values, bool(late))

    def rules(self, run: str, *, log: str) -> list[Rule]:
        """The rules that the run was judged by."""
        return self._rows(lambda row: Rule(*row), sql.RULES, (run, log))

    def problems(self) -> Iterator[str]:
        """What is wrong in the file itself, a sentence each."""
        connection = self._open()
        if connection is None:
            return
        with closing(connection), translating(self._path, connection):
            connection.execute("BEGIN")
            yield from problems(connection)

    def identity(self) -> str | None:
        """Which database this is, or None while there is none."""
        return next(iter(self._rows(lambda row: str(row[0]), sql.IDENTITY)), None)

    def changes(self) -> int:
        """A number that is another one after every commit by anybody."""
        with self._turn, translating(self._path):
            connection = self._connected()
            version = connection.pragma("data_version") if connection else 0
            return self._opened * 2**32 + int(version)

    def close(self) -> None:
        """Close."""
        with self._turn:
            self._closed = True
            self._disconnect()

    # ------------------------------------------------------------------------------------------ how it is asked

    def _rows(self, make: Callable[[tuple[Any, ...]], _T], statement: str, bindings: tuple[Any, ...] = ()) -> list[_T]:
        if not all(map(is_text, bindings)):
            return []
        with self._snapshot() as connection:
            return [make(row) for row in connection.execute(statement, bindings)] if connection else []

    def _page(
        self,
        make: Callable[[tuple[Any, ...]], _T],
        select: str,
        id_column: str,
        *,
        limit: int,
        before: int | None,
        **wanted: str | None,
    ) -> list[_T]:
        at_least_one(limit)
        conditions = [f"{id_column} < ?"]
        bindings: list[int | str] = [LARGEST_INTEGER if before is None else key(before)]
        for name, value in wanted.items():
            if value is not None:
                conditions.append(f"{name} = ?")
                bindings.append(value)
        statement = f"{select} WHERE {' AND '.join(conditions)} ORDER BY {id_column} DESC LIMIT ?"
        return self._rows(make, statement, (*bindings, key(limit)))

    def _one(
        self, make: Callable[[tuple[Any, ...]], _T], select: str, id_column: str, id_: int, what: str, mend: str
    ) -> _T:
        found = self._rows(make, f"{select} WHERE {id_column} = ?", (key(id_),))
        if not found:
            raise NotFoundError(f"there is no {what} {id_}", mend=mend)
        return found[0]

    @contextmanager
    def _snapshot(self) -> Iterator[apsw.Connection | None]:
        """A connection on which all statements see the same commit; None while there is no database."""
        with self._turn:
            with translating(self._path):
                connection = self._connected()
            if connection is None:
                yield None
                return
            with translating(self._path, connection):
                connection.execute("BEGIN")
                try:
                    yield connection
                finally:
                    connection.execute("ROLLBACK")

    def _stream(self, statement: str, bindings: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        """Rows one by one: one statement is one snapshot, and its connection is nobody else's."""
        connection = self._open() if all(map(is_text, bindings)) else None
        if connection is None:
            return
        try:
            with translating(self._path, connection):
                connection.pragma("cache_size", -_SORT_CACHE_KIB)
                yield from connection.execute(statement, bindings)
        finally:
            connection.close()

    def _connected(self) -> apsw.Connection | None:
        """The connection to the file that stands at the path now."""
        if self._closed:
            raise StoreError(f"{self._path} was closed")
        found = file_identity(self._path)
        if self._reading is None or found != self._read_file:
            self._disconnect()
            self._reading, self._read_file = self._open(), found
            if self._reading is not None:
                self._opened += 1
        return self._reading

    def _disconnect(self) -> None:
        if self._reading is not None:
            self._reading.close()
            self._reading = None
            self._latest = Latest()
            self._run_books = RunBooks()  # of another file they would be wrong
            self._opened += 1

    def _open(self) -> apsw.Connection | None:
        """A connection, or None while the file or its tables are not there yet.

        :raises StoreError: the file is not ours, or of another version
        """
        if self._closed:
            raise StoreError(f"{self._path} was closed")
        if file_identity(self._path) is None:
            return None
        connection = open_reading(self._path, busy_timeout_s=self._busy_timeout_s)
        try:
            with translating(self._path, connection):
                if is_ready(connection, self._path):
                    return connection
                refuse_old(self._path, connection.pragma("user_version"))
        except BaseException:
            connection.close()
            raise
        connection.close()
        return None


def _never_seen(symbol: str) -> NotFoundError:
    return NotFoundError(f"symbol {symbol!r} was never seen", mend="`GET /data` lists the symbols.")
