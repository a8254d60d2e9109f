"""The SQLite file itself: missing, foreign, replaced, of another version; what stands in it; who may read it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from marketlab.errors import NotFoundError, StoreError, StoreFullError
from marketlab.model import RECORD_FIELDS
from marketlab.ports import PostedTick
from marketlab.store import SqliteReader, SqliteStore, schema
from marketlab.store import statements as sql
from marketlab.store.connection import open_reading, open_writing, require_library, translated
from tests.store_feed import LOG, Feed, ticks


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "marketlab.db"


@pytest.fixture
def scratch(database: Path) -> Iterator[apsw.Connection]:
    """A connection of the test's own on the same file, by the same library."""
    with closing(apsw.Connection(str(database))) as connection:
        yield connection


def filled(database: Path, *prices: float) -> Path:
    with SqliteStore(database) as store:
        Feed(store)(*ticks(*prices or (10, 20)), b"?")
    return database


# --------------------------------------------------------------------------------------------- missing, then there


def assert_empty(reader: SqliteReader) -> None:
    assert reader.latest() == reader.alerts(limit=9) == reader.dead_letters(limit=9) == reader.partition_books() == []
    assert reader.alerts(limit=9, symbol="AAPL") == reader.rules("r", log=LOG) == []
    assert list(reader.stream_books()) == list(reader.digest_rows("r", log=LOG)) == []
    assert reader.dead_letter_counts() == {}
    assert reader.largest_move() is None
    assert reader.identity() is None
    for ask in (lambda: reader.history("AAPL", limit=1), lambda: reader.alert(1), lambda: reader.dead_letter(1)):
        with pytest.raises(NotFoundError):
            ask()


def test_a_missing_database_answers_as_an_empty_one_until_it_is_there(tmp_path: Path) -> None:
    database = tmp_path / "later" / "marketlab.db"
    with SqliteReader(database) as reader:
        assert_empty(reader)
        before = reader.changes()
        assert before == reader.changes()
        assert not database.parent.exists()
        filled(database)
        assert reader.changes() != before
        assert [record.price for record in reader.latest()] == [20]
        assert reader.alert(1).tick_id == 2


@pytest.mark.parametrize("how", ["empty file", "header only", "schema begun"])
def test_a_database_that_is_just_being_made_answers_as_an_empty_one(database: Path, how: str) -> None:
    database.touch()
    with closing(apsw.Connection(str(database))) as maker, SqliteReader(database) as reader:
        if how != "empty file":
            maker.pragma("journal_mode", "wal")
        if how == "schema begun":
            maker.execute("BEGIN IMMEDIATE; CREATE TABLE ticks (id)")
        assert_empty(reader)
        if how == "schema begun":
            maker.execute("ROLLBACK")
        filled(database)
        assert len(reader.latest()) == 1


def test_a_reader_goes_on_with_the_file_that_took_the_others_place(database: Path, tmp_path: Path) -> None:
    filled(database, 1, 2)
    with SqliteReader(database) as reader:
        assert reader.latest()[0].price == 2
        seen, was = {reader.changes()}, reader.identity()
        database.unlink()
        assert_empty(reader)
        seen.add(reader.changes())
        filled(tmp_path / "new.db", 5, 6).replace(database)
        assert reader.latest()[0].price == 6
        seen.add(reader.changes())
        assert len(seen) == 3
        assert reader.identity() not in {None, was}


def test_a_writer_whose_file_was_taken_away_says_so_instead_of_writing_into_nothing(database: Path) -> None:
    with SqliteStore(database) as store:
        feed = Feed(store)
        batch = feed.batch(*ticks(1))
        database.rename(database.with_name("elsewhere.db"))
        for _ in range(2):
            with pytest.raises(StoreError, match="moved, deleted or replaced"):
                feed.commit(batch)
        database.with_name("elsewhere.db").rename(database)
        feed.commit(batch)
        assert len(store.latest()) == 1


# --------------------------------------------------------------------------------------------- not ours


def foreign(database: Path, kind: str) -> None:
    if kind == "text":
        database.write_text("symbol,price\nAAPL,1\n" * 100)
        return
    with closing(apsw.Connection(str(database))) as connection:
        connection.execute("CREATE TABLE notes (text)")
        if kind == "another program's":
            connection.pragma("application_id", 0x12345678)
        if kind == "newer":
            connection.pragma("application_id", schema.APPLICATION_ID)
            connection.pragma("user_version", schema.VERSION + 1)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("text", "no SQLite database"),
        ("unmarked", "0x0"),
        ("another program's", "0x12345678"),
        ("newer", f"found {schema.VERSION + 1}"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_and_left_alone(database: Path, kind: str, found: str) -> None:
    foreign(database, kind)
    before = database.read_bytes()
    with pytest.raises(StoreError, match=found) as caught:
        SqliteStore(database)
    assert str(database) in caught.value.message
    assert caught.value.mend
    with SqliteReader(database) as reader, pytest.raises(StoreError, match=found):
        reader.latest()
    assert database.read_bytes() == before
    assert list(database.parent.iterdir()) == [database]


def test_a_damaged_database_is_named(database: Path) -> None:
    filled(database, *(10 + n % 3 for n in range(3000)))
    size = database.stat().st_size
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    with SqliteReader(database) as reader, pytest.raises(StoreError, match="damaged"):
        reader.latest()


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        SqliteStore(tmp_path)
    assert caught.value.mend


@pytest.mark.parametrize("version", ["3.7.0", "3.40.1", "3.51.2"])
def test_a_library_that_can_lose_rows_is_refused(version: str) -> None:
    with pytest.raises(StoreError, match=f"was {version}"):
        require_library(version)


@pytest.mark.parametrize("version", ["3.51.3", "3.53.0", "4.0", None])
def test_a_library_that_cannot_is_taken(version: str | None) -> None:
    require_library(version)


def test_a_disk_quota_counts_as_a_full_disk(database: Path) -> None:
    import errno

    assert isinstance(translated(apsw.IOError("disk I/O error"), database, errno_=errno.EDQUOT), StoreFullError)
    assert not isinstance(translated(apsw.IOError("disk I/O error"), database, errno_=errno.EIO), StoreFullError)


# --------------------------------------------------------------------------------------------- what stands in it


def test_the_columns_of_ticks_are_the_ones_that_learners_query(database: Path, scratch: apsw.Connection) -> None:
    with SqliteStore(database) as store:
        Feed(store)(*ticks(10, 20))
        store.post(
            [PostedTick("AAPL", 1.0, 2.0, log=LOG, partition=0, offset=7, run="p"), PostedTick("AAPL", 3.0, 2.0)]
        )
        rows = scratch.execute(
            "SELECT id, symbol, price, moving_average, alert, timestamp, size, change_pct, seq, partition, offset,"
            " late, ordinal, stream_id, prev_id, source FROM ticks ORDER BY id"
        ).fetchall()
        history = store.history("AAPL", limit=9)
    text = "⚠️ AAPL changed by 100.00%"
    assert rows == [
        (1, "AAPL", 10, 10, None, 1, None, None, 1, 0, 0, 0, 1, 1, None, "log"),
        (2, "AAPL", 20, 15, text, 2, None, 100, 2, 0, 1, 0, 2, 1, 1, "log"),
        (3, "AAPL", 1, None, None, 2, None, None, None, 0, 7, 0, None, None, 2, "http"),
        (4, "AAPL", 3, None, None, 2, None, None, None, None, None, 0, None, None, 3, "http"),
    ]
    names = ", ".join(f'"{name}"' for name in RECORD_FIELDS)
    records = scratch.execute(f"SELECT {names}, log FROM records ORDER BY id DESC").fetchall()
    assert [row[:-1] for row in records] == [tuple(getattr(r, name) for name in RECORD_FIELDS) for r in history]
    assert [row[-1] for row in records] == [None, LOG, LOG, LOG]


def test_the_tables_are_those_of_the_contract_and_strict(database: Path, scratch: apsw.Connection) -> None:
    filled(database)
    tables = dict(
        scratch.execute("SELECT name, strict FROM pragma_table_list WHERE type = 'table' AND schema = 'main'")
    )
    assert tables.keys() >= {"ticks", "latest", "alerts", "dead_letters", "positions", "streams", "runs"}
    assert {name for name, strict in tables.items() if not strict} <= {"sqlite_schema"}


def test_a_run_knows_where_its_ticks_lie(database: Path, scratch: apsw.Connection) -> None:
    with SqliteStore(database) as store:
        feed = Feed(store)
        feed(*ticks(1, 2, run="a"))
        feed(b"?", *ticks(3, run="b"))
        feed(*ticks(4, first_seq=3, run="a"))
    spans = scratch.execute("SELECT run, first_tick_id, last_tick_id, first_seen <= last_seen FROM runs").fetchall()
    assert spans == [("a", 1, 4, 1), ("b", 3, 3, 1)]


def test_what_is_committed_is_synced(database: Path) -> None:
    with closing(open_writing(database, busy_timeout_s=1)) as connection:
        assert connection.pragma("journal_mode") == "wal"
        assert connection.pragma("synchronous") == 2


def test_a_reading_connection_cannot_write(database: Path) -> None:
    filled(database)
    with closing(open_reading(database, busy_timeout_s=1)) as connection:
        with pytest.raises(apsw.ReadOnlyError):
            connection.execute("DELETE FROM ticks")
        connection.pragma("query_only", "off")
        with pytest.raises(apsw.ReadOnlyError):
            connection.execute("DELETE FROM ticks")


def test_the_last_to_close_leaves_one_file(database: Path) -> None:
    filled(database)
    assert [path.name for path in database.parent.iterdir()] == [database.name]


# --------------------------------------------------------------------------------------------- how it is read


@pytest.mark.parametrize(
    ("statement", "bindings"),
    [
        (sql.TICK_CHAIN.walk, (1, 10)),
        (sql.TICK_CHAIN.previous, (1, "AAPL")),
        (sql.TICK_CHAIN.next_below, (1, 0, "AAPL")),
        (sql.ALERT_CHAIN.walk, (1, 10)),
        (sql.LARGEST_MOVE, ()),
        (sql.DIGEST_ROWS, ("r", LOG)),
        (sql.STREAM, (LOG, "r", "AAPL", 0)),
        (sql.STREAM_BOOKS_OF_RUN, ("r",)),
        (sql.NEXT_TICK_ID, ()),
        (sql.RECORDS_AFTER, (5, 1)),
        (sql.ALERTS_AFTER, (5, 1)),
        (f"{sql.ALERTS} WHERE alerts.id < ? ORDER BY alerts.id DESC LIMIT ?", (5, 1)),
        (f"{sql.DEAD_LETTERS} WHERE id < ? AND reason = ? ORDER BY id DESC LIMIT ?", (5, "x", 1)),
    ],
)
def test_no_question_reads_the_whole_of_a_long_table(
    database: Path, scratch: apsw.Connection, statement: str, bindings: tuple[object, ...]
) -> None:
    filled(database)
    plan = [row[-1] for row in scratch.execute(f"EXPLAIN QUERY PLAN {statement}", bindings)]
    assert plan
    for step in plan:
        assert not step.startswith(("SCAN ticks", "SCAN alerts", "SCAN dead_letters", "SCAN streams")), plan


def test_the_latest_are_what_the_table_holds_whatever_was_known_before(
    database: Path, scratch: apsw.Connection
) -> None:
    def held() -> list[tuple[object, ...]]:
        return scratch.execute("SELECT symbol, id, price FROM latest ORDER BY symbol").fetchall()

    def told() -> list[tuple[object, ...]]:
        return [(record.symbol, record.id, record.price) for record in reader.latest()]

    filled(database)
    with SqliteReader(database) as reader, SqliteStore(database) as store:
        assert told() == held()
        feed = Feed(store)
        feed(*ticks(5, symbol="ZZZ"), *ticks(6, symbol="AA"), *ticks(30, first_seq=3))
        assert told() == held()
        assert [symbol for symbol, *_ in told()] == ["AA", "AAPL", "ZZZ"]
        for by_hand in (
            "DELETE FROM latest WHERE symbol = 'AA'",
            "UPDATE latest SET id = 1, price = 10 WHERE symbol = 'AAPL'",
            "DELETE FROM latest",
        ):
            scratch.execute(by_hand)
            assert told() == held()
        feed(*ticks(31, first_seq=4))
        assert told() == held() != []


def test_readers_in_many_threads_see_whole_commits_only(database: Path) -> None:
    symbols = [f"S{number}" for number in range(20)]
    failures: list[BaseException] = []
    reads = [0] * 4
    done = threading.Event()

    def read(number: int, reader: SqliteReader) -> None:
        try:
            newest = 0.0
            while not done.is_set() or not reads[number]:
                prices = {record.price for record in reader.latest()}
                assert len(prices) <= 1, "one commit gives all symbols one price"
                for book in reader.partition_books():
                    assert book.balanced
                for history in ([r.price for r in reader.history("S7", limit=5)],) if prices else ():
                    assert history == sorted(history, reverse=True)
                assert sum(1 for _ in reader.digest_rows("r", log=LOG)) % len(symbols) == 0
                newest = max(newest, *prices, 0.0)
                reads[number] += 1
        except BaseException as error:
            failures.append(error)

    with SqliteStore(database) as store, SqliteReader(database) as reader:
        threads = [threading.Thread(target=read, args=(number, reader)) for number in range(4)]
        for thread in threads:
            thread.start()
        feed = Feed(store)
        for number in range(1, 60):
            feed(*(tick for symbol in symbols for tick in ticks(number, symbol=symbol, first_seq=number)))
        done.set()
        for thread in threads:
            thread.join(60)
    assert not failures, failures[0]
    assert min(reads) >= 1


def test_a_long_answer_does_not_hold_up_the_others(database: Path) -> None:
    filled(database, *range(1, 2000))
    with SqliteReader(database) as reader, SqliteStore(database) as store:
        rows, books = reader.digest_rows("r", log=LOG), reader.stream_books()
        first, account = next(rows), next(books)
        Feed(store)(*ticks(7, first_seq=2000))
        assert reader.latest()[0].price == 7
        assert [first[1], *(row[1] for row in rows)] == list(range(1, 2000)), "one snapshot, taken at its beginning"
        assert account.stored == 1999
        books.close()  # type: ignore[attr-defined]


def test_a_commit_by_another_process_is_seen_by_who_wrote_before(database: Path) -> None:
    """Next id and heads are remembered between commits, and must not be after somebody else's."""
    with SqliteStore(database) as store:
        feed = Feed(store, partitions=[0])
        feed(*ticks(1, 2))
        with closing(apsw.Connection(str(database))) as learner:  # adds a row by hand
            learner.execute("INSERT INTO ticks (symbol, price, timestamp) VALUES ('AAPL', 5, 5)")
        feed(*ticks(3, first_seq=3))
        assert [(record.id, record.price) for record in store.history("AAPL", limit=9)] == [(4, 3), (2, 2), (1, 1)]
