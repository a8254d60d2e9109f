"""The seams of the lab: what a source, a log of messages and a store owe to those who use them.

Adapters meet these interfaces in one file, :mod:`marketlab.wiring`; each has a twin in memory that is shipped in
:mod:`marketlab.testing` and passes the same contract suite.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from marketlab.books import Books, PartitionBook, StreamBook, balance
from marketlab.digest import DigestRow
from marketlab.model import Alert, Batch, DeadLetter, Position, Record, Rule, StreamKey, StreamState, Tick

__all__ = [
    "Assigned",
    "Chunk",
    "Messages",
    "PostedTick",
    "Publisher",
    "Sink",
    "Source",
    "Store",
    "StoreReader",
    "Subscription",
    "Transport",
]


class Source(ABC):
    """Gives ticks in order, without ``run`` and ``seq``.

    The same seed or file gives the same ticks, byte for byte. Iterating a source again starts it afresh.
    """

    #: True when the ticks carry the pace of a recording (``--speed``), False when the producer sets it (``--rate``).
    recorded: bool = False

    def __init__(self) -> None:
        #: Rows of the input that are not ticks, by kind; complete once the iteration has ended.
        self.skipped: Counter[str] = Counter()

    @abstractmethod
    def __iter__(self) -> Iterator[Tick]:
        """Yield valid ticks.

        :raises SourceError: the input cannot be read, or more must be said about it (a column, a date, a unit)
        """

    def describe(self) -> str:
        """One line for people: what this source is, and what was assumed about it."""
        return type(self).__name__


# --------------------------------------------------------------------------------------------- transports


@dataclass(frozen=True, slots=True)
class Chunk:
    """Messages of one partition as columns of equal length, offsets ascending.

    ``record_times_ms``: the log's own time of each message, milliseconds since the epoch.
    """

    partition: int
    offsets: Sequence[int]
    values: Sequence[bytes | None]
    record_times_ms: Sequence[int]
    keys: Sequence[bytes | None] = ()
    headers: Sequence[Sequence[tuple[str, bytes]]] = ()

    def __len__(self) -> int:
        """Messages in the chunk."""
        return len(self.offsets)


@dataclass(frozen=True, slots=True)
class Assigned:
    """The partitions owned from now on, after a (re)balance; replaces every earlier assignment.

    None of them delivers before :meth:`Subscription.seek` has named where each begins, those that were owned before
    included: each assignment is claimed and sought as a whole. It may be empty: more members than partitions.
    """

    partitions: frozenset[int]


@dataclass(frozen=True, slots=True)
class Messages:
    """What a poll brought; empty when nothing came in time."""

    chunks: Sequence[Chunk] = ()

    def __len__(self) -> int:
        """Messages in all chunks."""
        return sum(len(chunk) for chunk in self.chunks)


class Publisher(ABC):
    """Puts messages on a log. One thread only."""

    def heed(self, stop: threading.Event) -> None:  # noqa: B027 (not every log makes anybody wait)
        """From now on wait no longer than a few seconds in all, wherever it waits, once ``stop`` is set."""

    @abstractmethod
    def send(self, value: bytes, *, key: bytes, tag: object = None) -> None:
        """Hand over one message; the partition follows from the key by murmur2, as in every Kafka client.

        Blocks while the buffer is full (backpressure). Order is kept per key. What fails is reported by the next
        call, with ``tag``, once; nothing is dropped silently. If this raises, the message was not taken.

        :raises DeliveryError: earlier messages failed for good
        :raises TransportError: the log cannot be reached, or there was no room for too long; it may be tried again
        """

    @abstractmethod
    def flush(self, *, timeout_s: float) -> None:
        """Wait until everything sent so far is acknowledged by the log.

        :raises DeliveryError: names every message that was not, by its tag: those that failed for good, and those that
            are late; a late one is still tried, and the next flush tells what became of it
        """

    @abstractmethod
    def close(self, *, timeout_s: float) -> None:
        """Give up the connection, and with it what is not acknowledged. Idempotent; does not flush."""


class Subscription(ABC):
    """Reads a log as a member of a consumer group. One thread only.

    Positions come from the store and never from the log: after :class:`Assigned` the caller seeks every partition.
    """

    @abstractmethod
    def poll(self, *, timeout_s: float, max_messages: int = 5000) -> Assigned | Messages:
        """What came, at the latest after ``timeout_s``.

        A change of assignment is reported before any message that was fetched under the new one, and messages of a
        partition that was lost are never delivered after it. Messages of a partition come in offset order, each
        once, unless :meth:`seek` goes back. An unreachable log gives empty messages, not an error.

        :raises OffsetOutOfRangeError: the log does not hold the offset that was sought
        :raises TransportError: another process has taken this member's place, or messages cannot be read; for good
        """

    @abstractmethod
    def seek(self, offsets: Mapping[int, int | None]) -> dict[int, int]:
        """Begin each assigned partition at its offset, None meaning the oldest that the log holds; all or none.

        :returns: the offsets at which reading begins
        :raises OffsetOutOfRangeError: an offset is below the oldest or above the end, named with partition and range;
            or the log was deleted and made again under its name, and no offset of the old one has a meaning in it
        :raises TransportError: the log cannot be reached; the assignment is then reported again by a later poll
        :raises ValueError: a partition is not assigned
        """

    @abstractmethod
    def end_offsets(self, *, timeout_s: float) -> dict[int, int]:
        """The offset after the last message, of every partition of the log (assigned or not).

        :raises TransportError: the log cannot be reached in time
        """

    @abstractmethod
    def pause(self) -> None:
        """Deliver nothing (backpressure) while polls go on, so that membership is kept; outlasts a seek."""

    @abstractmethod
    def resume(self) -> None:
        """Fetch again."""

    @abstractmethod
    def report(self, next_offsets: Mapping[int, int]) -> None:
        """Tell the log how far the store has come, for lag tools only. Best effort, never raises for the world."""

    @abstractmethod
    def close(self, *, timeout_s: float) -> None:
        """Leave the group. Idempotent. A static member only goes silent: its partitions wait for it a while."""


class Transport(ABC):
    """A log of messages: topic ``stock-ticks`` of a Kafka cluster, or a tape.

    ``log_id`` names the log for ever: offsets mean nothing outside it.
    """

    @property
    @abstractmethod
    def log_id(self) -> str:
        """``kafka:CLUSTER/TOPIC_ID`` or ``tape:ID``.

        :raises TransportError: the log cannot be reached
        """

    @property
    @abstractmethod
    def partitions(self) -> int:
        """Number of partitions.

        :raises TransportError: the log cannot be reached
        """

    @abstractmethod
    def publisher(self) -> Publisher:
        """A new publisher; the caller closes it."""

    @abstractmethod
    def subscribe(self, group: str, *, instance_id: str | None = None) -> Subscription:
        """Join a consumer group; the caller closes the subscription.

        :param instance_id: static membership, so that a killed member is back at once
        """

    @abstractmethod
    def held(self, *, timeout_s: float) -> dict[int, range]:
        """The offsets that the log holds, by partition: from the oldest to just before the next, without any group.

        :raises TransportError: the log cannot be reached in time
        """

    @abstractmethod
    def read(self, partition: int, offsets: Iterable[int], *, timeout_s: float) -> dict[int, bytes | None]:
        """The values at these offsets, read again without any group; offsets that are gone are left out.

        :raises TransportError: the log cannot be reached, or not all was read in time
        """

    @abstractmethod
    def close(self) -> None:
        """Give up what the transport itself holds. Idempotent."""

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close."""
        self.close()


# --------------------------------------------------------------------------------------------- stores


class StoreReader(ABC):
    """Answers questions about what is durable; never writes.

    Every answer is one consistent snapshot. A database that does not exist yet answers as an empty one.
    """

    @abstractmethod
    def latest(self, *, since: int = 0) -> list[Record]:
        """The last written record of every symbol, by symbol.

        :param since: only those that were written after the record with this id
        """

    @abstractmethod
    def history(self, symbol: str, *, limit: int, before: int | None = None) -> list[Record]:
        """Records of a symbol, newest written first.

        :param limit: at least 1; less is a QueryError, here and below
        :param before: only records written before the one with this id
        :raises NotFoundError: the symbol was never seen
        """

    @abstractmethod
    def ticks(self, symbol: str) -> Iterator[Tick]:
        """A symbol's ticks that came in order, newest written first, one by one: what bars are made of.

        :raises NotFoundError: the symbol was never seen
        """

    @abstractmethod
    def records_after(self, id: int, *, limit: int) -> list[Record]:  # noqa: A002
        """Records of all symbols written after the one with this id (0: from the first), in the order of writing."""

    @abstractmethod
    def alerts(self, *, limit: int, before: int | None = None, symbol: str | None = None) -> list[Alert]:
        """Alerts, newest first."""

    @abstractmethod
    def alerts_after(self, id: int, *, limit: int) -> list[Alert]:  # noqa: A002
        """Alerts of all symbols after the one with this id (0: from the first), oldest first."""

    @abstractmethod
    def alert(self, id: int) -> Alert:  # noqa: A002
        """One alert.

        :raises NotFoundError: there is no such alert
        """

    @abstractmethod
    def largest_move(self) -> Record | None:
        """The record with the largest |change_pct| since each symbol's present run began, or None before any."""

    @abstractmethod
    def dead_letters(self, *, limit: int, before: int | None = None, reason: str | None = None) -> list[DeadLetter]:
        """Dead letters, newest first."""

    @abstractmethod
    def dead_letter(self, id: int) -> DeadLetter:  # noqa: A002
        """One dead letter.

        :raises NotFoundError: there is no such dead letter
        """

    @abstractmethod
    def dead_letter_counts(self) -> dict[str, int]:
        """Dead letters by reason."""

    @abstractmethod
    def partition_books(self) -> list[PartitionBook]:
        """The books of every partition that was ever claimed, by log and partition."""

    @abstractmethod
    def stream_books(self, *, run: str | None = None) -> Iterator[StreamBook]:
        """The account of every stream (of one run), by log, run and symbol."""

    def books(self, *, run: str | None = None) -> Books:
        """The whole account, or all partitions and one run."""
        return balance(self.partition_books(), self.stream_books(run=run))

    @abstractmethod
    def digest_rows(self, run: str, *, log: str) -> Iterator[DigestRow]:
        """Kept ticks of a run on a log, sorted by symbol and ordinal.

        :raises PrunedError: they were removed; at the first row
        """

    @abstractmethod
    def rules(self, run: str, *, log: str) -> list[Rule]:
        """The rules that the run was judged by."""

    @abstractmethod
    def problems(self) -> Iterator[str]:
        """What is wrong in the store itself, a sentence each: damage, or rows that their account does not have.

        Reads everything, so it may take a while.
        """

    @abstractmethod
    def identity(self) -> str | None:
        """Which database this is, or None while there is none: one that was wiped is another, a copy is the same."""

    @abstractmethod
    def changes(self) -> int:
        """A number that is another one after every commit by anybody; cheap enough for a poll of 20 Hz."""

    @abstractmethod
    def close(self) -> None:
        """Close. Idempotent."""

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close."""
        self.close()


@dataclass(frozen=True, slots=True)
class PostedTick:
    """A record that somebody POSTed; stands outside the books unless it carries log, partition and offset."""

    symbol: str
    price: float
    timestamp: float
    moving_average: float | None = None
    alert: str | None = None
    size: float | None = None
    change_pct: float | None = None
    run: str = ""
    seq: int | None = None
    log: str | None = None
    partition: int | None = None
    offset: int | None = None
    late: bool = False


class Sink(ABC):
    """Takes the consumer's batches: rows, books and positions, durable together."""

    @abstractmethod
    def claim(self, log: str, partitions: Iterable[int]) -> dict[int, Position]:
        """Become the owner of partitions: each one's epoch grows by one, and an older owner can write nothing more.

        :returns: epoch and the next offset to read, by partition
        :raises StoreBusyError: the lock could not be had in time; nothing was claimed
        :raises StoreFullError: no room; nothing was claimed
        """

    @abstractmethod
    def load_streams(self, keys: Sequence[StreamKey]) -> dict[StreamKey, StreamState]:
        """The state of those of the streams that are known, as a copy that is the caller's own."""

    @abstractmethod
    def commit(self, batch: Batch, *, expected: Mapping[int, Position]) -> dict[int, Position]:
        """Write a batch and the next offsets in one transaction, or nothing at all.

        Sets ``id`` on the states of new streams. After a failure the same batch may be committed again.

        :param expected: for every partition of the batch, what the last claim or commit returned
        :returns: the new positions
        :raises StaleOwnerError: somebody else claimed or moved a partition; nothing was written
        :raises StoreBusyError: the lock could not be had in time; nothing was written
        :raises StoreFullError: no room; nothing was written
        """

    @abstractmethod
    def close(self) -> None:
        """Close. Idempotent."""


class Store(Sink, StoreReader):
    """A sink that answers questions too. One thread only; several processes may hold one each."""

    @abstractmethod
    def post(self, ticks: Sequence[PostedTick]) -> int:
        """Keep records that came by HTTP, each one row; those whose (log, partition, offset) is known are skipped.

        :returns: rows written
        """

    @abstractmethod
    def begin_resend(self, letters: Iterable[tuple[DeadLetter, bytes]]) -> frozenset[int]:
        """Take dead letters for sending again, and note as what, before it happens: a crash leaves no doubt unsaid.

        A letter is taken if it still stands as it was read, so of two resends at once only one takes it.

        :param letters: as they were read, and what is sent in their place
        :returns: ids of those that were taken
        :raises NotFoundError: there is no such dead letter; none was taken
        """

    @abstractmethod
    def end_resend(self, ids: Iterable[int]) -> None:
        """Note that the log has acknowledged what was sent in their place.

        :raises NotFoundError: there is no such dead letter; nothing was noted
        """
