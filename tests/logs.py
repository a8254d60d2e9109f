"""The logs that the contract suite is held against, and a reader that behaves as the consumer does."""

from __future__ import annotations

import itertools
import json
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from marketlab.partitioner import Partitioner
from marketlab.ports import Assigned, Chunk, Messages, Subscription, Transport
from marketlab.testing.memory_log import MemoryLog
from marketlab.transports import KafkaConfig, KafkaTransport, TapeTransport
from tests.support import eventually

__all__ = [
    "PARTITIONS",
    "KafkaHarness",
    "LogHarness",
    "MemoryHarness",
    "Reader",
    "TapeHarness",
    "key_for",
    "numbered",
    "settled",
]

PARTITIONS = 3
TOPIC = "test-ticks"
CLOSE_S = 5.0


def key_for(partition: int, *, partitions: int = PARTITIONS) -> bytes:
    """A key that belongs to a partition."""
    partition_of = Partitioner(partitions)
    return next(key for number in range(1000) if partition_of(key := f"K{number}".encode()) == partition)


class LogHarness(ABC):
    """One log of three partitions, with what a test does to it from outside."""

    #: How long nothing must come before a test believes that nothing will.
    quiet_s = 0.05
    #: The consumer group of its readers.
    group = "group"

    def __init__(self) -> None:
        self._close: list[Callable[[], object]] = []
        self.log = self.another()

    @abstractmethod
    def make(self) -> Transport:
        """The log, opened as another process would."""

    @abstractmethod
    def trim(self, partition: int, before: int) -> None:
        """Forget the messages of a partition before an offset."""

    def another(self) -> Transport:
        transport = self.make()
        self._close.append(transport.close)
        return transport

    def put(self, counts: dict[int, int], *, start: int = 0) -> None:
        """Publish numbered messages, ``counts`` many on each partition, in turns."""
        publisher = self.log.publisher()
        try:
            for number in range(start, start + max(counts.values())):
                for partition, count in counts.items():
                    if number < start + count:
                        publisher.send(b"%d:%d" % (partition, number), key=key_for(partition), tag=(partition, number))
            publisher.flush(timeout_s=10)
        finally:
            publisher.close(timeout_s=CLOSE_S)

    def reader(
        self, group: str | None = None, *, log: Transport | None = None, instance_id: str | None = None
    ) -> Reader:
        subscription = (log or self.log).subscribe(group or self.group, instance_id=instance_id)
        reader = Reader(subscription, quiet_s=self.quiet_s)
        self._close.append(reader.close)
        return reader

    def close(self) -> None:
        for close in reversed(self._close):
            close()


class MemoryHarness(LogHarness):
    def __init__(self) -> None:
        self.memory = MemoryLog(PARTITIONS)
        super().__init__()

    def make(self) -> Transport:
        return self.memory

    def trim(self, partition: int, before: int) -> None:
        self.memory.trim(partition, before)


class TapeHarness(LogHarness):
    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__()
        assert isinstance(self.log, TapeTransport)
        self.log.create()

    def make(self) -> Transport:
        return TapeTransport(self.path, topic=TOPIC, partitions=PARTITIONS)

    def trim(self, partition: int, before: int) -> None:
        """As somebody would who cuts the front of a tape off with a text editor."""
        header, *lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [
            line for line in lines if (row := json.loads(line))["partition"] != partition or row["offset"] >= before
        ]
        self.path.write_text("".join([header, *kept]), encoding="utf-8")


class KafkaHarness(LogHarness):
    quiet_s = 0.4  # longer than the broker holds a fetch back

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self.config = KafkaConfig(bootstrap_servers=bootstrap_servers, topic=topic)
        self.group = f"readers-of-{topic}"  # the broker is shared: who lingers in a group holds up its next members
        super().__init__()

    def make(self) -> Transport:
        return KafkaTransport(self.config)

    def trim(self, partition: int, before: int) -> None:
        from kafka import KafkaAdminClient, TopicPartition

        admin = KafkaAdminClient(bootstrap_servers=self.config.bootstrap_servers)
        try:
            admin.delete_records({TopicPartition(self.config.topic, partition): before})
        finally:
            admin.close()


class Reader:
    """A subscription with the positions that a store would keep for it."""

    def __init__(self, subscription: Subscription, *, quiet_s: float = 0.05) -> None:
        self.subscription = subscription
        self.quiet_s = quiet_s
        #: Next offset by partition; the members of a group may be given one dict to share.
        self.positions: dict[int, int] = {}
        self.partitions: frozenset[int] | None = None
        self.assignments = 0
        #: (offset, value) by partition, in the order of delivery.
        self.got: dict[int, list[tuple[int, bytes | None]]] = defaultdict(list)

    @property
    def values(self) -> dict[int, list[bytes | None]]:
        return {partition: [value for _, value in rows] for partition, rows in self.got.items()}

    @property
    def count(self) -> int:
        return sum(map(len, self.got.values()))

    def assigned(self) -> frozenset[int]:
        """Wait for the assignment, and do not seek."""
        polled = eventually(self._assigned_or_none, what="an assignment")
        self.partitions = polled
        return polled

    def start(self) -> Reader:
        """Wait for the assignment, and seek to the positions."""
        self._seek(self.assigned())
        return self

    def poll(self, timeout_s: float = 0.1, max_messages: int = 5000) -> Assigned | Messages:
        """One turn of the consumer's loop."""
        polled = self.subscription.poll(timeout_s=timeout_s, max_messages=max_messages)
        if isinstance(polled, Assigned):
            self.partitions = polled.partitions
            self._seek(polled.partitions)
        else:
            self.keep(polled.chunks)
        return polled

    def keep(self, chunks: Iterable[Chunk]) -> None:
        for chunk in chunks:
            assert self.partitions is not None, "a message before any assignment"
            assert chunk.partition in self.partitions, f"partition {chunk.partition} of {self.partitions}"
            self.got[chunk.partition] += zip(chunk.offsets, chunk.values, strict=True)
            self.positions[chunk.partition] = chunk.offsets[-1] + 1

    def take(self, count: int) -> Reader:
        """Read until this many messages have come in all, and not one more."""
        eventually(lambda: (self.poll(), self.count >= count)[1], what=f"{count} messages, {self.count} at the start,")
        assert self.count == count
        return self

    def nothing_comes(self) -> bool:
        """Whether a few polls bring no message."""
        before = self.count
        for _ in range(4):
            self.poll(timeout_s=self.quiet_s / 4)
        return self.count == before

    def close(self) -> None:
        self.subscription.close(timeout_s=CLOSE_S)

    def _seek(self, partitions: frozenset[int]) -> None:
        self.assignments += 1
        self.subscription.seek({partition: self.positions.get(partition) for partition in partitions})

    def _assigned_or_none(self) -> frozenset[int] | None:
        polled = self.subscription.poll(timeout_s=0.1)
        if isinstance(polled, Assigned):
            return polled.partitions
        assert len(polled) == 0, "a message before any assignment"
        return None


def settled(*readers: Reader, timeout_s: float = 0.05) -> bool:
    """Whether the members own every partition once among them, each at least one, after a poll of each."""
    for reader in readers:
        reader.poll(timeout_s=timeout_s)
    owned = list(itertools.chain.from_iterable(reader.partitions or () for reader in readers))
    return sorted(owned) == list(range(PARTITIONS)) and all(reader.partitions for reader in readers)


def numbered(partition: int, numbers: Iterable[int]) -> Iterator[bytes]:
    """The values that :meth:`LogHarness.put` sends."""
    return (b"%d:%d" % (partition, number) for number in numbers)
