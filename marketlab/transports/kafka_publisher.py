"""Sending to Kafka so that nothing is lost without being named."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.partitioner.abc import Partitioner as KafkaPartitioner
from kafka.producer.transaction_manager import TransactionState

from marketlab.deadline import Deadline, Leave
from marketlab.errors import DeliveryError, TransportError
from marketlab.partitioner import Partitioner
from marketlab.ports import Publisher
from marketlab.transports.kafka_client import TopicIdentity, failed, open_client, said
from marketlab.transports.kafka_config import KafkaConfig
from marketlab.transports.kafka_guard import LogGuard

__all__ = ["KafkaPublisher"]

#: kafka-python takes whatever it is given, so what is not yet acknowledged is bounded here.
MAX_PENDING = 20_000
MAX_PENDING_BYTES = 32 * 1024 * 1024

#: How long `send` waits for room before it gives up: longer than a broker on this machine needs to come back.
BLOCK_S = 15.0

#: How long acknowledgements are waited for after a stop, which is to end everything within 5 s.
STOPPED_S = 4.0

#: Between two looks, while an acknowledgement is waited for, at what else may end the wait.
LOOK_S = 0.1

#: Milliseconds for which a first message waits for company; a tick a second is as welcome as 40,000.
LINGER_MS = 5
BATCH_BYTES = 256 * 1024


class KafkaPublisher(Publisher):
    """Sends with acks=all and idempotence: every message is on the log once, in order per key, or named as failed.

    :param identity: of the log: nothing is sent to another one, and a key stays on its partition for as long as the
        publisher lives
    :raises TransportError: no broker answers in time
    """

    def __init__(self, config: KafkaConfig, identity: TopicIdentity) -> None:
        self._config = config
        self._pending: deque[tuple[Any, object, int]] = deque()  # future, tag and size, in the order of sending
        self._pending_bytes = 0
        self._failures: list[tuple[object, str]] = []
        self._closed = False
        self._leave = Deadline(None)
        self._guard = LogGuard(config, identity)
        self._producer = open_client(
            _Producer,
            config,
            guard=self._guard,
            acks="all",
            enable_idempotence=True,
            linger_ms=LINGER_MS,
            batch_size=BATCH_BYTES,
            max_block_ms=round(config.connect_timeout_s * 1000),
            delivery_timeout_ms=round(config.delivery_timeout_s * 1000),
            partitioner=_KeyPartitioner(identity.partitions),
            metrics_enabled=False,
        )
        try:
            self._producer.partitions_for(config.topic)
        except KafkaError as error:
            self.close(timeout_s=config.connect_timeout_s)
            raise self._guard.failed("publish", error) from error

    def heed(self, stop: threading.Event) -> None:
        """Wait for acknowledgements no longer than :data:`STOPPED_S` in all after a stop."""
        self._leave = Leave(stop, STOPPED_S)

    def send(self, value: bytes, *, key: bytes, tag: object = None) -> None:
        """Hand over one message; it was not taken if this raises.

        :raises TransportError: the buffer is full and nothing was acknowledged for :data:`BLOCK_S`, or another log is
            in the place of ours, for good
        """
        if self._closed:
            raise TransportError(f"Kafka at {self._config.bootstrap_servers}: the publisher is closed")
        self._reap()
        self._raise_failures()
        self._guard.require()
        if len(self._pending) >= MAX_PENDING or self._pending_bytes >= MAX_PENDING_BYTES:
            self._wait_for_room()
        try:
            future = self._producer.send(self._config.topic, value, key)
        except KafkaError as error:
            raise failed(self._config, "send", error) from error
        size = len(value)
        self._pending.append((future, tag, size))
        self._pending_bytes += size

    def flush(self, *, timeout_s: float) -> None:
        """Wait for every acknowledgement; what is named as late may still arrive, and the next flush tells."""
        deadline = Deadline(timeout_s)
        while self._pending and self._wait_for_oldest(deadline):
            self._reap()
        limit = f"{STOPPED_S:g} s of the stop" if self._leave.passed else f"{timeout_s:g} s"
        broken = self._guard.broken
        why = broken.message if broken else f"not acknowledged within {limit}"
        self._raise_failures([(tag, why) for _, tag, _ in self._pending])

    def close(self, *, timeout_s: float) -> None:
        """Give up at once what is not acknowledged, and end the sending thread."""
        if self._closed:
            return
        self._closed = True
        name = f"{self._producer.config['client_id']}-network-thread"
        senders = [thread for thread in threading.enumerate() if thread.name == name]
        self._producer.close(timeout=0)
        for sender in senders:
            sender.join(timeout_s)
        self._pending.clear()

    def _reap(self) -> None:
        """Take what is acknowledged or failed off the front."""
        pending = self._pending
        while pending and pending[0][0].is_done:
            future, tag, size = pending.popleft()
            self._pending_bytes -= size
            if future.exception is not None:
                self._failures.append((tag, said(future.exception)))

    def _wait_for_room(self) -> None:
        deadline = Deadline(BLOCK_S)
        while len(self._pending) >= MAX_PENDING or self._pending_bytes >= MAX_PENDING_BYTES:
            if not self._wait_for_oldest(deadline):
                self._guard.require()
                raise TransportError(
                    f"Kafka at {self._config.bootstrap_servers}: {len(self._pending)} messages wait for their "
                    f"acknowledgement, none came in time; no room for more",
                    mend="Is it up? `marketlab broker status`",
                )
            self._reap()
            self._raise_failures()

    def _wait_for_oldest(self, deadline: Deadline) -> bool:
        """Wait for the oldest message; False if it is neither acknowledged nor failed in time, or never will be."""
        future = self._pending[0][0]
        while not (future.is_done or deadline.passed or self._leave.passed or self._guard.broken):
            with suppress(KafkaError):  # its own failure or the end of our patience: `is_done` tells them apart
                future.get(timeout=min(LOOK_S, deadline.remaining_s))
        return bool(future.is_done)

    def _raise_failures(self, late: list[tuple[object, str]] | None = None) -> None:
        if not self._failures and not late:
            return
        failures, self._failures = [*self._failures, *(late or ())], []
        raise DeliveryError(
            f"Kafka at {self._config.bootstrap_servers}: {len(failures)} messages were not acknowledged: "
            f"{failures[0][1]}",
            failures=failures,
            mend="Is it up? `marketlab broker status`",
        )


class _Producer(KafkaProducer):  # type: ignore[misc]
    """A producer whose ``close`` ends the sender, and that goes on after a message has failed for good.

    kafka-python's ``close`` flushes first, and when that times out it raises with the sending thread still alive.
    When a message was sent, not answered and given up, kafka-python 3.0.12 drops its producer id, for Kafka would not
    take the sequence numbers that follow; but it asks for another one in its first state only, which it never comes
    back to, and sends nothing from then on.
    """

    def __init__(self, **configs: Any) -> None:
        super().__init__(**configs)
        manager = self._transaction_manager
        drop_id = manager.reset_producer_id

        def drop_id_and_begin_again() -> None:
            with manager._lock:
                drop_id()
                manager._current_state = TransactionState.UNINITIALIZED

        manager.reset_producer_id = drop_id_and_begin_again

    def flush(self, timeout: float | None = None) -> None:
        """Nothing: :meth:`KafkaPublisher.flush` looks at every future, which this would not."""


class _KeyPartitioner(KafkaPartitioner):  # type: ignore[misc]
    """The partition of a key, remembered: kafka-python hashes every message anew, in Python."""

    def __init__(self, partitions: int) -> None:
        self._partition_of = Partitioner(partitions)

    def partition(
        self,
        topic: str,  # noqa: ARG002
        key: object,  # noqa: ARG002
        serialized_key: bytes,
        value: object,  # noqa: ARG002
        serialized_value: object,  # noqa: ARG002
        cluster: object,  # noqa: ARG002
    ) -> int:
        """By the key alone."""
        return self._partition_of(serialized_key)
