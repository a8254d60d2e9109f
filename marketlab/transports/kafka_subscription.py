"""Reading Kafka as a member of a consumer group, from positions that are the caller's.

kafka-python joins, revokes and assigns on a thread of its own while :meth:`poll` waits. What runs there only pauses the
new partitions and notes them; seeking is the caller's, on the caller's thread. The range assignor is used, which
gives up everything at each rebalance: an assignment is then always a whole one, every owner claims and seeks all of
it, and nothing read before a rebalance can be delivered after it. With the heartbeats below that takes 0.4 s.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka import errors as kafka_errors
from kafka.coordinator.assignors.range import RangePartitionAssignor

from marketlab.deadline import Deadline
from marketlab.errors import OffsetOutOfRangeError, TransportError
from marketlab.ports import Assigned, Messages, Subscription
from marketlab.transports.kafka_client import TopicIdentity, another_log, failed, identify, open_client
from marketlab.transports.kafka_config import KafkaConfig
from marketlab.transports.kafka_fetching import FETCH_OPTIONS, chunk, to_ms
from marketlab.transports.kafka_guard import LogGuard
from marketlab.transports.kafka_joining import keep_joins

__all__ = ["KafkaSubscription"]

GROUP_OPTIONS = {
    "partition_assignment_strategy": [RangePartitionAssignor],
    # A member hears of a rebalance at its next heartbeat; the default of 3 s makes a second member wait for 4.
    "heartbeat_interval_ms": 300,
    # The shortest that a broker allows by default: after it a killed member's partitions go to the others.
    "session_timeout_ms": 6000,
    # How long a rebalance waits for a member that lives but does not poll.
    "max_poll_interval_ms": 60_000,
}

#: kafka-python goes on waiting for messages when it is assigned partitions; this is how late the caller hears of them.
SLICE_S = 0.05

#: Reports are sent no more often than this.
REPORT_EVERY_S = 0.5

#: A static member repeats its last report this often, which is how it learns that another process has taken its place:
#: kafka-python does not say so when a heartbeat is refused.
REPEAT_EVERY_S = 3.0

#: Budget for each of a seek's two questions, and the wait before the assignment is reported again if it fails.
SEEK_TIMEOUT_S = 3.0
AGAIN_S = 0.5

#: Budget for asking where the log begins and ends after it turned out not to hold what was wanted.
RANGE_TIMEOUT_S = 2.0


class KafkaSubscription(Subscription):
    """One member of a group.

    :param identity: of the log that the caller's positions are about
    :param instance_id: static membership: a member that comes back under it has its partitions at once, nobody else
        notices, and whoever still lives under it is refused from then on
    :raises TransportError: no broker answers in time
    """

    def __init__(self, config: KafkaConfig, identity: TopicIdentity, *, group: str, instance_id: str | None) -> None:
        self._config = config
        self._identity = identity
        self._group = group
        self._instance_id = instance_id
        self._listener = _Listener()
        self._assigned: frozenset[int] = frozenset()
        self._sought: set[int] = set()
        self._paused = False
        self._broken: TransportError | None = None
        self._closed = False
        self._reports: dict[int, int] = {}
        self._reports_sent = True
        self._report_sent_at = -math.inf
        self._again_at = math.inf  # when the assignment is reported again, because it could not be sought
        self._guard = LogGuard(config, identity)
        self._consumer = open_client(
            KafkaConsumer,
            config,
            guard=self._guard,
            group_id=group,
            group_instance_id=instance_id,
            **FETCH_OPTIONS,
            **GROUP_OPTIONS,
        )
        keep_joins(self._consumer)
        self._listener.consumer = self._consumer
        self._consumer.subscribe(topics=[config.topic], listener=self._listener)
        try:
            # Waits until the topic's partitions are known: who leads a group before that assigns nothing to anybody.
            self._ranges(range(identity.partitions), timeout_s=config.request_timeout_s)
        except BaseException:
            self.close(timeout_s=0)
            raise

    def poll(self, *, timeout_s: float, max_messages: int = 5000) -> Assigned | Messages:
        """What came.

        :raises TransportError: another process has taken this member's place, another log is in the place of ours, or
            it cannot be read; for good
        """
        self._require_usable()
        deadline = Deadline(timeout_s)
        while True:
            self._send_reports()
            polled = {} if self._listener.assigned is not None else self._poll_once(deadline.remaining_s, max_messages)
            self._guard.require()
            if (news := self._news()) is not None:
                return news  # what was polled along with it was read under the old assignment
            if polled or deadline.passed:
                return Messages([chunk(place.partition, records) for place, records in polled.items()])

    def seek(self, offsets: Mapping[int, int | None]) -> dict[int, int]:
        """Begin each partition at its offset, or none of them if one cannot be had.

        :raises TransportError: the log cannot be reached; the assignment is then reported again
        :raises ValueError: a partition is not assigned
        """
        self._require_usable()
        for partition in offsets:
            if partition not in self._assigned:
                raise ValueError(f"partition {partition} is not assigned, {sorted(self._assigned)} are")
        try:
            self._require_same_log()
            ranges = self._ranges(offsets, timeout_s=SEEK_TIMEOUT_S)
        except OffsetOutOfRangeError:
            raise
        except TransportError:
            self._again_at = time.monotonic() + AGAIN_S
            raise
        begin = {}
        for partition, wanted in offsets.items():
            oldest, end = ranges[partition]
            if wanted is not None and not oldest <= wanted <= end:
                raise self._out_of_range({partition: wanted}, ranges)
            begin[partition] = oldest if wanted is None else wanted
        for partition, offset in begin.items():
            self._consumer.seek(self._place(partition), offset)
        self._sought |= begin.keys()
        if not self._paused:
            self._consumer.resume(*map(self._place, begin))
        self.report(begin)
        return begin

    def end_offsets(self, *, timeout_s: float) -> dict[int, int]:
        """The offset after the last message, of every partition of the topic."""
        self._require_usable()
        everything = [self._place(partition) for partition in range(self._identity.partitions)]
        try:
            ends = self._consumer.end_offsets(everything, timeout_ms=to_ms(timeout_s))
        except kafka_errors.KafkaError as error:
            raise self._guard.failed(f"ask for the end of {self._config.topic}", error) from error
        return {place.partition: offset for place, offset in ends.items()}

    def pause(self) -> None:
        """Deliver nothing until :meth:`resume`, whatever is assigned and sought meanwhile."""
        self._paused = True
        if not self._closed:
            self._consumer.pause(*map(self._place, self._sought))

    def resume(self) -> None:
        """Deliver what was sought."""
        self._paused = False
        if not self._closed:
            self._consumer.resume(*map(self._place, self._sought))

    def report(self, next_offsets: Mapping[int, int]) -> None:
        """Keep the offsets for the next commit to Kafka, which :meth:`poll` sends."""
        self._reports |= {partition: offset for partition, offset in next_offsets.items() if partition in self._sought}
        self._reports_sent = False

    def close(self, *, timeout_s: float) -> None:
        """Send the last report and leave the group; a static member only goes silent, so that it can come back."""
        if self._closed:
            return
        self._closed = True
        deadline = Deadline(timeout_s)
        if self._broken is self._guard.broken is None and self._reports and not self._reports_sent:
            with suppress(kafka_errors.KafkaError):
                self._consumer.commit(self._report_body(), timeout_ms=to_ms(deadline.remaining_s / 2))
        self._consumer.close(autocommit=False, timeout_ms=to_ms(deadline.remaining_s))

    def _poll_once(self, timeout_s: float, max_messages: int) -> dict[Any, list[Any]]:
        try:
            polled: dict[Any, list[Any]] = self._consumer.poll(
                timeout_ms=to_ms(min(timeout_s, SLICE_S)), max_records=max_messages
            )
        except kafka_errors.OffsetOutOfRangeError as error:
            raise self._out_of_range({place.partition: offset for place, offset in error.args[0].items()}) from error
        except kafka_errors.RetriableError:
            return {}  # the broker is away; kafka-python goes on looking for it
        except Exception as error:
            # After an error in a batch kafka-python's next poll would never return, so there is none.
            self._broken = self._fault(error)
            raise self._broken from error
        return polled

    def _news(self) -> Assigned | None:
        """The assignment that the caller has not been told yet."""
        assigned, self._listener.assigned = self._listener.assigned, None
        if assigned is None:
            if time.monotonic() < self._again_at:
                return None
            assigned = self._assigned
        self._again_at = math.inf
        self._assigned = assigned
        self._sought = set()
        self._reports = {}
        return Assigned(assigned)

    def _send_reports(self) -> None:
        now = time.monotonic()
        wait = REPORT_EVERY_S
        if self._reports_sent:
            if self._instance_id is None:
                return
            wait = REPEAT_EVERY_S
        if not self._reports or now < self._report_sent_at + wait:
            return
        self._report_sent_at = now
        self._reports_sent = True
        try:
            self._consumer.commit_async(self._report_body(), callback=_ignore)
        except kafka_errors.FencedInstanceIdError as error:
            self._broken = self._fault(error)
            raise self._broken from error
        except kafka_errors.KafkaError:
            self._reports_sent = False  # for lag tools only: the next one will do

    def _report_body(self) -> dict[Any, Any]:
        return {
            self._place(partition): OffsetAndMetadata(offset, "", -1) for partition, offset in self._reports.items()
        }

    def _require_usable(self) -> None:
        if self._closed:
            raise TransportError(f"Kafka at {self._config.bootstrap_servers}: the subscription is closed")
        if self._broken is not None:
            raise self._broken
        self._guard.require()

    def _require_same_log(self) -> None:
        """Positions mean nothing in a topic that was made anew under the old name."""
        found = identify(replace(self._config, connect_timeout_s=SEEK_TIMEOUT_S, request_timeout_s=SEEK_TIMEOUT_S))
        if found.log_id != self._identity.log_id:
            raise another_log(self._config, self._identity, found)

    def _ranges(self, partitions: Iterable[int], *, timeout_s: float) -> dict[int, tuple[int, int]]:
        """Oldest offset and end by partition.

        :raises TransportError: the log cannot be reached
        """
        places = list(map(self._place, partitions))
        deadline = Deadline(timeout_s)
        try:
            oldest = self._consumer.beginning_offsets(places, timeout_ms=to_ms(deadline.remaining_s))
            ends = self._consumer.end_offsets(places, timeout_ms=to_ms(deadline.remaining_s))
        except kafka_errors.KafkaError as error:
            raise self._guard.failed(f"ask for the offsets of {self._config.topic}", error) from error
        return {place.partition: (oldest[place], ends[place]) for place in places}

    def _out_of_range(
        self, wanted: Mapping[int, int], ranges: Mapping[int, tuple[int, int]] | None = None
    ) -> OffsetOutOfRangeError:
        if ranges is None:
            with suppress(TransportError):
                ranges = self._ranges(wanted, timeout_s=RANGE_TIMEOUT_S)
        found = [
            f"partition {partition}: offset {offset} is wanted, "
            + (f"{ranges[partition][0]} to {ranges[partition][1]} can be had" if ranges else "it is not there")
            for partition, offset in sorted(wanted.items())
        ]
        return OffsetOutOfRangeError(
            f"topic {self._config.topic}, {'; '.join(found)} (log {self._identity.log_id})",
            mend="The log was trimmed or wiped. A new home reads what is left; `marketlab books` shows what is stored.",
        )

    def _fault(self, error: BaseException) -> TransportError:
        if isinstance(error, kafka_errors.FencedInstanceIdError):
            return TransportError(
                f"member {self._instance_id} of group {self._group} was replaced by another process of that name",
                mend="Two consumers use one instance id: stop one of them.",
            )
        if isinstance(error, kafka_errors.LogTruncationError):
            return OffsetOutOfRangeError(
                f"topic {self._config.topic}: the broker lost messages that were read already: {error}",
                mend="What is stored stays; a new home reads what is left.",
            )
        return failed(self._config, f"read {self._config.topic}", error)

    def _place(self, partition: int) -> Any:
        return TopicPartition(self._config.topic, partition)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Runs on kafka-python's thread, while the caller's thread waits in poll."""

    def __init__(self) -> None:
        self.consumer: Any = None
        #: The newest assignment, until the caller has been told.
        self.assigned: frozenset[int] | None = None

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        """Nothing: kafka-python stops delivering them, and the next assignment replaces them."""

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """Hold the partitions until the caller seeks."""
        for place in assigned:
            self.consumer.pause(place)
            # Some position, or kafka-python asks for the group's committed one and fails when there is none.
            self.consumer.seek(place, 0)
        self.assigned = frozenset(place.partition for place in assigned)


def _ignore(offsets: object, answer: object) -> None:
    """What becomes of a report is of no consequence."""
