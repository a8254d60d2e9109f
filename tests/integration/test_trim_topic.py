"""Deleting old messages from a topic: by their time of sending, and no further than they were read."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from marketlab.errors import TransportError
from marketlab.transports import KafkaConfig, KafkaTransport, describe_topic, trim_topic
from tests.support import eventually

pytestmark = pytest.mark.broker


def put(config: KafkaConfig, count: int) -> None:
    with KafkaTransport(config) as log:
        publisher = log.publisher()
        for number in range(count):
            publisher.send(b"%d" % number, key=b"AAPL")
        publisher.flush(timeout_s=20)
        publisher.close(timeout_s=5)


def held(config: KafkaConfig) -> list[tuple[int, int]]:
    return [(row.oldest, row.end) for row in describe_topic(config, group="nobody").partitions]


def test_messages_go_by_their_time_and_no_further_than_they_were_read(broker: str, topic: Callable[..., str]) -> None:
    config = KafkaConfig(bootstrap_servers=broker, topic=topic(partitions=1))
    put(config, 10)
    between = time.time() + 0.002
    eventually(lambda: time.time() > between + 0.002, what="the next moment")
    put(config, 5)
    assert trim_topic(config, before_s=between - 3600, at_most={0: 15}) == 0
    assert trim_topic(config, before_s=between, at_most={0: 15}, dry_run=True) == 10
    assert held(config) == [(0, 15)]
    assert trim_topic(config, before_s=between, at_most={0: 4}) == 4
    assert held(config) == [(4, 15)]
    assert trim_topic(config, before_s=between, at_most={0: 15}) == 6
    assert trim_topic(config, before_s=time.time() + 3600, at_most={0: 12}) == 2
    assert held(config) == [(12, 15)]
    assert trim_topic(config, before_s=time.time() + 3600, at_most={}) == 0


def test_a_topic_that_is_not_there_is_named(broker: str) -> None:
    config = KafkaConfig(bootstrap_servers=broker, topic="nowhere", connect_timeout_s=2)
    with pytest.raises(TransportError, match="delete old messages"):
        trim_topic(config, before_s=1, at_most={0: 1})
