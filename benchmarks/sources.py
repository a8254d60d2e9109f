"""How many ticks a second each source gives, on one core, with nothing behind it.

    python benchmarks/sources.py [--ticks 300000] [--rounds 3] [--json FILE]

Recorded formats hold the simulator's ticks, but for the capture, in which two of three messages are no trades (rows a
second is then what tells). The best round counts: whatever else the machine does only ever makes a round slower.
"""

from __future__ import annotations

import argparse
import gzip
import json
import platform
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from marketlab.model import Tick
from marketlab.ports import Source
from marketlab.sources import Replay, Simulator, Uniform, simulated_clock
from marketlab.wire import encode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--ticks", type=int, default=300_000, help="ticks that each source gives (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the best counts (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    figures = {}
    print(f"Python {platform.python_version()}, {platform.machine()}, {arguments.ticks:,} ticks a source")
    print(f"{'source':<16}{'ticks/s':>12}{'rows/s':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for name, source in sources(Path(folder), arguments.ticks):
            seconds = min(drain(source, arguments.ticks) for _ in range(arguments.rounds))
            rows = arguments.ticks + source.skipped.total()
            figures[name] = {"ticks_per_s": round(arguments.ticks / seconds), "rows_per_s": round(rows / seconds)}
            print(f"{name:<16}{figures[name]['ticks_per_s']:>12,}{figures[name]['rows_per_s']:>12,}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


def drain(source: Source, count: int) -> float:
    """Seconds that a source takes to give so many ticks."""
    begin = time.perf_counter()
    taken = sum(1 for _ in islice(source, count))
    seconds = time.perf_counter() - begin
    if taken != count:
        raise SystemExit(f"{source.describe()}: {count:,} ticks were wanted, {taken:,} came")
    return seconds


def sources(folder: Path, count: int) -> Iterator[tuple[str, Source]]:
    """Every source, ready to give so many ticks."""
    yield "simulator", Simulator(clock=simulated_clock())
    yield "uniform", Uniform(clock=simulated_clock())
    ticks = list(islice(Simulator(clock=simulated_clock()), count))
    table = lines(ticks, lambda tick: f"{tick.timestamp!r},{tick.symbol},{tick.price!r}", head="timestamp,symbol,price")
    yield "CSV", Replay(written(folder / "ticks.csv", table))
    yield (
        "CSV, ISO times",
        Replay(
            written(
                folder / "iso.csv",
                lines(
                    ticks,
                    lambda tick: f"{iso(tick.timestamp)},{tick.symbol},{tick.price!r}",
                    head="timestamp,symbol,price",
                ),
            )
        ),
    )
    yield "CSV, gzip", Replay(written(folder / "ticks.csv.gz", gzip.compress(table, 6)))
    with zipfile.ZipFile(folder / "ticks.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ticks.csv", table)
    yield "CSV, zip", Replay(folder / "ticks.zip")
    quotes = lines(
        ticks, lambda tick: f"{tick.timestamp!r},{tick.price!r},{tick.price + 0.02:.2f}", head="timestamp,bid,ask"
    )
    yield "CSV, quotes", Replay(written(folder / "quotes.csv", quotes), symbol="EUR/USD")
    yield "JSON Lines", Replay(written(folder / "ticks.jsonl", lines(ticks, lambda tick: encode(tick).decode())))
    yield "capture", Replay(written(folder / "capture.txt", lines(ticks, capture)))
    header = '{"format":"marketlab-tape","version":1,"topic":"stock-ticks","partitions":1,"tape":"benchmark"}'
    yield "tape", Replay(written(folder / "tape.jsonl", lines(ticks, record, head=header)))
    if find_spec("pyarrow"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = {name: [getattr(tick, name) for tick in ticks] for name in ("timestamp", "symbol", "price")}
        pq.write_table(pa.table(columns), folder / "ticks.parquet")
        yield "Parquet", Replay(folder / "ticks.parquet")


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def lines(ticks: Iterable[Tick], row: Callable[[Tick], str], *, head: str | None = None) -> bytes:
    return "\n".join([*([head] if head else []), *map(row, ticks), ""]).encode()


def iso(timestamp: float) -> str:
    seconds, fraction = divmod(round(timestamp * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{fraction:03}Z"


def capture(tick: Tick) -> str:
    stamp = round(tick.timestamp * 1e9)
    trade = {"e": "trade", "s": tick.symbol, "p": f"{tick.price:.8f}", "q": "0.5", "T": round(tick.timestamp * 1e3)}
    book = {"u": 1, "s": tick.symbol, "b": f"{tick.price:.8f}", "B": "3.78826000", "a": "61837.64000000", "A": "1.5"}
    best = json.dumps({"stream": "x@bookTicker", "data": book}, separators=(",", ":"))
    return (
        f"{stamp} {best}\n{stamp} "
        + json.dumps({"stream": "x@trade", "data": trade}, separators=(",", ":"))
        + f"\n{stamp} {best}"
    )


def record(tick: Tick) -> str:
    value = encode(tick).decode()
    return json.dumps(
        {"partition": 0, "offset": 0, "key": tick.symbol, "value": value, "timestamp_ms": round(tick.timestamp * 1000)},
        separators=(",", ":"),
    )


if __name__ == "__main__":
    main()
