"""A tape as a log of messages: a recorded file instead of a broker, through the same port."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path

from filelock import FileLock, Timeout

from marketlab.deadline import Deadline
from marketlab.errors import OffsetOutOfRangeError, TapeError, TransportError
from marketlab.ports import Assigned, Chunk, Messages, Publisher, Subscription, Transport
from marketlab.transports.tape_file import TapeFile
from marketlab.transports.tape_format import TapeHeader, TapeRecord
from marketlab.transports.tape_publisher import TapePublisher, create_tape, lock_beside

__all__ = ["TapeTransport"]

#: How often a reader at the end of a tape looks whether it has grown.
LOOK_AGAIN_S = 0.02


class TapeTransport(Transport):
    """A tape, read from and appended to by any number of processes, one of them appending at a time.

    A group has one member: partitions are not shared out, and a second subscription in the same group is refused for
    as long as the first one is open. Where the tape's folder cannot be written there is no such lock, and only the
    epochs of the store keep two members apart.

    :param path: the file, plain or gz; a compressed one cannot be appended to
    :param topic: name written to a tape that is made
    :param partitions: partitions of a tape that is made; an existing one has its own
    :param clock: seconds since the epoch; the record time of a message is the time of sending
    """

    def __init__(self, path: Path, *, topic: str, partitions: int, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._topic = topic
        self._new_partitions = partitions
        self._clock = clock
        self._header: TapeHeader | None = None
        self._file: TapeFile | None = None  # kept open, with its index, once something was read again
        self._lock = threading.Lock()

    @property
    def log_id(self) -> str:
        """``tape:ID``, as the header has it."""
        return f"tape:{self._known().tape}"

    @property
    def partitions(self) -> int:
        """Number of partitions, as the header has it."""
        return self._known().partitions

    def create(self) -> bool:
        """Make an empty tape unless there is one, as a topic is created; :meth:`publisher` does so by itself.

        :returns: whether it was made
        :raises TapeError: the folder cannot be written
        """
        return create_tape(self.path, topic=self._topic, partitions=self._new_partitions)

    def publisher(self) -> Publisher:
        """The one publisher of the tape; makes the tape if there is none."""
        return TapePublisher(self.path, topic=self._topic, partitions=self._new_partitions, clock=self._clock)

    def subscribe(self, group: str, *, instance_id: str | None = None) -> Subscription:  # noqa: ARG002
        """The one member of a group; ``instance_id`` has no meaning here."""
        return TapeSubscription(self.path, group=group)

    def held(self, *, timeout_s: float) -> dict[int, range]:  # noqa: ARG002
        """The offsets that the tape holds, by partition."""
        with self._lock:
            return {partition: range(*bounds) for partition, bounds in self._scanned().available().items()}

    def read(self, partition: int, offsets: Iterable[int], *, timeout_s: float) -> dict[int, bytes | None]:
        """The values at these offsets; those that the tape does not hold are left out."""
        deadline = Deadline(timeout_s)
        with self._lock:
            tape = self._scanned()
            oldest, end = tape.available().get(partition, (0, 0))
            pending = {offset for offset in offsets if oldest <= offset < end}
            found: dict[int, bytes | None] = {}
            if not pending:
                return found
            last = max(pending)
            mark, ends = tape.mark_before({partition: min(pending)})
            while ends[partition] <= last:
                if deadline.passed:
                    raise TransportError(f"{self.path}: offset {last} was not reached within {timeout_s:g} s")
                block = tape.read(mark)
                tape.check_order(block, ends)
                mark = block.end
                for record in block.records:
                    if record.partition == partition and record.offset in pending:
                        found[record.offset] = _value(record)
            return found

    def close(self) -> None:
        """Close the file. Idempotent; publishers and subscriptions are closed by whoever asked for them."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _scanned(self) -> TapeFile:
        """The file with an index of all that it holds now."""
        if self._file is None:
            self._file = TapeFile(self.path)
        self._file.scan()
        return self._file

    def _known(self) -> TapeHeader:
        if self._header is None:
            with closing(TapeFile(self.path)) as tape:
                self._header = tape.header
        return self._header


class TapeSubscription(Subscription):
    """The one member of a group on a tape; goes on reading while the tape grows.

    :raises TapeError: no such tape, or not a tape
    :raises TransportError: the group has a member already
    """

    def __init__(self, path: Path, *, group: str) -> None:
        self._tape = TapeFile(path)
        try:
            self._group_lock = _lock_group(path, group)
        except BaseException:
            self._tape.close()
            raise
        self._announced = False
        self._paused = False
        self._closed = False
        self._broken: TapeError | None = None
        #: Next offset of every partition that was sought.
        self._next: dict[int, int] = {}
        self._mark = self._tape.begin
        self._ends = [0] * self._tape.header.partitions
        self._records: list[TapeRecord] = []  # read from the file, and where the undelivered ones begin
        self._delivered = 0

    def poll(self, *, timeout_s: float, max_messages: int = 5000) -> Assigned | Messages:
        self._require_open()
        if not self._announced:
            self._announced = True
            return Assigned(frozenset(range(self._tape.header.partitions)))
        deadline = Deadline(timeout_s)
        while True:
            if self._next and not self._paused:
                messages = self._take(max_messages, deadline)
                if messages is not None:
                    return messages
            if deadline.passed:
                return Messages()
            time.sleep(min(deadline.remaining_s, LOOK_AGAIN_S))

    def seek(self, offsets: Mapping[int, int | None]) -> dict[int, int]:
        self._require_open()
        self._scan()
        available = self._tape.available()
        begin = {}
        for partition, wanted in offsets.items():
            if not self._announced or partition not in available:
                raise ValueError(f"partition {partition} is not assigned")
            oldest, end = available[partition]
            if wanted is not None and not oldest <= wanted <= end:
                raise OffsetOutOfRangeError(
                    f"{self._tape.path}, partition {partition}: offset {wanted} is wanted, "
                    f"{oldest} to {end} can be had (log {self._tape.log_id})",
                    mend="The database was written from a longer tape of this id; use that one, or a new home.",
                )
            begin[partition] = oldest if wanted is None else wanted
        self._next |= begin
        self._mark, self._ends = self._tape.mark_before(self._next)
        self._records, self._delivered = [], 0
        return begin

    def end_offsets(self, *, timeout_s: float) -> dict[int, int]:  # noqa: ARG002
        self._require_open()
        self._scan()
        return {partition: end for partition, (_, end) in self._tape.available().items()}

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False

    def report(self, next_offsets: Mapping[int, int]) -> None:
        """Nothing: a tape has no place for it."""

    def close(self, *, timeout_s: float) -> None:  # noqa: ARG002
        self._closed = True
        self._tape.close()
        if self._group_lock is not None:
            self._group_lock.release()

    def _take(self, max_messages: int, deadline: Deadline) -> Messages | None:
        """The next messages, or None at the end of the tape; what is not wanted is passed over."""
        columns = _Columns()
        looked = False  # once at least, however little time there is
        while True:
            records = self._records[self._delivered : self._delivered + max_messages - columns.count]
            self._delivered += len(records)
            columns.add(records, self._next)
            if columns.count >= max_messages:
                break
            if self._delivered == len(self._records):
                if (looked and deadline.passed) or not self._fill():
                    break
                looked = True
        return columns.messages() if columns.count else None

    def _fill(self) -> bool:
        block = self._tape.read(self._mark)
        self._tape.check_order(block, self._ends)
        self._mark = block.end
        self._records, self._delivered = block.records, 0
        return block.end != block.begin

    def _scan(self) -> None:
        try:
            self._tape.scan()
        except TapeError as error:
            self._broken = error
            raise

    def _require_open(self) -> None:
        if self._closed:
            raise TransportError(f"{self._tape.path}: the subscription is closed")
        if self._broken is not None:  # a damaged tape does not mend itself: whoever only polls is told too
            raise self._broken


class _Columns:
    """Collects records into one chunk a partition."""

    def __init__(self) -> None:
        self.count = 0
        self._records: dict[int, list[TapeRecord]] = {}

    def add(self, records: Iterable[TapeRecord], next_offsets: dict[int, int]) -> None:
        for record in records:
            partition = record.partition
            wanted = next_offsets.get(partition)
            if wanted is None or record.offset < wanted:
                continue
            next_offsets[partition] = record.offset + 1
            self._records.setdefault(partition, []).append(record)
            self.count += 1

    def messages(self) -> Messages:
        return Messages(
            [
                Chunk(
                    partition=partition,
                    offsets=[record.offset for record in records],
                    values=[_value(record) for record in records],
                    record_times_ms=[record.timestamp_ms for record in records],
                    keys=[record.key_bytes for record in records],
                    headers=[record.header_pairs if record.headers else () for record in records],
                )
                for partition, records in self._records.items()
            ]
        )


def _value(record: TapeRecord) -> bytes | None:
    return record.value_b64 if record.value is None else record.value.encode()


def _lock_group(path: Path, group: str) -> FileLock | None:
    lock = lock_beside(path, hashlib.sha256(group.encode()).hexdigest()[:16])
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise TransportError(
            f"{path}: group {group} wants to read, but it has a member already",
            mend="A tape is read by one consumer of a group at a time: stop the other one, or take another group.",
        ) from None
    except OSError:  # a folder that cannot be written, such as a read-only share
        return None
    return lock
