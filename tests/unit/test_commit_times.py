"""The time of commits, on its way from the consumer to whoever shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from marketlab import commit_times
from marketlab.commit_times import BOUNDS_S, CommitTimes, TimedSink, read_commit_times
from marketlab.errors import StoreFullError
from marketlab.testing.memory_store import MemoryStore
from tests.store_feed import Feed, ticks


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0.0, 0), (0.001, 0), (0.0011, 1), (5.0, len(BOUNDS_S) - 1), (5.1, len(BOUNDS_S))]
)
def test_a_commit_stands_in_the_first_bucket_that_holds_it(seconds: float, bucket: int) -> None:
    times = CommitTimes("0", "sqlite")
    times.observe(seconds)
    assert times.counts[bucket] == sum(times.counts) == 1
    assert times.sum_s == seconds


def test_a_timed_sink_does_what_the_sink_does_and_leaves_its_times(tmp_path: Path) -> None:
    store = MemoryStore()
    sink = TimedSink(store, tmp_path / "run" / "commits-0.json", consumer="0", kind="sqlite")
    feed = Feed(sink)  # type: ignore[arg-type]  # it only claims, loads and commits
    for n in range(5):
        feed(*ticks(10 + n, first_seq=1 + n))
    assert [record.price for record in store.latest()] == [14]
    [times] = read_commit_times(tmp_path / "run")
    assert sum(times.counts) == 1, "the first is told at once, the others at most a second later"
    sink.close()
    [times] = read_commit_times(tmp_path / "run")
    assert (times.consumer, times.sink, sum(times.counts)) == ("0", "sqlite", 5)
    assert times.sum_s > 0


def test_a_commit_that_failed_is_none(tmp_path: Path) -> None:
    store = MemoryStore()
    sink = TimedSink(store, tmp_path / "commits-0.json", consumer="0", kind="sqlite")
    feed = Feed(sink)  # type: ignore[arg-type]
    store.fail(StoreFullError("no room"))
    batch = feed.batch(*ticks(10))
    with pytest.raises(StoreFullError):
        feed.commit(batch)
    feed.commit(batch)
    assert [sum(times.counts) for times in read_commit_times(tmp_path)] == [1]


def test_a_disk_without_room_does_not_stop_the_consumer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, value: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(commit_times, "write_json", full)
    sink = TimedSink(MemoryStore(), tmp_path / "commits-0.json", consumer="0", kind="sqlite")
    Feed(sink)(*ticks(10))  # type: ignore[arg-type]
    sink.close()
    assert read_commit_times(tmp_path) == []


def test_files_that_are_not_ours_are_passed_over(tmp_path: Path) -> None:
    assert read_commit_times(tmp_path / "nowhere") == []
    good = {"consumer": "1", "sink": "http", "bounds_s": [1.0], "counts": [2, 3], "sum_s": 4.0}
    for name, text in {
        "commits-0.json": "{",
        "commits-1.json": json.dumps(good),
        "commits-2.json": json.dumps({**good, "counts": [1]}),
        "commits-3.json": json.dumps({**good, "sum_s": "x"}),
        "consumer-0.lock": json.dumps(good),
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert [times.consumer for times in read_commit_times(tmp_path)] == ["1"]
