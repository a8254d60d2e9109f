"""Bugs planted in the processes that chaos kills, for its verdict to find."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from marketlab.chaos import Case, Ground, ground
from marketlab.chaos.run import run
from marketlab.chaos.worker import Consume, Say
from marketlab.transports.kafka_subscription import KafkaSubscription

pytestmark = pytest.mark.broker


@dataclass(frozen=True, slots=True, kw_only=True)
class RereadingConsume(Consume):
    """Reads at least once: wherever it is told to go on, it begins 50 messages earlier."""

    def run(self, stop: threading.Event, say: Say) -> None:
        """Consume so."""
        seek = KafkaSubscription.seek

        def earlier(subscription: KafkaSubscription, offsets: Mapping[int, int | None]) -> None:
            seek(subscription, {place: max(0, at - 50) if at else at for place, at in offsets.items()})

        KafkaSubscription.seek = earlier  # type: ignore[method-assign]
        Consume.run(self, stop, say)


@pytest.fixture(scope="module")
def place(kafka_installed: None) -> Iterator[Ground]:
    with ground(tell=lambda _: None) as made:
        yield made


def test_a_consumer_that_reads_again_what_it_had_read_does_not_pass(
    place: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketlab.chaos.fire.Consume", RereadingConsume)
    result = run(place, Case("consumer-kill", 1, 2000, 1), profile="replay")
    assert not result.passed
    assert any("were received twice" in problem for problem in result.problems)
    assert any("of the log holds" in problem for problem in result.problems)
