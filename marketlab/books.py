"""Balanced books: every message received stands in one bin, every tick produced is accounted for.

Three identities, all made of figures that were counted apart, so that each can fail:

* per partition: ``received = stored + late + duplicate + dead_lettered + control``
* per partition: ``dead_lettered`` = the dead letters of all reasons
* per closed run: ``produced = stored + late + refused + lost``, where ``lost`` is counted from the gaps between
  sequence numbers and never as the remainder.

The books balance when all of them hold everywhere and nothing is lost. What is lost is named: the symbol, the sequence
numbers, and between which two messages of the log they are missing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from marketlab.model import Break, Counts, Gap

__all__ = ["Books", "Missing", "PartitionBook", "RunBook", "StreamBook", "balance"]


@dataclass(frozen=True, slots=True)
class PartitionBook:
    """What came from one partition of a log, and the bins it went to; ``reasons``: dead letters by reason."""

    log: str
    partition: int
    counts: Counts
    next_offset: int | None = None
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def balanced(self) -> bool:
        """Whether the bins add up to what was received, and the reasons to what was refused."""
        return self.counts.received == self.counts.binned and sum(self.reasons.values()) == self.counts.dead_lettered

    def as_dict(self) -> dict[str, Any]:
        """As ``marketlab books --json`` shows it."""
        return {
            "log": self.log,
            "partition": self.partition,
            **self.counts.as_dict(),
            "dead_letters": dict(self.reasons),
            "next_offset": self.next_offset,
            "balanced": self.balanced,
        }


@dataclass(frozen=True, slots=True)
class StreamBook:
    """The account of one symbol of a run on one partition; ``produced`` is None while the stream is open."""

    log: str
    partition: int
    run: str
    symbol: str
    produced: int | None
    stored: int
    late: int
    duplicate: int
    refused: int
    gaps: tuple[tuple[int, int], ...] = ()
    run_symbols: int | None = None
    breaks: tuple[Break, ...] = ()
    pruned_at: float | None = None

    @property
    def lost(self) -> int:
        """Ticks missing, counted from the gaps."""
        return sum(last - first + 1 for first, last in self.gaps)

    @property
    def missing(self) -> Iterator[Missing]:
        """Each gap with the place where it was found."""
        firsts = [found.first for found in self.breaks]
        for first, last in self.gaps:
            index = bisect_right(firsts, first) - 1
            found = self.breaks[index] if index >= 0 and self.breaks[index].last >= last else None
            yield Missing(self.symbol, first, last, self.partition, found)


@dataclass(frozen=True, slots=True)
class Missing:
    """Ticks ``first`` to ``last`` of a symbol that nobody has seen; ``found``: where in the partition they are not."""

    symbol: str
    first: int
    last: int
    partition: int
    found: Break | None = None

    @property
    def count(self) -> int:
        """How many."""
        return self.last - self.first + 1

    def as_dict(self) -> dict[str, Any]:
        """As ``marketlab books --json`` shows it."""
        found = self.found
        before = after = None
        if found is not None:
            after = {"offset": found.after_offset, "timestamp": found.after_time}
            if found.before_offset is not None:
                before = {"offset": found.before_offset, "timestamp": found.before_time}
        return {
            "symbol": self.symbol,
            "from": self.first,
            "to": self.last,
            "partition": self.partition,
            "before": before,
            "after": after,
        }


@dataclass(slots=True)
class RunBook:
    """The account of one producer run on one log.

    ``state``: ``closed`` when the closing record of every symbol was read, else ``open``; an open run has
    ``produced`` None, for nobody has said yet how many there were. ``pruned_at``: when its ticks were removed (the
    account stays), s since the epoch.
    """

    run: str
    log: str
    state: str = "open"
    produced: int | None = None
    stored: int = 0
    late: int = 0
    refused: int = 0
    duplicate: int = 0
    missing: list[Missing] = field(default_factory=list)
    pruned_at: float | None = None

    @property
    def lost(self) -> int:
        """Ticks missing, counted from the gaps."""
        return sum(missing.count for missing in self.missing)

    @property
    def gaps(self) -> dict[str, list[Gap]]:
        """What is missing, by symbol."""
        result: dict[str, list[Gap]] = {}
        for missing in self.missing:
            result.setdefault(missing.symbol, []).append([missing.first, missing.last])
        return result

    @property
    def balanced(self) -> bool:
        """Whether nothing is lost and, once closed, the sum comes out."""
        if self.lost:
            return False
        return self.produced is None or self.produced == self.stored + self.late + self.refused + self.lost

    def as_dict(self) -> dict[str, Any]:
        """As ``marketlab books --json`` shows it."""
        return {
            "run": self.run,
            "log": self.log,
            "state": self.state,
            "produced": self.produced,
            "stored": self.stored,
            "late": self.late,
            "refused": self.refused,
            "lost": self.lost,
            "duplicate": self.duplicate,
            "gaps": [missing.as_dict() for missing in self.missing],
            "balanced": self.balanced,
            "pruned_at": self.pruned_at,
        }


@dataclass(frozen=True, slots=True)
class Books:
    """All partitions and runs of a store."""

    partitions: list[PartitionBook]
    runs: list[RunBook]

    @property
    def balanced(self) -> bool:
        """Whether every partition and every run balances."""
        return all(book.balanced for book in self.partitions) and all(book.balanced for book in self.runs)

    @property
    def reasons(self) -> dict[str, int]:
        """Dead letters of all partitions, by reason."""
        total: Counter[str] = Counter()
        for book in self.partitions:
            total.update(book.reasons)
        return dict(sorted(total.items()))

    def of_run(self, run: str, *, log: str | None = None) -> RunBook | None:
        """The account of one run, on one log if it stands on several."""
        return next((book for book in self.runs if book.run == run and log in (None, book.log)), None)

    @property
    def totals(self) -> dict[str, int]:
        """Runs that are open and closed, runs that do not balance, and ticks lost."""
        return {
            "open": sum(run.state == "open" for run in self.runs),
            "closed": sum(run.state == "closed" for run in self.runs),
            "unbalanced": sum(not run.balanced for run in self.runs),
            "lost": sum(run.lost for run in self.runs),
        }

    def as_dict(self, *, runs: Sequence[RunBook] | None = None) -> dict[str, Any]:
        """As ``marketlab books --json`` and ``GET /books`` show it.

        :param runs: only these; everything else is of all of them
        """
        return {
            "balanced": self.balanced,
            "dead_letters": self.reasons,
            "partitions": [book.as_dict() for book in self.partitions],
            "totals": self.totals,
            "runs": [book.as_dict() for book in (self.runs if runs is None else runs)],
        }


def balance(partitions: Iterable[PartitionBook], streams: Iterable[StreamBook]) -> Books:
    """Make up the books.

    :param streams: sorted by log and run, as :meth:`StoreReader.stream_books` gives them
    """
    return Books(list(partitions), list(_runs(streams)))


def _runs(streams: Iterable[StreamBook]) -> Iterator[RunBook]:
    for (log, run), group in groupby(streams, key=lambda book: (book.log, book.run)):
        book = RunBook(run, log)
        closed, produced, announced = set(), 0, 0
        symbols = set()
        for stream in group:
            symbols.add(stream.symbol)
            book.stored += stream.stored
            book.late += stream.late
            book.refused += stream.refused
            book.duplicate += stream.duplicate
            book.pruned_at = stream.pruned_at
            if stream.gaps:
                book.missing += stream.missing
            if stream.produced is not None:
                closed.add(stream.symbol)
                produced += stream.produced
                announced = max(announced, stream.run_symbols or 0)
        if closed and closed == symbols and len(closed) >= announced:
            book.state, book.produced = "closed", produced
        yield book
