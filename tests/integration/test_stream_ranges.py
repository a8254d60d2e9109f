"""Gaps, breaks and refused numbers of a stream: written when they change, and never else, for they may be long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketlab.errors import StaleOwnerError
from marketlab.model import Close, Position, Tick
from marketlab.store import SqliteStore
from tests.store_feed import Feed, tick, ticks

RUNS = count()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ranges") / "marketlab.db"


@pytest.fixture(scope="module")
def store(path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(path) as store:
        yield store


def refused(seq: int, *, run: str = "r") -> bytes:
    """A message that is refused, its number readable."""
    return b'{"symbol":"AAPL","price":0,"timestamp":1,"run":"%s","seq":%d}' % (run.encode(), seq)


def message(kind: str, seq: int, run: str) -> Tick | Close | bytes:
    """A tick, a refused message or a closing record with this number."""
    if kind == "close":
        return Close(run, "AAPL", seq)
    return refused(seq, run=run) if kind == "refused" else tick(100.0 + seq, float(seq), seq=seq, run=run)


@settings(max_examples=40, deadline=None)
@given(
    batches=st.lists(
        st.lists(
            st.tuples(st.sampled_from(["tick", "tick", "tick", "refused", "close"]), st.integers(1, 12)),
            min_size=1,
            max_size=4,
        ),
        min_size=2,
        max_size=8,
    )
)
def test_what_stands_in_the_file_is_what_the_consumer_goes_on_with(
    store: SqliteStore, batches: list[list[tuple[str, int]]]
) -> None:
    run = f"r{next(RUNS)}"
    feed = Feed(store, partitions=[0])
    for items in batches:
        batch = feed(*(message(kind, seq, run) for kind, seq in items))
        assert store.load_streams(list(batch.streams)) == batch.streams


def test_a_commit_that_changes_none_of_them_writes_none(tmp_path: Path) -> None:
    path = tmp_path / "marketlab.db"
    with SqliteStore(path) as store, closing(apsw.Connection(str(path))) as other:
        feed = Feed(store)
        feed(*ticks(1, 2))
        other.execute("CREATE TABLE written (what TEXT)")
        other.execute(
            "CREATE TRIGGER told AFTER UPDATE OF gaps, refused_seqs, breaks ON streams BEGIN "
            "INSERT INTO written VALUES (new.gaps || new.refused_seqs); END"
        )

        def written(*messages: Tick | Close | bytes) -> list[str]:
            other.execute("DELETE FROM written")
            feed(*messages)
            return [what for (what,) in other.execute("SELECT what FROM written")]

        assert written(*ticks(3, 4, first_seq=3)) == []
        assert written(*ticks(9, first_seq=9)) == ["[[5,8]][]"]
        assert written(*ticks(10, 11, first_seq=10)) == []
        assert written(*ticks(6, first_seq=6)) == ["[[5,5],[7,8]][]"]
        assert written(*ticks(6, first_seq=6)) == [], "a duplicate"
        assert written(refused(12)) == ["[[5,5],[7,8]][[12,12]]"]
        assert written(*ticks(13, first_seq=13)) == []
        assert written(*ticks(12, first_seq=12)) == ["[[5,5],[7,8]][]"], "repaired"
        assert written(Close("r", "AAPL", 13)) == []
        assert written(Close("r", "AAPL", 14)) == ["[[5,5],[7,8],[14,14]][]"]
        assert written(*ticks(5, first_seq=5)) == ["[[7,8],[14,14]][]"], "a straggler, its stream read again"


def test_a_batch_that_is_committed_again_still_brings_them(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "marketlab.db") as store:
        feed = Feed(store)
        feed(*ticks(1))
        batch = feed.batch(*ticks(5, first_seq=5))
        with pytest.raises(StaleOwnerError):
            store.commit(batch, expected={0: Position(99, 1)})
        feed.commit(batch)
        (state,) = store.load_streams(list(batch.streams)).values()
        assert state.gaps == [[2, 4]]
