"""Bugs planted in the processes that chaos kills: its verdict finds them, and what strikes nothing is not counted."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from marketlab.chaos import Case, Ground, ground
from marketlab.chaos.fire import MOST_TRIES, Fire
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

        def earlier(subscription: KafkaSubscription, offsets: Mapping[int, int | None]) -> dict[int, int]:
            return seek(subscription, {place: max(0, at - 50) if at else at for place, at in offsets.items()})

        KafkaSubscription.seek = earlier  # type: ignore[method-assign, assignment]
        Consume.run(self, stop, say)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomyConsume(Consume):
    """Has room for everything, whatever is done to it."""

    def run(self, stop: threading.Event, say: Say) -> None:
        """Consume so."""
        said = say

        def ready(kind: str, text: str) -> None:
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            said(kind, text)

        Consume.run(self, stop, ready)


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


def test_a_disk_that_is_never_full_counts_no_fault_and_does_not_pass(
    place: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketlab.chaos.fire.Consume", RoomyConsume)
    result = run(place, Case("disk-full", 1, 500, 1), profile="replay")
    assert result.times == 0
    assert result.problems == [f"StuckError: 0 of 1 faults struck in {MOST_TRIES} tries"]


def test_a_kill_that_came_when_all_was_stored_is_made_up_for(place: Ground) -> None:
    with Fire(place, Case("consumer-kill", 1, 500, 1)) as fire:
        consumer, producer = fire.consume(), fire.produce()
        for number in fire.spread():
            if number == 0:
                fire.until(fire.at_end, "the end of the log")
            consumer.kill()
            fire.struck()
            consumer = fire.consume(batch_size=50, hold_s=0.05)
        fire.finish(consumer, producer)
        assert fire.account.problems == []
        assert (fire.faults, len(fire.recoveries)) == (1, 1)
        assert len(fire.runs) >= 2, "the first kill had nothing to strike, so another run was produced for the next"
        books = fire.reader.books()
        assert [book.stored for book in books.runs] == [500] * len(fire.runs)
