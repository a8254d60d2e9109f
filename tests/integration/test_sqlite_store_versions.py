"""A database of an older version: one of each is kept, and every one can be brought to the present.

``tests/databases/vN.sql`` is a dump of a database of version N with something of everything in it. Before
``schema.sql`` changes, the present one is kept: ``python -m tests.database_dump > tests/databases/vN.sql``.
"""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from marketlab.books import Books
from marketlab.errors import StoreError
from marketlab.model import Reason
from marketlab.store import SqliteReader, SqliteStore, schema
from marketlab.store.connection import open_writing
from marketlab.store.migrations import MIGRATIONS
from tests.database_dump import fill
from tests.house import ROOT
from tests.store_feed import LOG, Feed, tick, ticks

FOLDER = ROOT / "tests" / "databases"
OLDER = range(1, schema.VERSION)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "marketlab.db"


def restore(database: Path, version: int) -> Path:
    """A database as that version left it."""
    with closing(apsw.Connection(str(database))) as connection:
        connection.execute((FOLDER / f"v{version}.sql").read_text(encoding="utf-8"))
        assert connection.pragma("user_version") == version
    return database


def shape(database: Path) -> dict[str, object]:
    """Tables with their columns, indexes with theirs, and views, as SQLite sees them."""
    with closing(apsw.Connection(str(database))) as connection:
        tables = connection.execute(
            "SELECT name, type, strict, wr FROM pragma_table_list WHERE schema = 'main' ORDER BY name"
        ).fetchall()
        found: dict[str, object] = {"tables": tables}
        for name, *_ in tables:
            found[name] = connection.execute("SELECT * FROM pragma_table_xinfo(?)", (name,)).fetchall()
        for name, sql in connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL"
        ):
            found[f"text of {name}"] = re.sub(r"\s+", " ", sql)
        assert connection.pragma("integrity_check") == "ok"
        return found


def test_a_file_of_every_older_version_is_kept_and_leads_to_the_next() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"v{version}.sql" for version in OLDER}
    assert sorted(MIGRATIONS) == list(OLDER)


@pytest.mark.parametrize("version", OLDER)
def test_an_older_database_becomes_what_a_new_one_is(database: Path, tmp_path: Path, version: int) -> None:
    SqliteStore(restore(database, version)).close()
    fresh = tmp_path / "fresh.db"
    SqliteStore(fresh).close()
    assert shape(database) == shape(fresh)
    with SqliteReader(database) as older, SqliteReader(fresh) as newer:
        assert older.identity() not in {None, newer.identity()}


@pytest.mark.parametrize("version", OLDER)
def test_what_an_older_database_held_is_all_there_and_is_gone_on_with(
    database: Path, tmp_path: Path, version: int
) -> None:
    with SqliteStore(tmp_path / "fresh.db") as expected, SqliteStore(restore(database, version)) as store:
        fill(expected)
        for ask in ("latest", "largest_move", "dead_letter_counts", "partition_books"):
            assert getattr(store, ask)() == getattr(expected, ask)()
        for symbol in ("AAPL", "MSFT", "X"):
            assert store.history(symbol, limit=99) == expected.history(symbol, limit=99)
        assert store.alerts(limit=99) == expected.alerts(limit=99) != []
        assert store.dead_letters(limit=99) == expected.dead_letters(limit=99) != []
        for run in ("r", "s"):
            rows = list(store.digest_rows(run, log=LOG))
            assert rows == list(expected.digest_rows(run, log=LOG)) != []
        assert _account(store.books()) == _account(expected.books())
        for each in (store, expected):
            Feed(each)(*ticks(7, symbol="MSFT", run="s", first_seq=5), partition=1)
            Feed(each)(*ticks(6, symbol="MSFT", run="s", first_seq=2), b"?", partition=1)
        assert _account(store.books()) == _account(expected.books())


def _account(books: Books) -> list[tuple[object, ...]]:
    """What both can know: where a gap was found was not kept at first."""
    runs = [
        (run.run, run.state, run.produced, run.stored, run.late, run.refused, run.gaps, run.balanced)
        for run in books.runs
    ]
    return [*((book.counts.as_dict(), book.reasons, book.balanced) for book in books.partitions), *runs]


def test_version_1_only_counted_what_was_refused_and_it_is_found_again(database: Path) -> None:
    with SqliteStore(restore(database, 1)) as store:
        feed = Feed(store)
        account = store.books(run="s").of_run("s")
        assert account is not None
        assert (account.refused, account.late) == (1, 1)
        feed(tick(50.5, 2.0, seq=2, symbol="MSFT", run="s"), partition=1)  # the refused one, repaired
        account = store.books(run="s").of_run("s")
        assert account is not None
        assert (account.refused, account.late, account.duplicate, account.balanced) == (0, 2, 0, True)


def test_a_reader_leaves_an_older_database_to_who_writes(database: Path) -> None:
    restore(database, 1)
    with SqliteReader(database) as reader:
        with pytest.raises(StoreError, match="found 1") as caught:
            reader.latest()
        assert caught.value.mend
        SqliteStore(database).close()
        assert len(reader.latest()) == 3


# ------------------------------------------------------------------------------------ the machinery, with planted steps

#: From whatever is the present version.
STEPS = {
    schema.VERSION: "ALTER TABLE runs ADD COLUMN note TEXT; UPDATE runs SET note = 'old'",
    schema.VERSION + 1: "CREATE TABLE two (a)",
}


def test_steps_are_taken_in_turn_and_once(database: Path) -> None:
    filled(database)
    newest = schema.VERSION + 2
    with closing(open_writing(database, busy_timeout_s=1)) as connection:
        assert not schema.is_ready(connection, database, version=newest, migrations=STEPS)
        schema.prepare(connection, database, version=newest, migrations=STEPS)
        assert connection.pragma("user_version") == newest
        assert connection.execute("SELECT run, note FROM runs").fetchall() == [("r", "old")]
        assert connection.execute("SELECT count(*) FROM two").get == 0
        schema.prepare(connection, database, version=newest, migrations=STEPS)  # once is enough


def test_a_step_that_fails_leaves_the_old_version_whole(database: Path) -> None:
    filled(database)
    steps = {schema.VERSION: "CREATE TABLE two (a)", schema.VERSION + 1: "NONSENSE"}
    with closing(open_writing(database, busy_timeout_s=1)) as connection:
        with pytest.raises(apsw.SQLError):
            schema.prepare(connection, database, version=schema.VERSION + 2, migrations=steps)
        assert connection.pragma("user_version") == schema.VERSION
        assert not connection.table_exists(None, "two")
    filled(database)


def test_a_version_that_no_step_leads_from_is_refused(database: Path) -> None:
    filled(database)
    with (
        closing(open_writing(database, busy_timeout_s=1)) as connection,
        pytest.raises(StoreError, match=f"found {schema.VERSION}"),
    ):
        schema.prepare(connection, database, version=schema.VERSION + 2, migrations={schema.VERSION + 1: ""})


def filled(database: Path) -> None:
    with SqliteStore(database) as store:
        Feed(store)(*ticks(10, 20), b"?")


def test_every_reason_of_the_dump_is_one_of_the_closed_set(database: Path) -> None:
    with SqliteStore(restore(database, 1)) as store:
        assert set(store.dead_letter_counts()) <= set(Reason)
