"""Making and describing the topic."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any

from marketlab.deadline import Deadline
from marketlab.transports.kafka_client import failed, missing_topic, open_client, topic_facts
from marketlab.transports.kafka_config import KafkaConfig

__all__ = ["PartitionDescription", "TopicDescription", "delete_topics", "describe_topic", "ensure_topic", "trim_topic"]

RETRY_S = 0.2


@dataclass(frozen=True, slots=True)
class PartitionDescription:
    """One partition; ``leader`` is a broker's node id, -1 for none; ``end`` is the offset after the last message.

    ``committed`` is what the group last reported, None if it never did, ``lag`` what it has still to read.
    """

    partition: int
    leader: int
    oldest: int
    end: int
    committed: int | None
    lag: int | None


@dataclass(frozen=True, slots=True)
class TopicDescription:
    """A topic as ``marketlab topic describe`` shows it."""

    topic: str
    topic_id: str
    cluster_id: str
    group: str
    partitions: tuple[PartitionDescription, ...]

    def as_dict(self) -> dict[str, Any]:
        """As ``marketlab topic describe --json`` prints it."""
        return asdict(self)


def ensure_topic(config: KafkaConfig, *, partitions: int, timeout_s: float) -> bool:
    """Make the topic, unless it is there, and wait until every partition can be used.

    A topic that is there keeps its number of partitions, whatever is asked for: a change would move symbols to other
    partitions. :func:`describe_topic` tells how many it has.

    :returns: whether it was made
    :raises TransportError: no broker answers in time, or it refuses
    """
    from kafka import KafkaAdminClient
    from kafka.errors import (
        IncompatibleBrokerVersion,
        InvalidReplicationFactorError,
        KafkaError,
        RetriableError,
        TopicAlreadyExistsError,
    )

    deadline = Deadline(timeout_s)
    with closing(open_client(KafkaAdminClient, replace(config, connect_timeout_s=timeout_s))) as admin:
        replicas = -1  # what the broker has as its default
        while True:
            try:
                if topic_facts(admin, config.topic) is not None:
                    return False
                admin.create_topics({config.topic: {"num_partitions": partitions, "replication_factor": replicas}})
                admin.wait_for_topics([config.topic], timeout_ms=deadline.remaining_s * 1000)
            except TopicAlreadyExistsError:
                return False
            except IncompatibleBrokerVersion:  # older than 2.4, knows no default
                replicas = 1
            # A broker that has just come up says for a moment that it has no replica to give.
            except (RetriableError, InvalidReplicationFactorError) as error:
                if deadline.passed:
                    raise failed(config, f"make topic {config.topic}", error) from error
                time.sleep(RETRY_S)
            except KafkaError as error:
                raise failed(config, f"make topic {config.topic}", error) from error
            else:
                return True


def describe_topic(config: KafkaConfig, group: str) -> TopicDescription:
    """Partitions, offsets, and how far a group has come by its own report.

    :raises TransportError: no broker answers in time, or there is no such topic
    """
    from kafka import KafkaAdminClient, OffsetSpec, TopicPartition
    from kafka.errors import KafkaError

    with closing(open_client(KafkaAdminClient, config)) as admin:
        try:
            facts = topic_facts(admin, config.topic)
            if facts is None:
                raise missing_topic(config)
            where = [TopicPartition(config.topic, row["partition_index"]) for row in facts["partitions"]]
            oldest = admin.list_partition_offsets(dict.fromkeys(where, OffsetSpec.EARLIEST))
            end = admin.list_partition_offsets(dict.fromkeys(where, OffsetSpec.LATEST))
            committed = _reported(admin, group, where, timeout_s=config.connect_timeout_s)
            cluster_id = str(admin.describe_cluster()["cluster_id"])
        except KafkaError as error:
            raise failed(config, "describe the topic", error) from error
    rows = []
    for place, row in zip(where, facts["partitions"], strict=True):
        reported = committed[place].offset if place in committed else -1
        rows.append(
            PartitionDescription(
                partition=place.partition,
                leader=row["leader_id"],
                oldest=oldest[place].offset,
                end=end[place].offset,
                committed=reported if reported >= 0 else None,
                lag=end[place].offset - reported if reported >= 0 else None,
            )
        )
    return TopicDescription(
        topic=config.topic,
        topic_id=facts["topic_id"],
        cluster_id=cluster_id,
        group=group,
        partitions=tuple(sorted(rows, key=lambda described: described.partition)),
    )


def delete_topics(config: KafkaConfig, wanted: Callable[[str], bool]) -> list[str]:
    """Delete the topics whose name is wanted for it.

    :returns: their names
    :raises TransportError: no broker answers in time, or it refuses
    """
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    with closing(open_client(KafkaAdminClient, config)) as admin:
        try:
            names = sorted(filter(wanted, admin.list_topics()))
            if names:
                admin.delete_topics(names)
        except KafkaError as error:
            raise failed(config, "delete topics", error) from error
    return names


def trim_topic(config: KafkaConfig, *, before_s: float, at_most: Mapping[int, int], dry_run: bool = False) -> int:
    """Delete the messages that were sent before a time, as far as somebody has read them.

    :param before_s: seconds since the epoch
    :param at_most: next offset by partition; nothing from there on is deleted, and nothing of other partitions
    :returns: messages deleted, or that would be
    :raises TransportError: no broker answers in time, or it refuses
    """
    from kafka import KafkaAdminClient, OffsetSpec, TopicPartition
    from kafka.errors import KafkaError

    with closing(open_client(KafkaAdminClient, config)) as admin:
        try:
            where = [TopicPartition(config.topic, partition) for partition in at_most]
            oldest = admin.list_partition_offsets(dict.fromkeys(where, OffsetSpec.EARLIEST))
            young = admin.list_partition_offsets(dict.fromkeys(where, round(before_s * 1000)))
            ends = {
                # -1: no message is as young as that.
                place: min(at_most[place.partition], young[place].offset) if young[place].offset >= 0
                else at_most[place.partition]
                for place in where
            }  # fmt: skip
            old = {place: end for place, end in ends.items() if end > oldest[place].offset}
            if old and not dry_run:
                admin.delete_records(old)
        except KafkaError as error:
            raise failed(config, "delete old messages", error) from error
    return sum(end - oldest[place].offset for place, end in old.items())


def _reported(admin: Any, group: str, where: list[Any], *, timeout_s: float) -> Any:
    """What a group has reported, by partition.

    The first question about any group makes a new broker create the topic that holds the answers; until that can be
    read it wants to be asked again.
    """
    from kafka.errors import RetriableError

    deadline = Deadline(timeout_s)
    while True:
        try:
            return admin.list_group_offsets({group: where})[group]
        except RetriableError:
            if deadline.passed:
                raise
            time.sleep(RETRY_S)
