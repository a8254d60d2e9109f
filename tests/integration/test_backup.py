"""A backup: taken while a consumer writes, sound, never over another file, and good to go on from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import apsw
import pytest

from marketlab.errors import SettingsError, StoreError, StoreFullError
from marketlab.store import SqliteReader, SqliteStore, back_up
from tests import store_worker
from tests.database_dump import fill
from tests.integration.test_sqlite_store_versions import restore
from tests.store_feed import LOG, Feed, ticks


@pytest.fixture
def database(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder / "marketlab.db"


@pytest.fixture
def worker(database: Path) -> Iterator[subprocess.Popen[str]]:
    """A consumer that goes on for as long as the test wants."""
    root = Path(__file__).parents[2]
    command = [sys.executable, store_worker.__file__, str(database), "100000"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=root, env=os.environ | {"PYTHONPATH": str(root)}
    ) as process:
        yield process
        process.kill()


def test_a_backup_is_one_commit_and_the_log_leads_on_from_it(
    database: Path, worker: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert worker.stdout is not None
    committed = int(worker.stdout.readline())
    made = back_up(database, tmp_path / "backup.db")
    assert worker.poll() is None
    worker.kill()
    worker.wait()
    with SqliteStore(tmp_path / "backup.db") as copy, SqliteStore(tmp_path / "whole.db") as whole:
        with SqliteReader(database) as source:
            assert copy.identity() == source.identity() != whole.identity()
        (partition,) = copy.books().partitions
        position = partition.next_offset or 0
        assert position >= committed
        assert position % store_worker.BATCH == 0
        assert made.ticks == partition.counts.stored + partition.counts.late
        more = position + 500
        Feed(copy, partitions=[0])(*map(store_worker.message, range(position, more)))
        Feed(whole, partitions=[0])(*map(store_worker.message, range(more)))
        assert list(copy.digest_rows("r", log=LOG)) == list(whole.digest_rows("r", log=LOG))
        assert copy.books().runs == whole.books().runs
        assert list(copy.problems()) == []


def test_a_backup_replaces_nothing(database: Path, tmp_path: Path) -> None:
    SqliteStore(database).close()
    target = tmp_path / "backup.db"
    target.write_text("mine")
    with pytest.raises(SettingsError, match="is there already"):
        back_up(database, target)
    assert target.read_text() == "mine"
    with pytest.raises(SettingsError, match="is there already"):
        back_up(database, database)
    with pytest.raises(SettingsError, match="folder"):
        back_up(database, tmp_path / "nowhere" / "backup.db")


def test_two_backups_to_one_name_leave_one(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SqliteStore(database).close()
    target = tmp_path / "backup.db"
    link = os.link

    def late(source: Path, name: Path) -> None:
        target.write_text("quicker")
        link(source, name)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(SettingsError, match="is there already"):
        back_up(database, target)
    assert target.read_text() == "quicker"
    assert [path.name for path in target.parent.iterdir() if path.is_file()] == [target.name]


def test_a_file_system_without_links_gets_its_backup_too(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SqliteStore(database) as store:
        fill(store)

    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    assert back_up(database, tmp_path / "backup.db").ticks == 12
    with SqliteReader(tmp_path / "backup.db") as copy:
        assert len(copy.latest()) == 3


def test_what_is_not_there_or_not_ours_has_no_backup(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    with pytest.raises(StoreError, match="no database"):
        back_up(database, target)
    with closing(apsw.Connection(str(database))) as connection:
        connection.execute("CREATE TABLE notes (text)")
    with pytest.raises(StoreError, match="must be a marketlab database"):
        back_up(database, target)
    assert not target.exists()


def test_an_unsound_database_has_no_backup_and_is_named(database: Path, tmp_path: Path) -> None:
    with SqliteStore(database) as store:
        fill(store)
    with closing(apsw.Connection(str(database))) as connection:
        connection.execute("DELETE FROM ticks WHERE id = 3")
    with pytest.raises(StoreError, match="not sound: stream r AAPL") as caught:
        back_up(database, tmp_path / "backup.db")
    assert "doctor" in (caught.value.mend or "")
    assert [path.name for path in tmp_path.iterdir()] == [database.parent.name], "nothing is left behind"


def test_a_database_of_an_older_version_can_be_kept_before_it_is_brought_up_to_date(
    database: Path, tmp_path: Path
) -> None:
    restore(database, 1)
    assert back_up(database, tmp_path / "backup.db").ticks == 12
    with closing(apsw.Connection(str(tmp_path / "backup.db"))) as copy:
        assert copy.pragma("user_version") == 1
    with SqliteStore(tmp_path / "backup.db") as store:
        assert list(store.problems()) == []


def test_a_disk_that_is_too_small_is_named_before_it_is_filled(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SqliteStore(database) as store:
        Feed(store)(*ticks(1, 2))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=4096))
    with pytest.raises(StoreFullError, match=r"no room for a backup .* 0\.0 MB are free") as caught:
        back_up(database, tmp_path / "backup.db")
    assert caught.value.mend
    assert not (tmp_path / "backup.db").exists()
