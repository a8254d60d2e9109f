"""Reading single messages again, without any group."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError, RetriableError

from marketlab.deadline import Deadline
from marketlab.errors import TransportError
from marketlab.transports.kafka_client import TopicIdentity, open_client
from marketlab.transports.kafka_config import KafkaConfig
from marketlab.transports.kafka_fetching import FETCH_OPTIONS, to_ms
from marketlab.transports.kafka_guard import LogGuard

__all__ = ["KafkaReader"]

#: Messages that are read and thrown away rather than asking the broker for a later place.
NEAR = 500

POLL_S = 0.5


class KafkaReader:
    """A consumer that belongs to no group. One thread only.

    :param identity: of the log
    :raises TransportError: no broker answers in time
    """

    def __init__(self, config: KafkaConfig, identity: TopicIdentity) -> None:
        self._config = config
        self._guard = LogGuard(config, identity)
        options = FETCH_OPTIONS | {"max_partition_fetch_bytes": 64 * 1024}  # a few ticks are wanted, not the log
        self._consumer = open_client(KafkaConsumer, config, guard=self._guard, group_id=None, **options)

    def held(self, partitions: Iterable[int], *, timeout_s: float) -> dict[int, range]:
        """The offsets that the topic holds, by partition.

        :raises TransportError: the log cannot be reached in time
        """
        deadline = Deadline(timeout_s)
        places = [TopicPartition(self._config.topic, partition) for partition in partitions]
        try:
            oldest = self._consumer.beginning_offsets(places, timeout_ms=to_ms(deadline.remaining_s))
            ends = self._consumer.end_offsets(places, timeout_ms=to_ms(deadline.remaining_s))
        except KafkaError as error:
            raise self._guard.failed(f"ask what {self._config.topic} holds", error) from error
        return {place.partition: range(oldest[place], ends[place]) for place in places}

    def read(self, partition: int, offsets: Iterable[int], *, timeout_s: float) -> dict[int, bytes | None]:
        """The values at these offsets; those that are gone are left out.

        :raises TransportError: the log cannot be reached, or not all was read in time
        """
        deadline = Deadline(timeout_s)
        place = TopicPartition(self._config.topic, partition)
        try:
            oldest = self._consumer.beginning_offsets([place], timeout_ms=to_ms(deadline.remaining_s))[place]
            end = self._consumer.end_offsets([place], timeout_ms=to_ms(deadline.remaining_s))[place]
            pending = sorted({offset for offset in offsets if oldest <= offset < end}, reverse=True)
            self._consumer.assign([place])
            return self._collect(place, pending, deadline, timeout_s)
        except OffsetOutOfRangeError:  # trimmed in between
            return self.read(partition, offsets, timeout_s=deadline.remaining_s)
        except KafkaError as error:
            raise self._guard.failed(f"read partition {partition} of {self._config.topic}", error) from error

    def close(self) -> None:
        """Close."""
        self._consumer.close(autocommit=False)

    def _collect(self, place: Any, pending: list[int], deadline: Deadline, timeout_s: float) -> dict[int, bytes | None]:
        """Read on from the smallest offset; ``pending`` is in descending order."""
        found: dict[int, bytes | None] = {}
        position = -NEAR
        while pending:
            self._guard.require()
            if deadline.passed:
                raise TransportError(
                    f"topic {place.topic}, partition {place.partition}: {len(pending)} offsets from {pending[-1]} on "
                    f"were not read within {timeout_s:g} s"
                )
            if not position <= pending[-1] < position + NEAR:
                position = pending[-1]
                self._consumer.seek(place, position)
            try:
                polled = self._consumer.poll(timeout_ms=to_ms(min(POLL_S, deadline.remaining_s)), max_records=NEAR)
            except RetriableError:
                continue
            for record in polled.get(place, ()):
                while pending and pending[-1] < record.offset:
                    pending.pop()
                if pending and pending[-1] == record.offset:
                    found[pending.pop()] = record.value
            position = self._consumer.position(place)
            while pending and pending[-1] < position:
                pending.pop()  # compacted away, or no message but the mark of a transaction
        return found
