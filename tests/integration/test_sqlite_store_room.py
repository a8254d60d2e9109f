"""No lock and no room: the commit fails whole, and goes through once there is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import apsw
import pytest

from marketlab.errors import StoreBusyError, StoreFullError
from marketlab.model import Batch
from marketlab.ports import PostedTick
from marketlab.store import SqliteReader, SqliteStore, back_up, prune
from tests.store_feed import LOG, Feed, ticks

#: Takes the lock, says so, and gives it back when told to.
HOLDER = """
import sys
import apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
connection.close()
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "marketlab.db"


@pytest.fixture
def lock(database: Path) -> Iterator[Callable[[], Callable[[], None]]]:
    """Has another process take the write lock; the result gives it back."""
    holders: list[subprocess.Popen[str]] = []

    def take() -> Callable[[], None]:
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        holders.append(holder)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"

        def release() -> None:
            holder.communicate("\n", timeout=30)

        return release

    yield take
    for holder in holders:
        holder.kill()
        holder.communicate()


def batch_of(feed: Feed) -> Batch:
    """A batch with something of everything."""
    return feed.batch(*ticks(10, 20, 5), b"?", *ticks(7, symbol="NEW"))


def test_a_commit_that_meets_anothers_lock_can_be_tried_again(
    database: Path, lock: Callable[[], Callable[[], None]]
) -> None:
    with SqliteStore(database, busy_timeout_s=0.05) as store:
        feed = Feed(store)
        batch = batch_of(feed)
        release = lock()
        for act in (
            lambda: feed.commit(batch),
            lambda: store.claim(LOG, [0]),
            lambda: store.post([PostedTick("A", 1.0, 1.0)]),
        ):
            with pytest.raises(StoreBusyError, match=r"marketlab\.db"):
                act()
        assert {state.id for state in batch.streams.values()} == {None}
        assert store.latest() == []
        assert store.load_streams(list(batch.streams)) == {}
        release()
        feed.commit(batch)
        assert [record.price for record in store.history("AAPL", limit=9)] == [5, 20, 10]
        assert [alert.tick_id for alert in store.alerts(limit=9)] == [3, 2]


def test_reading_goes_on_while_another_process_holds_the_lock(
    database: Path, lock: Callable[[], Callable[[], None]]
) -> None:
    with SqliteStore(database) as store, SqliteReader(database, busy_timeout_s=0) as reader:
        feed = Feed(store)
        feed(*ticks(1, 2))
        lock()
        assert [record.price for record in reader.latest()] == [2]
        assert list(store.load_streams(list(feed.engine.batch().streams))) == []


def test_a_database_that_may_not_grow_takes_nothing_and_then_the_same_batch(database: Path) -> None:
    with SqliteStore(database) as store:
        feed = Feed(store)
        feed(*ticks(10))
        pages = store._writing.pragma("page_count")
        store._writing.pragma("max_page_count", pages)
        batch = feed.batch(*ticks(*(100 + n % 50 for n in range(3000)), first_seq=2), b"?", *ticks(7, symbol="NEW"))
        for _ in range(3):
            with pytest.raises(StoreFullError, match=r"marketlab\.db"):
                feed.commit(batch)
        assert [record.price for record in store.latest()] == [10]
        assert store.partition_books()[0].counts.received == 1
        assert {key.symbol: state.id for key, state in batch.streams.items()} == {"AAPL": 1, "NEW": None}
        store._writing.pragma("max_page_count", 1_000_000)
        feed.commit(batch)
        assert store._writing.pragma("integrity_check") == "ok"
        assert len(store.history("AAPL", limit=10_000)) == 3001
        assert store.partition_books()[0].counts.received == 3003
        assert store.load_streams(list(batch.streams)) == batch.streams


#: Fills a database up to the limit of its process for one file, then lifts the limit.
LIMITED = """
import resource, sys
from pathlib import Path
from marketlab.errors import StoreFullError
from marketlab.store import SqliteStore
from tests.store_feed import Feed, ticks
with SqliteStore(Path(sys.argv[1])) as store:
    feed = Feed(store)
    feed(*ticks(1))
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    batch = feed.batch(*ticks(*range(1, 500), first_seq=2))
    try:
        feed.commit(batch)
    except StoreFullError:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        feed.commit(batch)
        print(len(store.history("AAPL", limit=1000)), store._writing.pragma("integrity_check"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for the size of a file")
def test_a_file_that_may_not_grow_is_as_good_as_a_full_disk(database: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(database)], capture_output=True, text=True, check=False, timeout=60,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout == "500 ok\n", done.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root may mount a small file system, and only Linux has tmpfs")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("this root may not mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_takes_nothing_and_then_the_same_batch(small_disk: Path) -> None:
    database = small_disk / "marketlab.db"
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1_500_000))
    with SqliteStore(database) as store:
        feed = Feed(store)
        prices = [100 + n % 50 for n in range(1000)]
        batch, committed = Batch(LOG), 0

        def fill() -> None:
            nonlocal batch, committed
            while committed < 1_000_000:
                batch = feed.batch(*ticks(*prices, first_seq=committed + 1), b"?", *ticks(7, symbol=f"N{committed}"))
                feed.commit(batch)
                committed += len(prices)

        with pytest.raises(StoreFullError, match="no room") as caught:
            fill()
        assert caught.value.mend
        for _ in range(3):
            with pytest.raises(StoreFullError):
                feed.commit(batch)
        assert len(store.history("AAPL", limit=10**6)) == committed
        assert store._writing.pragma("integrity_check") == "ok"
        ballast.unlink()
        feed.commit(batch)
        feed(*ticks(1, 2, first_seq=committed + 1001))
        assert len(store.history("AAPL", limit=10**6)) == committed + 1002
        assert store._writing.pragma("integrity_check") == "ok"
        assert all(book.balanced for book in store.partition_books())
        assert store.load_streams(list(batch.streams)).keys() == batch.streams.keys()


@pytest.mark.parametrize("room", [0, 4096, 40_000])
def test_a_disk_without_room_for_a_database_says_so(small_disk: Path, room: int) -> None:
    (small_disk / "ballast").write_bytes(bytes(3 * 1024 * 1024 - room))
    with pytest.raises(StoreFullError, match=r"marketlab\.db"):
        SqliteStore(small_disk / "marketlab.db")
    (small_disk / "ballast").unlink()
    with SqliteStore(small_disk / "marketlab.db") as store:
        Feed(store)(*ticks(1))


def test_a_full_disk_fails_a_backup_and_leaves_nothing_of_it(small_disk: Path, tmp_path: Path) -> None:
    database = tmp_path / "marketlab.db"
    with SqliteStore(database) as store:
        Feed(store)(*ticks(*(100 + n % 50 for n in range(20_000))))
        for room in (3_000_000, 500_000):
            (small_disk / "ballast").write_bytes(bytes(3 * 1024 * 1024 - room))
            with pytest.MonkeyPatch.context() as patch:
                # Somebody else fills the disk while the copy is made.
                patch.setattr("marketlab.store.backup._size", lambda _: 0)
                if room == 500_000:
                    with pytest.raises(StoreFullError, match="no room for a backup in") as caught:
                        back_up(database, small_disk / "backup.db")
                    assert "as it was" in (caught.value.mend or "")
                    assert [path.name for path in small_disk.iterdir()] == ["ballast"]
                else:
                    assert back_up(database, small_disk / "backup.db").ticks == 20_000
                    (small_disk / "backup.db").unlink()
        assert list(store.problems()) == []
        Feed(store)(*ticks(1, first_seq=20_001))


def test_a_full_disk_stops_a_prune_which_is_gone_on_with_when_there_is_room(small_disk: Path) -> None:
    database, ballast = small_disk / "marketlab.db", small_disk / "ballast"
    with SqliteStore(database) as store:
        feed = Feed(store)
        feed(*ticks(*(100 + n % 50 for n in range(9_000)), run="old"), *ticks(*range(1, 11), run="new"))
        with closing(apsw.Connection(str(database))) as connection:
            connection.execute("UPDATE runs SET last_seen = 1000 WHERE run = 'old'")
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        free = os.statvfs(small_disk)
        ballast.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - 200_000)))
        before = store.books()
        with pytest.raises(StoreFullError, match=r"marketlab\.db"):
            prune(database, before=2000)
        assert [(run.run, run.stored, run.balanced) for run in store.books().runs] == [
            (run.run, run.stored, run.balanced) for run in before.runs
        ]
        assert list(store.problems()) == []
        ballast.unlink()
        prune(database, before=2000)
        assert len(store.history("AAPL", limit=10**5)) == 10
        assert (list(store.problems()), store.books().balanced) == ([], True)


def test_at_its_limit_the_log_takes_nothing_more_until_the_reader_lets_go(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketlab.store.wal.CHECKPOINT_PAGES", 10)
    monkeypatch.setattr("marketlab.store.wal.WAIT_FOR_READERS_PAGES", 20)
    monkeypatch.setattr("marketlab.store.wal.LIMIT_PAGES", 100)
    wal = database.with_name("marketlab.db-wal")
    with SqliteStore(database, busy_timeout_s=0.01) as store:
        feed = Feed(store)
        feed(*ticks(1))
        reader = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM ticks").get == 1
        batch = Batch(LOG)

        def fill() -> None:
            nonlocal batch
            for first in count(2, 100):
                batch = feed.batch(*ticks(*range(1, 101), first_seq=first))
                feed.commit(batch)

        with pytest.raises(StoreBusyError, match="a reader has held on to an old snapshot") as caught:
            fill()
        assert caught.value.mend
        grown = wal.stat().st_size
        for act in (lambda: feed.commit(batch), lambda: store.claim(LOG, [9]),
                    lambda: store.post([PostedTick("A", 1.0, 1.0)])):  # fmt: skip
            with pytest.raises(StoreBusyError, match="old snapshot"):
                act()
        assert wal.stat().st_size == grown < 200 * 4096, "bounded"
        assert reader.execute("SELECT count(*) FROM ticks").get == 1
        reader.close()
        feed.commit(batch)  # the same batch, once the reader has let go
        assert wal.stat().st_size < grown
        assert (list(store.problems()), store.books().balanced) == ([], True)


def test_a_reader_that_stays_does_not_fail_commits_and_the_log_shrinks_after_it(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketlab.store.wal.CHECKPOINT_PAGES", 10)
    monkeypatch.setattr("marketlab.store.wal.WAIT_FOR_READERS_PAGES", 40)
    wal = database.with_name("marketlab.db-wal")
    with SqliteStore(database, busy_timeout_s=0.01) as store:
        feed = Feed(store)
        feed(*ticks(10))
        reader = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM ticks").get == 1
        for number in range(30):
            feed(*ticks(*range(1, 101), first_seq=100 * number + 2))
        assert reader.execute("SELECT count(*) FROM ticks").get == 1
        grown = wal.stat().st_size
        assert grown > 100 * 4096
        reader.close()
        for number in range(30, 120):
            feed(*ticks(*range(1, 101), first_seq=100 * number + 2))
        assert wal.stat().st_size < grown
        assert len(store.history("AAPL", limit=10**6)) == 12_001
