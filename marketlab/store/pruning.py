"""Removing what is old and keeping its account.

A run is old when nothing of it was written for so long. Its ticks and alerts go, and dead letters that were sent so
long ago; positions, streams, counts and rules stay, so the books go on saying what they said, stragglers find their
place, and nothing is read twice. What also stays, so that no number is given twice and `/data` goes on answering, is
the last row of each symbol in `ticks` and `alerts`, and the last dead letter. Once another has taken its place, it goes
with the next old run.

Everything happens in transactions of a few milliseconds with a pause after each, so that a consumer goes on writing;
each leaves the database right, and a prune that was killed is gone on with by the next. What goes is chosen once, with
the mark: a run that gets a tick while this goes on, or a row that is no longer its symbol's last, changes nothing.
"""
# ruff: noqa: S608 (put together from names in this file; values are always bound)

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from marketlab import failpoints
from marketlab.store.connection import BUSY_TIMEOUT_S, open_writing, require_library, translating
from marketlab.store.relink import relinks
from marketlab.store.schema import prepare
from marketlab.store.wal import WriteAheadLog

__all__ = ["Pruned", "prune"]

CHUNK: Final = 2_000  # rows a transaction
TRIES: Final = 30  # for the lock, each of the busy timeout

#: Old runs that still have ticks; a straggler that came after the last prune counts anew.
_OLD_RUNS: Final = "SELECT log, run FROM runs WHERE last_seen < ? AND last_tick_id IS NOT NULL"

_TABLES: Final = """
    CREATE TEMP TABLE old (id INTEGER PRIMARY KEY, last_tick_id INTEGER);
    CREATE TEMP TABLE last_ticks (id INTEGER PRIMARY KEY);
    CREATE TEMP TABLE last_alerts (id INTEGER PRIMARY KEY)"""
#: Their streams, and those of runs that were pruned before: what stayed of them as the last row of its symbol may go
#: by now.
_OLD_STREAMS: Final = """
    INSERT INTO old SELECT streams.id, runs.last_tick_id FROM runs JOIN streams USING (log, run)
    WHERE runs.last_seen < ? AND (runs.last_tick_id IS NOT NULL OR runs.pruned_at IS NOT NULL)"""
_LAST_ROWS: Final = """
    INSERT INTO last_ticks SELECT id FROM latest;
    INSERT INTO last_alerts SELECT alert_id FROM latest WHERE alert_id IS NOT NULL"""

_MARK: Final = """
    UPDATE runs SET pruned_at = ?, changes = changes + 1 WHERE last_seen < ? AND last_tick_id IS NOT NULL"""
#: The largest move is of a row that goes; the next one of the symbol begins afresh.
_FORGET_MOVES: Final = """
    UPDATE latest SET largest_change_pct = NULL, largest_id = NULL
    WHERE (SELECT stream_id FROM ticks WHERE ticks.id = latest.largest_id) IN (SELECT id FROM old)
      AND largest_id <> latest.id"""
_DONE: Final = """
    UPDATE runs SET first_tick_id = NULL, last_tick_id = NULL, changes = changes + 1
    WHERE pruned_at IS NOT NULL AND last_seen < ?"""
_NO_OLDER: Final = "UPDATE latest SET first_id = max(first_id, (SELECT min(id) FROM ticks))"

#: What goes. Records that were only POSTed belong to no run; those before the end of the last old run are as old.
_TICK_GOES: Final = """
    (stream_id IN (SELECT id FROM old) OR stream_id IS NULL) AND ticks.id NOT IN (SELECT id FROM last_ticks)"""
_ALERT_GOES: Final = """
    stream_id IN (SELECT id FROM old) AND alerts.id NOT IN (SELECT id FROM last_alerts)"""
_TICKS: Final = f"FROM ticks WHERE id BETWEEN ? AND ? AND {_TICK_GOES}"
_ALERTS: Final = f"FROM alerts WHERE id BETWEEN ? AND ? AND {_ALERT_GOES}"
_POSTED: Final = "DELETE FROM posted WHERE tick_id BETWEEN ? AND ? AND tick_id NOT IN (SELECT id FROM ticks)"
_LETTERS: Final = "FROM dead_letters WHERE id BETWEEN ? AND ? AND record_time < ?"
_COUNT_PRUNED: Final = "UPDATE reasons SET pruned = pruned + ? WHERE log = ? AND partition = ? AND reason = ?"

#: Told a sentence now and then.
Say = Callable[[str], None]


@dataclass(slots=True)
class Pruned:
    """What was removed, or would be."""

    runs: int = 0
    ticks: int = 0
    alerts: int = 0
    dead_letters: int = 0
    free_bytes: int = 0  # inside the file, for what is written next

    def as_dict(self) -> dict[str, int]:
        """As ``marketlab prune --json`` prints it."""
        return {
            "runs": self.runs,
            "ticks": self.ticks,
            "alerts": self.alerts,
            "dead_letters": self.dead_letters,
            "free_bytes": self.free_bytes,
        }


def prune(database: Path, *, before: float, dry_run: bool = False, say: Say = lambda _: None) -> Pruned:
    """Remove what is older.

    :param before: seconds since the epoch
    :raises StoreError: the file is not ours
    :raises StoreBusyError: somebody holds the lock for good; what was removed until then stays removed
    :raises StoreFullError: the disk has no room for the write-ahead log; likewise
    """
    require_library()
    connection = open_writing(database, busy_timeout_s=BUSY_TIMEOUT_S)
    with closing(connection), translating(database, connection):
        prepare(connection, database)
        return _Prune(connection, before, say).run(dry_run=dry_run)


class _Prune:
    def __init__(self, connection: apsw.Connection, before: float, say: Say) -> None:
        self._connection = connection
        self._before = before
        self._say = say
        self._wal = WriteAheadLog(connection)
        self._pruned = Pruned()

    def run(self, *, dry_run: bool) -> Pruned:
        connection, before, pruned = self._connection, self._before, self._pruned
        connection.execute(_TABLES)
        if dry_run:
            last_tick, last_alert, last_letter = self._choose()
            pruned.ticks = connection.execute(f"SELECT count(*) {_TICKS}", (0, last_tick)).get
            pruned.alerts = connection.execute(f"SELECT count(*) {_ALERTS}", (0, last_alert)).get
            pruned.dead_letters = connection.execute(f"SELECT count(*) {_LETTERS}", (0, last_letter, before)).get
            return pruned
        with self._transaction():
            last_tick, last_alert, last_letter = self._choose()
            # First of all: from now on no digest is made of what is left.
            connection.execute(_MARK, (time.time(), before))
            connection.execute(_FORGET_MOVES)
        if pruned.runs:
            self._relink(relinks(connection, "ticks", "id", goes=_TICK_GOES, end=last_tick), "ticks")
            self._relink(relinks(connection, "alerts", "alert_id", goes=_ALERT_GOES, end=last_alert), "alerts")
            for first, last in self._stretches("ticks", last_tick):
                with self._transaction():
                    connection.execute(f"DELETE {_TICKS}", (first, last))
                    pruned.ticks += connection.changes()
                    connection.execute(_POSTED, (first, last))
                self._say(f"{pruned.ticks:,} ticks")
            for first, last in self._stretches("alerts", last_alert):
                with self._transaction():
                    connection.execute(f"DELETE {_ALERTS}", (first, last))
                    pruned.alerts += connection.changes()
            with self._transaction():
                connection.execute(_DONE, (before,))
                connection.execute(_NO_OLDER)
        for first, last in self._stretches("dead_letters", last_letter):
            with self._transaction():
                gone = Counter(
                    connection.execute(f"DELETE {_LETTERS} RETURNING log, partition, reason", (first, last, before))
                )
                connection.executemany(_COUNT_PRUNED, ((count, *place) for place, count in gone.items()))
                pruned.dead_letters += gone.total()
        pruned.free_bytes = connection.pragma("freelist_count") * connection.pragma("page_size")
        return pruned

    def _choose(self) -> tuple[int, int, int]:
        """What goes; the last ids of ticks, alerts and dead letters that may."""
        connection = self._connection
        self._pruned.runs = len(connection.execute(_OLD_RUNS, (self._before,)).fetchall())
        connection.execute(_OLD_STREAMS, (self._before,))
        connection.execute(_LAST_ROWS)
        return (
            connection.execute("SELECT ifnull(max(last_tick_id), 0) FROM old").get,
            connection.execute("SELECT ifnull(max(id), 0) FROM alerts").get,
            connection.execute("SELECT ifnull(max(id), 0) - 1 FROM dead_letters").get,
        )

    def _relink(self, found: Iterator[tuple[int, int]], table: str) -> None:
        """Let histories pass over what goes, before it goes."""
        changes = list(found)
        for first in range(0, len(changes), CHUNK):
            with self._transaction():
                self._connection.executemany(
                    f"UPDATE {table} SET prev_id = ? WHERE id = ?", changes[first : first + CHUNK]
                )

    def _stretches(self, table: str, end: int) -> Iterator[tuple[int, int]]:
        """Ranges of ids that hold rows, one after the other."""
        first = 0
        while True:
            found = self._connection.execute(f"SELECT min(id) FROM {table} WHERE id BETWEEN ? AND ?", (first, end)).get
            if found is None:
                return
            last = min(found + CHUNK - 1, end)
            yield found, last
            first = last + 1

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """A short one, and then a pause as long: whoever else wants to write gets its turn."""
        connection = self._connection
        self._begin()
        began = time.monotonic()
        try:
            yield
            with failpoints.around("store.prune"):
                connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._wal.tend()
        time.sleep(time.monotonic() - began)

    def _begin(self) -> None:
        for tries_left in reversed(range(TRIES)):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except apsw.BusyError:
                if not tries_left:
                    raise
            else:
                return
