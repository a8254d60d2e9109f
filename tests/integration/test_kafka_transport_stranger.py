"""A broker dies and another one takes its port: whoever was connected takes nothing of it, and gives it nothing."""

from __future__ import annotations

import gc
import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread

import pytest

from marketlab.broker import ManagedBroker
from marketlab.chaos.ground import quiet_port
from marketlab.consumer import Consumer
from marketlab.errors import DeliveryError, OffsetOutOfRangeError
from marketlab.model import Rule
from marketlab.testing.memory_store import MemoryStore
from marketlab.transports import KafkaConfig, ensure_topic
from tests.logs import CLOSE_S, KafkaHarness, key_for
from tests.support import eventually

pytestmark = [pytest.mark.broker, pytest.mark.usefixtures("kafka_installed")]

TOPIC = "stock-ticks"


class Home:
    """A managed broker with a topic of the name that every home gives it."""

    def __init__(self, folder: Path, port: int) -> None:
        self._managed = ManagedBroker(folder, port=port)
        self._leases = ExitStack()
        lease = self._leases.enter_context(self._managed.acquire(timeout_s=90))
        config = KafkaConfig(bootstrap_servers=lease.bootstrap_servers, topic=TOPIC)
        ensure_topic(config, partitions=3, timeout_s=30)
        self.harness = KafkaHarness(lease.bootstrap_servers, TOPIC)

    def kill(self) -> None:
        pid = self._managed.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not self._managed.status().running, what="the death of the broker")

    def close(self) -> None:
        self.harness.close()
        self._leases.close()
        self._managed.stop(force=True)
        gc.collect()  # a socket left open is a warning now, and that an error


@pytest.fixture
def port() -> int:
    """Neither near 9092 nor ephemeral, so that nobody else takes it meanwhile."""
    return quiet_port()


@pytest.fixture
def home(tmp_path: Path, port: int) -> Iterator[Home]:
    made = Home(tmp_path / "ours", port)
    yield made
    made.close()


def test_who_was_connected_neither_reads_nor_feeds_another_broker_at_the_address(
    home: Home, port: int, tmp_path: Path
) -> None:
    ours = home.harness
    store, ends = MemoryStore(), []

    def consume() -> None:
        with pytest.raises(OffsetOutOfRangeError) as ended:
            Consumer(lambda: ours.log.subscribe("group"), store, log=ours.log.log_id, rule=Rule()).run(Event())
        ends.append(str(ended.value))

    consumer = Thread(target=consume, daemon=True)
    consumer.start()
    ours.put({0: 5, 1: 5, 2: 5})
    eventually(lambda: [book.next_offset for book in store.partition_books()] == [5, 5, 5], what="15 messages stored")
    publisher = ours.log.publisher()
    ours.log.read(0, [0], timeout_s=10)
    before = store.partition_books()
    home.kill()
    for number in range(3):
        publisher.send(b"0:%d" % number, key=key_for(0), tag=number)
    stranger = Home(tmp_path / "theirs", port)
    try:
        stranger.harness.put({0: 50, 1: 50, 2: 50})
        another = "is another one now: wanted cluster .*, found .*; nothing of it was read, nothing was sent to it"
        with pytest.raises(DeliveryError, match=another) as unsent:
            publisher.flush(timeout_s=20)
        assert [tag for tag, _ in unsent.value.failures] == [0, 1, 2]
        for ask in (
            lambda: publisher.send(b"0:3", key=key_for(0)),
            lambda: ours.log.read(0, [0], timeout_s=1),
            lambda: ours.log.subscribe("group"),
            ours.log.publisher,
        ):
            with pytest.raises(OffsetOutOfRangeError, match=another):
                ask()
        publisher.close(timeout_s=CLOSE_S)
        consumer.join(20)
        assert [re.search(another, end) is not None for end in ends] == [True]
        assert store.partition_books() == before
        assert stranger.harness.log.held(timeout_s=10) == dict.fromkeys(range(3), range(50))
    finally:
        stranger.close()
