"""A process and all that it has started.

A kernel is in a session of its own, and what a cell starts may be in another one; so a signal to a group reaches too
few. What carries the run's home in its environment belongs to it, whoever its parent is by now.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import psutil

__all__ = ["end_family", "family"]

WAIT_S = 5.0
ROUNDS = 5


def family(home: Path) -> list[psutil.Process]:
    """Every process of this user that has this home in its environment, but not this process."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get("MARKETLAB_HOME") == str(home):
                found.append(process)
    return found


def end_family(home: Path) -> int:
    """Kill them all, and what they start meanwhile.

    :returns: how many there were
    """
    ended: set[int] = set()
    for _ in range(ROUNDS):
        living = [process for process in family(home) if process.status() != psutil.STATUS_ZOMBIE]
        if not living:
            break
        for process in living:
            ended.add(process.pid)
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(living, timeout=WAIT_S)
    return len(ended)
