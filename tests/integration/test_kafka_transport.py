"""What Kafka owes beyond the contract: topics, reports, identities, refusals, and nothing left behind."""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from marketlab.errors import DeliveryError, OffsetOutOfRangeError, SettingsError, TransportError
from marketlab.ports import Messages
from marketlab.transports import KafkaConfig, KafkaTransport, describe_topic, ensure_topic, kafka_publisher
from tests.logs import CLOSE_S, KafkaHarness, key_for, numbered, settled
from tests.support import eventually

pytestmark = pytest.mark.broker

MakeTopic = Callable[..., str]


@pytest.fixture
def harness(broker: str, topic: MakeTopic) -> Iterator[KafkaHarness]:
    made = KafkaHarness(broker, topic(partitions=3))
    yield made
    made.close()


@pytest.fixture
def admin(broker: str) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=broker)
    yield client
    client.close()


def kafka_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "kafka" in thread.name or "marketlab" in thread.name]


# --------------------------------------------------------------------------------------------- topics


def test_a_topic_is_made_once_and_never_changed(broker: str, admin: KafkaAdminClient) -> None:
    config = KafkaConfig(bootstrap_servers=broker, topic=f"test-made-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        assert ensure_topic(config, partitions=3, timeout_s=20)
        first = describe_topic(config, "group")
        assert not ensure_topic(config, partitions=5, timeout_s=20)
        assert describe_topic(config, "group") == first
        assert [row.partition for row in first.partitions] == [0, 1, 2]
    finally:
        admin.delete_topics([config.topic])


def test_many_at_once_make_one_topic(broker: str, admin: KafkaAdminClient) -> None:
    config = KafkaConfig(bootstrap_servers=broker, topic=f"test-made-{os.getpid()}-{os.urandom(4).hex()}")
    made: list[bool] = []
    threads = [
        threading.Thread(target=lambda: made.append(ensure_topic(config, partitions=2, timeout_s=20))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False, False, False, True]
    admin.delete_topics([config.topic])


def test_a_topic_is_described_with_the_lag_of_a_group(harness: KafkaHarness) -> None:
    harness.put({0: 10, 1: 5})
    harness.trim(0, before=3)
    before = describe_topic(harness.config, harness.group)
    assert f"kafka:{before.cluster_id}/{before.topic_id}" == harness.log.log_id
    assert len(before.topic_id) == 22  # as Kafka's own tools print it
    assert [(row.oldest, row.end, row.committed, row.lag) for row in before.partitions] == [
        (3, 10, None, None),
        (0, 5, None, None),
        (0, 0, None, None),
    ]
    assert before.as_dict()["partitions"][0] == {
        "partition": 0,
        "leader": 1,
        "oldest": 3,
        "end": 10,
        "committed": None,
        "lag": None,
    }
    reader = harness.reader().start().take(12)
    reader.subscription.report({0: 8, 1: 5})
    reader.close()  # sends what was reported last
    assert [(row.committed, row.lag) for row in describe_topic(harness.config, harness.group).partitions] == [
        (8, 2),
        (5, 0),
        (0, 0),
    ]


def test_a_report_reaches_kafka_while_polls_go_on(harness: KafkaHarness) -> None:
    harness.put({2: 4})
    reader = harness.reader().start().take(4)
    reader.subscription.report({2: 3})
    eventually(
        lambda: (reader.poll(), describe_topic(harness.config, harness.group).partitions[2].committed == 3)[1],
        what="the committed offset",
    )


def test_what_is_not_there_is_named(harness: KafkaHarness) -> None:
    config = KafkaConfig(bootstrap_servers=harness.config.bootstrap_servers, topic="no-such-topic")
    log = KafkaTransport(config)
    for ask in (
        lambda: log.log_id,
        lambda: log.partitions,
        lambda: log.subscribe("group"),
        log.publisher,
        lambda: describe_topic(config, "group"),
    ):
        with pytest.raises(TransportError, match="has no topic no-such-topic") as refused:
            ask()
        assert "marketlab topic create" in str(refused.value)


def test_nobody_at_the_address_is_an_error_that_leaves_nothing_behind() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    config = KafkaConfig(bootstrap_servers=address, topic="t", connect_timeout_s=0.5)
    before = kafka_threads()
    log = KafkaTransport(config)
    for ask in (
        lambda: log.log_id,
        lambda: log.subscribe("group"),
        log.publisher,
        lambda: log.read(0, [0], timeout_s=1),
        lambda: ensure_topic(config, partitions=1, timeout_s=0.5),
    ):
        with pytest.raises(TransportError, match=f"Kafka at {address}: wanted to connect, found KafkaTimeoutError"):
            ask()
    log.close()
    assert kafka_threads() == before
    gc.collect()  # a socket left open would be a warning now, and that an error


def test_sasl_without_a_mechanism_is_refused_at_once() -> None:
    with pytest.raises(SettingsError, match="SASL_SSL needs a SASL mechanism"):
        KafkaConfig(bootstrap_servers="h:1", topic="t", security_protocol="SASL_SSL")


def test_a_password_is_not_shown() -> None:
    config = KafkaConfig(
        bootstrap_servers="h:1",
        topic="t",
        security_protocol="SASL_SSL",
        sasl_mechanism="PLAIN",
        sasl_username="me",
        sasl_password="hunter2",
    )
    assert "hunter2" not in repr(config)
    assert config.options()["sasl_plain_password"] == "hunter2"


# --------------------------------------------------------------------------------------------- identity


def test_a_topic_that_is_made_again_is_another_log(harness: KafkaHarness, admin: KafkaAdminClient) -> None:
    harness.put({0: 5})
    before = harness.log.log_id
    reader = harness.reader()
    reader.assigned()
    admin.delete_topics([harness.config.topic])
    eventually(lambda: _remade(harness.config), what="the new topic")
    assert harness.another().log_id != before
    with pytest.raises(OffsetOutOfRangeError, match=r"deleted and made again: wanted log kafka:.*, found kafka:"):
        reader.subscription.seek({0: None})


def _remade(config: KafkaConfig) -> bool:
    try:
        return ensure_topic(config, partitions=3, timeout_s=5)
    except TransportError:  # the broker is still busy with the deletion
        return False


# --------------------------------------------------------------------------------------------- reading


def test_tombstones_headers_and_compression_of_other_clients_are_read(harness: KafkaHarness) -> None:
    producer = KafkaProducer(bootstrap_servers=harness.config.bootstrap_servers, compression_type="gzip")
    for value in (b"a", None):
        producer.send(
            harness.config.topic, value, key=b"k", headers=[("h", b"\xff")], partition=1, timestamp_ms=1730896201000
        )
    producer.flush()
    producer.close()
    reader = harness.reader().start()
    polled = eventually(lambda: reader.subscription.poll(timeout_s=0.2), what="messages")
    assert isinstance(polled, Messages)
    (chunk,) = polled.chunks
    assert list(chunk.values) == [b"a", None]
    assert [list(headers) for headers in chunk.headers] == [[("h", b"\xff")]] * 2
    assert list(chunk.record_times_ms) == [1730896201000] * 2
    assert harness.log.read(1, [0, 1], timeout_s=10) == {0: b"a", 1: None}


def test_messages_that_cannot_be_unpacked_are_an_error_for_good_and_no_endless_loop(
    harness: KafkaHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer = KafkaProducer(bootstrap_servers=harness.config.bootstrap_servers, compression_type="gzip")
    producer.send(harness.config.topic, b"a" * 1000, partition=1)
    producer.flush()
    producer.close()
    reader = harness.reader().start()
    monkeypatch.setattr("kafka.codec.has_gzip", lambda: False)
    with pytest.raises(TransportError, match="gzip compression codec not found"):
        eventually(lambda: not reader.nothing_comes(), what="an error")
    for _ in range(2):
        with pytest.raises(TransportError, match="gzip compression codec not found"):
            reader.poll()


def test_offsets_with_holes_are_read_again_without_waiting_for_what_is_not_there(
    harness: KafkaHarness,
) -> None:
    """A transaction leaves a mark in the log that has an offset and is no message."""
    producer = KafkaProducer(
        bootstrap_servers=harness.config.bootstrap_servers, transactional_id=f"tx-{os.urandom(4).hex()}"
    )
    producer.init_transactions()
    for value in (b"a", b"b"):
        producer.begin_transaction()
        producer.send(harness.config.topic, value, partition=0)
        producer.commit_transaction()
    producer.close()
    assert harness.log.read(0, range(10), timeout_s=10) == {0: b"a", 2: b"b"}
    reader = harness.reader().start().take(2)
    assert reader.got[0] == [(0, b"a"), (2, b"b")]
    assert reader.subscription.end_offsets(timeout_s=10)[0] == 4


# --------------------------------------------------------------------------------------------- sending


def test_what_the_broker_refuses_is_named_and_the_rest_is_on_the_log(broker: str, topic: MakeTopic) -> None:
    """kafka-python gives up an idempotent producer for good after such an error: then every later message is named."""
    harness = KafkaHarness(broker, topic(partitions=3, configs={"max.message.bytes": "2000"}))
    publisher = harness.log.publisher()
    for number in range(20):
        value = b"x" * 5000 if number == 7 else b"0:%d" % number
        publisher.send(value, key=key_for(0), tag=number)
    with pytest.raises(DeliveryError) as failed:
        publisher.flush(timeout_s=30)
    named = {tag for tag, _ in failed.value.failures}
    assert 7 in named
    assert all("MessageSizeTooLargeError" in reason for _, reason in failed.value.failures)
    publisher.flush(timeout_s=1)  # told once
    publisher.send(b"0:20", key=key_for(0), tag=20)
    try:
        publisher.flush(timeout_s=10)
    except DeliveryError as error:
        named |= {tag for tag, _ in error.failures}
    publisher.close(timeout_s=CLOSE_S)
    arrived = [number for number in range(21) if number not in named]
    assert harness.reader().start().take(len(arrived)).values.get(0, []) == list(numbered(0, arrived))
    harness.close()


def test_a_message_that_is_too_large_to_be_sent_is_refused_at_once(harness: KafkaHarness) -> None:
    publisher = harness.log.publisher()
    with pytest.raises(TransportError, match="MessageSizeTooLargeError"):
        publisher.send(b"x" * 2_000_000, key=b"k")
    publisher.send(b"small", key=key_for(0))
    publisher.flush(timeout_s=10)
    publisher.close(timeout_s=CLOSE_S)
    harness.reader().start().take(1)


def test_what_is_not_acknowledged_yet_stays_bounded(harness: KafkaHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_publisher, "MAX_PENDING", 10)
    publisher = harness.log.publisher()
    most = 0
    for number in range(500):
        publisher.send(b"0:%d" % number, key=key_for(0))
        most = max(most, len(publisher._pending))  # type: ignore[attr-defined]
    publisher.flush(timeout_s=10)
    publisher.close(timeout_s=CLOSE_S)
    assert most == 10
    assert harness.reader().start().take(500).values[0] == list(numbered(0, range(500)))


def test_large_messages_are_bounded_by_their_bytes(harness: KafkaHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_publisher, "MAX_PENDING_BYTES", 1000)
    publisher = harness.log.publisher()
    most = 0
    for _ in range(50):
        publisher.send(b"x" * 400, key=key_for(0))
        most = max(most, len(publisher._pending))  # type: ignore[attr-defined]
    publisher.flush(timeout_s=10)
    publisher.close(timeout_s=CLOSE_S)
    assert most == 3
    harness.reader().start().take(50)


def test_a_publisher_that_is_closed_without_a_flush_is_gone_at_once(harness: KafkaHarness) -> None:
    before = kafka_threads()
    publisher = harness.log.publisher()
    for number in range(1000):
        publisher.send(b"%d" % number, key=b"k")
    assert len(kafka_threads()) > len(before)
    publisher.close(timeout_s=CLOSE_S)
    assert kafka_threads() == before


# --------------------------------------------------------------------------------------------- leaving no trace


def test_joins_that_are_answered_between_two_polls_are_not_made_again(harness: KafkaHarness) -> None:
    members = harness.reader().start(), harness.reader()

    def answers() -> list[Any]:
        tasks = [cast("Any", member.subscription)._consumer._coordinator._join_task for member in members]
        return [getattr(task, "future", task) for task in tasks if task is not None]

    def shared_out() -> bool:
        done = settled(*members, timeout_s=0)
        if len(under_way := answers()) == len(members):  # then Kafka answers all of them
            eventually(lambda: all(answer.is_done for answer in under_way), what="the answers to both joins")
        return done

    eventually(shared_out, what="partitions shared between two members")
    assert [member.assignments for member in members] == [2, 1]


WHOLE_LIFE = """
import gc, sys, threading
from marketlab.ports import Assigned
from marketlab.transports import KafkaConfig, KafkaTransport, describe_topic
config = KafkaConfig(bootstrap_servers=sys.argv[1], topic=sys.argv[2])
with KafkaTransport(config) as log:
    publisher = log.publisher()
    for number in range(100):
        publisher.send(b"%d" % number, key=b"%d" % number)
    publisher.flush(timeout_s=10)
    subscription = log.subscribe("group", instance_id="slot-0")
    count = 0
    while count < 100:
        polled = subscription.poll(timeout_s=1)
        if isinstance(polled, Assigned):
            subscription.seek(dict.fromkeys(polled.partitions))
        else:
            count += len(polled)
    subscription.report(subscription.end_offsets(timeout_s=5))
    log.read(0, [0], timeout_s=5)
    describe_topic(config, "group")
    subscription.close(timeout_s=5)
    publisher.close(timeout_s=5)
gc.collect()
print(threading.active_count())
"""


def test_a_whole_life_prints_nothing_and_leaves_no_thread_or_socket(harness: KafkaHarness) -> None:
    done = subprocess.run(
        [
            sys.executable,
            *("-W", "error", "-W", "ignore::DeprecationWarning"),  # of kafka-python's own schemas
            *("-c", WHOLE_LIFE, harness.config.bootstrap_servers, harness.config.topic),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_tapes_load_no_kafka_client() -> None:
    code = "import sys, marketlab.transports; print('kafka' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n"
