"""A database of the present version with something of everything in it, as SQL.

usage: python -m tests.database_dump > tests/databases/vN.sql

To be kept before ``schema.sql`` changes: see ``tests/integration/test_sqlite_store_versions.py``.
"""

from __future__ import annotations

import io
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import apsw
import apsw.shell

from marketlab.model import Close
from marketlab.ports import PostedTick, Store
from marketlab.store import SqliteStore
from tests.store_feed import Feed, ticks

__all__ = ["fill"]

#: What the dump's head says of the machine and the day, which are nobody's business.
PRIVATE = ("-- Date:", "-- Database:", "-- User:")


def fill(store: Store) -> None:
    """Ticks, alerts, late ones, duplicates, refusals with and without identity, gaps, closed runs, posted records."""
    feed = Feed(store)
    refused = b'{"symbol":"AAPL","price":-1,"timestamp":5,"run":"r","seq":5}'
    feed(*ticks(100, 101, 105, 104), refused, *ticks(103, first_seq=6))
    feed(*ticks(102, first_seq=10), *ticks(102.5, first_seq=8), *ticks(102.5, first_seq=8), b"\xff\xfe", b"{}")
    feed(Close("r", "AAPL", 12, 1))
    feed(
        b'{"symbol":"MSFT","price":0,"timestamp":5,"run":"s","seq":2}',
        *ticks(50, symbol="MSFT", run="s"),
        b'{"symbol":"MSFT","price":"x","timestamp":5,"run":"s","seq":1}',
        *ticks(51, 52, symbol="MSFT", run="s", first_seq=3),
        Close("s", "MSFT", 4, 1),
        partition=1,
    )
    store.post(
        [
            PostedTick("AAPL", 99.0, 5.0, moving_average=50.0),
            PostedTick("X", 1.0, 1.0, run="p", log="tape:t", partition=2, offset=3),
        ]
    )


def main() -> None:
    """Print the dump."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "marketlab.db"
        with SqliteStore(path) as store:
            fill(store)
        with closing(apsw.Connection(str(path))) as connection:
            text = io.StringIO()
            apsw.shell.Shell(stdout=text, db=connection).process_command(".dump")
    sys.stdout.writelines(line for line in text.getvalue().splitlines(True) if not line.startswith(PRIVATE))


if __name__ == "__main__":
    main()
