"""Locks that die with their holder, and what a fork must not do to them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from marketlab.broker.locks import FileLock, held, held_by, locked, wait_released
from marketlab.errors import BrokerError

HOLD = """
import sys
from pathlib import Path
from marketlab.broker.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""

FORK = """
import os, sys
from pathlib import Path
from marketlab.broker.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
lock.acquire()
child = os.fork()
if child:
    print(child, flush=True)
sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_one_at_a_time(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.acquire(timeout_s=0)
    assert not second.acquire(timeout_s=0)
    assert held(tmp_path / "lock")
    first.release()
    assert not held(tmp_path / "lock")
    assert second.acquire(timeout_s=0)
    second.release()


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as process:
        assert held_by(tmp_path / "lock") == process.pid
        process.kill()
        assert wait_released(tmp_path / "lock", timeout_s=20)
    lock = FileLock(tmp_path / "lock")
    assert lock.acquire(timeout_s=0)
    lock.release()


def test_who_waits_too_long_learns_for_whom(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as process:
        with (
            pytest.raises(BrokerError, match=f"process {process.pid} is still at it"),
            locked(tmp_path / "lock", timeout_s=0.1, what="starting"),
        ):
            pytest.fail("the lock was taken twice")
        process.communicate()


def test_a_waiter_gets_the_lock_when_it_is_released(tmp_path: Path) -> None:
    lock, got = FileLock(tmp_path / "lock"), threading.Event()
    lock.acquire()

    def wait() -> None:
        with locked(tmp_path / "lock", timeout_s=20, what="waiting"):
            got.set()

    thread = threading.Thread(target=wait)
    thread.start()
    lock.release()
    assert got.wait(20)
    thread.join()


def test_looking_at_a_lock_changes_nothing(tmp_path: Path) -> None:
    assert not held(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []
    assert held_by(tmp_path / "none") is None


def test_a_lock_on_a_deleted_file_counts_for_nothing(tmp_path: Path) -> None:
    old, new = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    old.acquire()
    (tmp_path / "lock").unlink()
    assert new.acquire(timeout_s=0)
    new.release()
    old.release()


def test_a_forked_child_does_not_prolong_the_lock_of_a_killed_parent(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FORK, str(tmp_path / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert held(tmp_path / "lock")
        parent.kill()
        assert wait_released(tmp_path / "lock", timeout_s=20)
        os.kill(child, 0)  # it lives, and ends with its input


def test_a_child_that_was_given_the_lock_holds_it_alone(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    lock.acquire()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=(lock.fd,)) as child:
        lock.write(str(child.pid))
        lock.give_away()
        assert held_by(tmp_path / "lock") == child.pid
    assert not held(tmp_path / "lock")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BrokerError, match="must be able to write") as caught:
        FileLock(tmp_path / "file" / "lock").acquire()
    assert str(tmp_path / "file") in str(caught.value)
