"""The store that writes: rows, books, stream state and positions in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import apsw

from marketlab import failpoints
from marketlab.errors import NotFoundError, QueryError, StaleOwnerError, StoreError
from marketlab.model import BINS, Batch, Counts, DeadLetter, Position, StreamKey, StreamState
from marketlab.ports import PostedTick, Store
from marketlab.store import statements as sql
from marketlab.store.chain import Chain
from marketlab.store.connection import (
    BUSY_TIMEOUT_S,
    file_identity,
    open_writing,
    require_library,
    translated,
    translating,
)
from marketlab.store.layout import Touched, latest_values, lay_out
from marketlab.store.posting import post
from marketlab.store.queries import key
from marketlab.store.reader import SqliteReader
from marketlab.store.rows import alert_values, dead_letter_values, range_values, stream_from, stream_values
from marketlab.store.schema import prepare
from marketlab.store.wal import WriteAheadLog

__all__ = ["SqliteStore"]


class SqliteStore(SqliteReader, Store):
    """A SQLite file, written. For one thread; other processes may hold one each on the same file.

    :param path: made with its tables if it does not exist, and its folder too
    :param busy_timeout_s: how long to wait for another writer's lock
    :raises StoreError: the library is too old, or the file is not ours
    """

    def __init__(self, path: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        super().__init__(path, busy_timeout_s=busy_timeout_s)
        require_library()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writing = open_writing(path, busy_timeout_s=busy_timeout_s)
        try:
            with translating(path, self._writing), failpoints.around("store.prepare"):
                prepare(self._writing, path)
        except BaseException:
            self._writing.close()
            raise
        self._written_file = file_identity(path)
        self._chain = Chain(self._writing)
        self._wal = WriteAheadLog(self._writing)

    def claim(self, log: str, partitions: Iterable[int]) -> dict[int, Position]:
        """Become the owner of partitions."""
        with self._transaction("store.claim") as connection:
            return {
                partition: Position(*connection.execute(sql.CLAIM, (log, partition)).get) for partition in partitions
            }

    def load_streams(self, keys: Sequence[StreamKey]) -> dict[StreamKey, StreamState]:
        """The state of those of the streams that are known."""
        known: dict[StreamKey, StreamState] = {}
        with self._transaction(None, kind="DEFERRED") as connection:
            for wanted in keys:
                log, partition, run, symbol = wanted
                row = connection.execute(sql.STREAM, (log, run, symbol, partition)).fetchone()
                if row is not None:
                    known[wanted] = stream_from(row)
        return known

    def commit(self, batch: Batch, *, expected: Mapping[int, Position]) -> dict[int, Position]:
        """Write a batch and the next offsets in one transaction, or nothing at all."""
        positions = _moved(batch, expected)
        if not positions:
            return {}
        fresh = [state for state in batch.streams.values() if state.id is None]
        try:
            with self._transaction("store.commit") as connection:
                for partition, position in positions.items():
                    _move(connection, batch, partition, expected[partition], position)
                _add_streams(connection, fresh)
                self._write(connection, batch)
        except BaseException:
            # The same batch may come again, and these streams are then as new as they were.
            for state in fresh:
                state.id = None
            raise
        self._wal.tend()
        return positions

    def post(self, ticks: Sequence[PostedTick]) -> int:
        """Keep records that came by HTTP, each one row, once for each place in a log."""
        written = 0
        try:
            with self._transaction("store.post") as connection:
                written = post(connection, self._chain, ticks)
        except (OverflowError, UnicodeEncodeError) as error:
            raise QueryError(f"a value cannot be stored: {error}", mend="Whole numbers have 64 bits.") from error
        self._wal.tend()
        return written

    def begin_resend(self, letters: Iterable[tuple[DeadLetter, bytes]]) -> frozenset[int]:
        """Take dead letters for sending again, those that still stand as they were read."""
        with self._transaction("store.begin_resend") as connection:
            return frozenset(letter.id for letter, repaired in letters if _take(connection, letter, repaired))

    def end_resend(self, ids: Iterable[int]) -> None:
        """Note that the log has acknowledged them."""
        with self._transaction("store.end_resend") as connection:
            for id_ in ids:
                if not connection.execute(sql.END_RESEND, (key(id_),)).fetchall():
                    raise _no_letter(id_)

    def close(self) -> None:
        """Close; the last one to do so folds the write-ahead log into the database."""
        super().close()
        with translating(self._path):
            self._writing.close()

    # ------------------------------------------------------------------------------------------ one transaction

    @contextmanager
    def _transaction(self, point: str | None, *, kind: str = "IMMEDIATE") -> Iterator[apsw.Connection]:
        """IMMEDIATE: the lock before the first read, or two owners would both see the old position.

        :param point: failpoint on both sides of COMMIT, or None
        """
        connection, errno = self._writing, 0
        if file_identity(self._path) != self._written_file:
            raise StoreError(
                f"{self._path} must stay where it is while it is written, it was moved, deleted or replaced",
                mend="Stop what writes before moving the database, and start it again afterwards.",
            )
        try:
            if kind == "IMMEDIATE":
                self._wal.require_room()
            connection.execute(f"BEGIN {kind}")
            try:
                yield connection
                with failpoints.around(point) if point else nullcontext():
                    connection.execute("COMMIT")
            except BaseException:
                errno = connection.system_errno
                self._chain.forget()
                if connection.in_transaction:  # a full disk has already rolled back
                    connection.execute("ROLLBACK")
                raise
        except apsw.ConnectionClosedError:
            raise StoreError(f"{self._path} was closed") from None
        except apsw.Error as error:
            raise translated(error, self._path, errno_=errno or connection.system_errno) from error

    def _write(self, connection: apsw.Connection, batch: Batch) -> None:
        chain = self._chain
        chain.begin()
        first_id = chain.next_tick_id
        values, touched = lay_out(batch.rows, first_id=first_id, head=chain.head, streams=batch.streams)
        sql.INSERT_TICKS(connection, values)
        chain.next_tick_id = first_id + len(batch.rows)
        if batch.alerts:
            self._write_alerts(connection, batch, first_id)
        connection.executemany(sql.REPLACE_LATEST, latest_values(batch.rows, touched.values(), first_id=first_id))
        streams = batch.streams.values()
        connection.executemany(
            sql.UPDATE_STREAM, ((*stream_values(state), state.id) for state in streams if not state.ranges_changed)
        )
        connection.executemany(
            sql.UPDATE_STREAM_AND_RANGES,
            ((*stream_values(state), *range_values(state), state.id) for state in streams if state.ranges_changed),
        )
        _write_runs(connection, batch, touched.values(), chain.next_tick_id - 1)
        if batch.dead_letters:
            _write_dead_letters(connection, batch)

    def _write_alerts(self, connection: apsw.Connection, batch: Batch, first_id: int) -> None:
        ticks = {
            (row[0].key.partition, row[10]): (tick_id, row[0].id)
            for tick_id, row in enumerate(batch.rows, first_id)
            if row[7] is not None
        }
        values: list[Any] = []
        head_of, id_ = self._chain.head, self._chain.next_alert_id
        for alert in batch.alerts:
            tick_id, stream_id = ticks.get((alert.partition, alert.offset), (None, None))
            if tick_id is None:
                raise StoreError(f"a batch must hold the tick of every alert, that of {alert.text!r} is missing")
            head = head_of(alert.symbol)
            values += alert_values(alert, id_, tick_id, stream_id, head.alert_id)
            head.alert_id = id_
            id_ += 1
        sql.INSERT_ALERTS(connection, values)
        self._chain.next_alert_id = id_


# --------------------------------------------------------------------------------------------- the parts of a batch


def _take(connection: apsw.Connection, letter: DeadLetter, repaired: bytes) -> bool:
    """Compare and swap: whether the letter stands as it was read, and is taken now."""
    id_ = key(letter.id)
    if connection.execute(sql.BEGIN_RESEND, (repaired, id_, letter.resend_begun_at, letter.resent_at)).fetchall():
        return True
    if connection.execute(sql.DEAD_LETTER_IS_THERE, (id_,)).get is None:
        raise _no_letter(letter.id)
    return False


def _no_letter(id_: int) -> NotFoundError:
    return NotFoundError(f"there is no dead letter {id_}", mend="`marketlab dead-letters list` lists them.")


def _moved(batch: Batch, expected: Mapping[int, Position]) -> dict[int, Position]:
    """The positions after a batch.

    :raises StaleOwnerError: a partition was not claimed
    :raises StoreError: the batch is not whole: a caller's mistake
    """
    for partition in batch.next_offsets.keys() - expected.keys():
        raise StaleOwnerError(f"partition {partition} of {batch.log} must be claimed before it is written")
    partitions = batch.counts.keys() | {key.partition for key in batch.streams}
    if partitions - batch.next_offsets.keys() or {key.log for key in batch.streams} - {batch.log}:
        raise StoreError(f"a batch of {batch.log} must name the next offset of every partition it holds something of")
    positions = {}
    for partition, next_offset in batch.next_offsets.items():
        epoch, before = expected[partition]
        if before is not None and next_offset < before:
            raise StoreError(f"partition {partition} of {batch.log} must go on from {before}, was {next_offset}")
        positions[partition] = Position(epoch, next_offset)
    return positions


def _move(connection: apsw.Connection, batch: Batch, partition: int, before: Position, after: Position) -> None:
    """Compare and swap one position, and add to its books."""
    counts = batch.counts.get(partition) or Counts()
    added = [getattr(counts, name) for name in ("received", *BINS)]
    connection.execute(sql.MOVE, (after.next_offset, *added, batch.log, partition, *before))
    if connection.changes() == 0:
        found = connection.execute(sql.POSITION, (batch.log, partition)).fetchone()
        raise StaleOwnerError(
            f"partition {partition} of {batch.log} must be at (epoch, next offset) {tuple(before)}, was {found}: "
            "another consumer owns it",
            mend="Claim it again; the messages are read again from where the owner stands.",
        )


def _add_streams(connection: apsw.Connection, fresh: Iterable[StreamState]) -> None:
    for state in fresh:
        key = state.key
        try:
            state.id = connection.execute(
                sql.ADD_STREAM,
                (key.log, key.run, key.symbol, key.partition, *stream_values(state), *range_values(state)),
            ).get
        except apsw.ConstraintError as error:
            raise StoreError(f"{key} must be loaded before it is gone on with, it is in the store already") from error


def _write_dead_letters(connection: apsw.Connection, batch: Batch) -> None:
    sql.INSERT_DEAD_LETTERS(
        connection, [value for letter in batch.dead_letters for value in dead_letter_values(letter)]
    )
    counted = Counter((letter.partition, letter.reason.value) for letter in batch.dead_letters)
    connection.executemany(sql.COUNT_REASONS, ((batch.log, *key, count) for key, count in counted.items()))


def _write_runs(connection: apsw.Connection, batch: Batch, touched: Iterable[Touched], last_id: int) -> None:
    """When each run was seen, between which ids its ticks lie, and by which rules they were judged."""
    first_ids: dict[str, int | None] = {key.run: None for key in batch.streams}
    rules = set()
    for *_, first_id, state in touched:
        run = state.key.run
        known = first_ids[run]
        if known is None or first_id < known:
            first_ids[run] = first_id
        rules.add((run, state.rule.window, state.rule.threshold_pct))
    connection.executemany(
        sql.UPDATE_RUN,
        ((batch.log, run, first, None if first is None else last_id) for run, first in first_ids.items()),
    )
    connection.executemany(sql.ADD_RULE, ((batch.log, *rule) for rule in rules))
