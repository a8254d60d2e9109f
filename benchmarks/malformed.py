"""A million messages that are none: each must become a dead letter with the reason that it must get.

    python benchmarks/malformed.py [--messages 1000000] [--seed 1] [--json]

They are generated (`marketlab/testing/malformed.py`), written to a tape, and read by the consumer's loop into a
SQLite store; then every dead letter is held against what was generated, by offset. As many good ticks take the same
way, so that it can be seen what a poison message costs. Exits 1 if one reason is another, or the books do not balance.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from marketlab.consumer import Consumer
from marketlab.dead_letters import oldest_first
from marketlab.model import Rule, Tick
from marketlab.ports import Chunk
from marketlab.store import SqliteStore
from marketlab.testing.malformed import malformed
from marketlab.transports import TapeTransport, TapeWriter
from marketlab.wire import encode

SENT_AT_S = 1_731_000_000.0
CHUNK = 5_000
LARGE_EVERY = 200  # rounds: a million messages would be 3.6 GB otherwise


def write(path: Path, messages: Iterator[tuple[bytes | None, bytes]], count: int) -> None:
    """A tape of one partition."""
    with TapeWriter(path, topic="stock-ticks", partitions=1) as tape:
        for first in range(0, count, CHUNK):
            part = list(islice(messages, min(CHUNK, count - first)))
            values, keys = [value for value, _ in part], [key for _, key in part]
            times = [int(SENT_AT_S * 1000)] * len(part)
            tape.write(Chunk(0, range(first, first + len(part)), values, times, keys))


def consume(tape: Path, database: Path) -> float:
    """Messages a second, poll to durable commit."""
    with TapeTransport(tape, topic="stock-ticks", partitions=1) as log, SqliteStore(database) as store:
        consumer = Consumer(lambda: log.subscribe("g"), store, log=log.log_id, rule=Rule())
        began = time.perf_counter()
        summary = consumer.run(threading.Event(), drain=True)
        return summary.counts.received / (time.perf_counter() - began)


def good(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Ticks of a hundred symbols."""
    for number in range(count):
        symbol = f"S{number % 100:03d}"
        price = 100.0 + number * 7 % 101 / 100
        yield encode(Tick(symbol, price, SENT_AT_S - 1e6 + number, None, number // 100 + 1, "r")), symbol.encode()


def main() -> None:
    """Generate, consume, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()

    def bad() -> Iterator[tuple[bytes | None, bytes, str]]:
        for message in malformed(given.seed, sent_at_s=SENT_AT_S, large_every=LARGE_EVERY):
            yield message.value, message.key, message.reason.value

    with tempfile.TemporaryDirectory(prefix="marketlab-bench-") as folder:
        home = Path(folder)
        write(home / "good.jsonl", good(given.messages), given.messages)
        good_rate = consume(home / "good.jsonl", home / "good.db")
        write(home / "bad.jsonl", ((value, key) for value, key, _ in bad()), given.messages)
        bad_rate = consume(home / "bad.jsonl", home / "bad.db")
        counts: Counter[str] = Counter()
        wrong = 0
        with SqliteStore(home / "bad.db") as store:
            expected = islice(bad(), given.messages)
            for offset, (letter, (value, _, reason)) in enumerate(zip(oldest_first(store), expected, strict=True)):
                counts[letter.reason.value] += 1
                wrong += (letter.offset, letter.raw, letter.reason.value) != (offset, value or b"", reason)
            books = store.books()
            (partition,) = books.partitions
            problems = list(store.problems())
    sound = partition.balanced and partition.counts.dead_lettered == given.messages and not problems
    result = {
        "messages": given.messages,
        "seed": given.seed,
        "reasons": dict(sorted(counts.items())),
        "wrong": wrong,
        "balanced": sound,
        "dead_letters_s": round(bad_rate),
        "ticks_s": round(good_rate),
    }
    if given.json:
        print(json.dumps(result, indent=2))
    else:
        print(f"{given.messages:,} malformed messages, seed {given.seed}: {wrong:,} with another reason, "
              f"books {'balance' if sound else 'DO NOT BALANCE'}")  # fmt: skip
        print(f"{bad_rate:,.0f} dead letters/s; {good_rate:,.0f} ticks/s on the same way")
        print(", ".join(f"{count:,} {reason}" for reason, count in sorted(counts.items())))
    sys.exit(0 if sound and not wrong else 1)


if __name__ == "__main__":
    main()
