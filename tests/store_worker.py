"""A process that writes a store and says how far it is; tests kill it.

usage: store_worker.py DATABASE COMMITS [FAILPOINT]

Message n of the log is at offset n, so whoever starts it again goes on from where the store stands. After each
commit it prints the next offset.
"""

from __future__ import annotations

import sys
from pathlib import Path

from marketlab import failpoints
from marketlab.model import Close, Tick
from marketlab.store import SqliteStore
from tests.store_feed import Feed, Message

__all__ = ["BATCH", "message"]

BATCH = 50
SYMBOLS = 7


def message(offset: int) -> Message:
    """What the log holds at an offset: ticks of a few symbols, some of them alerts, late, or no ticks at all."""
    if offset % 29 == 28:
        return b"not a tick"
    symbol, seq = f"S{offset % SYMBOLS}", offset // SYMBOLS + 1
    if offset % 31 == 30:
        return Close(run="elsewhere", symbol=symbol, last_seq=0)
    late = offset % 23 == 22
    return Tick(symbol, 100.0 + offset * 37 % 11, 1.0 if late else 2.0 + seq, size=0.5, seq=seq, run="r")


def main(database: str, commits: int) -> None:
    """Commit until the log is read to its end."""
    with SqliteStore(Path(database)) as store:
        feed = Feed(store, partitions=[0])
        end = commits * BATCH
        while (first := feed.positions[0].next_offset or 0) < end:
            feed(*map(message, range(first, min(first + BATCH, end))))
            print(feed.positions[0].next_offset, flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 3:
        failpoints.arm(sys.argv[3])
    main(sys.argv[1], int(sys.argv[2]))
