"""Making clients of kafka-python, and saying in our words what goes wrong with them."""

from __future__ import annotations

import base64
import itertools
import os
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from marketlab.errors import TransportError
from marketlab.transports.kafka_config import KafkaConfig

__all__ = ["TopicIdentity", "failed", "identify", "missing_topic", "open_client", "said", "topic_facts"]

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class TopicIdentity:
    """Which log this is, and its number of partitions."""

    log_id: str
    partitions: int


def open_client(make: Callable[..., Any], config: KafkaConfig, **options: Any) -> Any:
    """A client of kafka-python, connected.

    A client that cannot connect leaves its thread and sockets behind, so its network part is made here and closed.

    :param make: ``KafkaConsumer``, ``KafkaProducer`` or ``KafkaAdminClient``
    :raises TransportError: no broker answers in time
    """
    from kafka.errors import KafkaError

    from marketlab.transports.kafka_sockets import PROXY_URL

    networks = []

    def network(**given: Any) -> Any:
        networks.append(make.DEFAULT_CONFIG["kafka_client"](**given))  # type: ignore[attr-defined]
        return networks[-1]

    own = {"client_id": f"marketlab-{os.getpid()}-{next(_numbers)}", "proxy_url": PROXY_URL}
    options = config.options() | own | options
    try:
        return make(**options, kafka_client=network)
    except BaseException as error:
        for opened in networks:
            opened.close()
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
    return TopicIdentity(f"kafka:{cluster}/{found['topic_id']}", len(found["partitions"]))


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
    raw = facts.get("topic_id")
    known = uuid.UUID(str(raw)) if raw else uuid.UUID(int=0)
    text = base64.urlsafe_b64encode(known.bytes).rstrip(b"=").decode() if known.int else topic
    return {**facts, "topic_id": text}


def failed(config: KafkaConfig, act: str, error: BaseException) -> TransportError:
    """Our error for one of kafka-python's."""
    return TransportError(
        f"Kafka at {config.bootstrap_servers}: wanted to {act}, found {said(error)}",
        mend="Is it up? `marketlab broker status` for the managed broker, `marketlab doctor` for all else.",
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
