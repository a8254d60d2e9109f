"""Replay of files that are cut off, damaged, packed in other ways or no files at all: nothing is lost silently."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import random
import tracemalloc
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketlab.errors import SourceError
from marketlab.model import Tick
from marketlab.sources import Replay
from marketlab.sources.opening import CHUNK_BYTES, TextFile

T = 1723161254
HEADER = "timestamp,symbol,price\n"


def write(folder: Path, data: bytes, name: str = "ticks.csv") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def rows(count: int) -> bytes:
    return (HEADER + "".join(f"{T + row},AAPL,{100 + row % 7}.25\n" for row in range(count))).encode()


def until_damage(replay: Replay) -> tuple[list[Tick], SourceError]:
    ticks: list[Tick] = []
    with pytest.raises(SourceError) as refused:
        ticks.extend(replay)  # what came before the error stays in the list
    return ticks, refused.value


@pytest.mark.parametrize("count", [50, 20_000])
def test_a_gz_file_that_is_cut_off_gives_every_whole_row_and_then_says_where(tmp_path: Path, count: int) -> None:
    plain = rows(count)
    packed = gzip.compress(plain, mtime=0)
    path = write(tmp_path, packed[: len(packed) * 2 // 3], "ticks.csv.gz")
    replay = Replay(path)
    ticks, error = until_damage(replay)
    assert 0 < len(ticks) < count
    assert [tick.timestamp for tick in ticks] == [float(T + row) for row in range(len(ticks))]
    assert f"cut off after line {len(ticks) + 1:,}" in error.message  # the header is a line too
    assert "ticks.csv.gz" in error.message
    # The row in which the data end is not read, however whole it looks.
    recovered = _decompressed(path)
    assert len(ticks) == recovered.count(b"\n") - 1
    assert replay.skipped == ({"truncated": 1} if not recovered.endswith(b"\n") else {})


def _decompressed(path: Path) -> bytes:
    return zlib.decompressobj(wbits=31).decompress(path.read_bytes())


def test_a_gz_file_with_a_flipped_bit_is_found_out(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(rows(200), mtime=0))
    packed[-6] ^= 1  # in the checksum: every row is there, and yet nobody knows whether they are right
    ticks, error = until_damage(Replay(write(tmp_path, bytes(packed), "ticks.gz")))
    assert len(ticks) == 200
    assert "CRC check failed" in error.message
    assert error.mend


def test_a_zip_file_with_damaged_data_is_found_out(tmp_path: Path) -> None:
    data = archive_of(ticks_csv=rows(20_000)).replace(b"106.25", b"906.25", 1)
    ticks, error = until_damage(Replay(write(tmp_path, data, "ticks.zip")))
    assert "Bad CRC-32" in error.message
    assert 0 < len(ticks) < 20_000
    assert f"after line {len(ticks) + 1:,}" in error.message


def archive_of(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "."), data)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (archive_of(a_csv=rows(2), b_csv=rows(2)), r"one file inside was wanted, 2 were found: a\.csv, b\.csv"),
        (archive_of(), "empty zip archive"),
        (archive_of(a_csv=rows(2))[:-30], "zip archive that is damaged or cut off"),
        (archive_of(a_zip=archive_of(a_csv=rows(2))), "an archive inside zip"),
        (gzip.compress(gzip.compress(rows(2))), "an archive inside gzip"),
        (gzip.compress(rows(2))[:5], "cannot be opened"),
        (gzip.compress(b""), "is empty"),
        (b"\x28\xb5\x2f\xfd1234", r"zstd-compressed.*\n.*zstd -d"),
        (b"BZh91AY", "bzip2-compressed"),
        (b"\xfd7zXZ\x00", "xz-compressed"),
        (HEADER.encode("utf-16"), "UTF-16 text"),
        (b"\x7fELF\x00\x01\x02", "not text"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_kind(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message) as refused:
        Replay(write(tmp_path, data, "ticks.dat"))
    assert refused.value.mend


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    data = bytearray(archive_of(a_csv=rows(2)))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + at] |= 1  # the flag that says so
    with pytest.raises(SourceError, match=r"a\.csv is encrypted"):
        Replay(write(tmp_path, bytes(data), "ticks.zip"))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="a file was wanted, nothing is there"):
        Replay(tmp_path / "nowhere.csv")
    with pytest.raises(SourceError, match="a file was wanted, a folder is there"):
        Replay(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="a file was wanted, no regular file is there"):
        Replay(tmp_path / "pipe")


def test_a_file_that_vanishes_after_the_plan_is_an_error_and_not_an_empty_replay(tmp_path: Path) -> None:
    path = write(tmp_path, rows(3))
    replay = Replay(path)
    path.unlink()
    with pytest.raises(SourceError, match=r"ticks\.csv"):
        list(replay)


def test_a_line_beyond_all_measure_is_counted_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketlab.sources.opening.MAX_LINE_BYTES", 2 * CHUNK_BYTES)
    overlong = b"9" * (4 * CHUNK_BYTES)
    data = rows(2) + overlong + b"\n" + rows(2).removeprefix(HEADER.encode()) + overlong
    replay = Replay(write(tmp_path, data))
    assert len(list(replay)) == 4
    assert replay.skipped == {"too_long": 2}


@given(
    lines=st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=30),
    ended=st.booleans(),
    chunk=st.integers(1, 40),
)
def test_lines_do_not_depend_on_how_the_bytes_arrive(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], ended: bool, chunk: int
) -> None:
    data = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    if b"\n" not in data:
        data = data.replace(b"\r", b"")  # old files end their lines with it
    path = write(tmp_path_factory.mktemp("lines"), data)
    expected = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    expected = expected[:-1] if not expected[-1] else expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marketlab.sources.opening.CHUNK_BYTES", max(chunk, len(data.split(b"\n")[0]) + 4))
        assert list(TextFile(path).lines(Counter())) == expected


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        path = write(tmp_path, gzip.compress(rows(count), compresslevel=1), f"{count}.csv.gz")
        replay = Replay(path)
        tracemalloc.start()
        try:
            assert sum(1 for _ in replay) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small, large = peak(20_000), peak(100_000)
    assert large < small * 1.5


GOOD: dict[str, bytes] = {
    "csv": rows(30),
    "quotes": b"timestamp;bid;ask\n" + b"".join(b"%d;1.5;1.6\n" % (T + row) for row in range(30)),
    "jsonl": b"".join(
        json.dumps({"symbol": "AAPL", "price": 1.5, "timestamp": T + row}).encode() + b"\n" for row in range(30)
    ),
    "capture": b"".join(
        b'%d {"stream":"x@trade","data":{"e":"trade","s":"X","p":"1.5","q":"1","T":%d}}\n' % (T * 10**9, T * 10**3)
        for row in range(30)
    ),
    "tape": b'{"format":"marketlab-tape","version":1,"topic":"t","partitions":1,"tape":"x"}\n'
    + b"".join(
        b'{"partition":0,"offset":%d,"value":"{\\"symbol\\":\\"X\\",\\"price\\":1,\\"timestamp\\":%d}","timestamp_ms":%d}\n'
        % (row, T, T * 1000)
        for row in range(30)
    ),
}


def _mutations(data: bytes, seed: int) -> Iterator[bytes]:
    draw = random.Random(seed)
    for _ in range(30):
        changed = bytearray(data)
        for _ in range(draw.randint(1, 12)):
            at = draw.randrange(len(changed))
            kind = draw.randrange(4)
            if kind == 0:
                changed[at] = draw.randrange(256)
            elif kind == 1:
                del changed[at : at + draw.randint(1, 40)]
            elif kind == 2:
                changed[at:at] = draw.choice(
                    [b"\n", b'"', b",", b"\r\n", b"\xff", b"{", b"e999", b"nan", b"-", b"9" * 40]
                )
            else:
                changed[at:at] = changed[draw.randrange(len(changed)) :][:60]
            if not changed:
                changed = bytearray(b"\n")
        yield bytes(changed)


@pytest.mark.parametrize("form", sorted(GOOD))
@pytest.mark.parametrize("seed", range(6))
def test_mutated_files_raise_nothing_but_source_errors_and_every_line_is_accounted_for(
    tmp_path: Path, form: str, seed: int
) -> None:
    accounted = 0
    for data in _mutations(GOOD[form], seed):
        path = write(tmp_path, data)
        try:
            replay = Replay(path, symbol="EUR/USD" if form == "quotes" else None)
            ticks = list(replay)
        except SourceError:
            continue
        assert all(tick.symbol and 0 < tick.price < 1e12 and 0 < tick.timestamp < 1e11 for tick in ticks)
        lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        count = len(lines) - (not lines[-1])
        first_rows = {"csv": 1, "quotes": 1, "tape": 1}.get(form, 0)
        assert len(ticks) + replay.skipped.total() == count - first_rows
        accounted += 1
    assert accounted >= 5  # most mutations leave a file that can be read


@settings(max_examples=200)
@given(
    data=st.binary(max_size=200), said=st.sampled_from([{}, {"symbol": "X", "columns": {"timestamp": 0, "price": 1}}])
)
def test_no_bytes_raise_anything_but_a_source_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, said: dict[str, object]
) -> None:
    path = write(tmp_path_factory.mktemp("bytes"), data)
    with contextlib.suppress(SourceError):
        assert all(isinstance(tick, Tick) for tick in Replay(path, **said))  # type: ignore[arg-type]
