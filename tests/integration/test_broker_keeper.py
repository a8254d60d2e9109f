"""The keeper: a program in place of the JVM, so that every way to end it can be tried quickly."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from marketlab.broker import keeper
from marketlab.broker.leases import Lease, holders
from marketlab.broker.locks import held, held_by
from marketlab.broker.state import Memory, Rooms
from marketlab.errors import BrokerError
from tests.support import eventually

#: Ends at SIGTERM, as a JVM does.
GENTLE = [sys.executable, "-c", "import signal; signal.pause()"]
#: Does not.
STUBBORN = [
    sys.executable,
    "-c",
    "import signal; signal.signal(15, signal.SIG_IGN); print(1, flush=True); signal.pause()",
]

HOLD = """
import sys
from pathlib import Path
from marketlab.broker.leases import Lease
lease = Lease(Path(sys.argv[1]), on_release=lambda: None)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    rooms = Rooms(tmp_path / "broker")
    rooms.leases.mkdir(parents=True)
    rooms.logs.mkdir()
    yield rooms
    keeper.end_jvm(rooms, timeout_s=0)


def launch(rooms: Rooms, command: list[str], *, stop_timeout_s: float = 20.0) -> None:
    keeper.launch(rooms, command=command, stop_timeout_s=stop_timeout_s, env=dict(os.environ))


def stopped(rooms: Rooms) -> bool:
    return not rooms.jvm_lives()


def keeper_gone(rooms: Rooms) -> bool:
    return not held(rooms.keeper_lock)


def test_it_runs_in_a_session_of_its_own_and_leaves_us_no_child(rooms: Rooms) -> None:
    before = set(psutil.Process().children())  # a browser of other tests may be among them
    with Lease(rooms.leases, on_release=lambda: None):
        launch(rooms, GENTLE)
        pid = rooms.jvm_pid()
        assert pid is not None
        assert os.getsid(pid) not in {os.getsid(0), 0}
        assert set(psutil.Process().children()) <= before
        assert psutil.Process(pid).ppid() == held_by(rooms.keeper_lock)


def test_it_runs_as_long_as_there_is_a_lease_and_stops_with_the_last(rooms: Rooms) -> None:
    first, second = (Lease(rooms.leases, on_release=lambda: None) for _ in range(2))
    launch(rooms, GENTLE)
    first.release()
    assert rooms.jvm_lives()
    second.release()
    eventually(lambda: stopped(rooms), what="the stop")
    eventually(lambda: keeper_gone(rooms), what="the end of the keeper")


def test_it_stops_when_the_last_holder_is_killed(rooms: Rooms) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(rooms.leases)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        launch(rooms, GENTLE)
        holder.kill()
    eventually(lambda: stopped(rooms), what="the stop")


def test_it_stays_when_that_was_asked_for(rooms: Rooms) -> None:
    lease = Lease(rooms.leases, on_release=lambda: None)
    Memory(stays=True).write(rooms)
    launch(rooms, GENTLE)
    lease.release()
    process = psutil.Process(held_by(rooms.keeper_lock) or 0)
    looked = process.num_ctx_switches().voluntary
    eventually(lambda: process.num_ctx_switches().voluntary > looked + 3, what="three looks of the keeper")
    assert rooms.jvm_lives()
    Memory(stays=False).write(rooms)
    eventually(lambda: stopped(rooms), what="the stop")


def test_one_that_ignores_the_request_is_killed(rooms: Rooms) -> None:
    lease = Lease(rooms.leases, on_release=lambda: None)
    launch(rooms, STUBBORN, stop_timeout_s=0.2)
    eventually(lambda: rooms.output.read_text() == "1\n", what="the program's start")
    lease.release()
    eventually(lambda: stopped(rooms), what="the kill")


def test_no_second_one_starts(rooms: Rooms) -> None:
    with Lease(rooms.leases, on_release=lambda: None):
        launch(rooms, GENTLE)
        pid, watching = rooms.jvm_pid(), held_by(rooms.keeper_lock)
        with pytest.raises(BrokerError, match="already runs"):
            launch(rooms, GENTLE)
        assert (rooms.jvm_pid(), held_by(rooms.keeper_lock)) == (pid, watching)


def test_a_killed_one_counts_as_stopped_at_once(rooms: Rooms) -> None:
    with Lease(rooms.leases, on_release=lambda: None):
        launch(rooms, GENTLE)
        os.kill(rooms.jvm_pid() or 0, signal.SIGKILL)
        eventually(lambda: stopped(rooms), what="the death")
        eventually(lambda: keeper_gone(rooms), what="the end of the keeper")


def test_a_new_keeper_takes_over_from_a_killed_one(rooms: Rooms) -> None:
    lease = Lease(rooms.leases, on_release=lambda: None)
    launch(rooms, GENTLE)
    os.kill(held_by(rooms.keeper_lock) or 0, signal.SIGKILL)
    eventually(lambda: keeper_gone(rooms), what="the death of the keeper")
    assert rooms.jvm_lives()
    launch(rooms, [])
    assert held(rooms.keeper_lock)
    lease.release()
    eventually(lambda: stopped(rooms), what="the stop")


def test_it_does_not_outlive_its_home(rooms: Rooms) -> None:
    lease = Lease(rooms.leases, on_release=lambda: None)
    launch(rooms, GENTLE)
    jvm = psutil.Process(rooms.jvm_pid() or 0)
    shutil.rmtree(rooms.folder.parent)
    eventually(lambda: not jvm.is_running(), what="the end")
    lease.drop()
    assert not rooms.folder.exists()


def test_a_program_that_cannot_be_run_is_an_error(rooms: Rooms, tmp_path: Path) -> None:
    with (
        Lease(rooms.leases, on_release=lambda: None),
        pytest.raises(BrokerError, match=r"the Java runtime cannot be run: .*No such file"),
    ):
        launch(rooms, [str(tmp_path / "no-java")])
    assert stopped(rooms)
    assert holders(rooms.leases) == {}
