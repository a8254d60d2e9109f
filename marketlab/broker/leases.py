"""Who uses a broker. A lease is a locked file: it ends when its holder says so, or dies."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from marketlab.broker.locks import FileLock, held

__all__ = ["Lease", "holders", "sweep"]


class Lease:
    """The right to find the broker running; made by ``ManagedBroker.acquire``.

    It belongs to the process that took it: forked children do not prolong it.

    :param folder: where the leases of this broker lie
    :param on_release: called after a release by hand, to stop an unused broker
    """

    def __init__(self, folder: Path, *, on_release: Callable[[], None]) -> None:
        self.bootstrap_servers = ""
        self.port = 0
        self._pid = os.getpid()
        self._lock = FileLock(folder / f"{self._pid}-{secrets.token_hex(4)}")
        self._on_release = on_release
        self._lock.acquire(text=f"{self._pid} {_command()}")

    @property
    def held(self) -> bool:
        """Whether it has not been released."""
        return self._lock.held

    def drop(self) -> None:
        """Give the lease back and leave the broker as it is."""
        if self.held and os.getpid() == self._pid:
            self._lock.path.unlink(missing_ok=True)
            self._lock.release()

    def release(self) -> None:
        """Give the lease back; with the last one the broker stops, before this returns. Again: nothing."""
        if self.held and os.getpid() == self._pid:
            self.drop()
            self._on_release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def holders(folder: Path) -> dict[int, str]:
    """Live holders, as pid → command; one row however many leases a process has. Changes nothing."""
    found = {}
    for path in _files(folder):
        if held(path):
            try:
                pid, _, command = path.read_text(encoding="utf-8", errors="replace").partition(" ")
                found[int(pid)] = command
            except (OSError, ValueError):  # released, or just being written: it counts, its name comes next time
                found[int(path.name.partition("-")[0])] = "?"
    return dict(sorted(found.items()))


def sweep(folder: Path) -> None:
    """Remove what dead holders left. Only under the home's lock: a lease is born unlocked."""
    for path in _files(folder):
        if not held(path):
            path.unlink(missing_ok=True)


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.name.partition("-")[0].isdigit()]
    except OSError:
        return []


def _command() -> str:
    """What to call this process: its program and first word, never its other arguments, which may be secret."""
    words = [Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"]
    words += [word for word in sys.argv[1:2] if word.isalpha()]
    return " ".join(words)
