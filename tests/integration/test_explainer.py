"""Alerts explained by the log as it can be had at the moment: Kafka, a tape, or nothing."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from marketlab.analytics import Engine
from marketlab.model import Alert, Rule, Tick
from marketlab.ports import Transport
from marketlab.settings import Settings
from marketlab.transports import KafkaConfig, KafkaTransport, TapeTransport
from marketlab.wire import encode
from marketlab.wiring import open_explainer

VALUES = [encode(Tick("AAPL", price, 1_730_896_200.0 + n, seq=n + 1)) for n, price in enumerate((100.0, 101.0, 105.0))]


def alert_from(log: Transport) -> Alert:
    """Put the ticks on a log of one partition and judge them."""
    publisher = log.publisher()
    for value in VALUES:
        publisher.send(value, key=b"AAPL")
    publisher.flush(timeout_s=20)
    publisher.close(timeout_s=5)
    engine = Engine(log.log_id, rule=Rule(), load=lambda _: {})
    batch = engine.batch()
    engine.add(batch, partition=0, offsets=range(3), values=VALUES, record_times_ms=[1_731_000_000_000] * 3)
    [found] = batch.alerts
    return found


@pytest.mark.broker
def test_kafka_confirms_an_alert(broker: str, topic: Callable[..., str], tmp_path: Path) -> None:
    name = topic(partitions=1)
    with KafkaTransport(KafkaConfig(bootstrap_servers=broker, topic=name)) as log:
        alert = alert_from(log)
    explanation = open_explainer(Settings(home=tmp_path, bootstrap_servers=broker, topic=name))(alert)
    assert (explanation.verdict, explanation.fires) == ("confirmed", True), explanation.detail
    assert explanation.topic == name
    assert [tick.raw for tick in explanation.ticks] == VALUES, "the very bytes"


def test_a_tape_confirms_an_alert_and_another_one_does_not(tmp_path: Path) -> None:
    path, other = tmp_path / "tape.jsonl", tmp_path / "other.jsonl"
    with TapeTransport(path, topic="t", partitions=1) as log, TapeTransport(other, topic="t", partitions=1) as beside:
        alert = alert_from(log)
        alert_from(beside)
    settings = Settings(home=tmp_path)
    assert open_explainer(settings, f"tape:{path}")(alert).verdict == "confirmed"
    assert open_explainer(settings, f"tape:{other}")(alert).verdict == "gone"
    assert open_explainer(settings, f"tape:{tmp_path / 'nowhere'}")(alert).verdict == "unreachable"


def test_without_kafka_it_says_so_and_starts_none(tmp_path: Path) -> None:
    with TapeTransport(tmp_path / "tape.jsonl", topic="t", partitions=1) as log:
        alert = alert_from(log)
    home = tmp_path / "home"
    explanation = open_explainer(Settings(home=home))(alert)
    assert explanation.verdict == "unreachable"
    assert explanation.detail.startswith("the managed broker does not run")
    assert not (home / "broker").exists(), "looking starts nothing"

    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert open_explainer(Settings(home=home, bootstrap_servers=f"127.0.0.1:{port}"))(alert).verdict == "unreachable"
