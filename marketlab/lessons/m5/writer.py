"""All that waits in a queue, into SQLite, in one transaction."""

from __future__ import annotations

import queue
import sqlite3
from contextlib import closing
from itertools import groupby
from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints
from marketlab.lessons.m5.durable import Recorded

__all__ = ["EXERCISE", "INSERT", "tick"]

SCHEMA = "CREATE TABLE ticks (symbol TEXT, price REAL, timestamp REAL)"
INSERT = "INSERT INTO ticks VALUES (:symbol, :price, :timestamp)"


class WaitsForEverError(Exception):
    """Somebody waits for a tick, and none will come."""


class Waiting(queue.Queue[Any]):
    """A queue into which nobody will put anything more. It notes who waits for that, and lets no time pass."""

    waited = "not at all"

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """As ever, but waiting without end is an error."""
        if block and self.empty():
            self.waited = "for ever" if timeout is None else "for a while"
            if timeout is None:
                raise WaitsForEverError("get() waits for a tick, and none will come")
        return super().get(block=False)


def tick(symbol: str, price: float, at: float = 10.0) -> dict[str, Any]:
    """A tick with a short time."""
    return {"symbol": symbol, "price": price, "timestamp": at}


def draw(random: Random, events: int) -> Case:
    """Ticks of a few symbols, some of which nobody would think of."""
    symbols = ["AAPL", "GOOG", "BRK.B", "O'NEIL"]
    return ([tick(random.choice(symbols), 10.0 * random.randint(1, 9), 10.0 + at) for at in range(events)],)


def written(write: Any, ticks: list[Any]) -> list[str]:
    """What it returns, what a kill could leave while it works, how many are left, whether it waits, and the rows.

    :param ticks: an entry may also be a text such as ``1000 ticks``
    """
    waiting = Waiting()
    for item in ticks:
        for one in [tick("AAPL", 100.0)] * int(item.split()[0]) if isinstance(item, str) else [item]:
            waiting.put(one)
    database = Recorded(SCHEMA)
    with closing(database.connection) as connection:
        returned = write(connection, waiting)
        connection.rollback()  # it is needed again, and without what was not committed
        rows = [f"{symbol} {price:g}" for symbol, price in connection.execute("SELECT symbol, price FROM ticks")]
        runs = [(row, len([*same])) for row, same in groupby(rows)]
        found = database.states(lambda durable: durable.execute("SELECT count(*) FROM ticks").fetchone()[0])
    kept = " or ".join(map(str, found))
    done = [f"returns {returned!r}", f"a kill leaves {kept}", f"{waiting.qsize()} left", f"waits {waiting.waited}"]
    return [*done, *(row if times == 1 else f"{times}× {row}" for row, times in runs)]


EXERCISE = Exercise(
    "m5.writer",
    "all that waits, in one transaction",
    hints=Hints(
        question="How often is the disk waited for when a hundred ticks wait in the queue?",
        concept="Take first, and write then. get_nowait() gives a tick or raises queue.Empty, so all that waits can be "
        "gathered into a list. executemany writes the list, and `with connection:` commits once at its end.",
        skeleton="batch = []; take with get_nowait() until queue.Empty is raised, and append each. Then, in one `with "
        "connection:`, executemany(INSERT, batch). Return how many there were.",
    ),
    examples=[
        ([],),
        ([tick("AAPL", 100.0)],),
        ([tick("AAPL", 100.0), tick("GOOG", 200.0)],),
        ([tick("O'NEIL", 100.0)],),
        ([tick("AAPL", 100.0), tick("AAPL", 101.0), tick("AAPL", 102.0)],),
        (["1000 ticks"],),
    ],
    draw=draw,
    drive=written,
    shows="what it does",
    needs={"INSERT": INSERT},
)


@EXERCISE.solved_by
def write(connection: sqlite3.Connection, waiting: queue.Queue[Any]) -> Any:
    batch = []
    while True:
        try:
            batch.append(waiting.get_nowait())
        except queue.Empty:
            break
    with connection:
        connection.executemany(INSERT, batch)
    return len(batch)


@EXERCISE.also_solved_by
def _by_size(connection: sqlite3.Connection, waiting: queue.Queue[Any]) -> Any:
    batch = [waiting.get() for _ in range(waiting.qsize())]
    for row in batch:
        connection.execute("INSERT INTO ticks VALUES (?, ?, ?)", (row["symbol"], row["price"], row["timestamp"]))
    connection.commit()
    return len(batch)


@EXERCISE.also_solved_by
def _by_hand(connection: sqlite3.Connection, waiting: queue.Queue[Any]) -> Any:
    count = 0
    connection.execute("BEGIN IMMEDIATE")
    while not waiting.empty():
        connection.execute(INSERT, waiting.get(timeout=0.1))
        count += 1
    connection.execute("COMMIT")
    return count


@EXERCISE.wrong(
    "a commit for each row",
    "The disk is waited for once a row. A commit takes as long for a thousand rows as for one, so take all, then commit.",
)
def _row_by_row(connection: sqlite3.Connection, waiting: queue.Queue[Any]) -> Any:
    count = 0
    while not waiting.empty():
        with connection:
            connection.execute(INSERT, waiting.get())
        count += 1
    return count


@EXERCISE.wrong(
    "never committed",
    "You see the rows, for it is your connection. Nobody else does, and a kill takes them all: the commit is missing.",
)
def _no_commit(connection: sqlite3.Connection, waiting: queue.Queue[Any]) -> Any:
    batch = [waiting.get() for _ in range(waiting.qsize())]
    connection.executemany(INSERT, batch)
    return len(batch)


@EXERCISE.wrong("only one is taken", "One get() gives one tick. The others still wait, and more come meanwhile.")
def _one(connection: sqlite3.Connection, waiting: queue.Queue[Any]) -> Any:
    if waiting.empty():
        return 0
    with connection:
        connection.execute(INSERT, waiting.get())
    return 1


@EXERCISE.wrong(
    "it waits at an empty queue",
    "get() waits until something comes. After the last tick nothing does: what was taken is never written.",
)
def _waits(connection: sqlite3.Connection, waiting: queue.Queue[Any]) -> Any:
    batch: list[Any] = []
    while len(batch) < 10_000:
        batch.append(waiting.get())
    with connection:
        connection.executemany(INSERT, batch)
    return len(batch)


@EXERCISE.wrong(
    "it waits a while for more",
    "A timeout is a wait as well: as long as a tick comes within each second, the batch never ends, and what was taken "
    "is not on the disk. get_nowait() takes what there is.",
)
def _waits_a_while(connection: sqlite3.Connection, waiting: queue.Queue[Any]) -> Any:
    batch = []
    while True:
        try:
            batch.append(waiting.get(timeout=1))
        except queue.Empty:
            break
    with connection:
        connection.executemany(INSERT, batch)
    return len(batch)


@EXERCISE.wrong(
    "at most a hundred",
    "All that waits was wanted. A batch with a limit is the right thing where memory is short; here what is left over "
    "waits for another turn of the disk, and the queue grows while it does.",
)
def _at_most(connection: sqlite3.Connection, waiting: queue.Queue[Any]) -> Any:
    batch = [waiting.get() for _ in range(min(100, waiting.qsize()))]
    with connection:
        connection.executemany(INSERT, batch)
    return len(batch)


@EXERCISE.wrong(
    "values pasted into the SQL",
    "A symbol with an apostrophe ends the text early, and what stands behind it is read as SQL. Values go in by "
    "placeholders, :symbol or ?, always. (xkcd 327 has the classic.)",
)
def _pasted(connection: sqlite3.Connection, waiting: queue.Queue[Any]) -> Any:
    batch = [waiting.get() for _ in range(waiting.qsize())]
    with connection:
        for row in batch:
            connection.execute(f"INSERT INTO ticks VALUES ('{row['symbol']}', {row['price']}, {row['timestamp']})")
    return len(batch)


@EXERCISE.wrong("how many is not told", "The rows are kept, but the caller wants to know how many there were.")
def _untold(connection: sqlite3.Connection, waiting: queue.Queue[Any]) -> Any:
    batch = [waiting.get() for _ in range(waiting.qsize())]
    with connection:
        connection.executemany(INSERT, batch)


@EXERCISE.wrong(
    "the newest first", "The queue gives the oldest first, and so they should be written: rows are read in that order."
)
def _reversed(connection: sqlite3.Connection, waiting: queue.Queue[Any]) -> Any:
    batch: list[Any] = []
    while not waiting.empty():
        batch.insert(0, waiting.get())
    with connection:
        connection.executemany(INSERT, batch)
    return len(batch)


@EXERCISE.wrong(
    "only the last is written", "All were taken out of the queue, and one was written. The others are nowhere."
)
def _last(connection: sqlite3.Connection, waiting: queue.Queue[Any]) -> Any:
    count = 0
    while not waiting.empty():
        row = waiting.get()
        count += 1
    if count:
        with connection:
            connection.execute(INSERT, row)
    return count


@EXERCISE.wrong(
    "the connection is closed",
    "The next batch needs it again. `with connection:` ends a transaction, and leaves the connection open.",
)
def _closed(connection: sqlite3.Connection, waiting: queue.Queue[Any]) -> Any:
    batch = [waiting.get() for _ in range(waiting.qsize())]
    with connection:
        connection.executemany(INSERT, batch)
    connection.close()
    return len(batch)
