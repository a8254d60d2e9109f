"""The verdict: what should stand in the store after everything that was done, and what does stand there."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Self

import apsw

from marketlab.books import RunBook, balance
from marketlab.consumer import Consumer
from marketlab.digest import DigestRow, digest
from marketlab.model import Rule, Tick
from marketlab.ports import StoreReader
from marketlab.producer import Pace, Producer
from marketlab.testing.memory_log import MemoryLog
from marketlab.testing.memory_store import MemoryStore

__all__ = ["Account", "Expected", "check_file", "judge", "undisturbed"]


@dataclass(frozen=True, slots=True)
class Expected:
    """A run as it is when nothing disturbs it: its rows, their digest, and how many ticks were produced."""

    rows: Sequence[DigestRow]
    digest: str
    produced: int


@dataclass(slots=True)
class Account:
    """What was found; it passes when no problem is named."""

    lost: int = 0
    doubled: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether all is as it should be."""
        return not self.problems

    def __iadd__(self, other: Account) -> Self:
        """Add what was found elsewhere."""
        self.lost += other.lost
        self.doubled += other.doubled
        self.problems += other.problems
        return self


def undisturbed(ticks: Iterable[Tick], *, count: int) -> Expected:
    """The run of these ticks, through producer, consumer and store in memory."""
    log, store = MemoryLog(), MemoryStore()
    Producer(log.publisher(), run="r").run(ticks, threading.Event(), pace=Pace(), max_ticks=count)
    Consumer(lambda: log.subscribe("g"), store, log=log.log_id, rule=Rule()).run(threading.Event(), drain=True)
    rows = list(store.digest_rows("r", log=log.log_id))
    return Expected(rows, digest(rows, rules=[Rule()]), count)


def judge(
    reader: StoreReader,
    *,
    log: str,
    held: Mapping[int, int],
    runs: dict[str, Expected],
    broken_off: Sequence[str] = (),
    file: Path | None = None,
) -> Account:
    """Compare the store with what it should hold.

    No tick of these runs may have come twice: an idempotent producer puts each on the log once, and whoever reads a
    place of the log again was not told where it was. Rows and digest would not show it, for what has a sequence number
    is a duplicate then and stored once.

    :param held: messages that were ever written to each partition of the log; the same must have been received
    :param runs: run id → what it should be: closed, complete and equal to the last digit
    :param broken_off: runs whose producer was killed: what arrived must be the beginning of ``expected``, symbol by
        symbol
    :param file: the database, to be looked into as a file
    """
    found = Account()
    books = balance(reader.partition_books(), reader.stream_books())
    for partition in books.partitions:
        if not partition.balanced:
            found.problems.append(
                f"partition {partition.partition} received {partition.counts.received}, its bins hold "
                f"{partition.counts.binned}"
            )
    received = {book.partition: book.counts.received for book in books.partitions if book.log == log}
    found.problems += [
        f"partition {partition} of the log holds {count} messages, {received.get(partition, 0)} were received"
        for partition, count in held.items()
        if received.get(partition, 0) != count
    ]
    for run, expected in runs.items():
        book = books.of_run(run, log=log) or RunBook(run, log)
        rows = list(reader.digest_rows(run, log=log))
        kept = book.stored + book.late
        whole = run not in broken_off
        if whole:
            found.lost += max(0, expected.produced - kept - book.refused)
        found.problems += [f"run {run}: {text}" for text in _wrong(book, rows, expected, whole=whole)]
        found.doubled += max(0, len(rows) - kept)
        if whole and digest(rows, rules=reader.rules(run, log=log)) != expected.digest:
            found.problems.append(f"run {run}: the digest is another one than that of the undisturbed run")
    if file is not None:
        found.problems += check_file(file)
        found.doubled += (twice := doubled(file))
        if twice:
            found.problems.append(f"{twice} messages of the log were stored twice")
    return found


def _wrong(book: RunBook, rows: list[DigestRow], expected: Expected, *, whole: bool) -> Iterator[str]:
    if book.lost:
        yield f"the books say that {book.lost} are lost"
    elif not book.balanced:
        yield "the books do not balance"
    if book.duplicate:
        yield f"{book.duplicate} ticks were received twice"
    if len(rows) != book.stored + book.late:
        yield f"{len(rows)} rows stand in the store, the books say {book.stored + book.late}"
    if whole and (book.state, book.produced) != ("closed", expected.produced):
        yield f"{book.state}, produced {book.produced}; closed and {expected.produced} was wanted"
    if not whole and not _is_beginning(rows, expected.rows):
        yield "what arrived of a run that was broken off is not its beginning"


def _is_beginning(rows: Iterable[DigestRow], expected: Iterable[DigestRow]) -> bool:
    wanted: dict[str, list[DigestRow]] = {}
    for row in expected:
        wanted.setdefault(row[0], []).append(row)
    found: dict[str, list[DigestRow]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return all(found[symbol] == list(islice(wanted.get(symbol, ()), len(found[symbol]))) for symbol in found)


def check_file(database: Path) -> list[str]:
    """What SQLite itself finds wrong with a database: nothing, or a sentence. Others may write it meanwhile."""
    with closing(apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        connection.set_busy_timeout(5000)
        verdict = connection.pragma("integrity_check")
    return [] if verdict == "ok" else [f"integrity_check of {database.name}: {verdict}"]


def doubled(database: Path) -> int:
    """Messages of the log that stand in more than one row."""
    with closing(apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        twice = connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM ticks JOIN streams ON streams.id = stream_id "
            'GROUP BY log, ticks.partition, "offset" HAVING count(*) > 1)'
        ).get
    return int(twice)
