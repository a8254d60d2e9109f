"""Leases: who uses the broker, also after some of them were killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from marketlab.broker.leases import Lease, holders, sweep
from tests.support import eventually

HOLD = """
import sys
from pathlib import Path
from marketlab.broker.leases import Lease
lease = Lease(Path(sys.argv[2]), on_release=lambda: None)
print("held", flush=True)
sys.stdin.read()
"""

FORK = """
import os, sys
from pathlib import Path
from marketlab.broker.leases import Lease, holders
folder = Path(sys.argv[1])
lease = Lease(folder, on_release=lambda: None)
if not os.fork():
    lease.release()
    os._exit(0)
os.wait()
print(len(holders(folder)))
"""


def test_a_process_counts_once_however_many_leases_it_has(tmp_path: Path) -> None:
    first, second = (Lease(tmp_path, on_release=lambda: None) for _ in range(2))
    assert list(holders(tmp_path)) == [os.getpid()]
    first.release()
    assert list(holders(tmp_path)) == [os.getpid()]
    second.release()
    assert holders(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_lease_is_released_once(tmp_path: Path) -> None:
    released: list[int] = []
    with Lease(tmp_path, on_release=lambda: released.append(1)) as lease:
        held = [lease.held]
    held.append(lease.held)
    lease.release()
    assert held == [True, False]
    assert released == [1]


def test_a_killed_holder_is_swept(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, "up", str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        # Its program and first word say who it is; the folder, as any other argument, is its own affair.
        assert holders(tmp_path) == {process.pid: "-c up"}
        process.kill()
    eventually(lambda: not holders(tmp_path), what="the end of the lease")
    assert len(list(tmp_path.iterdir())) == 1
    mine = Lease(tmp_path, on_release=lambda: None)
    sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    assert list(holders(tmp_path)) == [os.getpid()]
    mine.release()


def test_a_forked_child_cannot_give_back_its_parents_lease(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "1\n"


def test_no_folder_means_no_holders(tmp_path: Path) -> None:
    assert holders(tmp_path / "none") == {}
    sweep(tmp_path / "none")
