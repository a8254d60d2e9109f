"""The AOT cache: trained once, used ever after, and never in the way."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import psutil
import pytest

from marketlab.broker import ManagedBroker, detached
from marketlab.broker.aot import AotCache
from marketlab.broker.jars import JarCache
from marketlab.broker.locks import FileLock, held_by
from marketlab.broker.runtime import java
from marketlab.broker.state import Rooms
from tests.support import eventually, require

pytestmark = [pytest.mark.broker, pytest.mark.usefixtures("kafka_installed")]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache of our own that holds the jars and nothing else."""
    jars = tmp_path / "cache" / "kafka" / "jars"
    shutil.copytree(ManagedBroker.user_cache() / "jars", jars)
    return tmp_path / "cache"


def aot(cache: Path) -> AotCache:
    return AotCache(cache / "kafka" / "aot", java=java(), class_path=JarCache(cache / "kafka").paths)


def mapped(pid: int | None) -> set[str]:
    """Files that a process has mapped."""
    require(hasattr(psutil.Process, "memory_maps"), "the system does not tell what a process has mapped")
    return {row.path for row in psutil.Process(pid).memory_maps()}


@pytest.mark.timeout(400)
def test_a_training_that_is_killed_is_made_good_and_a_damaged_cache_ignored(tmp_path: Path, cache: Path) -> None:
    broker = ManagedBroker(tmp_path / "home", cache=cache)
    with broker.acquire():
        assert broker.status().warm is False
    trained, rooms = aot(cache), Rooms(cache / "kafka" / "training")
    trainer = eventually(lambda: held_by(trained.lock), timeout_s=60, what="the training's begin")
    jvm = eventually(rooms.jvm_pid, timeout_s=120, what="the training's JVM")
    assert psutil.Process(jvm).nice() == detached.LOWEST_PRIORITY
    os.kill(trainer, signal.SIGKILL)
    eventually(lambda: not rooms.jvm_lives(), timeout_s=120, what="the end of the training's JVM")
    assert not trained.ready

    broker.install()
    assert trained.ready
    assert not (cache / "kafka" / "training").exists()
    with broker.acquire():
        assert broker.status().warm is True
        assert str(trained.path) in mapped(broker.status().pid)

    trained.path.write_bytes(trained.path.read_bytes()[:1_000_000])
    with broker.acquire():
        assert broker.status().running


def test_nothing_is_trained_when_nobody_wants_it(tmp_path: Path, cache: Path) -> None:
    broker = ManagedBroker(tmp_path / "home", cache=cache, aot=False)
    with broker.acquire():
        assert broker.status().warm is False
    assert not (cache / "kafka" / "aot").exists()


def test_a_second_training_leaves_it_to_the_first(tmp_path: Path, cache: Path) -> None:
    first = FileLock(aot(cache).lock)
    first.acquire()
    task: dict[str, object] = {"cache": str(cache / "kafka")}
    row = detached.spawn("marketlab.broker.training", task, env=os.environ, lean=False)
    eventually(lambda: not psutil.pid_exists(int(str(row["pid"]))), what="the end of the second")
    assert not (cache / "kafka" / "training").exists()
    first.release()


def test_other_jars_or_flags_mean_another_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = aot(cache).path
    assert aot(cache).path == before
    os.utime(JarCache(cache / "kafka").paths[0], (1, 1))
    touched = aot(cache).path
    monkeypatch.setattr("marketlab.broker.aot.FLAGS", ("-Xmx1g",))
    assert len({before, touched, aot(cache).path}) == 3


def test_caches_that_nobody_uses_any_more_are_removed(cache: Path) -> None:
    mine = aot(cache)
    mine.folder.mkdir()
    fresh, stale = mine.folder / "fresh.aot", mine.folder / "stale.aot"
    for path in (mine.path, fresh, stale):
        path.write_bytes(b"x")
    os.utime(stale, (1, 1))
    os.utime(mine.path, (1, 1))
    mine.sweep()
    assert sorted(mine.folder.iterdir()) == sorted([mine.path, fresh])
