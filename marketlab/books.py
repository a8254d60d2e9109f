"""Balanced books: every message received stands in one bin, every tick produced is accounted for.

Two identities, both made of figures that were counted apart, so that either can fail:

* per partition: ``received = stored + late + duplicate + dead_lettered + control``
* per closed run: ``produced = stored + late + refused + lost``, where ``lost`` is counted from the gaps between
  sequence numbers and never as the remainder.

The books balance when both hold everywhere and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from marketlab.model import Counts, Gap

__all__ = ["Books", "PartitionBook", "RunBook", "StreamBook", "balance"]


@dataclass(frozen=True, slots=True)
class PartitionBook:
    """What came from one partition of a log, and the bins it went to."""

    log: str
    partition: int
    counts: Counts
    next_offset: int | None = None

    @property
    def balanced(self) -> bool:
        """Whether the bins add up to what was received."""
        return self.counts.received == self.counts.binned

    def as_dict(self) -> dict[str, Any]:
        """As ``marketlab books --json`` shows it."""
        return {
            "log": self.log,
            "partition": self.partition,
            **self.counts.as_dict(),
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

    @property
    def lost(self) -> int:
        """Ticks missing, counted from the gaps."""
        return sum(last - first + 1 for first, last in self.gaps)


@dataclass(slots=True)
class RunBook:
    """The account of one producer run on one log.

    ``state``: ``closed`` when the closing record of every symbol was read, else ``open``; an open run has
    ``produced`` None, for nobody has said yet how many there were.
    """

    run: str
    log: str
    state: str = "open"
    produced: int | None = None
    stored: int = 0
    late: int = 0
    refused: int = 0
    duplicate: int = 0
    gaps: dict[str, list[Gap]] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        """Ticks missing, counted from the gaps."""
        return sum(last - first + 1 for spans in self.gaps.values() for first, last in spans)

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
            "gaps": [
                {"symbol": symbol, "from": first, "to": last}
                for symbol, spans in sorted(self.gaps.items())
                for first, last in spans
            ],
            "balanced": self.balanced,
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

    def of_run(self, run: str, *, log: str | None = None) -> RunBook | None:
        """The account of one run, on one log if it stands on several."""
        return next((book for book in self.runs if book.run == run and log in (None, book.log)), None)

    def as_dict(self) -> dict[str, Any]:
        """As ``marketlab books --json`` and ``GET /books`` show it."""
        return {
            "balanced": self.balanced,
            "partitions": [book.as_dict() for book in self.partitions],
            "runs": [book.as_dict() for book in self.runs],
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
            if stream.gaps:
                book.gaps.setdefault(stream.symbol, []).extend([first, last] for first, last in stream.gaps)
            if stream.produced is not None:
                closed.add(stream.symbol)
                produced += stream.produced
                announced = max(announced, stream.run_symbols or 0)
        if closed and closed == symbols and len(closed) >= announced:
            book.state, book.produced = "closed", produced
        yield book
