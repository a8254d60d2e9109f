"""How late a tick is durable, and how soon a killed consumer is back.

    python benchmarks/latency.py --rate 1000 --seconds 20 --kills 5

The first part times each tick from its making in the producer's process to the return of the commit that holds it.
The second kills the consumer of a running `marketlab up` with SIGKILL and times the first new row after it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from marketlab.consumer import Consumer
from marketlab.model import Batch
from marketlab.settings import Settings, load_settings
from marketlab.wiring import group, open_reader, open_store, open_transport, rule


def start(settings: Settings, *arguments: str) -> subprocess.Popen[bytes]:
    """A command of marketlab as a process."""
    command = [sys.executable, "-m", "marketlab", "--home", str(settings.home), *arguments, "--json"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def latency(settings: Settings, *, rate: int, seconds: int) -> None:
    """Time every tick; the first two seconds, in which things warm up, are left out."""
    late: list[float] = []
    stop = threading.Event()

    def listener(batch: Batch) -> None:
        now = time.time()
        late.extend(now - row[3] for row in batch.rows)

    with open_transport(settings) as log, open_store(settings) as store:
        producer = start(settings, "produce", "--rate", str(rate), "--for", f"{seconds + 2}s")
        threading.Thread(target=lambda: (producer.wait(), stop.set()), daemon=True).start()
        Consumer(
            lambda: log.subscribe(group(settings)), store, log=log.log_id, rule=rule(settings), listeners=[listener]
        ).run(stop)
    late = sorted(late[2 * rate :])
    at = [late[int(len(late) * share)] * 1000 for share in (0.5, 0.9, 0.99)]
    print(f"send to durable at {rate:,}/s: p50 {at[0]:.1f}, p90 {at[1]:.1f}, p99 {at[2]:.1f} ms ({len(late):,} ticks)")


def stored(settings: Settings) -> int:
    """Rows so far."""
    with open_reader(settings) as reader:
        return sum(book.counts.stored for book in reader.partition_books())


def until(settings: Settings, more_than: int) -> float:
    """Wait for more rows than this; the moment at which they were there."""
    end = time.monotonic() + 60
    while stored(settings) <= more_than:
        if time.monotonic() > end:
            raise SystemExit("no new row within 60 s")
        time.sleep(0.005)
    return time.monotonic()


def recovery(settings: Settings, *, kills: int) -> None:
    """Kill the consumer again and again."""
    up = start(settings, "up", "--rate", "200", "--port", "0")
    took = []
    try:
        for _ in range(kills):
            until(settings, stored(settings) + 600)
            consumer = next(child for child in psutil.Process(up.pid).children() if "consume" in child.cmdline())
            os.kill(consumer.pid, 9)
            with contextlib.suppress(psutil.NoSuchProcess):
                consumer.wait(5)
            killed = time.monotonic()
            took.append(until(settings, stored(settings)) - killed)
    finally:
        up.terminate()
        up.wait()
    took.sort()
    print(f"kill -9 to first new row: median {took[len(took) // 2]:.2f} s, worst {took[-1]:.2f} s of {len(took)}")


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--kills", type=int, default=5)
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="marketlab-bench-"))
    try:
        latency(load_settings(home=home / "latency"), rate=given.rate, seconds=given.seconds)
        recovery(load_settings(home=home / "recovery"), kills=given.kills)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
