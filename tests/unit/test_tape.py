"""Tapes beyond the contract: the file itself, torn and damaged ones, writers that die, recordings."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketlab.errors import DeliveryError, OffsetOutOfRangeError, TapeError
from marketlab.ports import Assigned, Chunk, Messages, Subscription
from marketlab.transports import TapeTransport, TapeWriter, tape_file
from tests.logs import key_for, numbered

HEADER = '{"format":"marketlab-tape","version":1,"topic":"t","partitions":3,"tape":"abc"}\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ticks.jsonl"


def transport(path: Path, **given: object) -> TapeTransport:
    return TapeTransport(path, topic="t", partitions=3, **given)  # type: ignore[arg-type]


def line(partition: int, offset: int, value: str | None = "v", **more: object) -> str:
    row = {"partition": partition, "offset": offset, "value": value, "timestamp_ms": 1, **more}
    return json.dumps({name: field for name, field in row.items() if field is not None}) + "\n"


def write(path: Path, *lines: str, header: str = HEADER) -> Path:
    path.write_text(header + "".join(lines), encoding="utf-8")
    return path


def subscribed(path: Path, offsets: dict[int, int | None] | None = None) -> Subscription:
    subscription = transport(path).subscribe("group")
    try:
        assert isinstance(subscription.poll(timeout_s=0), Assigned)
        subscription.seek(offsets if offsets is not None else dict.fromkeys(range(3)))
    except BaseException:
        subscription.close(timeout_s=0)
        raise
    return subscription


def take(subscription: Subscription) -> dict[int, list[tuple[int, bytes | None]]]:
    """What is there now."""
    got: dict[int, list[tuple[int, bytes | None]]] = {}
    while True:
        polled = subscription.poll(timeout_s=0.05)
        assert isinstance(polled, Messages)
        if not polled:
            return got
        for chunk in polled.chunks:
            got.setdefault(chunk.partition, []).extend(zip(chunk.offsets, chunk.values, strict=True))


def read_all(path: Path) -> dict[int, list[tuple[int, bytes | None]]]:
    subscription = subscribed(path)
    try:
        return take(subscription)
    finally:
        subscription.close(timeout_s=0)


def publish(path: Path, *values: bytes, partition: int = 0) -> None:
    publisher = transport(path).publisher()
    for value in values:
        publisher.send(value, key=key_for(partition))
    publisher.flush(timeout_s=1)
    publisher.close(timeout_s=0)


# --------------------------------------------------------------------------------------------- the file


def test_a_tape_is_json_lines_that_anybody_can_read(path: Path) -> None:
    tape = transport(path, clock=lambda: 1730896201.0)
    publisher = tape.publisher()
    publisher.send(b'{"symbol":"AAPL"}', key=b"AAPL")
    publisher.send(b"\xff", key=b"\xfe")
    publisher.close(timeout_s=0)
    header, *records = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert header == {
        "format": "marketlab-tape",
        "version": 1,
        "topic": "t",
        "partitions": 3,
        "tape": tape.log_id.removeprefix("tape:"),
    }
    assert len(header["tape"]) == 32
    assert records[0] == {
        "partition": 0,
        "offset": 0,
        "key": "AAPL",
        "value": '{"symbol":"AAPL"}',
        "timestamp_ms": 1730896201000,
    }
    assert records[1]["key_b64"] == "/g=="
    assert records[1]["value_b64"] == "/w=="
    tape.close()


def test_a_tape_written_by_hand_can_be_read(path: Path) -> None:
    write(
        path,
        "\n",
        line(2, 7, 'a "quoted" one', key="K", unknown=[1], headers=[{"key": "h", "value": "x"}]),
        "  \n",
        line(2, 9, None),
        line(0, 3, None, value_b64="/w=="),
        line(2, 12).rstrip("\n"),  # whole, with no newline behind it
    )
    assert read_all(path) == {2: [(7, b'a "quoted" one'), (9, None), (12, b"v")], 0: [(3, b"\xff")]}
    subscription = subscribed(path, {})
    assert subscription.seek(dict.fromkeys(range(3))) == {0: 3, 1: 0, 2: 7}
    assert subscription.end_offsets(timeout_s=1) == {0: 4, 1: 0, 2: 13}
    polled = subscription.poll(timeout_s=0)
    assert isinstance(polled, Messages)
    (chunk,) = (chunk for chunk in polled.chunks if chunk.partition == 2)
    assert list(chunk.keys) == [b"K", None, None]
    assert [list(headers) for headers in chunk.headers] == [[("h", b"x")], [], []]
    subscription.close(timeout_s=0)


def test_an_existing_tape_has_its_own_partitions(path: Path) -> None:
    write(path, header=HEADER.replace('"partitions":3', '"partitions":5'))
    tape = transport(path)
    assert (tape.partitions, tape.log_id, tape.create()) == (5, "tape:abc", False)
    tape.close()


def test_creating_a_tape_twice_keeps_the_first(path: Path) -> None:
    tape = transport(path.parent / "new" / "folder" / "t.jsonl")
    assert tape.create()
    first = tape.log_id
    assert not tape.create()
    again = transport(tape.path)
    assert again.log_id == first
    tape.close()
    again.close()


def test_appending_goes_on_with_the_offsets(path: Path) -> None:
    write(path, line(0, 5), line(1, 2), line(0, 8))
    publish(path, b"a", b"b")
    assert read_all(path) == {0: [(5, b"v"), (8, b"v"), (9, b"a"), (10, b"b")], 1: [(2, b"v")]}


def test_a_large_tape_is_sought_through_its_index(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape_file, "BLOCK_BYTES", 1000)
    write(path, *(line(number % 3, number // 3, f"value {number}") for number in range(3000)))
    tape = transport(path)
    assert tape.read(1, [0, 500, 999], timeout_s=10) == {0: b"value 1", 500: b"value 1501", 999: b"value 2998"}
    tape.close()
    subscription = subscribed(path, {0: 990, 1: 700, 2: 1000})
    got = take(subscription)
    assert [offset for offset, _ in got[0]] == list(range(990, 1000))
    assert [offset for offset, _ in got[1]] == list(range(700, 1000))
    assert 2 not in got
    subscription.seek({2: 0})
    assert take(subscription) == {2: [(offset, b"value %d" % (offset * 3 + 2)) for offset in range(1000)]}
    subscription.close(timeout_s=0)


def test_a_line_may_be_longer_than_a_block(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape_file, "BLOCK_BYTES", 200)
    write(path, line(0, 0, "x" * 5000), line(0, 1, "y"))
    assert read_all(path) == {0: [(0, b"x" * 5000), (1, b"y")]}


@settings(max_examples=100, deadline=None)
@given(
    messages=st.lists(
        st.tuples(st.integers(0, 2), st.none() | st.binary(max_size=40), st.none() | st.binary(max_size=200)),
        max_size=40,
    ),
    block=st.integers(100, 2000),
)
def test_any_bytes_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory,
    messages: list[tuple[int, bytes | None, bytes | None]],
    block: int,
) -> None:
    path = tmp_path_factory.mktemp("tape") / "t.jsonl"
    expected: dict[int, list[tuple[int, bytes | None]]] = {}
    with pytest.MonkeyPatch.context() as patch, TapeWriter(path, topic="t", partitions=3) as writer:
        patch.setattr(tape_file, "BLOCK_BYTES", block)
        for partition, key, value in messages:
            rows = expected.setdefault(partition, [])
            writer.write(Chunk(partition, [len(rows)], [value], [1], keys=[key], headers=[[("h", key or b"")]]))
            rows.append((len(rows), value))
    assert read_all(path) == expected


# --------------------------------------------------------------------------------------------- torn and damaged


@pytest.mark.parametrize("torso", ['{"partition":0,"off', "{", "\x00\x00"])
def test_the_torso_of_a_killed_writer_is_waited_for_and_cut_off_by_the_next(path: Path, torso: str) -> None:
    write(path, line(0, 0), torso)
    subscription = subscribed(path)
    assert take(subscription) == {0: [(0, b"v")]}
    assert subscription.end_offsets(timeout_s=1)[0] == 1
    publish(path, b"after")
    assert take(subscription) == {0: [(1, b"after")]}
    subscription.close(timeout_s=0)
    assert len([json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]) == 3


def test_a_whole_record_without_its_newline_is_kept_by_the_next_writer(path: Path) -> None:
    write(path, line(0, 0), line(0, 1).rstrip("\n"))
    subscription = subscribed(path)
    assert take(subscription) == {0: [(0, b"v"), (1, b"v")]}
    publish(path, b"after")
    assert take(subscription) == {0: [(2, b"after")]}
    subscription.close(timeout_s=0)
    assert len(read_all(path)[0]) == 3


def test_a_record_that_arrives_in_pieces_is_delivered_when_it_is_whole(path: Path) -> None:
    write(path)
    subscription = subscribed(path)
    for piece in ('{"partition":0,"offset":0,', '"value":"', 'v"', ',"timestamp_ms":1'):
        with path.open("a", encoding="utf-8") as file:
            file.write(piece)
        assert take(subscription) == {}
    with path.open("a", encoding="utf-8") as file:
        file.write("}\n")
    assert take(subscription) == {0: [(0, b"v")]}
    subscription.close(timeout_s=0)


@pytest.mark.parametrize(
    "damaged",
    [
        "not json\n",
        '{"partition":0}\n',
        line(-1, 5),
        line(0, -5),
        line(0, 1),  # an offset that was there before
        line(3, 0),  # a partition that the tape does not have
    ],
)
def test_a_damaged_line_is_named(path: Path, damaged: str) -> None:
    write(path, line(0, 0), "\n", line(0, 1), damaged, line(0, 9))
    tape = transport(path)
    subscription = tape.subscribe("group")
    assert isinstance(subscription.poll(timeout_s=0), Assigned)
    for act in (
        lambda: subscription.seek({0: None}),
        lambda: subscription.poll(timeout_s=0),  # for whoever thinks that a seek that failed is worth another try
        tape.publisher,
        lambda: tape.read(0, [0], timeout_s=1),
    ):
        with pytest.raises(TapeError, match=r"ticks.jsonl, line 5: damaged") as found:
            act()
        assert found.value.mend
    subscription.close(timeout_s=0)
    tape.close()


@pytest.mark.parametrize(
    "damaged",
    [
        line(0, 5, timestamp_ms="now"),
        line(0, 5, None, value_b64="?"),
        '{"partition":0,"offset":5,"value":"\udcff","timestamp_ms":1}\n',  # not UTF-8
    ],
)
def test_damage_inside_a_message_is_named_after_what_stands_before_it(path: Path, damaged: str) -> None:
    lines = [line(0, 0), "\n", line(0, 1), damaged, line(0, 9)]
    path.write_bytes((HEADER + "".join(lines)).encode("utf-8", "surrogateescape"))
    subscription = subscribed(path)
    polled = subscription.poll(timeout_s=0)
    assert isinstance(polled, Messages)
    assert [list(chunk.offsets) for chunk in polled.chunks] == [[0, 1]]
    for _ in range(2):
        with pytest.raises(TapeError, match=r"ticks.jsonl, line 5: damaged"):
            subscription.poll(timeout_s=0)
    subscription.close(timeout_s=0)


def test_damage_that_comes_while_reading_is_named_after_what_stands_before_it(path: Path) -> None:
    write(path, line(0, 0))
    subscription = subscribed(path)
    assert take(subscription) == {0: [(0, b"v")]}
    with path.open("a", encoding="utf-8") as file:
        file.write(line(0, 1) + "nonsense\n" + line(0, 2))
    polled = subscription.poll(timeout_s=0)
    assert isinstance(polled, Messages)
    assert [list(chunk.offsets) for chunk in polled.chunks] == [[1]]
    for _ in range(2):
        with pytest.raises(TapeError, match="line 4: damaged"):
            subscription.poll(timeout_s=0)
    subscription.close(timeout_s=0)


@pytest.mark.parametrize(
    "first",
    ["", "\n", "symbol,price\n", '{"symbol":"AAPL","price":1,"timestamp":1}\n', HEADER.replace("3", "0"), "\x00" * 99],
)
def test_what_is_no_tape_is_refused(path: Path, first: str) -> None:
    path.write_text(first, encoding="utf-8")
    tape = transport(path)
    for act in (lambda: tape.log_id, tape.publisher, lambda: tape.subscribe("group")):
        with pytest.raises(TapeError, match="line 1: a tape begins with a header"):
            act()


def test_a_tape_of_a_newer_format_is_refused(path: Path) -> None:
    write(path, header=HEADER.replace('"version":1', '"version":2'))
    with pytest.raises(TapeError, match="found version 2"):
        _ = transport(path).log_id


def test_a_missing_tape_is_named(path: Path) -> None:
    with pytest.raises(TapeError, match="there is no such tape"):
        transport(path).subscribe("group")


def test_a_tape_that_shrinks_under_its_reader_is_an_error(path: Path) -> None:
    write(path, line(0, 0), line(0, 1))
    subscription = subscribed(path)
    take(subscription)
    write(path, line(0, 0))
    with pytest.raises(TapeError, match="shorter now"):
        subscription.poll(timeout_s=0)
    subscription.close(timeout_s=0)


# --------------------------------------------------------------------------------------------- writers


def test_a_second_publisher_is_refused_while_the_first_is_open(path: Path) -> None:
    first = transport(path).publisher()
    with pytest.raises(TapeError, match="another publisher"):
        transport(path).publisher()
    first.close(timeout_s=0)
    publish(path, b"a")
    assert read_all(path) == {0: [(0, b"a")]}


KILLED = """
import os, signal, sys
from pathlib import Path
from marketlab.transports import TapeTransport
publisher = TapeTransport(Path(sys.argv[1]), topic="t", partitions=3).publisher()
for number in range(int(sys.argv[2])):
    publisher.send(b"%d" % number, key=b"K")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_publisher_leaves_a_tape_that_the_next_goes_on_with(path: Path) -> None:
    for _ in range(2):
        subprocess.run([sys.executable, "-c", KILLED, str(path), "50"], check=False, timeout=60)
    (rows,) = read_all(path).values()
    assert rows == list(enumerate([b"%d" % number for number in range(50)] * 2))


def full_after(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """Let the disk be full after this many bytes, half a record written."""
    room, real = limit, os.write

    def write(fd: int, data: bytes) -> int:
        nonlocal room
        if room <= 0:
            raise OSError(28, "No space left on device")
        written = real(fd, data[:room])
        room -= written
        return written

    monkeypatch.setattr(os, "write", write)


def test_a_full_disk_fails_the_send_and_leaves_no_half_record(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = transport(path).publisher()
    publisher.send(b"kept", key=key_for(0))
    with monkeypatch.context() as patch:
        full_after(patch, 10)
        for _ in range(2):
            with pytest.raises(TapeError, match="No space left"):
                publisher.send(b"lost", key=key_for(0))
    publisher.send(b"after", key=key_for(0))
    publisher.close(timeout_s=0)
    assert read_all(path) == {0: [(0, b"kept"), (1, b"after")]}


def test_a_disk_that_cannot_be_flushed_names_every_message(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = transport(path).publisher()
    publisher.send(b"a", key=b"K", tag=1)
    publisher.flush(timeout_s=1)
    publisher.send(b"b", key=b"K", tag=2)
    publisher.send(b"c", key=b"K", tag=3)

    def fsync(fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(DeliveryError) as failed:
        publisher.flush(timeout_s=1)
    assert [tag for tag, _ in failed.value.failures] == [2, 3]
    with pytest.raises(TapeError, match="closed"):
        publisher.send(b"d", key=b"K")


def test_a_publisher_flushes_by_itself_before_it_remembers_too_much(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketlab.transports.tape_publisher.MAX_UNFLUSHED", 10)
    synced: list[int] = []
    publisher = transport(path).publisher()
    monkeypatch.setattr(os, "fsync", synced.append)
    for _ in range(25):
        publisher.send(b"a", key=b"K")
    assert len(synced) == 2
    publisher.close(timeout_s=0)


def test_the_offset_that_the_store_wants_may_be_past_a_tape(path: Path) -> None:
    write(path, line(1, 4))
    with pytest.raises(OffsetOutOfRangeError, match=r"partition 1: offset 6 is wanted, 4 to 5 can be had"):
        subscribed(path, {1: 6})


def test_a_tape_in_a_folder_that_cannot_be_written_can_be_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, line(0, 0))

    def refuse(lock: object, *given: object, **named: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)  # the owner of everything may write to any folder
    assert read_all(path) == {0: [(0, b"v")]}


@pytest.mark.parametrize(
    "act",
    [
        lambda tape: tape.publisher(),
        lambda tape: tape.create(),
        lambda tape: TapeWriter(tape.path, topic="t", partitions=3),
        lambda tape: tape.subscribe("group"),
        lambda tape: tape.log_id,
    ],
)
def test_a_place_that_cannot_be_a_tapes_is_an_error_of_ours(path: Path, act: Callable[[TapeTransport], None]) -> None:
    path.write_text("a file", encoding="utf-8")
    with pytest.raises(TapeError, match="inside"):
        act(transport(path / "inside.jsonl"))


def test_a_tape_can_be_made_on_a_file_system_without_links(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert transport(path).create()
    publish(path, b"a")
    assert read_all(path) == {0: [(0, b"a")]}


# --------------------------------------------------------------------------------------------- recordings


def chunk(partition: int, first: int, *values: bytes | None) -> Chunk:
    count = len(values)
    return Chunk(
        partition,
        offsets=list(range(first, first + count)),
        values=list(values),
        record_times_ms=[1000 + number for number in range(count)],
        keys=[b"K"] * count,
        headers=[[("n", b"%d" % number)] for number in range(count)],
    )


@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz"])
def test_a_recording_keeps_places_times_keys_and_headers(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with TapeWriter(path, topic="t", partitions=3) as writer:
        writer.write(chunk(2, 100, b"a", None, b"\xff"))
        writer.write(chunk(0, 7, b"b"))
        writer.write(chunk(2, 200, b"c"))
        assert not path.exists()
        assert writer.count == 5
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == name.endswith(".gz")
    subscription = subscribed(path, {})
    assert transport(path).log_id == writer.log_id
    assert subscription.seek(dict.fromkeys(range(3))) == {0: 7, 1: 0, 2: 100}
    polled = subscription.poll(timeout_s=0)
    assert isinstance(polled, Messages)
    two = next(chunk for chunk in polled.chunks if chunk.partition == 2)
    assert list(two.offsets) == [100, 101, 102, 200]
    assert list(two.values) == [b"a", None, b"\xff", b"c"]
    assert list(two.record_times_ms) == [1000, 1001, 1002, 1000]
    assert list(two.keys) == [b"K"] * 4
    assert [list(headers) for headers in two.headers][1] == [("n", b"1")]
    assert take(subscription) == {}
    subscription.close(timeout_s=0)
    tape = transport(path)
    assert tape.read(2, [101, 150, 200], timeout_s=1) == {101: None, 200: b"c"}
    tape.close()
    assert [file.name for file in tmp_path.iterdir() if not file.name.startswith(".")] == [name]


def test_a_compressed_tape_is_read_from_any_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape_file, "BLOCK_BYTES", 500)
    path = tmp_path / "t.jsonl.gz"
    with TapeWriter(path, topic="t", partitions=3) as writer:
        writer.write(chunk(0, 0, *numbered(0, range(300))))
        writer.write(chunk(1, 0, *numbered(1, range(300))))
    subscription = subscribed(path, {0: 290, 1: 295})
    assert {partition: len(rows) for partition, rows in take(subscription).items()} == {0: 10, 1: 5}
    subscription.seek({0: 0})
    assert len(take(subscription)[0]) == 300
    subscription.close(timeout_s=0)


def test_a_compressed_tape_cannot_be_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl.gz"
    TapeWriter(path, topic="t", partitions=3).close()
    with pytest.raises(TapeError, match="cannot be appended to") as refused:
        transport(path).publisher()
    assert refused.value.mend == "Unpack it first: gunzip t.jsonl.gz"


@pytest.mark.parametrize("cut", [40, 3])
def test_a_compressed_tape_that_was_cut_is_damaged(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "t.jsonl.gz"
    with TapeWriter(path, topic="t", partitions=3) as writer:
        writer.write(chunk(0, 0, *numbered(0, range(3000))))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(TapeError, match="cannot be read"):
        read_all(path)


def test_a_compressed_tape_with_half_a_line_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl.gz"
    path.write_bytes(gzip.compress((HEADER + line(0, 0) + '{"partition"').encode()))
    with pytest.raises(TapeError, match="line 3: damaged"):
        read_all(path)


def test_a_recording_that_fails_leaves_nothing(path: Path) -> None:
    def fail() -> None:
        with TapeWriter(path, topic="t", partitions=3) as writer:
            writer.write(chunk(0, 0, b"a"))
            raise RuntimeError("the broker died")

    with pytest.raises(RuntimeError):
        fail()
    assert not [file for file in path.parent.iterdir() if not file.name.startswith(".")]


def test_a_recording_never_replaces_a_file_unasked(path: Path) -> None:
    write(path, line(0, 0))
    with pytest.raises(TapeError, match="wanted a new tape, found a file"):
        TapeWriter(path, topic="t", partitions=3)
    with TapeWriter(path, topic="t", partitions=3, overwrite=True) as writer:
        assert read_all(path) == {0: [(0, b"v")]}  # the old one stays whole until the new one is
    assert read_all(path) == {}
    assert transport(path).log_id == writer.log_id != "tape:abc"


def test_two_recordings_at_once_are_refused(path: Path) -> None:
    first = TapeWriter(path, topic="t", partitions=3)
    with pytest.raises(TapeError, match="somebody else"):
        TapeWriter(path, topic="t", partitions=3)
    first.discard()
    first.discard()
    TapeWriter(path, topic="t", partitions=3).close()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda writer: writer.write(chunk(3, 0, b"a")),
        lambda writer: writer.write(chunk(0, 4, b"a")),
        lambda writer: writer.write(Chunk(1, [5, 5], [b"a", b"b"], [1, 1])),
    ],
)
def test_a_recording_holds_its_input_to_the_rules_of_a_tape(path: Path, wrong: Callable[[TapeWriter], None]) -> None:
    with TapeWriter(path, topic="t", partitions=3) as writer:
        writer.write(chunk(0, 0, *[b"x"] * 5))
        with pytest.raises(ValueError, match="partition"):
            wrong(writer)
    assert len(read_all(path)[0]) == 5


def test_a_closed_recording_takes_nothing_more(path: Path) -> None:
    writer = TapeWriter(path, topic="t", partitions=3)
    writer.close()
    writer.close()
    with pytest.raises(TapeError, match="closed"):
        writer.write(chunk(0, 0, b"a"))
