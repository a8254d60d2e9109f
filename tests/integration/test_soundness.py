"""Rows held against the account: each fault that no sum of the books shows is planted, and must be named."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import apsw
import pytest

from marketlab.store import SqliteReader, SqliteStore
from tests.database_dump import fill

#: What somebody does to the tables → a word of the sentence that must name it.
FAULTS = {
    "DELETE FROM ticks WHERE id = 2": "r AAPL of partition 0 has 6 rows",
    "UPDATE ticks SET late = 1 WHERE id = 2": "of which 2 are late",
    "INSERT INTO ticks (symbol, price, timestamp, stream_id) VALUES ('AAPL', 1, 1, 1)": "has 8 rows",
    "UPDATE streams SET stored = stored + 1 WHERE id = 1": "its account says 8",
    "UPDATE streams SET ordinal = ordinal + 1 WHERE id = 1": "r AAPL of partition 0",
    "UPDATE streams SET refused_seqs = '[]' WHERE id = 1": "names 0 refused numbers, its account says 1",
    "UPDATE streams SET refused = 0 WHERE id = 1": "names 1 refused numbers, its account says 0",
    "UPDATE streams SET duplicate = 5 WHERE id = 1": "stored, late and duplicate 6, 1, 1, its streams have 6, 1, 5",
    "UPDATE positions SET stored = 7 WHERE partition = 0": "partition 0 of tape:t has stored",
    "DELETE FROM dead_letters WHERE id = 1": "has 0 dead letters of reason bad_price, 1 were counted",
    "UPDATE dead_letters SET reason = 'empty' WHERE id = 1": "1 dead letters of reason empty, 0 were counted",
    "UPDATE reasons SET pruned = 1": "1 were counted and 1 pruned",
    "DELETE FROM ticks WHERE id = 11": "the latest row of AAPL must be tick 11",
    "UPDATE latest SET price = 1 WHERE symbol = 'MSFT'": "the latest row of MSFT must be tick 10",
    "DELETE FROM alerts": "tick 3 of AAPL says that it alerted",
    "UPDATE ticks SET prev_id = NULL WHERE id = 11": "tick 4 of AAPL is missing from the history of its symbol",
    "UPDATE ticks SET prev_id = id WHERE id = 11": "tick 4 of AAPL is missing from the history of its symbol",
    "UPDATE latest SET alert_id = NULL WHERE symbol = 'AAPL'": "alert 1 of AAPL is missing",
}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    with SqliteStore(tmp_path / "marketlab.db") as store:
        fill(store)
        assert list(store.problems()) == []
    return tmp_path / "marketlab.db"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_tables_is_named(database: Path, fault: str) -> None:
    with closing(apsw.Connection(str(database))) as connection:
        connection.execute(fault)
        assert connection.changes()
    with SqliteReader(database) as reader:
        found = list(reader.problems())
    assert any(FAULTS[fault] in problem for problem in found), found


def test_damage_to_the_file_is_named(database: Path) -> None:
    with closing(apsw.Connection(str(database))) as connection:
        connection.pragma("writable_schema", "on")
        connection.execute("UPDATE sqlite_schema SET rootpage = 3 WHERE name = 'dead_letters_by_reason'")
    with SqliteReader(database) as reader:
        assert any("the file is damaged" in problem for problem in reader.problems())


def test_a_database_that_is_not_there_has_no_problems(tmp_path: Path) -> None:
    with SqliteReader(tmp_path / "marketlab.db") as reader:
        assert list(reader.problems()) == []
