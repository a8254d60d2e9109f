"""Kafka goes away and comes back: nothing blocks for ever, nothing is lost unnamed, nobody has to be started again."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from marketlab.broker import ManagedBroker
from marketlab.chaos.ground import quiet_port
from marketlab.consumer import Consumer
from marketlab.errors import DeliveryError, TransportError
from marketlab.model import Rule, Tick
from marketlab.ports import Assigned, Messages, Publisher
from marketlab.producer import Pace, Producer
from marketlab.testing.memory_store import MemoryStore
from marketlab.transports import KafkaConfig, KafkaTransport, ensure_topic, kafka_publisher
from tests.logs import CLOSE_S, KafkaHarness, Reader, key_for, numbered, settled
from tests.support import eventually

pytestmark = [pytest.mark.broker, pytest.mark.usefixtures("kafka_installed")]


class OwnBroker:
    """A broker that a test may kill and freeze."""

    def __init__(self, home: Path) -> None:
        self._managed = ManagedBroker(home, port=quiet_port())
        self._leases = ExitStack()
        self._frozen: int | None = None
        self.address = ""

    def start(self) -> None:
        lease = self._leases.enter_context(self._managed.acquire(timeout_s=90))
        assert self.address in ("", lease.bootstrap_servers)
        self.address = lease.bootstrap_servers

    def kill(self) -> None:
        pid = self._managed.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not self._managed.status().running, what="the death of the broker")

    def freeze(self) -> None:
        self._frozen = self._managed.status().pid
        assert self._frozen is not None
        os.kill(self._frozen, signal.SIGSTOP)

    def thaw(self) -> None:
        if self._frozen is not None:
            os.kill(self._frozen, signal.SIGCONT)
            self._frozen = None

    def close(self) -> None:
        self.thaw()
        self._leases.close()
        self._managed.stop(force=True)


@pytest.fixture(scope="module")
def shared(kafka_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    broker = OwnBroker(tmp_path_factory.mktemp("outage"))
    broker.start()
    yield broker
    broker.close()


@pytest.fixture
def own(shared: OwnBroker) -> Iterator[OwnBroker]:
    """The module's broker, up; whatever the test did to it is undone."""
    yield shared
    shared.thaw()
    shared.start()


@pytest.fixture
def harness(own: OwnBroker) -> Iterator[KafkaHarness]:
    topic = f"test-{os.urandom(6).hex()}"
    config = KafkaConfig(bootstrap_servers=own.address, topic=topic)
    ensure_topic(config, partitions=3, timeout_s=30)
    made = KafkaHarness(own.address, topic)
    yield made
    made.close()
    gc.collect()  # a socket left open is a warning now, and that an error


def impatient(harness: KafkaHarness) -> KafkaTransport:
    """The same log for somebody who does not wait for long."""
    return KafkaTransport(replace(harness.config, connect_timeout_s=1.0, request_timeout_s=1.0, delivery_timeout_s=2.0))


def test_a_killed_broker_that_comes_back_finds_everybody_where_they_were(own: OwnBroker, harness: KafkaHarness) -> None:
    publisher = harness.log.publisher()
    for number in range(100):
        publisher.send(b"0:%d" % number, key=key_for(0), tag=number)
    publisher.flush(timeout_s=10)
    reader = harness.reader(instance_id="slot-0").start().take(100)
    own.kill()
    assert reader.nothing_comes()
    for number in range(100, 200):
        publisher.send(b"0:%d" % number, key=key_for(0), tag=number)
    with pytest.raises(DeliveryError) as late:
        publisher.flush(timeout_s=0.2)
    assert [tag for tag, _ in late.value.failures] == list(range(100, 200))
    with pytest.raises(TransportError, match="wanted to ask for the end"):
        reader.subscription.end_offsets(timeout_s=0.2)
    reader.subscription.report({0: 100})
    own.start()
    publisher.flush(timeout_s=30)
    reader.take(200)
    assert reader.got[0] == list(enumerate(numbered(0, range(200))))
    assert reader.nothing_comes()
    publisher.close(timeout_s=CLOSE_S)


def test_members_of_a_group_go_on_after_the_death_of_the_broker(own: OwnBroker, harness: KafkaHarness) -> None:
    first, second = harness.reader(), harness.reader()
    first.positions = second.positions = {}

    eventually(lambda: settled(first, second), what="two members")
    own.kill()
    own.start()
    harness.put({0: 20, 1: 20, 2: 20})
    eventually(lambda: (settled(first, second), first.count + second.count >= 60)[1], timeout_s=60, what="60 messages")
    for partition in range(3):
        assert sorted(first.got[partition] + second.got[partition]) == list(enumerate(numbered(partition, range(20))))


@pytest.mark.parametrize("away", ["killed", "frozen"])
def test_while_the_broker_is_away_every_question_ends_in_an_error(
    own: OwnBroker, harness: KafkaHarness, away: str
) -> None:
    harness.put({0: 3})
    log = impatient(harness)
    assert log.read(0, [0], timeout_s=10) == {0: b"0:0"}
    subscription, publisher = log.subscribe(harness.group), log.publisher()
    eventually(lambda: isinstance(subscription.poll(timeout_s=0.1), Assigned), what="an assignment")
    own.kill() if away == "killed" else own.freeze()
    fresh = impatient(harness)
    for ask in (
        lambda: subscription.end_offsets(timeout_s=0.5),
        lambda: subscription.seek({0: None}),
        lambda: log.read(0, [0], timeout_s=0.5),
        lambda: log.read(0, [0], timeout_s=0.5),  # a fresh reader that cannot connect
        lambda: log.subscribe("other"),
        log.publisher,
        lambda: fresh.log_id,
    ):
        with pytest.raises(TransportError, match=f"Kafka at {own.address}: wanted to"):
            ask()
    # What could not be sought is assigned again, so that a caller who only polls gets its chance.
    again = Assigned(frozenset(range(3)))
    eventually(lambda: subscription.poll(timeout_s=0.1) == again, what="the assignment again")
    assert subscription.poll(timeout_s=0.1) == Messages([])
    subscription.report({0: 1})
    publisher.close(timeout_s=CLOSE_S)
    subscription.close(timeout_s=CLOSE_S)
    log.close()
    own.thaw()


def test_a_seek_that_failed_can_be_made_when_the_broker_is_back(own: OwnBroker, harness: KafkaHarness) -> None:
    harness.put({0: 3, 1: 3})
    reader = Reader(impatient(harness).subscribe(harness.group), quiet_s=harness.quiet_s)
    reader.assigned()
    own.freeze()
    with pytest.raises(TransportError):
        reader.subscription.seek({0: None})
    own.thaw()
    reader.take(6)  # seeks at the assignment that is reported again
    assert reader.values == {0: list(numbered(0, range(3))), 1: list(numbered(1, range(3)))}
    reader.close()


def test_what_is_not_delivered_in_time_is_named_and_fails_the_next_send(own: OwnBroker, harness: KafkaHarness) -> None:
    publisher = impatient(harness).publisher()
    publisher.send(b"0:0", key=key_for(0), tag="on the log")
    publisher.flush(timeout_s=10)
    own.kill()
    sent = []

    def send_one_more() -> bool:
        publisher.send(b"0:1", key=key_for(0), tag=len(sent))
        sent.append(len(sent))
        return False

    with pytest.raises(DeliveryError, match="not acknowledged") as failed:
        eventually(send_one_more, what="a failed send")
    named = [tag for tag, _ in failed.value.failures]
    try:
        publisher.flush(timeout_s=10)
    except DeliveryError as rest:  # those that were sent while the first ones were given up
        named += [tag for tag, _ in rest.failures]
    assert named == sent
    publisher.close(timeout_s=CLOSE_S)
    own.start()
    assert harness.reader().start().take(1).got[0] == [(0, b"0:0")]


def test_a_message_that_failed_for_good_silences_nobody(own: OwnBroker, harness: KafkaHarness) -> None:
    publisher = impatient(harness).publisher()
    publisher.send(b"0:0", key=key_for(0))
    publisher.flush(timeout_s=10)
    own.freeze()
    publisher.send(b"0:1", key=key_for(0), tag="sent, not answered, sent again, given up")
    with pytest.raises(DeliveryError, match="Expiring"):
        publisher.flush(timeout_s=10)
    own.thaw()
    publisher.send(b"0:2", key=key_for(0))
    publisher.send(b"1:0", key=key_for(1))
    publisher.flush(timeout_s=10)
    publisher.close(timeout_s=CLOSE_S)
    held = harness.log.held(timeout_s=10)
    zero, one = (list(harness.log.read(at, held[at], timeout_s=10).values()) for at in (0, 1))
    assert (zero[0], zero[-1], one) == (b"0:0", b"0:2", [b"1:0"])
    assert zero.count(b"0:1") <= 1, "it may stand on the log: a producer cannot always know"


class Thawing(Publisher):
    """Brings the broker back as soon as something has been given up."""

    def __init__(self, publisher: Publisher, own: OwnBroker) -> None:
        self._publisher = publisher
        self._own = own

    def send(self, value: bytes, *, key: bytes, tag: object = None) -> None:
        try:
            self._publisher.send(value, key=key, tag=tag)
        except DeliveryError:
            self._own.thaw()
            raise

    def flush(self, *, timeout_s: float) -> None:
        self._publisher.flush(timeout_s=timeout_s)

    def close(self, *, timeout_s: float) -> None:
        self._publisher.close(timeout_s=timeout_s)


def test_a_run_whose_ticks_were_given_up_is_closed_and_lacks_only_what_was_named(
    own: OwnBroker, harness: KafkaHarness
) -> None:
    def ticks() -> Iterator[Tick]:
        for number in count():
            if number == 30:
                own.freeze()
            yield Tick(f"S{number % 3}", 10.0, 1.0 + number)

    producer = Producer(Thawing(impatient(harness).publisher(), own), run="r")
    with pytest.raises(DeliveryError) as failed:
        producer.run(ticks(), threading.Event(), pace=Pace(rate=50.0))
    store = MemoryStore()
    log = harness.another()
    Consumer(lambda: log.subscribe(harness.group), store, log=log.log_id, rule=Rule()).run(
        threading.Event(), drain=True
    )
    log.close()
    book = store.books(run="r").of_run("r")
    assert book is not None
    assert (book.state, book.produced) == ("closed", producer.summary.produced)
    named = {tag for tag, _ in failed.value.failures}
    missing = {(gap.symbol, seq) for gap in book.missing for seq in range(gap.first, gap.last + 1)}
    assert missing <= named
    assert not any(seq == 0 for _, seq in named), "every closing record arrived"  # type: ignore[misc]


def test_a_full_buffer_is_an_error_and_what_is_in_it_still_arrives(
    own: OwnBroker, harness: KafkaHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_publisher, "MAX_PENDING", 5)
    monkeypatch.setattr(kafka_publisher, "BLOCK_S", 0.2)
    publisher = harness.log.publisher()
    own.freeze()
    for number in range(5):
        publisher.send(b"0:%d" % number, key=key_for(0))
    with pytest.raises(TransportError, match=r"5 messages wait .* no room for more"):
        publisher.send(b"0:5", key=key_for(0))
    own.thaw()
    publisher.flush(timeout_s=30)
    publisher.send(b"0:5", key=key_for(0))
    publisher.flush(timeout_s=30)
    publisher.close(timeout_s=CLOSE_S)
    assert harness.reader().start().take(6).values[0] == list(numbered(0, range(6)))


@pytest.mark.parametrize("away", ["killed", "frozen"])
def test_closing_without_a_broker_leaves_no_thread(own: OwnBroker, harness: KafkaHarness, away: str) -> None:
    before = set(threading.enumerate())  # some of earlier tests may be just ending
    log = harness.another()
    publisher, subscription = log.publisher(), log.subscribe(harness.group)
    log.read(0, [0], timeout_s=10)
    publisher.send(b"a", key=b"k")
    own.kill() if away == "killed" else own.freeze()
    publisher.send(b"b", key=b"k")
    subscription.poll(timeout_s=0.1)
    publisher.close(timeout_s=CLOSE_S)
    subscription.close(timeout_s=CLOSE_S)
    log.close()
    assert set(threading.enumerate()) <= before
    own.thaw()


def test_after_a_stop_acknowledgements_are_not_waited_for_much_longer(
    own: OwnBroker, harness: KafkaHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_publisher, "STOPPED_S", 0.3)
    monkeypatch.setattr(kafka_publisher, "MAX_PENDING", 3)
    publisher, stop = harness.log.publisher(), threading.Event()
    publisher.heed(stop)
    own.freeze()
    for number in range(3):
        publisher.send(b"0:%d" % number, key=key_for(0), tag=number)
    with pytest.raises(DeliveryError, match=r"not acknowledged within 0\.1 s"):
        publisher.flush(timeout_s=0.1)
    stop.set()
    with pytest.raises(TransportError, match="none came in time; no room for more"):
        publisher.send(b"0:3", key=key_for(0))
    with pytest.raises(DeliveryError, match=r"not acknowledged within 0\.3 s of the stop") as late:
        publisher.flush(timeout_s=600)
    assert [tag for tag, _ in late.value.failures] == [0, 1, 2]
    publisher.close(timeout_s=CLOSE_S)
    own.thaw()
