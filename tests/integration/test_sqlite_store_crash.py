"""A writer that is killed with SIGKILL loses nothing that it committed and doubles nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from marketlab.books import balance
from marketlab.digest import digest
from marketlab.ports import PostedTick, Store, StoreReader
from marketlab.store import SqliteReader, SqliteStore
from marketlab.testing.memory_store import MemoryStore
from tests import store_worker
from tests.store_feed import LOG, Feed
from tests.store_worker import BATCH, message

COMMITS = 12

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")


def start(database: Path, *, commits: int = COMMITS, kill_at: str | None = None) -> subprocess.Popen[str]:
    arguments = [sys.executable, store_worker.__file__, str(database), str(commits), *([kill_at] if kill_at else [])]
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        arguments, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(root)}, cwd=root
    )


def run(database: Path, *, kill_at: str | None = None) -> int:
    with start(database, kill_at=kill_at) as worker:
        worker.communicate(timeout=60)
    return worker.returncode


def whole(store: StoreReader) -> list[object]:
    """All that a run leaves behind, but for the owner's epoch."""
    books = balance(store.partition_books(), store.stream_books())
    assert books.of_run("r") is not None
    return [
        digest(store.digest_rows("r", log=LOG), rules=store.rules("r", log=LOG)),
        books,
        store.latest(),
        store.alerts(limit=10_000),
        store.dead_letters(limit=10_000),
    ]


@pytest.fixture(scope="module")
def undisturbed() -> list[object]:
    store: Store = MemoryStore()
    feed = Feed(store, partitions=[0])
    for first in range(0, COMMITS * BATCH, BATCH):
        feed(*map(message, range(first, first + BATCH)))
    return whole(store)


def assert_sound(database: Path, *, http: int = 0) -> None:
    connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    with SqliteReader(database) as reader:
        assert list(reader.problems()) == []
    kept, places = connection.execute("SELECT count(*), count(DISTINCT offset) FROM ticks").get
    assert kept == places + http
    connection.close()


@pytest.mark.parametrize("point", ["store.claim", "store.commit", "store.commit:2", "store.commit:7"])
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_kill_at_this_point_loses_and_doubles_nothing(
    tmp_path: Path, undisturbed: list[object], side: str, point: str
) -> None:
    database = tmp_path / "marketlab.db"
    assert run(database, kill_at=f"{side}:{point}") == -signal.SIGKILL
    committed = 0 if "claim" in point else int(point.partition(":")[2] or 1) - (side == "before")
    with SqliteReader(database) as reader:
        positions = [book.next_offset for book in reader.partition_books()]
        assert positions == ([] if (side, point) == ("before", "store.claim") else [committed * BATCH or None])
    assert run(database) == 0
    assert_sound(database)
    with SqliteReader(database) as reader:
        assert whole(reader) == undisturbed


def test_kills_at_any_moment_lose_and_double_nothing(tmp_path: Path, undisturbed: list[object]) -> None:
    database = tmp_path / "marketlab.db"
    seen = 0
    for round_ in range(6):
        with start(database) as worker:
            assert worker.stdout is not None
            for _ in range(round_ % 3 + 1):  # it is somewhere behind this commit when the kill comes
                seen = int(worker.stdout.readline() or seen)
            worker.kill()
        with SqliteReader(database) as reader:
            (book,) = reader.partition_books()
            assert (book.next_offset or 0) >= seen, "what it said was committed is"
            assert book.balanced
    assert run(database) == 0
    assert_sound(database)
    with SqliteReader(database) as reader:
        assert whole(reader) == undisturbed


def test_processes_that_start_at_once_make_one_database(tmp_path: Path) -> None:
    database = tmp_path / "new" / "marketlab.db"
    workers = [start(database, commits=0) for _ in range(6)]
    assert [worker.communicate(timeout=60) and worker.returncode for worker in workers] == [0] * 6
    with SqliteReader(database) as reader:
        assert len(reader.partition_books()) == 1


def test_a_consumer_and_the_api_write_at_once(tmp_path: Path, undisturbed: list[object]) -> None:
    database = tmp_path / "marketlab.db"
    posted = 0
    with SqliteStore(database) as api:
        worker = start(database)
        while worker.poll() is None:
            posted += api.post([PostedTick(f"S{number % 9}", 1.0 + number, 1.0) for number in range(20)])
        worker.communicate()
        assert worker.returncode == 0
        assert whole(api)[:2] == undisturbed[:2]
        connection = apsw.Connection(str(database))
        assert connection.execute("SELECT count(*) FROM ticks WHERE source = 'http'").get == posted
        total = connection.execute("SELECT count(*) FROM ticks").get
        connection.close()
        assert sum(len(api.history(record.symbol, limit=10**6)) for record in api.latest()) == total
    assert posted > 20
    assert_sound(database, http=posted)
