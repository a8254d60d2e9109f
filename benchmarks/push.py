"""How fast and how dear pushing is: the API as a process of its own, over a real database that another one writes.

    python benchmarks/push.py [--seconds 15] [--only SCENARIO] [--json]

Server, writer and clients are three processes. Shares of a core are processor time of the server alone, so they hold
on a machine that does other things too; latencies do not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from store import LOG, PARTITIONS, Batches

from marketlab.store import SqliteStore

CLIENTS = 500
SYMBOLS = 100

# --------------------------------------------------------------------------------------------- the other processes


def serve(home: Path) -> None:
    """The server, as ``marketlab serve`` runs it."""
    from marketlab.cli import main

    sys.argv = ["marketlab", "--home", str(home), "serve", "--port", "0", "--json", "--until-eof"]
    main()


def write(home: Path, *, a_second: float, size: int, seconds: float) -> None:
    """Commit batches at a rate; says of each, at the end, up to which id it reached and when it was durable."""
    batches = Batches(symbols=SYMBOLS, size=size, alerting=0.0)
    done = []
    with SqliteStore(home / "marketlab.db") as store:
        positions = store.claim(LOG, range(PARTITIONS))
        newest = max((record.id for record in store.latest()), default=0)
        began = time.time()
        for number in range(round(seconds * a_second)):
            time.sleep(max(0.0, began + number / a_second - time.time()))
            positions |= store.commit(batches.make(), expected=positions)
            newest += size
            done.append((newest, time.time()))
    print(json.dumps(done))


@contextmanager
def server(home: Path) -> Iterator[tuple[psutil.Process, int]]:
    """A server over a home: its process and port."""
    command = [sys.executable, __file__, "--home", str(home), "--as", "server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            said = json.loads(process.stdout.readline())
            yield psutil.Process(process.pid), int(said["url"].rstrip("/").rpartition(":")[2])
        finally:
            process.stdin.close()


def writer(home: Path, **options: float) -> subprocess.Popen[bytes]:
    """A writer that has begun."""
    command = [sys.executable, __file__, "--home", str(home), "--as", "writer"]
    command += [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


class Cost:
    """Processor time and memory of the server from here on."""

    def __init__(self, process: psutil.Process) -> None:
        self._process, self._cpu, self._began = process, self._used(process), time.time()

    def share(self) -> float:
        """Of one core."""
        return self.seconds() / (time.time() - self._began)

    def seconds(self) -> float:
        """Of processor time."""
        return self._used(self._process) - self._cpu

    def resident_mb(self) -> float:
        """Memory now."""
        return float(self._process.memory_info().rss) / 1e6

    @staticmethod
    def _used(process: psutil.Process) -> float:
        times = process.cpu_times()
        return float(times.user + times.system)


# --------------------------------------------------------------------------------------------- clients of /ws

REQUEST = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Listener(asyncio.Protocol):
    """A client as cheap as can be: it cuts frames, and hands over each with its time. A deaf one stops reading."""

    def __init__(self, heard: Callable[[bytes, float], None] | None) -> None:
        self._heard, self._data = heard, b""
        self._let_in = False

    def connection_made(self, transport: Any) -> None:
        transport.write(REQUEST)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._heard is None:
            self._transport.pause_reading()
            return
        now = time.time()
        self._data += data
        if not self._let_in:
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                return
            self._let_in, self._data = True, self._data[end + 4 :]
        while (frame := self._cut()) is not None:
            self._heard(frame, now)

    def _cut(self) -> bytes | None:
        data = self._data
        if len(data) < 10:
            return None
        length, head = data[1], 2
        if length == 126:
            length, head = int.from_bytes(data[2:4]), 4
        elif length == 127:
            length, head = int.from_bytes(data[2:10]), 10
        if len(data) < head + length:
            return None
        self._data = data[head + length :]
        return data[head : head + length]


async def listen(port: int, heard: Callable[[bytes, float], None] | None) -> asyncio.BaseTransport:
    """Connect one client."""
    connection = socket.create_connection(("127.0.0.1", port))
    if heard is None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    transport, _ = await asyncio.get_running_loop().create_connection(lambda: Listener(heard), sock=connection)
    return transport


class Deltas:
    """What one client heard: (newest id, when) of each delta."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, float]] = []
        self.seqs: list[int] = []
        self.bytes = 0

    def __call__(self, frame: bytes, now: float) -> None:
        if frame.startswith(b'{"type":"delta"'):
            message = frame[: frame.index(b'"complete"')] + b'"x":0}'
            facts = json.loads(message)
            self.heard.append((facts["newest_id"], now))
            self.seqs.append(facts["seq"])
            self.bytes += len(frame)

    @property
    def missed(self) -> int:
        """Deltas that this client was too slow for."""
        return sum(after - before - 1 for before, after in zip(self.seqs, self.seqs[1:], strict=False))


def latencies_ms(done: list[tuple[int, float]], heard: list[tuple[int, float]]) -> list[float]:
    """From each commit to the message that held it."""
    found, at = [], 0
    for newest, when in done:
        while at < len(heard) and heard[at][0] < newest:
            at += 1
        if at < len(heard):
            found.append((heard[at][1] - when) * 1e3)
    return found


async def push(home: Path, seconds: float, *, reading: int, deaf: int, a_second: float, size: int) -> dict[str, float]:
    """So many clients while a writer commits at a rate."""
    all_heard = [Deltas() for _ in range(reading)]
    with server(home) as (process, port):
        connections = [await listen(port, heard) for heard in all_heard]
        connections += [await listen(port, None) for _ in range(deaf)]
        await asyncio.sleep(1)
        cost, before_mb = Cost(process), process.memory_info().rss / 1e6
        with writer(home, a_second=a_second, size=size, seconds=seconds) as writing:
            done = json.loads((await asyncio.to_thread(writing.communicate))[0])
        share, after_mb = cost.share(), cost.resident_mb()
        await asyncio.sleep(0.5)
        for connection in connections:
            connection.close()
    times = [ms for heard in all_heard for ms in latencies_ms(done, heard.heard)]
    cuts = statistics.quantiles(times, n=100)
    messages = statistics.mean(len(heard.heard) for heard in all_heard)
    return {
        "messages_s_a_client": messages / seconds,
        "bytes_a_message": statistics.mean(heard.bytes / max(1, len(heard.heard)) for heard in all_heard),
        "missed_by_readers": sum(heard.missed for heard in all_heard),
        "p50_ms": cuts[49],
        "p99_ms": cuts[98],
        "share_of_a_core": share,
        "resident_mb": after_mb,
        "grown_mb": after_mb - before_mb,
    }


# --------------------------------------------------------------------------------------------- clients of /data


async def ask(port: int, seconds: float, headers: str) -> int:
    """One connection that asks for ``/data`` again and again; how often it was answered."""
    reader, to = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET /data HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode()
    count, end = 0, time.time() + seconds
    while time.time() < end:
        to.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = head.find(b"content-length: ")
        if length >= 0:
            await reader.readexactly(int(head[length + 16 : head.index(b"\r", length)]))
        count += 1
    to.close()
    return count


async def data(home: Path, seconds: float) -> dict[str, float]:
    """Requests a second of processor time, whole, compressed, and when nothing is new."""
    write_once(home)
    figures = {}
    with server(home) as (process, port):
        tag, figures["bytes"] = await asyncio.to_thread(ask_once, port)
        kinds = {"whole": "", "gzip": "Accept-Encoding: gzip\r\n", "unchanged": f"If-None-Match: {tag}\r\n"}
        for name, headers in kinds.items():
            cost = Cost(process)
            answered = sum(await asyncio.gather(*(ask(port, seconds / 3, headers) for _ in range(16))))
            figures[f"{name}_a_core_second"] = answered / cost.seconds()
            figures[f"{name}_s"] = answered / (seconds / 3)
    return figures


def ask_once(port: int) -> tuple[str, float]:
    """The tag of ``/data`` and its length."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/data") as answer:
        return str(answer.headers["ETag"]), float(len(answer.read()))


def write_once(home: Path) -> None:
    """A database with 100 symbols."""
    with writer(home, a_second=10, size=1000, seconds=0.5) as writing:
        writing.communicate()


# --------------------------------------------------------------------------------------------- scenarios

#: name → clients that read, that never read, commits a second, ticks a commit
PUSHES = {
    "one client, 1,000 ticks/s in commits of 20": (1, 0, 50.0, 20),
    "500 clients, 4 messages/s of 2 KB": (CLIENTS, 0, 4.0, 8),
    "250 clients and 250 that never read, 2 KB": (CLIENTS // 2, CLIENTS // 2, 4.0, 8),
    "10 clients and 250 that never read, 100 KB": (10, CLIENTS // 2, 8.0, 400),
}
NAMES = [*PUSHES, "/data of 100 symbols"]


def scenario(name: str, seconds: float) -> dict[str, float]:
    """One scenario in a home of its own."""
    with tempfile.TemporaryDirectory(prefix="marketlab-bench-") as folder:
        home = Path(folder)
        if name not in PUSHES:
            return asyncio.run(data(home, seconds))
        reading, deaf, a_second, size = PUSHES[name]
        return asyncio.run(push(home, seconds, reading=reading, deaf=deaf, a_second=a_second, size=size))


def main() -> None:
    """Run the scenarios and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--only", choices=NAMES)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--as", dest="role", choices=["server", "writer"], help=argparse.SUPPRESS)
    for hidden, kind in {"--home": Path, "--a-second": float, "--size": float}.items():
        parser.add_argument(hidden, type=kind, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role == "server":
        serve(given.home)
        return
    if given.role == "writer":
        write(given.home, a_second=given.a_second, size=int(given.size), seconds=given.seconds)
        return
    results = {}
    for name in [given.only] if given.only else NAMES:
        results[name] = scenario(name, given.seconds)
        if not given.json:
            figures = (f"  {key:24} {value:>12,.{0 if value > 100 else 3}f}" for key, value in results[name].items())
            print(name, *figures, sep="\n", flush=True)
    if given.json:
        print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
