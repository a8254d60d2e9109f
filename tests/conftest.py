"""Fixtures that tests of several kinds share: one managed broker a run, a topic of its own a test."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from marketlab.broker import ManagedBroker
from marketlab.broker.jars import JarCache
from marketlab.broker.progress import Silent
from marketlab.broker.runtime import java
from marketlab.errors import BrokerError
from tests.support import require


@pytest.fixture(scope="session")
def kafka_installed() -> None:
    """Kafka's jars are in the user's cache; skips where they cannot be had. Nothing after this may skip."""
    try:
        java()
        JarCache(ManagedBroker.user_cache()).ensure(progress=Silent())
    except BrokerError as error:
        require(False, str(error))


@pytest.fixture(scope="session")
def broker(kafka_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of a managed broker that all tests of this run share. Do not stop it, and use ``topic``."""
    with ManagedBroker(tmp_path_factory.mktemp("shared-broker")).acquire() as lease:
        yield lease.bootstrap_servers


@pytest.fixture
def topic(broker: str) -> Iterator[Callable[..., str]]:
    """Makes topics with names that nobody else has: ``topic()`` or ``topic(partitions=1)``; deleted afterwards."""
    from kafka import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=broker)
    made: list[str] = []

    def make(*, partitions: int = 3, configs: dict[str, str] | None = None) -> str:
        name = f"test-{uuid.uuid4().hex}"
        admin.create_topics({name: {"num_partitions": partitions, "configs": configs or {}}}, wait_for_metadata=True)
        made.append(name)
        return name

    yield make
    if made:
        admin.delete_topics(made)
    admin.close()
