"""What a home remembers of its broker, and damage that can be seen without Kafka."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketlab.broker import ManagedBroker
from marketlab.broker.locks import FileLock
from marketlab.broker.state import Memory, Rooms, damage, own_pid_space, read_cluster_id

META = "#\n#Mon Nov 23 18:16:26 UTC 2026\ncluster.id=abc\ndirectory.id=def\nnode.id=1\nversion=1\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    metadata = tmp_path / "data" / "__cluster_metadata-0"
    metadata.mkdir(parents=True)
    (metadata / "00000000000000000000-0000000000.checkpoint").write_bytes(b"x")
    (tmp_path / "data" / "meta.properties").write_text(META)
    return tmp_path / "data"


def test_memory_survives_and_defaults_stand_for_what_cannot_be_read(tmp_path: Path) -> None:
    rooms = Rooms(tmp_path)
    assert Memory.read(rooms) == Memory()
    Memory(port=9093, stays=True, ready_pid=7).write(rooms)
    assert Memory.read(rooms) == Memory(port=9093, stays=True, ready_pid=7)
    rooms.memory.write_text('{"port": 1')
    assert Memory.read(rooms) == Memory()


def test_a_whole_data_folder_has_no_damage(data: Path) -> None:
    assert damage(data) is None
    assert read_cluster_id(data) == "abc"


@pytest.mark.parametrize(
    ("meta", "problem"),
    [
        ("", "meta.properties is missing or empty"),
        ("\x00\x01garbage", "meta.properties has no version"),
        (META.replace("cluster.id=abc\n", ""), "meta.properties has no cluster.id"),
        (META.replace("node.id=1\n", "node.id=\n"), "meta.properties has no node.id"),
    ],
)
def test_a_damaged_meta_properties_is_named(data: Path, meta: str, problem: str) -> None:
    (data / "meta.properties").write_text(meta)
    assert damage(data) == problem


def test_a_data_folder_without_its_voter_is_damaged(data: Path) -> None:
    next((data / "__cluster_metadata-0").iterdir()).unlink()
    assert damage(data) == "__cluster_metadata-0 holds no snapshot"


def test_a_jvm_of_another_container_has_no_pid_for_us(tmp_path: Path) -> None:
    rooms = Rooms(tmp_path)
    lock = FileLock(rooms.jvm_lock)
    lock.acquire(text="1 pid:[elsewhere]")
    assert rooms.jvm_lives()
    assert rooms.jvm_pid() is None
    lock.write(f"1 {own_pid_space()}")
    assert rooms.jvm_pid() == 1
    lock.release()
    assert rooms.jvm_pid() is None


def test_the_status_of_a_home_without_a_broker_changes_nothing(tmp_path: Path) -> None:
    status = ManagedBroker(tmp_path / "home").status()
    assert not status.running
    assert (status.pid, status.port, status.cluster_id, status.leases, status.rss) == (None, None, None, {}, None)
    assert list(tmp_path.iterdir()) == []
    assert status.to_json()["data"] == str(tmp_path / "home" / "broker" / "data")


def test_stop_and_wipe_of_a_home_without_a_broker_do_nothing(tmp_path: Path) -> None:
    broker = ManagedBroker(tmp_path / "home")
    assert broker.stop() is False
    assert broker.wipe() is False
    assert list(tmp_path.iterdir()) == []
