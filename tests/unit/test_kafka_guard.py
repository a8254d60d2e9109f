"""What a broker says of itself, judged: our log, another one, or not known yet."""

from __future__ import annotations

import uuid
from contextlib import closing
from types import SimpleNamespace

import pytest
from kafka.errors import KafkaConnectionError

from marketlab.errors import OffsetOutOfRangeError
from marketlab.transports.kafka_client import TopicIdentity, topic_id
from marketlab.transports.kafka_config import KafkaConfig
from marketlab.transports.kafka_guard import LogGuard

OURS, OTHER, NONE = uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=0)
UNKNOWN_TOPIC, LEADER_NOT_AVAILABLE = 3, 5
CONFIG = KafkaConfig(bootstrap_servers="127.0.0.1:1", topic="t")


def guard(raw: uuid.UUID = OURS) -> LogGuard:
    return LogGuard(CONFIG, TopicIdentity("c", topic_id("t", raw), 3))


def metadata(cluster: str, *topics: tuple[str, uuid.UUID, int]) -> SimpleNamespace:
    rows = [SimpleNamespace(name=name, topic_id=raw, error_code=error) for name, raw, error in topics]
    return SimpleNamespace(cluster_id=cluster, topics=rows, brokers=["one"])


@pytest.mark.parametrize(
    ("raw", "topics", "known"),
    [
        (OURS, [("t", OURS, 0)], True),
        (OURS, [("s", OTHER, 0), ("t", OURS, LEADER_NOT_AVAILABLE)], True),
        (OURS, [("t", NONE, UNKNOWN_TOPIC)], False),
        (OURS, [("s", OTHER, 0)], False),
        (OURS, [], False),
        (NONE, [("t", NONE, 0)], True),  # a broker before 2.8: the name stands for the id
    ],
)
def test_our_log_is_known_by_its_id(raw: uuid.UUID, topics: list[tuple[str, uuid.UUID, int]], known: bool) -> None:
    keeper = guard(raw)
    assert keeper.knows_log(metadata("c", *topics)) is known
    keeper.require()


@pytest.mark.parametrize(
    ("cluster", "topics", "said"),
    [
        ("d", [("t", OURS, 0)], "is another one now: wanted cluster c, found d"),
        ("d", [("t", NONE, UNKNOWN_TOPIC)], "is another one now: wanted cluster c, found d"),
        ("d", [], "is another one now: wanted cluster c, found d"),
        ("c", [("t", OTHER, 0)], f"made again: wanted log kafka:c/{topic_id('t', OURS)}, found kafka:c/"),
    ],
)
def test_another_log_is_an_error_for_good(cluster: str, topics: list[tuple[str, uuid.UUID, int]], said: str) -> None:
    keeper = guard()
    with pytest.raises(KafkaConnectionError, match=said):
        keeper.knows_log(metadata(cluster, *topics))
    for _ in range(2):
        with pytest.raises(OffsetOutOfRangeError, match=said):
            keeper.require()


def test_metadata_of_another_log_is_not_taken() -> None:
    keeper = guard()
    with closing(keeper.client(bootstrap_servers="127.0.0.1:1")) as client:
        asked = client.cluster.request_update()
        client.cluster.update_metadata(metadata("c", ("t", OTHER, 0)))
        assert isinstance(asked.exception, KafkaConnectionError)
        assert client.cluster.cluster_id is None
    assert keeper.broken is not None
