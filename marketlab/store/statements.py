"""The statements of the store, each written once."""
# ruff: noqa: S608 (put together from names in this file; values are always bound)

from __future__ import annotations

from typing import Any, Final

import apsw

from marketlab.model import BINS
from marketlab.store.layout import TICK_COLUMNS

_COUNTS = ("received", *BINS)
_STATE = (
    "window", "threshold_pct", "ordinal", "stored", "late", "duplicate", "refused", "highest_seq", "last_seq",
    "run_symbols", "newest", "window_prices", "window_offsets",
)  # fmt: skip
_RANGES = ("gaps", "refused_seqs", "breaks")
_ALERT = (
    "id", "symbol", "text", "price", "previous_price", "change_pct", "moving_average", "timestamp", "window",
    "threshold_pct", "partition", '"offset"', "previous_offset", "window_prices", "window_offsets", "seq", "ordinal",
    "tick_id", "stream_id", "prev_id",
)  # fmt: skip
_DEAD_LETTER = (
    "raw", "log", "partition", '"offset"', "record_time", "reason", "detail", "run", "symbol", "seq", "key",
)  # fmt: skip
_RECORD = (
    "id", "symbol", "price", "moving_average", "alert", "timestamp", "size", "change_pct", "run", "seq", "partition",
    '"offset"', "late",
)  # fmt: skip
_LATEST = (*_RECORD, "first_id", "largest_change_pct", "largest_id", "alert_id")


def _list(names: tuple[str, ...], each: str = "") -> str:
    return ", ".join(f"{name}{each}" for name in names)


def _marks(names: tuple[str, ...]) -> str:
    return "(" + ", ".join("?" * len(names)) + ")"


class Insert:
    """Rows into a table, twenty a statement: a quarter less time than one a statement, and more of them save no more.

    Values lie flat, the columns of one row after those of the other.
    """

    def __init__(self, table: str, columns: tuple[str, ...], *, rows_a_statement: int = 20) -> None:
        one = f"INSERT INTO {table} ({_list(columns)}) VALUES {_marks(columns)}"
        self._width = len(columns)
        self._wide = self._width * rows_a_statement
        self._one = one
        self._many = one + f", {_marks(columns)}" * (rows_a_statement - 1)

    def __call__(self, connection: apsw.Connection, values: list[Any]) -> None:
        """Insert them all."""
        width, wide, whole = self._width, self._wide, len(values) - len(values) % self._wide
        connection.executemany(self._many, (values[at : at + wide] for at in range(0, whole, wide)))
        connection.executemany(self._one, (values[at : at + width] for at in range(whole, len(values), width)))


# --------------------------------------------------------------------------------------------- positions and streams

CLAIM: Final = """
    INSERT INTO positions (log, partition, epoch) VALUES (?, ?, 1)
    ON CONFLICT (log, partition) DO UPDATE SET epoch = epoch + 1
    RETURNING epoch, next_offset"""

POSITION: Final = "SELECT epoch, next_offset FROM positions WHERE log = ? AND partition = ?"

MOVE: Final = f"""
    UPDATE positions SET next_offset = ?, {", ".join(f"{name} = {name} + ?" for name in _COUNTS)}
    WHERE log = ? AND partition = ? AND epoch = ? AND next_offset IS ?"""

STREAM: Final = f"""
    SELECT id, log, run, symbol, partition, {_list((*_STATE, *_RANGES))} FROM streams
    WHERE log = ? AND run = ? AND symbol = ? AND partition = ?"""

ADD_STREAM: Final = f"""
    INSERT INTO streams (log, run, symbol, partition, {_list((*_STATE, *_RANGES))})
    VALUES {_marks(("", "", "", "", *_STATE, *_RANGES))}
    RETURNING id"""

UPDATE_STREAM: Final = f"UPDATE streams SET {_list(_STATE, ' = ?')} WHERE id = ?"
UPDATE_STREAM_AND_RANGES: Final = f"UPDATE streams SET {_list((*_STATE, *_RANGES), ' = ?')} WHERE id = ?"

# Rows come in the order of writing, so the last id of a batch is the run's last so far.
UPDATE_RUN: Final = """
    INSERT INTO runs (log, run, first_seen, last_seen, first_tick_id, last_tick_id, changes)
    VALUES (?1, ?2, unixepoch('subsec'), unixepoch('subsec'), ?3, ?4, 1)
    ON CONFLICT (log, run) DO UPDATE SET
        changes = changes + 1,
        last_seen = excluded.last_seen,
        first_tick_id = coalesce(first_tick_id, excluded.first_tick_id),
        last_tick_id = coalesce(excluded.last_tick_id, last_tick_id)"""

ADD_RULE: Final = "INSERT INTO rules (log, run, window, threshold_pct) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"

# --------------------------------------------------------------------------------------------- ticks

INSERT_TICKS: Final = Insert("ticks", TICK_COLUMNS)
INSERT_ALERTS: Final = Insert("alerts", _ALERT)
INSERT_DEAD_LETTERS: Final = Insert("dead_letters", _DEAD_LETTER)

COUNT_REASONS: Final = """
    INSERT INTO reasons (log, partition, reason, count) VALUES (?, ?, ?, ?)
    ON CONFLICT (log, partition, reason) DO UPDATE SET count = count + excluded.count"""

# The time is a version as well: whoever takes a letter changes it, also when the clock stands still or goes back.
BEGIN_RESEND: Final = """
    UPDATE dead_letters SET repaired = ?, resent_at = NULL,
        resend_begun_at = max(unixepoch('subsec'), ifnull(resend_begun_at, 0) + 0.001)
    WHERE id = ? AND resend_begun_at IS ? AND resent_at IS ? RETURNING id"""
DEAD_LETTER_IS_THERE: Final = "SELECT 1 FROM dead_letters WHERE id = ?"
END_RESEND: Final = "UPDATE dead_letters SET resent_at = unixepoch('subsec') WHERE id = ? RETURNING id"

HEAD: Final = "SELECT id, alert_id, first_id, run, largest_change_pct, largest_id FROM latest WHERE symbol = ?"
NEXT_TICK_ID: Final = "SELECT coalesce(max(id), 0) + 1 FROM ticks"
NEXT_ALERT_ID: Final = "SELECT coalesce(max(id), 0) + 1 FROM alerts"
REPLACE_LATEST: Final = f"REPLACE INTO latest ({_list(_LATEST)}) VALUES {_marks(_LATEST)}"

POSTED: Final = """
    INSERT INTO posted (tick_id, run, log, partition, "offset") VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (log, partition, "offset") WHERE log IS NOT NULL DO NOTHING
    RETURNING tick_id"""

POSTED_TICK: Final = """
    INSERT INTO ticks (id, symbol, price, moving_average, alert, timestamp, size, change_pct, seq, partition, "offset",
        late, prev_id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

# --------------------------------------------------------------------------------------------- questions

LATEST: Final = f"SELECT {_list(_RECORD)} FROM latest WHERE id > ? ORDER BY symbol"
LATEST_CHECK: Final = "SELECT count(*), coalesce(sum(id), 0) FROM latest"

RECORDS_AFTER: Final = f"SELECT {_list(_RECORD)} FROM records WHERE id > ? ORDER BY id LIMIT ?"

LARGEST_MOVE: Final = f"""
    SELECT {_list(_RECORD)} FROM records WHERE id = (
        SELECT largest_id FROM latest WHERE largest_id IS NOT NULL
        ORDER BY abs(largest_change_pct) DESC, symbol LIMIT 1)"""


class ChainQueries:
    """The rows of one symbol in a table, newest first, found by walking along ``prev_id``."""

    def __init__(self, table: str, select: str) -> None:
        #: The row before a row of the symbol.
        self.previous = f"SELECT prev_id FROM {table} WHERE id = ? AND symbol = ?"
        #: From a number that is none of the symbol's rows, the next one below.
        self.next_below = f"SELECT id FROM {table} WHERE id < ? AND id >= ? AND symbol = ? ORDER BY id DESC LIMIT 1"
        self.walk = f"""
            WITH RECURSIVE chain (id, prev_id) AS (
                SELECT id, prev_id FROM {table} WHERE id = ?
                UNION ALL
                SELECT {table}.id, {table}.prev_id FROM chain JOIN {table} ON {table}.id = chain.prev_id
                LIMIT ?)
            {select} IN (SELECT id FROM chain) ORDER BY 1 DESC"""


# A walk that gives each row as it comes to it, so that whoever has seen enough may stop.
ORDERED_TICKS: Final = """
    WITH RECURSIVE chain (id, prev_id) AS (
        SELECT id, prev_id FROM ticks WHERE id = ?
        UNION ALL
        SELECT ticks.id, ticks.prev_id FROM chain JOIN ticks ON ticks.id = chain.prev_id)
    SELECT ticks.symbol, ticks.price, ticks.timestamp, ticks.size, ticks.seq, coalesce(streams.run, posted.run, '')
    FROM chain CROSS JOIN ticks ON ticks.id = chain.id
    LEFT JOIN streams ON streams.id = ticks.stream_id
    LEFT JOIN posted ON ticks.stream_id IS NULL AND posted.tick_id = ticks.id
    WHERE NOT ticks.late"""

ALERTS: Final = f"""
    SELECT {", ".join(f"alerts.{name}" for name in _ALERT[:-2])}, streams.log, streams.run
    FROM alerts JOIN streams ON streams.id = alerts.stream_id"""
ALERTS_AFTER: Final = f"{ALERTS} WHERE alerts.id > ? ORDER BY alerts.id LIMIT ?"
DEAD_LETTERS: Final = f"SELECT id, {_list(_DEAD_LETTER)}, repaired, resend_begun_at, resent_at FROM dead_letters"
TICK_CHAIN: Final = ChainQueries("ticks", f"SELECT {_list(_RECORD)} FROM records WHERE id")
ALERT_CHAIN: Final = ChainQueries("alerts", f"{ALERTS} WHERE alerts.id")
DEAD_LETTER_COUNTS: Final = "SELECT reason, count(*) FROM dead_letters GROUP BY reason ORDER BY reason"

PARTITION_BOOKS: Final = f"SELECT log, partition, next_offset, {_list(_COUNTS)} FROM positions ORDER BY log, partition"
REASONS: Final = "SELECT log, partition, reason, count FROM reasons ORDER BY log, partition, reason"

RUN_VERSIONS: Final = "SELECT log, run, changes FROM runs ORDER BY log, run"
IDENTITY: Final = "SELECT id FROM identity"

# By way of the few runs, for the index of streams begins with the log. CROSS JOIN: in this order.
_STREAM_BOOKS: Final = """
    SELECT streams.log, streams.partition, streams.run, streams.symbol, streams.last_seq, streams.stored, streams.late,
           streams.duplicate, streams.refused, streams.gaps, streams.run_symbols, streams.breaks, runs.pruned_at
    FROM runs CROSS JOIN streams ON streams.log = runs.log AND streams.run = runs.run"""
_BOOK_ORDER: Final = "ORDER BY streams.log, streams.run, streams.symbol, streams.partition"
STREAM_BOOKS: Final = f"{_STREAM_BOOKS} {_BOOK_ORDER}"
STREAM_BOOKS_OF_RUN: Final = f"{_STREAM_BOOKS} WHERE runs.run = ? {_BOOK_ORDER}"
STREAM_BOOKS_OF_RUN_ON_LOG: Final = f"{_STREAM_BOOKS} WHERE runs.log = ? AND runs.run = ? {_BOOK_ORDER}"

# Only the run's stretch of the table is read; the sorter spills to disk, so any run fits in little memory.
# LEFT JOIN: a run of which no tick is left still says that it was pruned.
DIGEST_ROWS: Final = """
    SELECT runs.pruned_at, ticks.symbol, ticks.ordinal, ticks.price, ticks.timestamp, ticks.size, ticks.moving_average,
           ticks.alert, ticks.late
    FROM runs LEFT JOIN ticks
      ON ticks.id BETWEEN runs.first_tick_id AND runs.last_tick_id
      AND ticks.stream_id IN (SELECT id FROM streams WHERE streams.run = ?1 AND streams.log = ?2)
    WHERE runs.run = ?1 AND runs.log = ?2
    ORDER BY ticks.symbol, ticks.ordinal, ticks.partition"""

RULES: Final = "SELECT window, threshold_pct FROM rules WHERE run = ? AND log = ? ORDER BY window, threshold_pct"
