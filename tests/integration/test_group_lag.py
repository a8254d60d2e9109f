"""The lag as ``marketlab serve`` is handed it: of real Kafka, and of a home where none runs."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from marketlab.model import Batch
from marketlab.settings import Settings
from marketlab.store import SqliteStore
from marketlab.transports import KafkaConfig, KafkaTransport
from marketlab.wiring import group_lag
from tests.support import eventually


@pytest.mark.broker
def test_the_lag_is_what_kafka_holds_and_the_home_has_not_stored(
    broker: str, topic: Callable[..., str], tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / "home", bootstrap_servers=broker, topic=topic(partitions=1))
    with (
        KafkaTransport(KafkaConfig(bootstrap_servers=broker, topic=settings.topic)) as log,
        SqliteStore(settings.database) as store,
        group_lag(settings) as lag,
    ):
        publisher = log.publisher()
        for _ in range(5):
            publisher.send(b"x", key=b"k")
        publisher.flush(timeout_s=10)
        publisher.close(timeout_s=5)
        positions = store.claim(log.log_id, [0])
        eventually(lambda: lag(wait_s=1) == {0: 5}, what="a lag of 5")
        store.commit(Batch(log.log_id, next_offsets={0: 3}), expected=positions)
        eventually(lambda: lag(wait_s=1) == {0: 2}, what="a lag of 2")


def test_where_no_broker_runs_the_lag_is_unknown_and_none_is_started(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with group_lag(Settings(home=home)) as lag:
        assert lag(wait_s=20) is None
    assert not home.exists()


def test_where_nobody_answers_the_lag_is_unknown(tmp_path: Path) -> None:
    with socket.socket() as bound, group_lag(of_a_broker_at(bound, tmp_path)) as lag:
        assert lag(wait_s=20) is None


def of_a_broker_at(bound: socket.socket, folder: Path) -> Settings:
    """A port that is taken and at which nobody listens."""
    bound.bind(("127.0.0.1", 0))
    return Settings(home=folder / "home", bootstrap_servers=f"127.0.0.1:{bound.getsockname()[1]}")
