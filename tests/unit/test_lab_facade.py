"""What a notebook asks a Lab for, without a broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from marketlab import lab as lab_module
from marketlab.errors import BrokerError
from marketlab.lab import Broker, Lab
from marketlab.sources import DEFAULT_SYMBOLS
from marketlab.transports import KafkaConfig
from marketlab.widgets import registry
from marketlab.widgets.verdict import NotYetError, Verdict
from tests.support import eventually


class Kafka:
    """Stands for the broker: counts leases, and the topics that were taken away."""

    def __init__(self) -> None:
        self.held = 0
        self.most = 0
        self.topics: list[str] = []

    @contextmanager
    def lease(self, settings: Any, *, progress: Any = None) -> Iterator[KafkaConfig]:
        self.held += 1
        self.most = max(self.most, self.held)
        try:
            yield KafkaConfig(bootstrap_servers="127.0.0.1:9092", topic=settings.topic)
        finally:
            self.held -= 1

    def delete(self, config: KafkaConfig, unwanted: Callable[[str], bool]) -> None:
        self.topics = [topic for topic in self.topics if not unwanted(topic)]


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kafka]:
    fake = Kafka()
    monkeypatch.setattr(lab_module, "kafka", fake.lease)
    monkeypatch.setattr(lab_module, "delete_topics", fake.delete)
    monkeypatch.setattr(lab_module, "_leases", {})
    yield fake
    registry.close_all("lab")


@pytest.fixture
def lab(kafka: Kafka, tmp_path: Path) -> Lab:
    return Lab(home=tmp_path)


def test_ticks_are_those_of_the_seed_and_go_on_where_they_ended(lab: Lab, tmp_path: Path) -> None:
    first = [*lab.ticks(rate=0, count=3), *lab.ticks(rate=0, count=3)]
    again = list(Lab(home=tmp_path).ticks(rate=0, count=6))
    other = list(Lab(home=tmp_path, seed=24).ticks(rate=0, count=6))

    def prices(ticks: list[dict[str, Any]]) -> list[tuple[str, float]]:
        return [(tick["symbol"], tick["price"]) for tick in ticks]

    assert prices(first) == prices(again) != prices(other)
    assert set(first[0]) == {"symbol", "price", "timestamp"}
    assert {tick["symbol"] for tick in first} <= set(DEFAULT_SYMBOLS)


@pytest.mark.parametrize("rate", [0.0, 0.001])
def test_ticks_end_by_time_at_every_rate(lab: Lab, rate: float) -> None:
    assert list(lab.ticks(rate=rate, seconds=0.0)) == []
    assert next(lab.ticks(rate=rate, seconds=60.0))["price"] > 0


def test_each_name_is_given_once(lab: Lab) -> None:
    names = {lab.topic_name(), lab.topic_name(), lab.topic_name("lanes")}
    assert len(names) == 3
    assert lab.group_name("readers") != lab.group_name("readers")
    assert lab.group_name("readers").startswith("readers-")


def test_the_lease_outlives_the_lab_and_there_is_never_none_in_between(kafka: Kafka, lab: Lab, tmp_path: Path) -> None:
    assert lab.bootstrap_servers == "127.0.0.1:9092"
    assert kafka.held == 1
    again = Lab(home=tmp_path)
    assert kafka.held == 1
    again.broker()  # the new one first, then the old one goes: the broker does not stop
    assert (kafka.held, kafka.most) == (1, 2)
    lab_module._end()
    assert kafka.held == 0


def test_a_second_lab_in_a_kernel_takes_the_topics_of_the_first_away(kafka: Kafka, lab: Lab, tmp_path: Path) -> None:
    lab.broker()
    kafka.topics = [lab.topic_name(), "stock-ticks"]
    Lab(home=tmp_path)
    assert kafka.topics == ["stock-ticks"], "those of others stay"


def test_a_broker_says_where_it_answers_and_how_long_it_took() -> None:
    assert repr(Broker("127.0.0.1:9092", True, 2.31)) == "● Apache Kafka answers at 127.0.0.1:9092, started in 2.3 s"
    assert repr(Broker("kafka:9092", False, 0.01)) == "● Your own Kafka answers at kafka:9092"


def test_a_verdict_is_shown_before_it_is_held_against_anybody(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []
    monkeypatch.setattr(lab_module, "_show", shown.append)
    assert lab.verdict("01", {"read": (3, 3)}).ok
    assert shown == []
    with pytest.raises(NotYetError, match="read: 3 was wanted, 2 was found"):
        lab.verdict("01", {"read": (2, 3)})
    (verdict,) = shown
    assert isinstance(verdict, Verdict)


def test_on_a_tape_there_is_no_broker_to_be_had(kafka: Kafka, tmp_path: Path) -> None:
    lab = Lab(home=tmp_path, transport="tape")
    for ask in (lab.broker, lab.topic, lambda: lab.bootstrap_servers):
        with pytest.raises(BrokerError, match="has a tape in its place"):
            ask()
    assert kafka.most == 0


def test_a_panel_lets_the_ticks_of_the_seed_flow_to_ones_own_functions(lab: Lab) -> None:
    taken: list[dict[str, Any]] = []
    panel = lab.panel(taken.append)
    try:
        for number in range(1, 4):
            panel.step()
            eventually(lambda number=number: len(taken) == number, what=f"tick {number}")
    finally:
        panel.finish()
    wanted = lab.ticks(rate=0, count=3)
    assert [(tick["symbol"], tick["price"]) for tick in taken] == [(tick["symbol"], tick["price"]) for tick in wanted]
