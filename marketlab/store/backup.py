"""A copy of the database while it is written: one commit of it, compact, and verified before it gets its name."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import apsw

from marketlab.errors import SettingsError, StoreError, StoreFullError
from marketlab.store.connection import BUSY_TIMEOUT_S, open_reading, require_library, translated, translating
from marketlab.store.schema import is_ready
from marketlab.store.soundness import problems

__all__ = ["Backup", "back_up"]


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy that was made: its size, and how many ticks are in it."""

    file: str
    bytes: int
    ticks: int

    def as_dict(self) -> dict[str, Any]:
        """As ``marketlab backup --json`` prints it."""
        return asdict(self)


def back_up(database: Path, target: Path) -> Backup:
    """Copy the database, by ``VACUUM INTO``: readers and writers go on meanwhile.

    :raises SettingsError: the target is there already, or its folder is not
    :raises StoreError: there is no database, it is not ours, or not sound; the target is not made
    :raises StoreFullError: no room for the copy; the target is not made
    """
    require_library()
    if target.exists():
        raise SettingsError(f"{target} is there already", mend="A backup replaces nothing: name another file.")
    if not target.parent.is_dir():
        raise SettingsError(f"the folder {target.parent} is not there", mend="Make it, or name another file.")
    if not database.exists():
        raise StoreError(f"there is no database at {database}", mend="`marketlab up` makes one.")
    scratch = target.with_name(f".{target.name}.part")
    scratch.unlink(missing_ok=True)
    try:
        with closing(open_reading(database, busy_timeout_s=BUSY_TIMEOUT_S)) as connection:
            with translating(database, connection):
                is_ready(connection, database)  # an older version is worth a backup as well
                wanted = _size(connection)
                connection.pragma("query_only", "off")  # it counts the copy as writing; the file handle cannot write
            _copy(connection, database, scratch, wanted)
        made = _verified(scratch, target)
        _name(scratch, target)
    finally:
        scratch.unlink(missing_ok=True)
    return made


def _size(connection: apsw.Connection) -> int:
    """Bytes of the pages in use."""
    pages = connection.pragma("page_count") - connection.pragma("freelist_count")
    return int(pages * connection.pragma("page_size"))


def _copy(connection: apsw.Connection, database: Path, scratch: Path, wanted: int) -> None:
    # Asked before: a copy that fills the disk of the database would hold up who writes it.
    if shutil.disk_usage(scratch.parent).free < wanted:
        raise _no_room(scratch.parent, wanted)
    try:
        connection.execute("VACUUM INTO ?", (os.fspath(scratch),))
        with scratch.open("rb") as file:
            os.fsync(file.fileno())
    except apsw.Error as error:
        failure = translated(error, database, errno_=connection.system_errno)
        if isinstance(failure, StoreFullError):
            raise _no_room(scratch.parent, wanted) from error
        raise failure from error


def _no_room(folder: Path, wanted: int) -> StoreFullError:
    return StoreFullError(
        f"no room for a backup in {folder}: about {wanted / 1e6:,.1f} MB are wanted, "
        f"{shutil.disk_usage(folder).free / 1e6:,.1f} MB are free",
        mend="Name a file on another disk, or make room. The database is as it was.",
    )


def _verified(scratch: Path, target: Path) -> Backup:
    with closing(open_reading(scratch, busy_timeout_s=0)) as copy, translating(scratch, copy):
        if is_ready(copy, scratch):
            found = next(problems(copy), None)
        else:  # of an older version, whose tables are not these
            found = next((text for (text,) in copy.execute("PRAGMA integrity_check(1)") if text != "ok"), None)
        if found is not None:
            raise StoreError(
                f"the copy is not sound: {found}",
                mend="It was made from what is in the database; `marketlab doctor --deep` looks there.",
            )
        return Backup(str(target), scratch.stat().st_size, copy.execute("SELECT count(*) FROM ticks").get)


def _name(scratch: Path, target: Path) -> None:
    """Give the copy its name, unless somebody else has taken it meanwhile."""
    try:
        os.link(scratch, target)
    except FileExistsError:
        raise SettingsError(
            f"{target} is there already", mend="Another backup was quicker: name another file."
        ) from None
    except OSError:  # a file system without links
        scratch.rename(target)
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
