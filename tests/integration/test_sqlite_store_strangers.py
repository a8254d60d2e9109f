"""A learner's own ``sqlite3`` on the file that a consumer writes: safe from another process, and only from there."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import apsw
import pytest

from marketlab.store import SqliteReader
from tests import store_worker
from tests.store_worker import BATCH

ROOT = Path(__file__).parents[2]
COMMITS = 150

#: Opens, reads and closes for as long as there is a line to read; then says how often it did.
LEARNER = """
import select, sqlite3, sys
how, path = sys.argv[1:]
times, seen = 0, 0
while not select.select([sys.stdin], [], [], 0)[0]:
    if how == "uri":
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    else:
        connection = sqlite3.connect(path)
    if how == "pandas":
        import pandas
        frame = pandas.read_sql("SELECT * FROM ticks ORDER BY id DESC LIMIT 100", connection)
        count = int(frame["id"].max()) if len(frame) else 0
    else:
        (count,) = connection.execute("SELECT count(*) FROM ticks").fetchone()
    assert count >= seen, (count, seen)
    seen = count
    connection.close()
    times += 1
    if times == 3:
        print("reading", flush=True)
print(times)
"""


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.skipif(sys.platform == "win32", reason="select() cannot wait for a pipe on Windows")
def test_learners_who_open_and_close_the_file_cost_no_row(tmp_path: Path) -> None:
    hows = ["uri", "plain", "plain"]
    if find_spec("pandas"):
        hows.append("pandas")
    database = tmp_path / "marketlab.db"
    with start(store_worker.__file__, str(database), "1") as first:
        first.communicate(timeout=60)
    learners = [start("-c", LEARNER, how, str(database)) for how in hows]
    assert [line(learner) for learner in learners] == ["reading"] * len(hows)
    with start(store_worker.__file__, str(database), str(COMMITS)) as writer:
        said, _ = writer.communicate(timeout=120)
    times = [int(learner.communicate("stop\n", timeout=60)[0]) for learner in learners]

    assert writer.returncode == 0
    assert [learner.returncode for learner in learners] == [0] * len(hows)
    assert min(times) > 3, "they went on reading while it wrote"
    assert said.split()[-1] == str(COMMITS * BATCH)
    with SqliteReader(database) as reader:
        (book,) = reader.partition_books()
        assert book.balanced
        assert book.counts.received == COMMITS * BATCH
        kept = book.counts.stored + book.counts.late
        walked = [record for latest in reader.latest() for record in reader.history(latest.symbol, limit=10**6)]
    assert len(walked) == kept
    connection = apsw.Connection(str(database))
    assert connection.pragma("integrity_check") == "ok"
    assert connection.execute("SELECT count(*), max(id) FROM ticks").get == (kept, kept)
    connection.close()


#: Both libraries on one file in one process: what the rule in marketlab.store.connection forbids.
MIXED = """
import sqlite3, sys
import apsw
writer = apsw.Connection(sys.argv[1])
writer.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
learner = sqlite3.connect(sys.argv[1])
learner.execute("SELECT count(*) FROM t").fetchone()
learner.close()
print("looked", flush=True)
sys.stdin.readline()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX drops locks on close, Windows does not")
def test_in_one_process_the_other_library_drops_our_locks(tmp_path: Path) -> None:
    """The reason for the rule: should this fail one day, the rule may go."""
    database = tmp_path / "scratch.db"
    outsider = apsw.Connection(str(database))
    outsider.pragma("journal_mode", "wal")
    outsider.execute("CREATE TABLE t (a)")
    with start("-c", MIXED, str(database)) as process:
        assert process.stdin is not None
        assert line(process) == "locked"
        with pytest.raises(apsw.BusyError):
            outsider.execute("BEGIN IMMEDIATE")
        process.stdin.write("look\n")
        process.stdin.flush()
        assert line(process) == "looked"
        outsider.execute("BEGIN IMMEDIATE")  # although the process still holds the lock, as it thinks
        outsider.execute("ROLLBACK")
        outsider.close()
        process.communicate("end\n", timeout=60)


def test_the_standard_library_is_not_the_one_that_writes() -> None:
    """Else the two tests above would say nothing."""
    assert apsw.using_amalgamation
    assert sqlite3.sqlite_version != apsw.sqlite_lib_version() or sqlite3.__file__ != apsw.__file__
