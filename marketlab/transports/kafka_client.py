"""Making clients of kafka-python, and saying in our words what goes wrong with them."""

from __future__ import annotations

import base64
import itertools
import os
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marketlab.errors import OffsetOutOfRangeError, TransportError
from marketlab.transports.kafka_config import KafkaConfig

if TYPE_CHECKING:
    from marketlab.transports.kafka_guard import LogGuard

__all__ = [
    "TopicIdentity",
    "another_log",
    "failed",
    "identify",
    "missing_topic",
    "open_client",
    "said",
    "topic_facts",
    "topic_id",
]

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class TopicIdentity:
    """Which log this is, and its number of partitions."""

    cluster_id: str | None
    topic_id: str
    partitions: int

    @property
    def log_id(self) -> str:
        """``kafka:CLUSTER/TOPIC_ID``."""
        return f"kafka:{self.cluster_id}/{self.topic_id}"


def open_client(make: Callable[..., Any], config: KafkaConfig, *, guard: LogGuard | None = None, **options: Any) -> Any:
    """A client of kafka-python, connected.

    A client that cannot connect leaves its thread and sockets behind, so its network part is made here and closed.

    :param make: ``KafkaConsumer``, ``KafkaProducer`` or ``KafkaAdminClient``
    :param guard: keeps it to one log
    :raises TransportError: no broker answers in time, or it has another log
    """
    from kafka.errors import KafkaError

    from marketlab.transports.kafka_sockets import PROXY_URL

    networks = []

    def network(**given: Any) -> Any:
        network_of = guard.client if guard else make.DEFAULT_CONFIG["kafka_client"]  # type: ignore[attr-defined]
        networks.append(network_of(**given))
        return networks[-1]

    own = {"client_id": f"marketlab-{os.getpid()}-{next(_numbers)}", "proxy_url": PROXY_URL}
    options = config.options() | own | options
    try:
        return make(**options, kafka_client=network)
    except BaseException as error:
        for opened in networks:
            opened.close()
        if guard is not None and guard.broken is not None:
            raise guard.broken from error
        if isinstance(error, KafkaError):
            raise failed(config, "connect", error) from error
        raise


def identify(config: KafkaConfig) -> TopicIdentity:
    """Which log the topic is now: a topic that was deleted and made again is another one.

    A broker older than 2.8 gives topics no id; then the name stands in its place, and that cannot be told.

    :raises TransportError: no broker answers in time, or there is no such topic
    """
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    with closing(open_client(KafkaAdminClient, config)) as admin:
        try:
            found = topic_facts(admin, config.topic)
            cluster = admin.describe_cluster()["cluster_id"] if found else None
        except KafkaError as error:
            raise failed(config, "describe the topic", error) from error
    if found is None:
        raise missing_topic(config)
    return TopicIdentity(cluster, found["topic_id"], len(found["partitions"]))


def topic_facts(admin: Any, topic: str) -> dict[str, Any] | None:
    """Metadata of a topic, its id as Kafka's own tools print it; None if there is no such topic.

    :raises KafkaError: anything else
    """
    from kafka.errors import UnknownTopicOrPartitionError, for_code

    (facts,) = admin.describe_topics([topic])
    error = for_code(facts["error_code"])
    if error is UnknownTopicOrPartitionError:
        return None
    if facts["error_code"]:
        raise error(topic)
    return {**facts, "topic_id": topic_id(topic, facts.get("topic_id"))}


def topic_id(topic: str, raw: object) -> str:
    """A topic's id out of metadata, as Kafka's own tools print it; where the broker has none, the name."""
    known = uuid.UUID(str(raw)) if raw else uuid.UUID(int=0)
    return base64.urlsafe_b64encode(known.bytes).rstrip(b"=").decode() if known.int else topic


def failed(config: KafkaConfig, act: str, error: BaseException) -> TransportError:
    """Our error for one of kafka-python's."""
    return TransportError(
        f"Kafka at {config.bootstrap_servers}: wanted to {act}, found {said(error)}",
        mend="Is it up? `marketlab broker status` for the managed broker, `marketlab doctor` for all else.",
    )


def another_log(config: KafkaConfig, wanted: TopicIdentity, found: TopicIdentity) -> OffsetOutOfRangeError:
    """Under the topic's name there is another log: positions mean nothing in it."""
    if found.cluster_id == wanted.cluster_id:
        return OffsetOutOfRangeError(
            f"topic {config.topic} was deleted and made again: wanted log {wanted.log_id}, found {found.log_id}",
            mend="Start again: the new log is read from its own beginning.",
        )
    return OffsetOutOfRangeError(
        f"Kafka at {config.bootstrap_servers} is another one now: wanted cluster {wanted.cluster_id}, found "
        f"{found.cluster_id}; nothing of it was read, nothing was sent to it",
        mend="Bring the broker back to its address, in place of the other, then start again; what is stored stays.",
    )


def said(error: BaseException) -> str:
    """What an error says, with its name once: most of kafka-python's have it, some do not."""
    name, text = type(error).__name__, str(error)
    if name in text:
        return text
    return f"{name}: {text}" if text else name


def missing_topic(config: KafkaConfig) -> TransportError:
    """There is no such topic."""
    return TransportError(
        f"Kafka at {config.bootstrap_servers} has no topic {config.topic}", mend="`marketlab topic create` makes it."
    )
