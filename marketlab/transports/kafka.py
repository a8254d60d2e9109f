"""A topic of a Kafka cluster as a log of messages; kafka-python is loaded when it is first needed."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from marketlab.errors import TransportError
from marketlab.ports import Publisher, Subscription, Transport
from marketlab.transports.kafka_client import TopicIdentity, identify
from marketlab.transports.kafka_config import KafkaConfig

__all__ = ["KafkaTransport"]


class KafkaTransport(Transport):
    """A topic. Nothing is connected before something is asked for.

    :param config: the topic and the way to its brokers
    """

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config
        self._identity: TopicIdentity | None = None
        self._reader: Any = None
        self._lock = threading.Lock()

    @property
    def log_id(self) -> str:
        """``kafka:CLUSTER/TOPIC_ID``, asked for once; on a broker older than 2.8 the topic's name stands for its id."""
        return self._identified().log_id

    @property
    def partitions(self) -> int:
        """Number of partitions, asked for once."""
        return self._identified().partitions

    def publisher(self) -> Publisher:
        """A new publisher.

        :raises TransportError: no broker answers in time, or there is no such topic
        """
        from marketlab.transports.kafka_publisher import KafkaPublisher

        return KafkaPublisher(self._config, self._identified())

    def subscribe(self, group: str, *, instance_id: str | None = None) -> Subscription:
        """A new member of a group.

        :raises TransportError: no broker answers in time, or there is no such topic
        """
        from marketlab.transports.kafka_subscription import KafkaSubscription

        return KafkaSubscription(self._config, self._identified(), group=group, instance_id=instance_id)

    def held(self, *, timeout_s: float) -> dict[int, range]:
        """The offsets that the topic holds, by partition.

        :raises TransportError: the topic cannot be reached in time
        """
        with self._reading() as reader:
            found: dict[int, range] = reader.held(range(self.partitions), timeout_s=timeout_s)
            return found

    def read(self, partition: int, offsets: Iterable[int], *, timeout_s: float) -> dict[int, bytes | None]:
        """The values at these offsets; those that are gone are left out.

        :raises TransportError: the log cannot be reached, or not all was read in time
        """
        with self._reading() as reader:
            found: dict[int, bytes | None] = reader.read(partition, offsets, timeout_s=timeout_s)
            return found

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        """The one reader, for one caller at a time."""
        from marketlab.transports.kafka_reader import KafkaReader

        with self._lock:
            if self._reader is None:
                self._reader = KafkaReader(self._config, self._identified())
            try:
                yield self._reader
            except TransportError:
                self._reader.close()  # whatever state it is in now, the next question gets a fresh one
                self._reader = None
                raise

    def close(self) -> None:
        """Close what :meth:`read` and :meth:`held` opened. Idempotent; publishers and subscriptions have owners."""
        with self._lock:
            reader, self._reader = self._reader, None
            if reader is not None:
                reader.close()

    def _identified(self) -> TopicIdentity:
        if self._identity is None:
            self._identity = identify(self._config)
        return self._identity
