"""What comes of a function's work with SQLite if somebody else comes in between, at whatever moment."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

__all__ = ["Outcome", "outcomes"]

#: Neither outlives a power cut, and a file that nobody will read again need not.
FAST = "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY"
MOST = 50  # statements of one function before each of which the other one comes in

Work = Callable[[sqlite3.Connection], Any]
Look = Callable[[sqlite3.Connection], str]


@dataclass
class Outcome:
    """What was returned, what the other one saw when it had come in, and what stands there in the end.

    :param told: the statements that the function has given to SQLite
    """

    told: list[str] = field(default_factory=list)
    returned: Any = None
    seen: str | None = None
    left: str = ""

    @property
    def facts(self) -> tuple[Any, str | None, str]:
        """All but the way there."""
        return self.returned, self.seen, self.left


def outcomes(work: Work, other: str, look: Look, before: sqlite3.Connection) -> Iterator[Outcome]:
    """What comes of it if the other one comes in before the first statement, the second one, … and after all of them.

    :param other: its statement, in a transaction of its own; it waits while it is locked out
    :param look: what is to be known of a database
    :param before: the database as it stands; each outcome is of a copy
    """
    for place in range(MOST):
        yield (outcome := _outcome(work, other, look, before, place))
        if len(outcome.told) <= place:
            return


def _outcome(work: Work, other: str, look: Look, before: sqlite3.Connection, place: int) -> Outcome:
    found = Outcome()
    with (
        TemporaryDirectory() as folder,
        closing(sqlite3.connect(path := Path(folder) / "copy.db")) as mine,
        closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as theirs,
    ):
        for connection in (mine, theirs):
            connection.executescript(FAST)
        before.backup(mine)

        def listen(statement: str) -> None:
            if len(found.told) == place:
                found.seen = _come_in(theirs, other, look)
            found.told.append(statement)

        mine.set_trace_callback(listen)
        found.returned = work(mine)
        mine.set_trace_callback(None)
        mine.rollback()  # what is not committed when the function returns is not kept
        if found.seen is None:
            found.seen = _come_in(theirs, other, look)
        found.left = look(theirs)
    return found


def _come_in(theirs: sqlite3.Connection, other: str, look: Look) -> str | None:
    """What the other one sees, or None if it is locked out."""
    try:
        theirs.execute("BEGIN IMMEDIATE")
        theirs.execute(other).fetchall()
        seen = look(theirs)
        theirs.execute("COMMIT")
    except sqlite3.OperationalError:
        theirs.rollback()
        return None
    return seen
