"""What every log of messages owes, held against Kafka, a tape and the twin in memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketlab.errors import OffsetOutOfRangeError, TransportError
from marketlab.partitioner import Partitioner
from marketlab.ports import Assigned, Messages
from tests.logs import (
    CLOSE_S,
    PARTITIONS,
    KafkaHarness,
    LogHarness,
    MemoryHarness,
    Reader,
    TapeHarness,
    key_for,
    settled,
)
from tests.logs import numbered as numbered_values
from tests.support import eventually

ALL = range(PARTITIONS)


def numbered(partition: int, numbers: range) -> list[bytes]:
    return list(numbered_values(partition, numbers))


KAFKA = pytest.param("kafka", marks=pytest.mark.broker)

#: Partitions are shared out among the members of a group; a tape has one member, which has a test of its own.
sharing = pytest.mark.parametrize("harness", ["memory", KAFKA], indirect=True)


@pytest.fixture(params=["memory", "tape", KAFKA])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogHarness]:
    made: LogHarness
    if request.param == "memory":
        made = MemoryHarness()
    elif request.param == "tape":
        made = TapeHarness(tmp_path / "ticks.jsonl")
    else:
        made = KafkaHarness(request.getfixturevalue("broker"), request.getfixturevalue("topic")(partitions=PARTITIONS))
    yield made
    made.close()


# --------------------------------------------------------------------------------------------- what is read


def test_every_message_is_read_once_and_in_order(harness: LogHarness) -> None:
    harness.put({0: 300, 1: 200, 2: 100})
    reader = harness.reader().start().take(600)
    for partition, count in {0: 300, 1: 200, 2: 100}.items():
        assert reader.got[partition] == list(enumerate(numbered(partition, range(count))))
    assert reader.nothing_comes()


def test_a_key_goes_where_every_kafka_client_puts_it(harness: LogHarness) -> None:
    keys = [f"SYM/{number}".encode() for number in range(50)]
    publisher = harness.log.publisher()
    for key in keys:
        publisher.send(key, key=key)
    publisher.flush(timeout_s=10)
    publisher.close(timeout_s=CLOSE_S)
    reader = harness.reader().start().take(50)
    where = {value: partition for partition, values in reader.values.items() for value in values}
    partition_of = Partitioner(PARTITIONS)
    assert where == {key: partition_of(key) for key in keys}


def test_a_chunk_has_the_key_the_bytes_and_the_time_of_sending(harness: LogHarness) -> None:
    values = [b'{"a":"\xc3\xa4"}', b"\x00\xff\xfe raw", b"\xed\xa0\x80", b"", b'a\nb\r\n\\"', b"\xf0\x9f\x93\x88"]
    before = int(time.time() * 1000)
    publisher = harness.log.publisher()
    for value in values:
        publisher.send(value, key=b"K\xff")
    publisher.flush(timeout_s=10)
    publisher.close(timeout_s=CLOSE_S)
    after = int(time.time() * 1000)
    reader = harness.reader().start()
    chunks = []
    while sum(map(len, chunks)) < len(values):
        polled = reader.subscription.poll(timeout_s=1)
        assert isinstance(polled, Messages)
        chunks += polled.chunks
    assert [value for chunk in chunks for value in chunk.values] == values
    for chunk in chunks:
        assert list(chunk.keys) == [b"K\xff"] * len(chunk)
        assert [list(headers) for headers in chunk.headers] == [[]] * len(chunk)
        assert len(chunk.offsets) == len(chunk.record_times_ms) == len(chunk)
        assert all(before <= at <= after for at in chunk.record_times_ms)


def test_a_poll_brings_no_more_than_it_is_asked_for(harness: LogHarness) -> None:
    harness.put({0: 20, 1: 20})
    reader = harness.reader().start()
    while reader.count < 40:
        polled = reader.poll(max_messages=7)
        assert len(polled) <= 7 if isinstance(polled, Messages) else reader.assignments < 3
    assert reader.got[1] == list(enumerate(numbered(1, range(20))))


def test_what_is_sent_later_is_read_too(harness: LogHarness) -> None:
    reader = harness.reader().start()
    assert reader.nothing_comes()
    harness.put({0: 3, 2: 1})
    reader.take(4)
    harness.put({0: 3}, start=3)
    reader.take(7)
    assert reader.values[0] == numbered(0, range(6))


def test_a_message_is_readable_without_a_flush(harness: LogHarness) -> None:
    reader = harness.reader().start()
    publisher = harness.log.publisher()
    publisher.send(b"now", key=key_for(1))
    reader.take(1)
    publisher.close(timeout_s=CLOSE_S)


def test_two_groups_read_all_of_it_each(harness: LogHarness) -> None:
    harness.put({0: 5, 1: 5})
    first, second = harness.reader("first").start(), harness.reader("second").start()
    assert first.take(10).values == second.take(10).values


# --------------------------------------------------------------------------------------------- assignment and seek


def test_the_assignment_comes_first_and_names_every_partition(harness: LogHarness) -> None:
    harness.put({0: 1})
    reader = harness.reader()
    assert reader.assigned() == frozenset(ALL)  # asserts on the way that no message came before


def test_a_partition_delivers_nothing_before_it_is_sought(harness: LogHarness) -> None:
    harness.put(dict.fromkeys(ALL, 5))
    reader = harness.reader()
    reader.assigned()
    harness.put(dict.fromkeys(ALL, 5), start=5)
    assert reader.nothing_comes()
    reader.subscription.seek({1: None})
    reader.take(10)
    harness.put(dict.fromkeys(ALL, 5), start=10)
    reader.take(15)
    assert reader.nothing_comes()
    assert set(reader.got) == {1}
    reader.subscription.seek({0: 3, 2: None})
    reader.take(15 + 12 + 15)
    assert reader.values[0] == numbered(0, range(3, 15))


def test_none_means_the_oldest_that_the_log_holds(harness: LogHarness) -> None:
    harness.put({0: 10, 1: 2})
    harness.trim(0, before=4)
    reader = harness.reader()
    reader.assigned()
    assert reader.subscription.seek(dict.fromkeys(ALL)) == {0: 4, 1: 0, 2: 0}
    assert reader.take(8).got[0][0] == (4, b"0:4")


def test_seek_may_name_the_end_and_then_only_new_messages_come(harness: LogHarness) -> None:
    harness.put({0: 3})
    reader = harness.reader()
    reader.assigned()
    assert reader.subscription.seek({0: 3, 1: 0}) == {0: 3, 1: 0}
    assert reader.nothing_comes()
    harness.put({0: 1}, start=3)
    assert reader.take(1).got[0] == [(3, b"0:3")]


def test_seek_goes_back(harness: LogHarness) -> None:
    harness.put({0: 4, 1: 4})
    reader = harness.reader().start().take(8)
    reader.subscription.seek({0: 1})
    reader.take(8 + 3)
    assert [offset for offset, _ in reader.got[0]] == [0, 1, 2, 3, 1, 2, 3]
    assert [offset for offset, _ in reader.got[1]] == [0, 1, 2, 3]
    assert reader.nothing_comes()


@pytest.mark.parametrize("wanted", [1, 11])
def test_an_offset_that_the_log_does_not_hold_is_refused_by_name(harness: LogHarness, wanted: int) -> None:
    harness.put({0: 2, 2: 10})
    harness.trim(2, before=4)
    reader = harness.reader()
    reader.assigned()
    with pytest.raises(OffsetOutOfRangeError, match=rf"partition 2: offset {wanted} .*4 to 10"):
        reader.subscription.seek({0: 0, 2: wanted})
    assert reader.nothing_comes()  # partition 0 was not sought either
    reader.subscription.seek({0: 0, 2: 4})
    reader.take(8)


@sharing
def test_a_log_that_is_trimmed_past_the_position_says_so(harness: LogHarness) -> None:
    harness.put({1: 10})
    reader = harness.reader()
    reader.assigned()
    reader.subscription.seek({1: 2})
    harness.trim(1, before=5)
    with pytest.raises(OffsetOutOfRangeError, match=r"partition 1: offset 2 .*5 to 10"):
        eventually(lambda: not reader.nothing_comes(), what="an error")


def test_a_partition_that_is_not_assigned_cannot_be_sought(harness: LogHarness) -> None:
    reader = harness.reader()
    with pytest.raises(ValueError, match="partition 0 is not assigned"):
        reader.subscription.seek({0: None})
    reader.assigned()
    with pytest.raises(ValueError, match="partition 7 is not assigned"):
        reader.subscription.seek({0: None, 7: None})


# --------------------------------------------------------------------------------------------- backpressure


def test_pause_holds_everything_back_and_resume_loses_nothing(harness: LogHarness) -> None:
    harness.put({0: 5, 1: 5})
    reader = harness.reader().start()
    reader.take(10)
    reader.subscription.pause()
    harness.put({0: 5, 1: 5}, start=5)
    assert reader.nothing_comes()
    reader.subscription.resume()
    reader.take(20)
    assert reader.got[0] == list(enumerate(numbered(0, range(10))))
    assert reader.nothing_comes()


def test_a_pause_in_the_middle_of_what_was_fetched_loses_nothing(harness: LogHarness) -> None:
    harness.put({0: 300, 1: 300})
    reader = harness.reader().start()
    eventually(lambda: (reader.poll(max_messages=10), reader.count)[1], what="a first message")
    reader.subscription.pause()
    assert reader.nothing_comes()
    reader.subscription.resume()
    reader.take(600)
    for partition in (0, 1):
        assert reader.got[partition] == list(enumerate(numbered(partition, range(300))))


def test_a_pause_outlasts_a_seek(harness: LogHarness) -> None:
    harness.put({0: 5})
    reader = harness.reader()
    reader.assigned()
    reader.subscription.pause()
    reader.subscription.seek(dict.fromkeys(ALL))
    assert reader.nothing_comes()
    reader.subscription.resume()
    reader.take(5)


# --------------------------------------------------------------------------------------------- questions


def test_end_offsets_name_every_partition(harness: LogHarness) -> None:
    reader = harness.reader()
    assert reader.subscription.end_offsets(timeout_s=10) == {0: 0, 1: 0, 2: 0}
    harness.put({0: 3, 2: 7})
    assert reader.subscription.end_offsets(timeout_s=10) == {0: 3, 1: 0, 2: 7}
    reader.start().take(10)
    assert reader.subscription.end_offsets(timeout_s=10) == {0: 3, 1: 0, 2: 7}
    assert reader.nothing_comes()


def test_a_log_says_what_it_holds_without_any_group(harness: LogHarness) -> None:
    harness.put({0: 0, 1: 30})
    harness.trim(1, before=4)
    log = harness.another()
    assert log.held(timeout_s=10) == {0: range(0), 1: range(4, 30), 2: range(0)}
    harness.put({1: 2, 2: 1}, start=30)
    assert log.held(timeout_s=10) == {0: range(0), 1: range(4, 32), 2: range(1)}


def test_messages_can_be_read_again_by_offset(harness: LogHarness) -> None:
    harness.put({0: 1200, 1: 10})
    harness.trim(1, before=4)
    for log in (harness.log, harness.another()):
        assert log.read(0, [1199, 0, 700, 701], timeout_s=10) == {
            offset: b"0:%d" % offset for offset in (0, 700, 701, 1199)
        }
        assert log.read(1, [3, 4, 9, 10, 99], timeout_s=10) == {4: b"1:4", 9: b"1:9"}
        assert log.read(2, [0], timeout_s=10) == {}
        assert log.read(0, [], timeout_s=10) == {}


def test_a_log_keeps_its_id_and_shares_it_with_no_other(
    harness: LogHarness, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    assert harness.another().log_id == harness.log.log_id
    assert harness.log.partitions == PARTITIONS
    harness.put({0: 1})
    assert harness.another().log_id == harness.log.log_id
    other: LogHarness
    if isinstance(harness, KafkaHarness):
        other = KafkaHarness(harness.config.bootstrap_servers, request.getfixturevalue("topic")())
    else:
        other = TapeHarness(tmp_path / "other.jsonl") if isinstance(harness, TapeHarness) else MemoryHarness()
    assert other.log.log_id != harness.log.log_id
    assert other.log.log_id.split(":")[0] == harness.log.log_id.split(":")[0]
    other.close()


def test_a_report_never_raises(harness: LogHarness) -> None:
    harness.put({0: 5})
    reader = harness.reader()
    reader.subscription.report({0: 1})
    reader.start().take(5)
    reader.subscription.report({0: 5, 1: 0, 9: 12})
    assert reader.nothing_comes()


# --------------------------------------------------------------------------------------------- endings


def test_everything_can_be_closed_twice(harness: LogHarness) -> None:
    log = harness.another()
    publisher, subscription = log.publisher(), log.subscribe(harness.group)
    publisher.flush(timeout_s=1)
    for _ in range(2):
        publisher.close(timeout_s=CLOSE_S)
        subscription.close(timeout_s=CLOSE_S)
        log.close()


def test_nothing_can_be_done_with_what_is_closed(harness: LogHarness) -> None:
    publisher, subscription = harness.log.publisher(), harness.log.subscribe(harness.group)
    publisher.close(timeout_s=CLOSE_S)
    subscription.close(timeout_s=CLOSE_S)
    with pytest.raises(TransportError, match="closed"):
        publisher.send(b"x", key=b"k")
    for act in (
        lambda: subscription.poll(timeout_s=0.1),
        lambda: subscription.seek({}),
        lambda: subscription.end_offsets(timeout_s=1),
    ):
        with pytest.raises(TransportError, match="closed"):
            act()
    subscription.pause()
    subscription.resume()
    subscription.report({0: 1})


# --------------------------------------------------------------------------------------------- groups


def in_turns(*readers: Reader, until: int, limit: int = 2000) -> None:
    """Let the members of a group poll in turns until they have this many messages among them."""
    for turn in range(limit):
        if sum(reader.count for reader in readers) >= until:
            return
        readers[turn % len(readers)].poll(timeout_s=0.05)
    pytest.fail(f"{until} messages were wanted, {[reader.count for reader in readers]} came")


@sharing
def test_members_share_the_partitions_and_take_over_from_one_that_leaves(harness: LogHarness) -> None:
    positions: dict[int, int] = {}
    first, second = harness.reader(), harness.reader()
    first.positions = second.positions = positions
    harness.put(dict.fromkeys(ALL, 200))
    in_turns(first, until=100)
    eventually(lambda: settled(first, second), what="two members with all partitions between them")
    harness.put(dict.fromkeys(ALL, 200), start=200)
    in_turns(first, second, until=1200)
    first.close()
    eventually(lambda: settled(second), what="the one that is left has everything")
    harness.put(dict.fromkeys(ALL, 100), start=400)
    in_turns(second, until=1500 - first.count)
    # Positions were kept as a store keeps them, so no message was read twice and none was left out.
    for partition in ALL:
        together = first.got[partition] + second.got[partition]
        assert sorted(together) == list(enumerate(numbered(partition, range(500))))
    assert second.nothing_comes()


@sharing
def test_a_static_member_that_comes_back_has_its_partitions_and_fences_who_went_by_its_name(
    harness: LogHarness,
) -> None:
    harness.put(dict.fromkeys(ALL, 10))
    gone = harness.reader(instance_id="slot-0").start().take(30)
    back = harness.reader(instance_id="slot-0")
    back.positions = dict(gone.positions)
    assert back.assigned() == frozenset(ALL)
    with pytest.raises(TransportError, match=r"slot-0 .*replaced"):
        eventually(lambda: not gone.nothing_comes(), what="an error")
    with pytest.raises(TransportError, match=r"slot-0 .*replaced"):
        gone.poll()
    back.subscription.seek(back.positions)
    harness.put({0: 1}, start=10)
    assert back.take(1).got[0] == [(10, b"0:10")]


@sharing
def test_a_static_member_keeps_its_partitions_while_it_is_away(harness: LogHarness) -> None:
    away = harness.reader(instance_id="slot-0").start()
    away.close()
    other = harness.reader(instance_id="slot-1")
    back = harness.reader(instance_id="slot-0")
    eventually(lambda: settled(other, back), what="both members with all partitions between them")


def test_a_second_member_of_a_tapes_group_is_refused(tmp_path: Path) -> None:
    harness = TapeHarness(tmp_path / "ticks.jsonl")
    first = harness.log.subscribe(harness.group)
    with pytest.raises(TransportError, match="group group wants to read, but it has a member"):
        harness.another().subscribe(harness.group)
    first.close(timeout_s=CLOSE_S)
    second = harness.log.subscribe(harness.group)
    assert second.poll(timeout_s=0) == Assigned(frozenset(ALL))
    second.close(timeout_s=CLOSE_S)
    harness.close()
