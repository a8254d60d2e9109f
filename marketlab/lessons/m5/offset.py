"""Rows and position, in one transaction: no kill can part them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints
from marketlab.lessons.m5.durable import Recorded

__all__ = ["ADD", "EXERCISE", "MOVE", "message"]

Messages = list[dict[str, Any]]

SCHEMA = """
CREATE TABLE ticks (offset INTEGER NOT NULL, symbol TEXT NOT NULL, price REAL NOT NULL);
CREATE TABLE position (next_offset INTEGER NOT NULL);
INSERT INTO position VALUES (0);
"""
ADD = "INSERT INTO ticks VALUES (:offset, :symbol, :price)"
MOVE = "UPDATE position SET next_offset = ?"


def message(offset: int, price: float | None) -> dict[str, Any]:
    """A message; the table refuses one without a price."""
    return {"offset": offset, "symbol": "AAPL", "price": price}


def draw(random: Random, events: int) -> Case:
    """A batch, one in three with a row that is refused."""
    prices: list[float | None] = [100.0 + offset for offset in range(max(1, events // 2))]
    if random.random() < 0.3:
        prices[random.randrange(len(prices))] = None
    return ([message(offset, price) for offset, price in enumerate(prices)],)


def kept(keep: Any, messages: Messages) -> list[str]:
    """What a kill could leave. After a batch that is refused the good ones of it come again."""
    database = Recorded(SCHEMA)
    with closing(database.connection) as connection:
        for batch in (messages, [item for item in messages if item["price"] is not None]):
            if not batch:
                break
            try:
                keep(connection, batch)
                break
            except sqlite3.Error:
                database.say("refused")
        return database.states(_look)


def _look(durable: sqlite3.Connection) -> str:
    (rows,) = durable.execute("SELECT count(*) FROM ticks").fetchone()
    (position,) = durable.execute("SELECT next_offset FROM position").fetchone()
    return f"{rows} row{'' if rows == 1 else 's'}, next {position}"


EXERCISE = Exercise(
    "m5.offset",
    "rows and position, together or not at all",
    hints=Hints(
        question="What stands in the file if the process is killed between the first commit and the second?",
        concept="Two commits can be parted, one cannot. `with connection:` commits at its end, and if anything in it "
        "raises it rolls back and lets the error go on up. Position means the next offset: the last one and one more.",
        skeleton="One `with connection:` and in it both: executemany for the rows, execute for the position.",
    ),
    examples=[
        ([message(0, 100.0)],),
        ([message(0, 100.0), message(1, 101.0)],),
        ([message(0, 100.0), message(1, None)],),
        ([message(0, None), message(1, 101.0)],),
        ([message(0, 100.0), message(1, 101.0), message(2, None)],),
    ],
    draw=draw,
    drive=kept,
    shows="what a kill can leave",
    event="message",
    starts_as="the position first",
    needs={"ADD": ADD, "MOVE": MOVE},
)


@EXERCISE.solved_by
def keep(connection: sqlite3.Connection, messages: Messages) -> None:
    with connection:
        connection.executemany(ADD, messages)
        connection.execute(MOVE, (messages[-1]["offset"] + 1,))


@EXERCISE.also_solved_by
def _by_hand(connection: sqlite3.Connection, messages: Messages) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for item in messages:
            connection.execute(ADD, item)
        connection.execute(MOVE, (item["offset"] + 1,))
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


@EXERCISE.also_solved_by
def _the_position_first_in_one(connection: sqlite3.Connection, messages: Messages) -> None:
    next_offset = max(item["offset"] for item in messages) + 1
    with connection:
        connection.execute("UPDATE position SET next_offset = ?", [next_offset])
        connection.executemany(
            "INSERT INTO ticks (offset, symbol, price) VALUES (?, ?, ?)",
            [(item["offset"], item["symbol"], item["price"]) for item in messages],
        )


@EXERCISE.wrong(
    "the position first",
    "A kill between the two commits: the position is beyond ticks that were never kept. Nobody will read them again: lost.",
)
def _position_first(connection: sqlite3.Connection, messages: Messages) -> None:
    with connection:
        connection.execute(MOVE, (messages[-1]["offset"] + 1,))
    with connection:
        connection.executemany(ADD, messages)


@EXERCISE.wrong(
    "the rows first",
    "A kill between the two commits: the rows are kept, the position is before them. They are read again: doubled.",
)
def _rows_first(connection: sqlite3.Connection, messages: Messages) -> None:
    with connection:
        connection.executemany(ADD, messages)
    with connection:
        connection.execute(MOVE, (messages[-1]["offset"] + 1,))


@EXERCISE.wrong(
    "the last offset, not the next",
    "A position is the offset that will be read next. Here it is that of the last row, which is read a second time.",
)
def _last(connection: sqlite3.Connection, messages: Messages) -> None:
    with connection:
        connection.executemany(ADD, messages)
        connection.execute(MOVE, (messages[-1]["offset"],))


@EXERCISE.wrong(
    "a transaction for each row",
    "No row can be lost or doubled, but the disk is waited for once a row, and half a batch may be kept.",
)
def _each(connection: sqlite3.Connection, messages: Messages) -> None:
    for item in messages:
        with connection:
            connection.execute(ADD, item)
            connection.execute(MOVE, (item["offset"] + 1,))


@EXERCISE.wrong(
    "never committed", "Nothing of it is durable: the commit is missing, and a kill takes rows and position."
)
def _no_commit(connection: sqlite3.Connection, messages: Messages) -> None:
    connection.executemany(ADD, messages)
    connection.execute(MOVE, (messages[-1]["offset"] + 1,))


@EXERCISE.wrong("no position", "The rows are kept, and after a start all of them are read and kept once more.")
def _no_position(connection: sqlite3.Connection, messages: Messages) -> None:
    with connection:
        connection.executemany(ADD, messages)


@EXERCISE.wrong(
    "what is refused is left out in silence",
    "One row is refused, and the position goes on as if it were kept. Nobody will ever know. Let the error go on up.",
)
def _left_out(connection: sqlite3.Connection, messages: Messages) -> None:
    with connection:
        for item in messages:
            try:
                connection.execute(ADD, item)
            except sqlite3.Error:
                pass
        connection.execute(MOVE, (messages[-1]["offset"] + 1,))


@EXERCISE.wrong(
    "half a batch stays open",
    "A row was refused, and nothing took back the rows before it: they wait in an open transaction, and the next commit, "
    "of another batch, keeps them too. `with connection:` rolls back.",
)
def _open(connection: sqlite3.Connection, messages: Messages) -> None:
    connection.executemany(ADD, messages)
    connection.execute(MOVE, (messages[-1]["offset"] + 1,))
    connection.commit()


@EXERCISE.wrong(
    "a commit, whatever happens",
    "finally runs after an error too: what was written before it is committed, and that is half a batch.",
)
def _finally(connection: sqlite3.Connection, messages: Messages) -> None:
    try:
        connection.executemany(ADD, messages)
        connection.execute(MOVE, (messages[-1]["offset"] + 1,))
    finally:
        connection.commit()


@EXERCISE.wrong(
    "the error is kept secret",
    "It rolls back, which is right, and then says nothing: whoever called believes that the batch is kept.",
)
def _secret(connection: sqlite3.Connection, messages: Messages) -> None:
    try:
        with connection:
            connection.executemany(ADD, messages)
            connection.execute(MOVE, (messages[-1]["offset"] + 1,))
    except sqlite3.Error:
        pass
