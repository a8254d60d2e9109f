"""How fast the SQLite store takes batches and answers questions, without a broker and without analytics.

    python benchmarks/store.py [--ticks 1000000] [--json]

Each scenario runs in a process and on a database of its own. Rates are of `commit` alone, from the median batch and
over all of them; the batches are made beforehand, a few hundred thousand ticks at a time. Beside them stands the bare
insert of the same rows (no books, no state, no chain), for figures compare only within one run on one machine.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw

from marketlab.digest import digest
from marketlab.model import Alert, Batch, Counts, Rule, StreamKey, StreamState
from marketlab.ports import PostedTick
from marketlab.store import SqliteReader, SqliteStore

LOG = "kafka:MkU3OEVBNTcwNTJENDM2Qg/J3vVTnJzQ2CFZx0b3p9hTw"
RUN = "20261123-190000-5f3a"
PARTITIONS = 3

#: name → (symbols, messages a batch, share of ticks that alert)
SCENARIOS = {
    "100 symbols": (100, 5_000, 0.0),
    "5,000 symbols": (5_000, 5_000, 0.0),
    "100 symbols, 1 % alerts": (100, 5_000, 0.01),
    "100 symbols, 95 % alerts": (100, 5_000, 0.95),
    "100 symbols, batches of 50": (100, 50, 0.0),
}

#: Reads the whole table again and again, as a notebook without a LIMIT does.
SLOW_READER = """
import sqlite3, sys
print("reading", flush=True)
while True:
    connection = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
    connection.execute("SELECT avg(price), sum(length(symbol)) FROM ticks").fetchone()
    connection.close()
"""


class Batches:
    """Makes batches as the engine would, of random walks; deterministic."""

    def __init__(self, *, symbols: int, size: int, alerting: float) -> None:
        self._random = random.Random(1)
        self._size = size
        self._alerting = alerting
        self._offsets = [0] * PARTITIONS
        self._states = []
        rule = Rule()
        for number in range(symbols):
            key = StreamKey(LOG, number % PARTITIONS, RUN, f"SYM{number:04d}")
            self._states.append(
                StreamState(key, rule, window=deque(maxlen=5), window_offsets=deque(maxlen=5), newest=1.7e9)
            )

    def make(self) -> Batch:
        """The next batch."""
        batch = Batch(LOG, counts={partition: Counts() for partition in range(PARTITIONS)})
        for _ in range(self._size):
            self._add(batch, self._random.choice(self._states))
        batch.next_offsets = dict(enumerate(self._offsets))
        return batch

    def _add(self, batch: Batch, state: StreamState) -> None:
        key = state.key
        offset = self._offsets[key.partition]
        self._offsets[key.partition] += 1
        price = round(100 + self._random.random() * 10, 2)
        timestamp = state.newest = state.newest + 0.1
        state.ordinal += 1
        state.stored += 1
        state.highest_seq += 1
        state.window.append(price)
        state.window_offsets.append(offset)
        text, change = None, price / 100 - 1
        if self._random.random() < self._alerting:
            text = f"⚠️ {key.symbol} changed by {change:.2f}%"
            batch.alerts.append(
                Alert(
                    key.symbol, text, price, 100.0, change, price, timestamp, state.rule, LOG, key.partition, offset,
                    offset, tuple(state.window), tuple(state.window_offsets), RUN, state.highest_seq, state.ordinal,
                )
            )  # fmt: skip
        batch.rows.append(
            (state, state.ordinal, price, timestamp, 1.5, price, change, text, False, state.highest_seq, offset)
        )
        batch.streams[key] = state
        counts = batch.counts[key.partition]
        counts.received += 1
        counts.stored += 1


def commits(folder: Path, *, ticks: int, symbols: int, size: int, alerting: float) -> dict[str, float]:
    """Ticks a second through commit, and what it weighs."""
    batches = Batches(symbols=symbols, size=size, alerting=alerting)
    seconds: list[float] = []
    with SqliteStore(folder / "marketlab.db") as store:
        idle = _resident_mb()
        positions = store.claim(LOG, range(PARTITIONS))
        left = ticks // size
        while left:
            # States change in place, so a batch is committed as soon as it is made.
            batch = batches.make()
            gc.collect(0)
            began = time.perf_counter()
            positions |= store.commit(batch, expected=positions)
            seconds.append(time.perf_counter() - began)
            left -= 1
        heavy = _resident_mb()
    rows = len(seconds) * size
    return {
        "ticks_s_median": size / statistics.median(seconds),
        "ticks_s_all": rows / sum(seconds),
        "worst_ms": max(seconds) * 1e3,
        "bytes_a_tick": (folder / "marketlab.db").stat().st_size / rows,
        "grown_mb": heavy - idle,
    }


def bare(folder: Path, *, ticks: int) -> dict[str, float]:
    """The same rows, inserted one a statement by nothing but apsw."""
    seconds = []
    connection = apsw.Connection(str(folder / "bare.db"))
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.execute(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b REAL, c REAL, d TEXT, e REAL, f REAL, g REAL, h INTEGER,"
        " i INTEGER, j INTEGER, k INTEGER, l INTEGER, m INTEGER, n INTEGER) STRICT"
    )
    insert = f"INSERT INTO t VALUES (NULL, {', '.join('?' * 14)})"
    for first in range(0, ticks, 5_000):
        rows = [
            (f"SYM{n % 100:04d}", 100 + n % 7 / 7, 101.5, None, 1.7e9 + n, 1.5, n % 9 / 9, n, n % 3, n, 0, n, 7, n)
            for n in range(first, first + 5_000)
        ]
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(insert, rows)
        connection.execute("COMMIT")
        seconds.append(time.perf_counter() - began)
    connection.close()
    return {"ticks_s_median": 5_000 / statistics.median(seconds), "ticks_s_all": ticks / sum(seconds)}


def questions(folder: Path, *, ticks: int) -> dict[str, float]:
    """What an answer takes on a database of so many ticks, the best of several tries."""
    commits(folder, ticks=ticks, symbols=100, size=5_000, alerting=0.01)
    with SqliteReader(folder / "marketlab.db") as reader:
        before = reader.history("SYM0042", limit=1000)[-1].id
        asked: dict[str, Callable[[], Any]] = {
            "latest": reader.latest,
            "history_50": lambda: reader.history("SYM0042", limit=50),
            "history_1000": lambda: reader.history("SYM0042", limit=1000),
            "history_50_before": lambda: reader.history("SYM0042", limit=50, before=before),
            "alerts_100": lambda: reader.alerts(limit=100),
            "alerts_100_of_symbol": lambda: reader.alerts(limit=100, symbol="SYM0042"),
            "largest_move": reader.largest_move,
            "changes": reader.changes,
            "partition_books": reader.partition_books,
            "stream_books": lambda: list(reader.stream_books()),
        }
        figures = {f"{name}_ms": _best(ask) * 1e3 for name, ask in asked.items()}
        before_mb = _resident_mb()
        began = time.perf_counter()
        digest(reader.digest_rows(RUN, log=LOG), rules=reader.rules(RUN, log=LOG))
        figures["digest_us_a_tick"] = (time.perf_counter() - began) / ticks * 1e6
        figures["digest_grown_mb"] = _resident_mb() - before_mb
    return figures


def many_symbols(folder: Path, *, ticks: int) -> dict[str, float]:
    """What following 5,000 symbols takes: from nothing, after a commit of 100 ticks, with nothing new, and by id."""
    database = folder / "marketlab.db"
    commits(folder, ticks=min(ticks, 200_000), symbols=5_000, size=5_000, alerting=0.0)
    with SqliteReader(database) as reader:
        newest = max(record.id for record in reader.latest())
        figures = {
            "latest_ms": _best(reader.latest) * 1e3,
            "latest_since_newest_ms": _best(lambda: reader.latest(since=newest)) * 1e3,
            "records_after_1000_ms": _best(lambda: reader.records_after(newest - 1000, limit=1000)) * 1e3,
            "changes_ms": _best(reader.changes) * 1e3,
        }
        after = []
        with SqliteStore(database) as store:
            for second in range(10):
                store.post([PostedTick(f"SYM{number:04d}", 100.0, 1.0 + second) for number in range(100)])
                began = time.perf_counter()
                reader.latest()
                after.append(time.perf_counter() - began)
    figures["latest_after_100_changed_ms"] = min(after) * 1e3

    def anew() -> None:
        with SqliteReader(database) as fresh:
            fresh.latest()

    return {**figures, "latest_first_ms": _best(anew) * 1e3}


def beside_a_slow_reader(folder: Path, *, ticks: int) -> dict[str, float]:
    """How large the write-ahead log becomes while somebody reads the whole table without a pause."""
    database = folder / "marketlab.db"
    batches = Batches(symbols=100, size=5_000, alerting=0.0)
    largest, seconds = 0, []
    with SqliteStore(database) as store:
        positions = store.claim(LOG, range(PARTITIONS))
        command = [sys.executable, "-c", SLOW_READER, str(database)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
            assert reader.stdout is not None
            reader.stdout.readline()
            for _ in range(ticks // 5_000):
                batch = batches.make()
                began = time.perf_counter()
                positions |= store.commit(batch, expected=positions)
                seconds.append(time.perf_counter() - began)
                largest = max(largest, (folder / "marketlab.db-wal").stat().st_size)
            reader.kill()
    return {
        "wal_mb_at_most": largest / 1e6,
        "ticks_s_median": 5_000 / statistics.median(seconds),
        "worst_ms": max(seconds) * 1e3,
    }


def _best(ask: Callable[[], Any], *, tries: int = 30) -> float:
    def once() -> float:
        began = time.perf_counter()
        ask()
        return time.perf_counter() - began

    return min(once() for _ in range(tries))


def _resident_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _scenario(name: str, ticks: int, folder: Path) -> dict[str, float]:
    if name == "bare insert":
        return bare(folder, ticks=ticks)
    if name == "questions":
        return questions(folder, ticks=ticks)
    if name == "5,000 symbols followed":
        return many_symbols(folder, ticks=ticks)
    if name == "beside a slow reader":
        return beside_a_slow_reader(folder, ticks=ticks)
    symbols, size, alerting = SCENARIOS[name]
    return commits(folder, ticks=ticks if size > 100 else ticks // 10, symbols=symbols, size=size, alerting=alerting)


def _in_a_process(name: str, ticks: int) -> dict[str, float]:
    """One scenario alone, so that its memory is its own."""
    command = [sys.executable, __file__, "--ticks", str(ticks), "--only", name, "--json"]
    output = subprocess.run(command, check=True, capture_output=True, env=os.environ).stdout
    result: dict[str, dict[str, float]] = json.loads(output)
    return result[name]


def _figures(names: list[str], ticks: int) -> Iterator[tuple[str, dict[str, float]]]:
    for name in names:
        yield name, _in_a_process(name, ticks)


def main() -> None:
    """Run the scenarios and print what was measured."""
    names = ["bare insert", *SCENARIOS, "questions", "5,000 symbols followed", "beside a slow reader"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=1_000_000)
    parser.add_argument("--only", choices=names, help="one scenario, in this process")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.only:
        with tempfile.TemporaryDirectory(prefix="marketlab-bench-") as folder:
            results = {given.only: _scenario(given.only, given.ticks, Path(folder))}
        print(json.dumps(results))
        return
    results = {}
    for name, figures in _figures(names, given.ticks):
        results[name] = figures
        if not given.json:
            print(
                name,
                *(f"  {key:24} {value:>12,.{0 if value > 100 else 3}f}" for key, value in figures.items()),
                sep="\n",
            )
    if given.json:
        print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
