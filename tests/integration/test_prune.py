"""Pruning: what is old goes, its account stays, and nothing of what is kept changes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import ApiConfig, create_app
from marketlab.errors import PrunedError, StoreError
from marketlab.model import Close
from marketlab.ports import PostedTick, StoreReader
from marketlab.store import SqliteReader, SqliteStore, prune, pruning
from marketlab.testing.memory_store import MemoryStore
from tests import store_worker
from tests.store_feed import LOG, NOW_MS, Feed, ticks

OLD, LONG_AGO = 2_000.0, 1_000.0  # everything before OLD goes; records were sent at NOW_MS


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "marketlab.db"


def age(database: Path, *runs: str) -> None:
    """Let runs have been seen long ago."""
    with closing(apsw.Connection(str(database))) as connection:
        connection.executemany("UPDATE runs SET last_seen = ? WHERE run = ?", ((LONG_AGO, run) for run in runs))


def numbers(database: Path) -> dict[str, list[int]]:
    with closing(apsw.Connection(str(database))) as connection:
        return {
            table: [id_ for (id_,) in connection.execute(f"SELECT id FROM {table} ORDER BY id")]
            for table in ("ticks", "alerts", "dead_letters")
        }


def seen(store: StoreReader, *runs: str) -> list[object]:
    """All that may not change: of everything the books and positions, of runs that are kept the rest."""
    books = store.books()
    return [
        [(book.log, book.partition, book.counts, book.next_offset, book.reasons) for book in books.partitions],
        [(run.run, run.stored, run.late, run.refused, run.gaps, run.balanced) for run in books.runs],
        store.latest(),
        *(list(store.digest_rows(run, log=LOG)) for run in runs),
        *(store.rules(run, log=LOG) for run in runs),
    ]


def test_old_runs_go_and_their_account_stays(database: Path) -> None:
    with SqliteStore(database) as store:
        feed = Feed(store)
        feed(*ticks(10, 20, 5, 1, run="old"), b"?", *ticks(9, run="old", first_seq=7), Close("old", "AAPL", 7, 1))
        feed(*ticks(10, 20, 5, run="new"), *ticks(7, 8, run="new", symbol="MSFT"), Close("new", "AAPL", 3, 2))
        before = seen(store, "new")
        age(database, "old")
        would = prune(database, before=OLD, dry_run=True)
        assert (would.runs, would.ticks, would.alerts, would.dead_letters) == (1, 5, 4, 0)
        assert seen(store, "old", "new") != []
        assert numbers(database)["ticks"] == list(range(1, 11)), "a dry run removes nothing"
        done = prune(database, before=OLD)
        assert (done.runs, done.ticks, done.alerts) == (1, 5, 4)
        assert seen(store, "new") == before
        assert numbers(database) == {"ticks": list(range(6, 11)), "alerts": [5, 6, 7], "dead_letters": [1]}
        assert [record.price for record in store.history("AAPL", limit=9)] == [5, 20, 10]
        with pytest.raises(PrunedError, match=r"run old was pruned on 20.*can no longer be made") as caught:
            list(store.digest_rows("old", log=LOG))
        assert (caught.value.exit_code, bool(caught.value.mend)) == (1, True)
        assert {run.run: run.pruned_at is not None for run in store.books().runs} == {"new": False, "old": True}
        assert list(store.problems()) == []
        assert prune(database, before=OLD).runs == 0, "once is enough"


def test_the_last_row_of_each_symbol_stays_so_that_numbers_go_on(database: Path) -> None:
    with SqliteStore(database) as store:
        Feed(store)(*ticks(10, 20, 5), *ticks(7, 9, symbol="MSFT"), b"?", b"{}")
        age(database, "r")
        prune(database, before=NOW_MS / 1000 + 1)
        assert numbers(database) == {"ticks": [3, 5], "alerts": [2, 3], "dead_letters": [2]}
        assert [(record.symbol, record.price) for record in store.latest()] == [("AAPL", 5), ("MSFT", 9)]
        Feed(store)(*ticks(6, 7, run="next"), b"[]")
        assert numbers(database) == {"ticks": [3, 5, 6, 7], "alerts": [2, 3, 4], "dead_letters": [2, 3]}
        assert [record.price for record in store.history("AAPL", limit=9)] == [7, 6, 5]
        assert [alert.id for alert in store.alerts(limit=9, symbol="AAPL")] == [4, 2]
        assert store.largest_move() is not None
        assert list(store.problems()) == []


def test_the_last_row_goes_with_the_next_old_run_once_another_took_its_place(database: Path) -> None:
    with SqliteStore(database) as store:
        feed = Feed(store)
        feed(*ticks(10, 20, run="first"), *ticks(7, 9, run="first", symbol="MSFT"))
        age(database, "first")
        prune(database, before=OLD)
        assert numbers(database)["ticks"] == [2, 4]
        feed(*ticks(5, 6, run="second"), *ticks(8, 9, run="third"))
        age(database, "second")
        for dry_run in (True, False):
            pruned = prune(database, before=OLD, dry_run=dry_run)
            assert (pruned.runs, pruned.ticks, pruned.alerts) == (1, 3, 2)
        assert numbers(database)["ticks"] == [4, 7, 8], "of MSFT there is no later row"
        assert [record.price for record in store.history("AAPL", limit=9)] == [9, 8]
        assert [alert.run for alert in store.alerts(limit=9)] == ["third", "first"]
        assert list(store.problems()) == []


def test_dead_letters_go_by_their_time_of_sending_and_stay_counted(database: Path) -> None:
    with SqliteStore(database) as store:
        Feed(store)(b"?", b"{}", b"?", b"[]")
        assert prune(database, before=NOW_MS / 1000).dead_letters == 0
        assert prune(database, before=NOW_MS / 1000 + 1, dry_run=True).dead_letters == 3
        assert prune(database, before=NOW_MS / 1000 + 1).dead_letters == 3
        assert store.dead_letter_counts() == {"not_an_object": 1}
        assert store.books().reasons == {"missing_field": 1, "not_an_object": 1, "not_json": 2}
        assert store.books().balanced
        assert list(store.problems()) == []


def test_what_prometheus_counts_never_falls(database: Path) -> None:
    def counters() -> dict[str, str]:
        text = create_app(ApiConfig(), reader=store, post=None).test_client().get("/metrics").text
        lines = (line.rsplit(" ", 1) for line in text.splitlines())
        return {name: value for name, value in lines if name.startswith(("marketlab_dead", "marketlab_alerts"))}

    with SqliteStore(database) as store:
        Feed(store)(*ticks(10, 20, 5), b"?", b"{}", b"?", b"[]")
        before = counters()
        assert before['marketlab_dead_letters_total{reason="not_json"}'] == "2.0"
        assert before["marketlab_alerts_total"] == "2.0"
        age(database, "r")
        pruned = prune(database, before=NOW_MS / 1000 + 1)
        assert (pruned.alerts, pruned.dead_letters) == (1, 3)
        assert counters() == before


def test_a_straggler_of_a_pruned_run_finds_its_stream_and_goes_with_the_next_prune(database: Path) -> None:
    with SqliteStore(database) as store:
        feed = Feed(store)
        feed(*ticks(1, 2, 3), *ticks(5, first_seq=5), Close("r", "AAPL", 5, 1))
        feed(*ticks(1, run="new"))
        age(database, "r")
        prune(database, before=OLD)
        feed(*ticks(4, first_seq=4), *ticks(2, first_seq=2))
        (run,) = (run for run in store.books().runs if run.run == "r")
        assert (run.stored, run.late, run.duplicate, run.lost, run.balanced) == (4, 1, 1, 0, True)
        assert prune(database, before=OLD).ticks == 0, "it was just seen"
        Feed(store)(*ticks(2, run="new", first_seq=2))
        age(database, "r")
        assert prune(database, before=OLD).ticks == 1
        assert [record.price for record in store.history("AAPL", limit=9)] == [2, 1]


def between(patch: pytest.MonkeyPatch, number: int, act: Callable[[], object]) -> None:
    """Let somebody write before a prune's transaction of this number."""
    begins, begin = count(), pruning._Prune._begin

    def late(self: Any) -> None:
        if next(begins) == number:
            act()
        begin(self)

    patch.setattr(pruning._Prune, "_begin", late)


def test_a_run_that_goes_on_before_it_is_marked_is_not_old(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SqliteStore(database) as store:
        feed = Feed(store)
        feed(*ticks(10, 20, 30, run="idle"), *ticks(1, run="other"))
        age(database, "idle")
        between(monkeypatch, 0, lambda: feed(*ticks(40, run="idle", first_seq=4)))
        assert prune(database, before=OLD).ticks == 0
        assert len(list(store.digest_rows("idle", log=LOG))) == 4


@pytest.mark.parametrize("number", range(1, 5))
def test_a_row_that_was_the_last_one_holds_the_history_together(
    database: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    with SqliteStore(database) as store:
        feed = Feed(store)
        feed(*ticks(10, 20, 30, run="live"), *ticks(40, 50, run="old"))
        age(database, "old")
        between(monkeypatch, number, lambda: feed(*ticks(60, run="live", first_seq=4)))
        assert prune(database, before=OLD).ticks == 1
        assert [record.price for record in store.history("AAPL", limit=9)] == [60, 50, 30, 20, 10]
        assert [alert.price for alert in store.alerts(limit=9, symbol="AAPL")] == [60, 50, 30, 20]
        assert list(store.problems()) == []


# ------------------------------------------------------------------------------------------------ anything at all

RUNS = ("a", "b", "c")
ACTS = st.lists(
    st.tuples(st.sampled_from([*RUNS, "posted"]), st.sampled_from(["AAPL", "MSFT"]), st.integers(1, 3)), max_size=14
)


def play(store: SqliteStore, acts: list[tuple[str, str, int]]) -> None:
    """Runs of the same symbols, interleaved, and posted records among them; every other tick alerts."""
    feed = Feed(store)
    seqs: dict[tuple[str, str], Iterator[int]] = {}
    for run, symbol, many in acts:
        for _ in range(many):
            if run == "posted":
                store.post([PostedTick(symbol, 3.0, 1.0)])
            else:
                seq = next(seqs.setdefault((run, symbol), count(1)))
                feed(*ticks(10.0 * (1 + seq % 2), run=run, symbol=symbol, first_seq=seq))


def rows_by_symbol(store: StoreReader) -> dict[str, list[Any]]:
    return {record.symbol: store.history(record.symbol, limit=999) for record in store.latest()}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ACTS, st.sets(st.sampled_from(RUNS)), st.integers(0, 8), st.integers(1, 4))
def test_histories_keep_what_stays_in_order_however_runs_were_interleaved_and_wherever_it_stops(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, str, int]], old: set[str], stops: int, chunk: int
) -> None:
    database = tmp_path_factory.mktemp("prune") / "marketlab.db"
    with SqliteStore(database) as store, pytest.MonkeyPatch.context() as patch:
        play(store, acts)
        patch.setattr(pruning, "CHUNK", chunk)
        kept_runs = [run for run in RUNS if run not in old and store.books(run=run).runs]
        before, rows, alerts = seen(store, *kept_runs), rows_by_symbol(store), store.alerts(limit=999)
        ends = [record.id for records in rows.values() for record in records if record.run in old]
        heads = {record.id for record in store.latest()}
        last_alerts = {alert.symbol: alert.id for alert in reversed(alerts)}
        goes = {
            record.id
            for records in rows.values()
            for record in records
            if (record.run in old or (record.run is None and record.id <= max(ends, default=0)))
            and record.id not in heads
        }
        age(database, *old)
        interrupted(patch, database, after=stops)
        prune(database, before=OLD)
        patch.undo()
        assert rows_by_symbol(store) == {
            symbol: [record for record in records if record.id not in goes] for symbol, records in rows.items()
        }
        stay = [alert for alert in alerts if alert.run not in old or last_alerts[alert.symbol] == alert.id]
        assert store.alerts(limit=999) == stay
        for symbol in last_alerts:
            assert store.alerts(limit=999, symbol=symbol) == [alert for alert in stay if alert.symbol == symbol]
        assert seen(store, *kept_runs) == before
        assert list(store.problems()) == []
        assert store.books().balanced


def interrupted(patch: pytest.MonkeyPatch, database: Path, *, after: int) -> None:
    """A prune that stops after so many transactions."""
    commits = count()
    begin = pruning._Prune._begin

    def stop(self: Any) -> None:
        if next(commits) == after:
            raise KeyboardInterrupt
        begin(self)

    with patch.context() as stopped:
        stopped.setattr(pruning._Prune, "_begin", stop)
        try:
            prune(database, before=OLD)
        except KeyboardInterrupt:
            with SqliteReader(database) as reader:
                assert list(reader.problems()) == []


# ------------------------------------------------------------------------------------------------ the world


def test_a_consumer_goes_on_writing_meanwhile(database: Path) -> None:
    with SqliteStore(database) as store:
        feed = Feed(store, log="tape:old")
        for first in range(1, 20_001, 2_000):
            feed(*ticks(*range(1, 2_001), run="old", first_seq=first))
    age(database, "old")
    root = Path(__file__).parents[2]
    command = [sys.executable, store_worker.__file__, str(database), "60"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=root, env=os.environ | {"PYTHONPATH": str(root)}
    ) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        assert prune(database, before=OLD).ticks >= 19_999
        worker.communicate(timeout=60)
    assert worker.returncode == 0, "it never met the lock for as long as two seconds"
    undisturbed = MemoryStore()
    Feed(undisturbed, partitions=[0])(*map(store_worker.message, range(60 * store_worker.BATCH)))
    with SqliteReader(database) as reader:
        assert reader.books().of_run("r") == undisturbed.books().of_run("r")
        assert list(reader.digest_rows("r", log=LOG)) == list(undisturbed.digest_rows("r", log=LOG))
        assert list(reader.problems()) == []


def test_a_database_that_is_not_ours_is_left_alone(database: Path) -> None:
    database.write_text("symbol,price\n" * 100)
    with pytest.raises(StoreError, match="no SQLite database"):
        prune(database, before=OLD)
    assert database.read_text() == "symbol,price\n" * 100
