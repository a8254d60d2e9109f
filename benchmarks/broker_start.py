"""How long until the managed broker gives its first message, and what it weighs.

    python benchmarks/broker_start.py [--rounds 5] [--json]

Every round is a new Python process and a new home, for that is what a person waits for: from the start of the
interpreter to the first message that a consumer group has read. The jars are there; the network is not part of it.
Python's modules are compiled before the first round, as an installer leaves them.

Measured on 2026-11-23 with Kafka 4.4.0, Java 25.0.2, x86-64, 2 cores; medians of 5 rounds at real-time priority
(``chrt -r 5``), for the machine was busy with other work:

======================================  ==========
nothing to first message, no AOT cache  3.3 s
nothing to first message, warm          1.8 s
start, new data folder                  1.2 s
start, data from before                 1.1 s
start after kill -9                     2.6 s
join a running broker                   0.01 s
stop                                    0.3 s
memory of the JVM, of the keeper        155, 13 MB
======================================  ==========
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from marketlab.broker import ManagedBroker
from marketlab.broker.jars import kafka_version
from marketlab.broker.locks import held_by
from marketlab.broker.runtime import java

FIRST_MESSAGE = """
import sys
from pathlib import Path
from marketlab.broker import ManagedBroker
with ManagedBroker(Path(sys.argv[1]), aot=sys.argv[2] == "aot").acquire() as lease:
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
    servers = lease.bootstrap_servers
    admin = KafkaAdminClient(bootstrap_servers=servers)
    admin.create_topics({"t": {"num_partitions": 3}}, wait_for_metadata=True)
    producer = KafkaProducer(bootstrap_servers=servers)
    producer.send("t", b"tick")
    consumer = KafkaConsumer("t", bootstrap_servers=servers, group_id="g", auto_offset_reset="earliest")
    next(consumer)
    print("consumed", flush=True)
    for client in (consumer, producer, admin):
        client.close()
"""


def first_message(home: Path, *, aot: bool, compiled: Path) -> float:
    """Seconds from the start of a process to the first message it has consumed.

    :param compiled: where Python keeps its compiled modules
    """
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPYCACHEPREFIX"] = str(compiled)
    began = time.perf_counter()
    command = [sys.executable, "-c", FIRST_MESSAGE, str(home), "aot" if aot else "cold"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        took = time.perf_counter() - began
    if said != "consumed\n" or process.returncode:
        sys.exit(f"the round failed with exit code {process.returncode}")
    return took


def acquire(broker: ManagedBroker) -> float:
    """Seconds that ``acquire`` takes; the lease is left to the caller's process."""
    began = time.perf_counter()
    broker.acquire()
    return time.perf_counter() - began


def one_home(home: Path) -> dict[str, float]:
    """Start on a new folder, on one with data, join, crash and stop, in this process."""
    figures = {}
    broker = ManagedBroker(home)
    figures["start, new data folder"] = acquire(broker)
    figures["join a running broker"] = acquire(broker)
    figures["memory of the JVM, MB"] = (broker.status().rss or 0) / 1e6
    figures["memory of the keeper, MB"] = psutil.Process(held_by(broker.rooms.keeper_lock)).memory_info().rss / 1e6
    figures["stop"] = timed(lambda: broker.stop(force=True))
    figures["start, data from before"] = acquire(broker)
    os.kill(broker.status().pid or 0, signal.SIGKILL)
    while broker.status().pid is not None:
        time.sleep(0.001)
    figures["start after kill -9"] = acquire(broker)
    broker.stop(force=True)
    return figures


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    ManagedBroker(Path()).install()
    rows: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="broker-start-") as folder:
        compiled = Path(folder) / "compiled"
        first_message(Path(folder) / "compile", aot=True, compiled=compiled)
        for number in range(options.rounds):
            home = Path(folder) / str(number)
            figures = {
                "nothing to first message, no AOT cache": first_message(home / "cold", aot=False, compiled=compiled),
                "nothing to first message, warm": first_message(home / "warm", aot=True, compiled=compiled),
                **one_home(home / "one"),
            }
            for name, value in figures.items():
                rows.setdefault(name, []).append(value)
    if options.json:
        print(json.dumps({"kafka": kafka_version(), "java": str(java_version()), "seconds": rows}))
        return
    print(f"Kafka {kafka_version()}, Java {java_version()}, {platform.machine()}, {os.cpu_count()} cores,")
    print(f"load {os.getloadavg()[0]:.1f}, {options.rounds} rounds; seconds unless said otherwise\n")
    print(f"{'':42}{'least':>8}{'median':>8}{'most':>8}")
    for name, values in rows.items():
        print(f"{name:42}{min(values):8.2f}{statistics.median(values):8.2f}{max(values):8.2f}")


def java_version() -> str:
    release = (java().parent.parent / "release").read_text()
    return release.partition('JAVA_VERSION="')[2].partition('"')[0]


if __name__ == "__main__":
    main()
