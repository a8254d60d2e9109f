"""Connections to the database file, each setting with its reason, and SQLite's errors in the lab's words.

One SQLite library per file per process. POSIX drops all locks of a process on a file when the process closes *any*
descriptor of it, and each library only knows of its own: while apsw held ``BEGIN IMMEDIATE``, opening and closing the
same file with the standard ``sqlite3`` in the same process let a second writer in, and a committed row vanished with
``integrity_check`` saying ok. So nothing in a process that writes may open the file in another way, not even to copy
it. A learner's ``sqlite3`` in a process of its own is safe. In a process that only reads, mixing the two risks a wrong
answer, for a reader's lock keeps what it reads from being overwritten, but never the file.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from marketlab.deadline import Deadline
from marketlab.errors import StoreBusyError, StoreError, StoreFullError
from marketlab.store.schema import is_ready

__all__ = [
    "BUSY_TIMEOUT_S",
    "file_identity",
    "open_reading",
    "open_writing",
    "require_library",
    "translated",
    "translating",
]

#: SQLite 3.7.0 to 3.51.2 can lose committed rows when several connections write and checkpoint (the WAL-reset bug).
OLDEST_LIBRARY: Final = (3, 51, 3)

#: How long a writer waits for the lock, seconds: a hundred commits of somebody else, and still within the five seconds
#: in which a stopped consumer must drain and close.
BUSY_TIMEOUT_S: Final = 2.0

_LOOK_S: Final = 0.001
_WRITING_CACHE_KIB: Final = 4096
_STATEMENTS: Final = 64

#: EFBIG: the limit of the process or of the file system for one file (4 GiB on FAT32).
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def require_library(version: str | None = None) -> None:
    """Refuse a SQLite that can lose what it has committed.

    :param version: as ``3.51.3``; by default that of the library in use
    """
    found = version or apsw.sqlite_lib_version()
    if tuple(int(part) for part in found.split(".")) < OLDEST_LIBRARY:
        wanted = ".".join(map(str, OLDEST_LIBRARY))
        raise StoreError(
            f"SQLite must be {wanted} or newer, was {found}: older ones can lose committed rows",
            mend="Install apsw from a wheel (`pip install --only-binary apsw -U apsw`); it brings its own SQLite.",
        )


def file_identity(path: Path) -> tuple[int, int] | None:
    """Which file stands at a path, or None if none does."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def open_writing(path: Path, *, busy_timeout_s: float) -> apsw.Connection:
    """A connection that writes; makes the file, without tables, if there is none.

    :raises StoreError: it cannot be opened, or is not ours; then it is left as it is
    """
    with translating(path):
        connection = apsw.Connection(os.fspath(path), statementcachesize=_STATEMENTS)
    try:
        with translating(path, connection):
            _wait_for_locks(connection, busy_timeout_s)
            is_ready(connection, path)
            _write_ahead(connection, path)
            _survive_power_loss(connection)
            _keep_small(connection)
            _quotes_are_names(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reading(path: Path, *, busy_timeout_s: float) -> apsw.Connection:
    """A connection that cannot write.

    :raises StoreError: it cannot be opened
    """
    with translating(path):
        connection = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY, statementcachesize=_STATEMENTS)
    try:
        with translating(path, connection):
            _wait_for_locks(connection, busy_timeout_s)
            _only_read(connection)
            _quotes_are_names(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _wait_for_locks(connection: apsw.Connection, busy_timeout_s: float) -> None:
    """Wait for another writer instead of failing at once.

    SQLite's own waits grow to a tenth of a second: beside a writer that hardly pauses, some twenty looks in two
    seconds all met its lock. Looking every millisecond finds the gap.
    """
    deadline = Deadline(0)

    def wait(looks: int) -> bool:
        nonlocal deadline
        if looks == 0:
            deadline = Deadline(busy_timeout_s)
        if deadline.passed:
            return False
        time.sleep(_LOOK_S)
        return True

    connection.set_busy_handler(wait)


def _write_ahead(connection: apsw.Connection, path: Path) -> None:
    """Readers never block the writer nor it them. Needs shared memory, so no network file system."""
    mode = connection.pragma("journal_mode", "wal")
    if mode != "wal":
        raise StoreError(
            f"{path} must be on a file system that can hold a write-ahead log, its journal mode stays {mode!r}",
            mend="Put the home on a local disk (MARKETLAB_HOME).",
        )


def _survive_power_loss(connection: apsw.Connection) -> None:
    """What a commit says is durable is durable; with batches of 100 and more it costs next to nothing.

    macOS answers an ordinary fsync before the drive has written; elsewhere the two last settings do nothing.
    """
    connection.pragma("synchronous", "full")
    connection.pragma("fullfsync", "on")
    connection.pragma("checkpoint_fullfsync", "on")


def _keep_small(connection: apsw.Connection) -> None:
    """Rows are appended and nothing is indexed by symbol, so a few pages are hot: more cache bought no speed."""
    connection.pragma("cache_size", -_WRITING_CACHE_KIB)


def _only_read(connection: apsw.Connection) -> None:
    """A second line of defence behind the read-only file handle."""
    connection.pragma("query_only", "on")


def _quotes_are_names(connection: apsw.Connection) -> None:
    """``"offset"`` is a column or an error, never silently a string."""
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)


# --------------------------------------------------------------------------------------------- errors


@contextmanager
def translating(path: Path, connection: apsw.Connection | None = None) -> Iterator[None]:
    """Raise SQLite's errors as :class:`StoreError` and its kinds."""
    try:
        yield
    except apsw.Error as error:
        raise translated(error, path, errno_=connection.system_errno if connection else 0) from error


def translated(error: apsw.Error, path: Path, *, errno_: int = 0) -> StoreError:
    """SQLite's error in the lab's words.

    :param errno_: the operating system's own number, if there is one
    """
    match error:
        case apsw.BusyError() | apsw.LockedError() | apsw.ProtocolError():
            return StoreBusyError(
                f"{path} is locked by another writer",
                mend="It is tried again. If it stays locked, close the program that holds a transaction open on it.",
            )
        case apsw.FullError():
            return _full(path)
        case apsw.IOError() if errno_ in _FULL or getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_SHMSIZE:
            return _full(path)
        case apsw.NotADBError() | apsw.FormatError():
            return StoreError(
                f"{path} must be a marketlab database, found a file that is no SQLite database",
                mend="Move it away, or name another home (MARKETLAB_HOME).",
            )
        case apsw.CorruptError():
            return StoreError(
                f"{path} is damaged: {error}",
                mend="Move it and its -wal and -shm files away; a new one is filled from the log again.",
            )
        case apsw.ReadOnlyError() | apsw.PermissionsError():
            return StoreError(
                f"{path} must be writable, found it read-only", mend="Change its owner or mode, and its folder's."
            )
        case apsw.CantOpenError():
            return StoreError(
                f"{path} cannot be opened: {os.strerror(errno_) if errno_ else error}",
                mend="The folder must exist, and be writable even for reading: SQLite keeps its -shm file there.",
            )
    return StoreError(f"{path}: {error}", mend="`marketlab doctor` looks at the disk and the database.")


def _full(path: Path) -> StoreFullError:
    return StoreFullError(
        f"no room left for {path}; nothing was written", mend="Make room on its disk; it is tried again."
    )
