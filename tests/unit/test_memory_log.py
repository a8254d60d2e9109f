"""What the log in memory does beyond the contract: it breaks when a test says so, as Kafka would."""

from __future__ import annotations

import threading

import pytest

from marketlab.errors import DeliveryError, OffsetOutOfRangeError, TransportError
from marketlab.ports import Assigned, Messages, Subscription
from marketlab.testing.memory_log import MemoryLog
from tests.logs import key_for


def assigned(subscription: Subscription) -> frozenset[int]:
    polled = subscription.poll(timeout_s=0)
    assert isinstance(polled, Assigned)
    return polled.partitions


def started(log: MemoryLog, group: str = "group", *, instance_id: str | None = None) -> Subscription:
    subscription = log.subscribe(group, instance_id=instance_id)
    subscription.seek(dict.fromkeys(assigned(subscription)))
    return subscription


def values(polled: Assigned | Messages) -> list[bytes | None]:
    assert isinstance(polled, Messages)
    return [value for chunk in polled.chunks for value in chunk.values]


def test_a_stopped_log_is_silent_and_answers_nothing() -> None:
    log = MemoryLog()
    log.append(0, b"a")
    subscription = started(log)
    log.stop()
    assert values(subscription.poll(timeout_s=0.01)) == []
    subscription.report({0: 1})
    for ask in (
        lambda: subscription.end_offsets(timeout_s=1),
        lambda: log.subscribe("other"),
        log.publisher,
        lambda: log.read(0, [0], timeout_s=1),
    ):
        with pytest.raises(TransportError, match="stopped"):
            ask()
    log.start()
    assert values(subscription.poll(timeout_s=0)) == [b"a"]
    assert log.committed("group") == {}


def test_a_seek_in_a_stopped_log_fails_and_the_assignment_is_reported_again() -> None:
    log = MemoryLog()
    log.append(0, b"a")
    subscription = log.subscribe("group")
    everything = assigned(subscription)
    log.stop()
    with pytest.raises(TransportError, match="stopped"):
        subscription.seek(dict.fromkeys(everything))
    assert values(subscription.poll(timeout_s=0)) == []
    log.start()
    assert assigned(subscription) == everything
    subscription.seek(dict.fromkeys(everything))
    assert values(subscription.poll(timeout_s=0)) == [b"a"]


def test_what_is_sent_to_a_stopped_log_arrives_when_it_is_back() -> None:
    log = MemoryLog(capacity=2)
    publisher = log.publisher()
    log.stop()
    publisher.send(b"a", key=key_for(0), tag=1)
    publisher.send(b"b", key=key_for(0), tag=2)
    with pytest.raises(TransportError, match="no room"):
        publisher.send(b"c", key=key_for(0), tag=3)
    with pytest.raises(DeliveryError) as late:
        publisher.flush(timeout_s=0.01)
    assert [tag for tag, _ in late.value.failures] == [1, 2]
    log.start()
    publisher.flush(timeout_s=0)
    assert log.read(0, range(9), timeout_s=0) == {0: b"a", 1: b"b"}


def test_a_flush_is_woken_by_the_start_of_the_log() -> None:
    log = MemoryLog()
    publisher = log.publisher()
    log.stop()
    publisher.send(b"a", key=key_for(0))
    starter = threading.Thread(target=log.start)
    starter.start()
    publisher.flush(timeout_s=30)
    starter.join()
    assert log.read(0, [0], timeout_s=0) == {0: b"a"}


def test_a_poll_is_woken_by_a_message() -> None:
    log = MemoryLog()
    subscription = started(log)
    sender = threading.Thread(target=log.append, args=(1, b"a"))
    sender.start()
    assert values(subscription.poll(timeout_s=30)) == [b"a"]
    sender.join()


def test_a_scripted_failure_is_reported_once_with_its_tag_and_the_message_is_not_on_the_log() -> None:
    log = MemoryLog()
    publisher = log.publisher()
    log.fail_deliveries(2, reason="full")
    publisher.send(b"a", key=key_for(0), tag="first")
    with pytest.raises(DeliveryError) as failed:  # an earlier one; this one is not taken
        publisher.send(b"b", key=key_for(0), tag="second")
    assert failed.value.failures == (("first", "full"),)
    publisher.send(b"c", key=key_for(0), tag="third")
    with pytest.raises(DeliveryError) as failed:
        publisher.flush(timeout_s=0)
    assert failed.value.failures == (("third", "full"),)
    publisher.send(b"d", key=key_for(0), tag="fourth")
    publisher.flush(timeout_s=0)
    assert log.read(0, range(9), timeout_s=0) == {0: b"d"}


def test_the_clock_stamps_record_times() -> None:
    log = MemoryLog(clock=lambda: 1730896201.5)
    publisher = log.publisher()
    publisher.send(b"a", key=key_for(0))
    log.append(0, None, record_time_ms=7, headers=[("h", b"v")])
    polled = started(log).poll(timeout_s=0)
    assert isinstance(polled, Messages)
    (chunk,) = polled.chunks
    assert list(chunk.record_times_ms) == [1730896201500, 7]
    assert list(chunk.values) == [b"a", None]
    assert list(map(list, chunk.headers)) == [[], [("h", b"v")]]


def test_trim_forgets_and_whoever_stands_there_is_told() -> None:
    log = MemoryLog()
    for number in range(5):
        log.append(0, b"%d" % number)
    subscription = started(log)
    log.trim(0, before=3)
    with pytest.raises(OffsetOutOfRangeError, match="partition 0: offset 0 is wanted, 3 to 5"):
        subscription.poll(timeout_s=0)
    assert log.read(0, range(9), timeout_s=0) == {3: b"3", 4: b"4"}
    subscription.seek({0: None})
    assert values(subscription.poll(timeout_s=0)) == [b"3", b"4"]


def test_a_rebalance_is_reported_before_the_next_message() -> None:
    log = MemoryLog()
    subscription = started(log)
    log.append(0, b"a")
    log.rebalance("group")
    assert assigned(subscription) == frozenset({0, 1, 2})
    assert values(subscription.poll(timeout_s=0)) == []
    subscription.seek({0: 0})
    assert values(subscription.poll(timeout_s=0)) == [b"a"]


def test_a_member_joining_takes_a_range_of_the_partitions() -> None:
    log = MemoryLog()
    first = started(log)
    second = log.subscribe("group")
    assert (assigned(first), assigned(second)) == (frozenset({0, 1}), frozenset({2}))
    second.close(timeout_s=0)
    assert assigned(first) == frozenset({0, 1, 2})


def test_more_members_than_partitions_leave_one_without() -> None:
    log = MemoryLog(1)
    first, second = log.subscribe("group"), log.subscribe("group")
    assert (assigned(first), assigned(second)) == (frozenset({0}), frozenset())


def test_an_evicted_member_learns_of_it_at_its_next_poll_and_joins_again() -> None:
    log = MemoryLog()
    zombie, other = log.subscribe("group"), log.subscribe("group")
    assigned(zombie)
    assigned(other)
    log.evict(zombie)
    assert assigned(other) == frozenset({0, 1, 2})
    assert assigned(zombie) == frozenset({2})
    assert assigned(other) == frozenset({0, 1})


def test_only_subscriptions_of_a_log_in_memory_can_be_evicted() -> None:
    with pytest.raises(TypeError, match="MemoryLog"):
        MemoryLog().evict(None)  # type: ignore[arg-type]


def test_a_static_member_stays_when_it_closes_until_it_expires() -> None:
    log = MemoryLog()
    started(log, instance_id="slot-0").close(timeout_s=0)
    other = log.subscribe("group", instance_id="slot-1")
    assert assigned(other) == frozenset({2})
    log.expire("group", "slot-0")
    assert assigned(other) == frozenset({0, 1, 2})


def test_a_report_counts_for_owned_partitions_only() -> None:
    log = MemoryLog()
    first, second = log.subscribe("group"), log.subscribe("group")
    assigned(first)
    assigned(second)
    first.report({0: 4, 2: 9})
    second.report({2: 5})
    assert log.committed("group") == {0: 4, 2: 5}


def test_a_partition_that_always_has_messages_does_not_starve_the_others() -> None:
    log = MemoryLog()
    for partition in range(3):
        for _ in range(10):
            log.append(partition, b"%d" % partition)
    subscription = started(log)
    seen = [values(subscription.poll(timeout_s=0, max_messages=2))[0] for _ in range(6)]
    assert sorted(set(seen)) == [b"0", b"1", b"2"]
    assert len(set(seen[:3])) == 3
