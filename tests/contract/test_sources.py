"""What every source owes, seeded or recorded."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from itertools import islice, zip_longest
from pathlib import Path

import msgspec
import pytest

from marketlab.model import Tick
from marketlab.ports import Source
from marketlab.sources import Replay, Simulator, Uniform, simulated_clock
from marketlab.transports import tape_format
from marketlab.wire import decode, encode
from tests.support import require

T = 1723161254
COUNT = 300
CSV = "timestamp,symbol,price,size\n" + "".join(
    f"{T + row},S{row % 3},{row + 1}.5,{row % 2 or ''}\n" for row in range(COUNT)
)
QUOTES = "timestamp,bid,ask\n" + "".join(f"{T + row},1.{row + 100},1.{row + 102}\n" for row in range(COUNT))
BARS = "timestamp,open,high,low,close\n" + "".join(f"{T + 60 * row},1,1,1,{row + 1}\n" for row in range(COUNT))


def written(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def json_lines(folder: Path) -> Source:
    rows = ({"symbol": f"S{row % 3}", "price": row + 0.5, "timestamp": T + row} for row in range(COUNT))
    return Replay(written(folder / "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows)))


def capture(folder: Path) -> Source:
    def line(row: int) -> str:
        data = {"e": "trade", "s": "BTCUSDT", "p": f"{row + 1}", "q": "0.5", "T": T * 1000 + row}
        return f'{T * 10**9} {{"stream":"btcusdt@trade","data":{json.dumps(data)}}}\n{T * 10**9} {{"lastUpdateId":1}}\n'

    return Replay(written(folder / "a.gz", gzip.compress("".join(map(line, range(COUNT))).encode())))


def tape(folder: Path) -> Source:
    lines = [tape_format.encode_header(tape_format.new_header(topic="stock-ticks", partitions=3))]
    for row, tick in enumerate(islice(Simulator(clock=simulated_clock()), COUNT)):
        value = encode(msgspec.structs.replace(tick, seq=row + 1, run="r"))
        record = tape_format.to_record(
            partition=0, offset=row, key=b"k", value=value, timestamp_ms=int(tick.timestamp * 1000)
        )
        lines.append(msgspec.json.encode(record) + b"\n")
    return Replay(written(folder / "a.tape", b"".join(lines)))


def zipped(folder: Path) -> Source:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", QUOTES)
    return Replay(written(folder / "a.zip", data.getvalue()), symbol="EUR/USD")


def parquet(folder: Path) -> Source:
    require(find_spec("pyarrow"), "pyarrow is not installed (the extra parquet)")
    import pyarrow as pa
    import pyarrow.parquet as pq

    stamps = pa.array([T * 1000 + row for row in range(COUNT)]).cast(pa.timestamp("ms"))
    pq.write_table(pa.table({"timestamp": stamps, "price": [row + 0.5 for row in range(COUNT)]}), folder / "a.parquet")
    return Replay(folder / "a.parquet", symbol="X")


SOURCES: dict[str, Callable[[Path], Source]] = {
    "simulator": lambda _: Simulator(clock=simulated_clock()),
    "simulator of other symbols": lambda _: Simulator(seed=7, symbols=["BCH/EUR", "x"], clock=simulated_clock()),
    "uniform": lambda _: Uniform(clock=simulated_clock()),
    "csv": lambda folder: Replay(written(folder / "a.csv", CSV)),
    "csv.gz": lambda folder: Replay(written(folder / "a.csv.gz", gzip.compress(CSV.encode()))),
    "zip of quotes": zipped,
    "bars": lambda folder: Replay(written(folder / "a.csv", BARS), symbol="GBP/USD"),
    "json lines": json_lines,
    "capture": capture,
    "tape": tape,
    "parquet": parquet,
}


@pytest.fixture(params=sorted(SOURCES))
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    return SOURCES[request.param](tmp_path)


def first(source: Source) -> list[Tick]:
    return list(islice(source, COUNT))


def test_ticks_are_valid_on_the_wire_and_come_back_as_they_were(source: Source) -> None:
    ticks = first(source)
    assert len(ticks) == COUNT
    for tick in ticks:
        assert decode(encode(tick), tick.timestamp) == tick


def test_ticks_have_neither_run_nor_sequence(source: Source) -> None:
    assert {(tick.run, tick.seq) for tick in first(source)} == {("", None)}


def test_iterating_again_starts_afresh_byte_for_byte(source: Source) -> None:
    ticks = first(source)
    skipped = dict(source.skipped)
    assert list(map(encode, first(source))) == list(map(encode, ticks))
    assert dict(source.skipped) == skipped


def test_leaving_off_early_leaves_nothing_behind(source: Source) -> None:
    # An open file that is only collected as garbage warns, and warnings are errors.
    for _ in range(3):
        ticks = iter(source)
        assert isinstance(next(ticks), Tick)
        ticks.close()  # type: ignore[attr-defined]
    assert len(first(source)) == COUNT


def test_recordings_say_so_and_end(source: Source) -> None:
    assert source.recorded == isinstance(source, Replay)
    ticks = iter(source)
    taken = sum(1 for _ in islice(ticks, COUNT))
    assert (taken, next(ticks, None) is None) == (COUNT, source.recorded)


def test_every_source_describes_itself_in_one_line(source: Source) -> None:
    text = source.describe()
    assert text
    assert "\n" not in text
    assert text == source.describe()


def test_two_sources_made_alike_give_the_same_ticks(tmp_path: Path) -> None:
    for make in SOURCES.values():
        pairs = zip_longest(islice(make(tmp_path), 100), islice(make(tmp_path), 100))
        assert all(one == other for one, other in pairs)
