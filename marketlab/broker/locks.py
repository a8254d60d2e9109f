"""Locks that the kernel lets go of when their holder dies, however it dies.

``flock`` and not a pid in a file: a pid is used again, a start time moves when the clock is set, and neither can be
waited for. A lock also passes to a child with its file descriptor: that is how a JVM, which knows nothing of us,
holds the lock that says "the broker runs".
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

with contextlib.suppress(ImportError):  # Windows: check_platform() refuses before a lock is asked for
    import fcntl

from marketlab.broker.failures import unusable
from marketlab.deadline import Deadline
from marketlab.errors import BrokerError

__all__ = ["FileLock", "held", "held_by", "locked", "wait_released"]

POLL_S = 0.02  # a lock is held for milliseconds, or for a start of a second or more

#: Descriptors that a fork must not keep: a forked worker would otherwise hold its parent's locks past its death.
_ours: set[int] = set()


def _forget_in_child() -> None:
    for fd in _ours:
        with contextlib.suppress(OSError):
            os.close(fd)
    _ours.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)


class FileLock:
    """An exclusive lock on a file that is never unlinked while it matters.

    :param path: the file; it and its folder are made when needed

    The file's text is the holder's: ``acquire`` writes its pid, for whoever waits to name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None
        self._pid = 0

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._fd is not None

    @property
    def fd(self) -> int:
        """The open descriptor, to hand to a child.

        :raises ValueError: the lock is not held
        """
        if self._fd is None:
            raise ValueError(f"{self.path} is not held")
        return self._fd

    def acquire(self, *, timeout_s: float | None = None, text: str | None = None) -> bool:
        """Wait for the lock; False when the time is over.

        :param timeout_s: 0 tries once, None waits for as long as it takes
        :param text: what the file is to say while it is held; default: the pid
        :raises BrokerError: the file cannot be made, or its file system knows no locks
        """
        deadline = Deadline(timeout_s)
        while True:
            fd = self._open()
            if self._try(fd):
                break
            os.close(fd)
            if deadline.passed:
                return False
            time.sleep(min(POLL_S, deadline.remaining_s))
        _ours.add(fd)
        self._fd, self._pid = fd, os.getpid()
        self.write(text if text is not None else str(os.getpid()))
        return True

    def write(self, text: str) -> None:
        """Make the file say something else while it is held."""
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, text.encode(), 0)

    def release(self) -> None:
        """Let go; nothing happens when it is not held, or was taken before a fork."""
        fd, self._fd = self._fd, None
        if fd is None or self._pid != os.getpid():
            return
        _ours.discard(fd)
        # Unlock before the close: a child between fork and exec holds a copy of the descriptor for a moment.
        fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)

    def give_away(self) -> None:
        """Close our copy and leave the lock to the child that was given the descriptor."""
        fd, self._fd = self.fd, None
        _ours.discard(fd)
        os.close(fd)

    def _open(self) -> int:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as exc:
            raise unusable(self.path.parent, exc) from exc

    def _try(self, fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Deleted since it was opened (a whole home was removed): that lock guards no name.
            if os.fstat(fd).st_nlink > 0:
                return True
        except BlockingIOError:
            pass
        except OSError as exc:
            os.close(fd)
            raise unusable(self.path.parent, exc) from exc
        return False


@contextlib.contextmanager
def locked(path: Path, *, timeout_s: float | None, what: str) -> Iterator[FileLock]:
    """Hold a lock for a block.

    :param what: what the holder is doing, for the message
    :raises BrokerError: the time is over; names the holder's pid
    """
    lock = FileLock(path)
    if not lock.acquire(timeout_s=timeout_s):
        raise BrokerError(
            f"{what} should take less than {timeout_s:.0f} s; process {held_by(path) or 'unknown'} is still at it",
            mend="Wait for that process, or end it, then try again.",
        )
    try:
        yield lock
    finally:
        lock.release()


def held(path: Path) -> bool:
    """Whether a live process holds the lock. Never blocks, changes nothing."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Shared: two who ask at the same moment must not see each other as the holder.
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return False


def held_by(path: Path) -> int | None:
    """The pid that the holder wrote into its lock, or None."""
    try:
        return int(path.read_text().split()[0]) if held(path) else None
    except (OSError, ValueError, IndexError):
        return None


def wait_released(path: Path, *, timeout_s: float) -> bool:
    """Wait until nobody holds the lock; False when the time is over."""
    deadline = Deadline(timeout_s)
    while held(path):
        if deadline.passed:
            return False
        time.sleep(min(POLL_S, deadline.remaining_s))
    return True
