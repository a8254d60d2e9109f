"""A consumer that was paused, lost its partition to another one, and wakes up: it may write nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from random import Random

from marketlab.lessons.exercise import Case, Exercise, Hints
from marketlab.lessons.m7.takeover import outcomes

__all__ = ["EXERCISE", "table"]

Commit = Callable[[sqlite3.Connection, int, int, list[float]], bool]

TABLES = """
CREATE TABLE position (epoch INTEGER, next_offset INTEGER);
INSERT INTO position VALUES (0, 0);
CREATE TABLE ticks ("offset" INTEGER, price REAL);
"""
CLAIM = "UPDATE position SET epoch = epoch + 1 RETURNING epoch, next_offset"


def draw(random: Random, events: int) -> Case:
    """Two consumers that claim the partition and write."""
    steps = ["A claims"]
    while len(steps) < events:
        steps.append(random.choice(["A writes 1", "A writes 2", "A writes 2", "B writes 2", "B claims", "A claims"]))
    return (steps,)


def table(commit: Commit, steps: list[str]) -> list[str]:
    """What each step came to: the answer, which offsets the table holds, what is read next and under which epoch."""
    owners: dict[str, tuple[int, int]] = {}
    found = []
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(TABLES)
        for step in steps:
            who, _, what = step.partition(" ")
            writes, _, meanwhile = what.partition(" while ")
            if writes == "claims":
                said = "claimed"
            elif who not in owners:  # has never read, so it has nothing to write
                said = "nothing"
            else:
                epoch, offset = owners[who]
                prices = [100.0 + n for n in range(offset, offset + int(writes[-1]))]
                if meanwhile:
                    said = contested(lambda db: commit(db, epoch, offset, prices), db)  # noqa: B023 (is called here)
                else:
                    said = str(answer := commit(db, epoch, offset, prices))
                    db.rollback()  # what is not committed when the function returns is not kept
                    if answer is True:
                        owners[who] = epoch, offset + len(prices)
            if "claims" in what:
                owners[meanwhile[:1] or who] = db.execute(CLAIM).fetchone()
                db.commit()
            found.append(f"{said}; holds {holds(db)}")
    return found


def contested(commit: Callable[[sqlite3.Connection], bool], db: sqlite3.Connection) -> str:
    """What comes of a commit if B claims at whatever moment: it must be as if B had come before it, or after it."""
    found = [*outcomes(commit, CLAIM, holds, db)]
    for place, outcome in enumerate(found):
        if outcome.facts not in (found[0].facts, found[-1].facts):
            verb = outcome.told[place].split()[0]
            return f"{outcome.returned}, though before {verb} B saw {outcome.seen}"
    return "one comes after the other"


def holds(db: sqlite3.Connection) -> str:
    """The offsets in the table and the position, as text."""
    offsets = " ".join(str(row[0]) for row in db.execute('SELECT "offset" FROM ticks ORDER BY rowid'))
    epoch, position = db.execute("SELECT epoch, next_offset FROM position").fetchone()
    return f"{offsets or 'nothing'}, next {position}, epoch {epoch}"


EXERCISE = Exercise(
    "m7.zombie",
    "a commit that a zombie cannot make",
    hints=Hints(
        question="B has claimed the partition while A slept. What stands in the table now that A cannot know of, and "
        "how would A's commit notice?",
        concept="Whoever takes the partition over gets a number of its own, the epoch, which only grows. A commit is "
        "good only under the epoch that the table holds at that moment, and asking and writing must be one act: an "
        "UPDATE with a WHERE, whose rowcount says whether it has met a row. Kafka fences its producers in that way.",
        skeleton="In one transaction: UPDATE the position WHERE epoch = yours AND next_offset = yours. If rowcount is 0, "
        "write nothing and return False. Else insert the rows and return True.",
    ),
    examples=[
        (["A claims", "A writes 1"],),
        (["A claims", "A writes 2", "A writes 1"],),
        (["A claims", "B claims", "A writes 1"],),
        (["A claims", "B claims", "A writes 2", "B writes 2"],),
        (["A claims", "B claims", "B writes 2", "A writes 1"],),
        (["A claims", "A writes 1", "B claims", "B writes 1", "A writes 2"],),
        (["A claims", "A writes 1 while B claims"],),
    ],
    draw=draw,
    drive=table,
    event="step",
    starts_as="nobody is asked who owns the partition",
)


@EXERCISE.solved_by
def commit(db: sqlite3.Connection, epoch: int, offset: int, prices: list[float]) -> bool:
    with db:
        moved = db.execute(
            "UPDATE position SET next_offset = ? WHERE epoch = ? AND next_offset = ?",
            (offset + len(prices), epoch, offset),
        )
        if moved.rowcount == 0:
            return False
        rows = [(offset + n, price) for n, price in enumerate(prices)]
        db.executemany("INSERT INTO ticks VALUES (?, ?)", rows)
    return True


@EXERCISE.also_solved_by
def _by_epoch_alone(db: sqlite3.Connection, epoch: int, offset: int, prices: list[float]) -> bool:
    moved = db.execute("UPDATE position SET next_offset = ? WHERE epoch = ?", (offset + len(prices), epoch))
    if moved.rowcount != 1:
        db.rollback()
        return False
    for n, price in enumerate(prices, start=offset):
        db.execute("INSERT INTO ticks VALUES (?, ?)", (n, price))
    db.commit()
    return True


@EXERCISE.also_solved_by
def _looked_up_under_a_lock(db: sqlite3.Connection, epoch: int, offset: int, prices: list[float]) -> bool:
    db.execute("BEGIN IMMEDIATE")
    found = db.execute("SELECT epoch, next_offset FROM position").fetchone()
    if found == (epoch, offset):
        db.executemany("INSERT INTO ticks VALUES (?, ?)", zip(range(offset, offset + len(prices)), prices, strict=True))
        db.execute("UPDATE position SET next_offset = ?", (offset + len(prices),))
    db.commit()
    return bool(found == (epoch, offset))


@EXERCISE.also_solved_by
def _asked_in_a_transaction(db: sqlite3.Connection, epoch: int, offset: int, prices: list[float]) -> bool:
    db.execute("BEGIN")
    (owner,) = db.execute("SELECT epoch FROM position").fetchone()  # from here on nobody else can commit
    if owner != epoch:
        db.execute("ROLLBACK")
        return False
    rows = [(offset + n, price) for n, price in enumerate(prices)]
    db.executemany("INSERT INTO ticks VALUES (?, ?)", rows)
    db.execute("UPDATE position SET next_offset = ?", (offset + len(prices),))
    db.execute("COMMIT")
    return True


@EXERCISE.wrong(
    "nobody is asked who owns the partition",
    "A writes although the partition is B's by now: the same offsets stand in the table twice, and the position goes "
    "where A believes it to be.",
)
def _no_epoch(db: sqlite3.Connection, epoch: int, offset: int, prices: list[float]) -> bool:
    with db:
        db.execute("UPDATE position SET next_offset = ?", (offset + len(prices),))
        rows = [(offset + n, price) for n, price in enumerate(prices)]
        db.executemany("INSERT INTO ticks VALUES (?, ?)", rows)
    return True


@EXERCISE.wrong(
    "only the position is compared",
    "As long as B has not written yet, the position is still the one that A knows: the zombie gets in, and it is B, "
    "the owner, who is turned away.",
)
def _by_position_alone(db: sqlite3.Connection, epoch: int, offset: int, prices: list[float]) -> bool:
    with db:
        moved = db.execute("UPDATE position SET next_offset = ? WHERE next_offset = ?", (offset + len(prices), offset))
        if moved.rowcount == 0:
            return False
        rows = [(offset + n, price) for n, price in enumerate(prices)]
        db.executemany("INSERT INTO ticks VALUES (?, ?)", rows)
    return True


@EXERCISE.wrong(
    "asked first, written then",
    "Between the SELECT and the first write B may claim the partition: Python's `with db:` begins no transaction before "
    "the first write. Then the zombie writes on the strength of what was true a moment ago, and B reads the same "
    "offsets again. Let the UPDATE ask, in its WHERE.",
)
def _asked_first(db: sqlite3.Connection, epoch: int, offset: int, prices: list[float]) -> bool:
    with db:
        if db.execute("SELECT epoch, next_offset FROM position").fetchone() != (epoch, offset):
            return False
        db.execute("UPDATE position SET next_offset = ?", (offset + len(prices),))
        rows = [(offset + n, price) for n, price in enumerate(prices)]
        db.executemany("INSERT INTO ticks VALUES (?, ?)", rows)
    return True


@EXERCISE.wrong(
    "position and rows in two transactions",
    "Between the two B may claim the partition, or a kill may come: the position says that the rows are in, and they "
    "are not. Nobody will read them again. Both belong into one transaction.",
)
def _two_transactions(db: sqlite3.Connection, epoch: int, offset: int, prices: list[float]) -> bool:
    with db:
        moved = db.execute("UPDATE position SET next_offset = ? WHERE epoch = ?", (offset + len(prices), epoch))
    if moved.rowcount == 0:
        return False
    with db:
        rows = [(offset + n, price) for n, price in enumerate(prices)]
        db.executemany("INSERT INTO ticks VALUES (?, ?)", rows)
    return True


@EXERCISE.wrong(
    "the position is guarded, the rows are not",
    "It returns False, and the position stays; but the rows of the zombie stand in the table. All or nothing: look at "
    "rowcount before anything is inserted, or roll back.",
)
def _rows_anyway(db: sqlite3.Connection, epoch: int, offset: int, prices: list[float]) -> bool:
    with db:
        rows = [(offset + n, price) for n, price in enumerate(prices)]
        db.executemany("INSERT INTO ticks VALUES (?, ?)", rows)
        moved = db.execute("UPDATE position SET next_offset = ? WHERE epoch = ?", (offset + len(prices), epoch))
    return moved.rowcount == 1


@EXERCISE.wrong(
    "the refusal is not told",
    "Nothing is written, which is right, but the zombie hears True. It goes on as if its rows were safe, and nobody "
    "knows of it.",
)
def _untold(db: sqlite3.Connection, epoch: int, offset: int, prices: list[float]) -> bool:
    with db:
        moved = db.execute("UPDATE position SET next_offset = ? WHERE epoch = ?", (offset + len(prices), epoch))
        if moved.rowcount:
            rows = [(offset + n, price) for n, price in enumerate(prices)]
            db.executemany("INSERT INTO ticks VALUES (?, ?)", rows)
    return True


@EXERCISE.wrong(
    "the zombie takes the partition back",
    "It sees that the epoch is another one, and sets its own. Now two believe to be the owner, and whoever wakes last "
    "wins: an epoch is only ever given out by a claim.",
)
def _takes_back(db: sqlite3.Connection, epoch: int, offset: int, prices: list[float]) -> bool:
    with db:
        db.execute("UPDATE position SET epoch = ?, next_offset = ?", (epoch, offset + len(prices)))
        rows = [(offset + n, price) for n, price in enumerate(prices)]
        db.executemany("INSERT INTO ticks VALUES (?, ?)", rows)
    return True


@EXERCISE.wrong(
    "the position does not move",
    "The rows are in, and the position is where it was: whoever claims next reads the same offsets again, and stores "
    "them again.",
)
def _no_position(db: sqlite3.Connection, epoch: int, offset: int, prices: list[float]) -> bool:
    with db:
        (owner,) = db.execute("SELECT epoch FROM position").fetchone()
        if owner != epoch:
            return False
        rows = [(offset + n, price) for n, price in enumerate(prices)]
        db.executemany("INSERT INTO ticks VALUES (?, ?)", rows)
    return True


@EXERCISE.wrong(
    "nothing is committed",
    "Without a commit the rows are gone when the connection closes, or the process is killed. `with db:` commits at "
    "its end.",
)
def _uncommitted(db: sqlite3.Connection, epoch: int, offset: int, prices: list[float]) -> bool:
    moved = db.execute("UPDATE position SET next_offset = ? WHERE epoch = ?", (offset + len(prices), epoch))
    if moved.rowcount == 0:
        return False
    rows = [(offset + n, price) for n, price in enumerate(prices)]
    db.executemany("INSERT INTO ticks VALUES (?, ?)", rows)
    return True


@EXERCISE.wrong(
    "an error in place of False",
    "That a partition has changed hands is no mistake of the program: it happens at every rebalance. False was wanted, "
    "and the caller drops its batch.",
)
def _raises(db: sqlite3.Connection, epoch: int, offset: int, prices: list[float]) -> bool:
    with db:
        moved = db.execute("UPDATE position SET next_offset = ? WHERE epoch = ?", (offset + len(prices), epoch))
        if moved.rowcount == 0:
            raise RuntimeError("the partition has another owner")
        rows = [(offset + n, price) for n, price in enumerate(prices)]
        db.executemany("INSERT INTO ticks VALUES (?, ?)", rows)
    return True
