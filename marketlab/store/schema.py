"""Is this file ours, and of which version; making a new one and bringing an old one up to date."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final

import apsw

from marketlab.errors import StoreError
from marketlab.store.migrations import MIGRATIONS

__all__ = ["APPLICATION_ID", "VERSION", "is_ready", "prepare", "refuse_old"]

#: In the file's header, so that `file marketlab.db` and we know whose it is: "mklb".
APPLICATION_ID: Final = 0x6D6B6C62
#: Of `schema.sql`, kept as the file's `user_version`.
VERSION: Final = 4


def prepare(
    connection: apsw.Connection,
    path: Path,
    *,
    version: int = VERSION,
    migrations: Mapping[int, str] = MIGRATIONS,
) -> None:
    """Make the tables of a new file, or bring an old one up to date: all of it or nothing.

    :raises StoreError: the file belongs to another program, or to a newer version of this one
    """
    if is_ready(connection, path, version=version, migrations=migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Asked again: another process may have done it while this one waited for the lock.
        if not is_ready(connection, path, version=version, migrations=migrations):
            found = connection.pragma("user_version")
            if found == 0:
                connection.execute(resources.files(__package__).joinpath("schema.sql").read_text(encoding="utf-8"))
                connection.pragma("application_id", APPLICATION_ID)
            else:
                for step in range(found, version):
                    connection.execute(migrations[step])
            # In the same transaction: a file says the version that it has, whenever the power fails.
            connection.pragma("user_version", version)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def is_ready(
    connection: apsw.Connection,
    path: Path,
    *,
    version: int = VERSION,
    migrations: Mapping[int, str] = MIGRATIONS,
) -> bool:
    """Whether the file has the tables of this version; False for an empty or an older one.

    :raises StoreError: the file belongs to another program, or to a newer version of this one
    """
    application_id, found = connection.pragma("application_id"), connection.pragma("user_version")
    if application_id == 0 and connection.execute("SELECT count(*) FROM sqlite_schema").get == 0:
        return False
    if application_id != APPLICATION_ID:
        raise StoreError(
            f"{path} must be a marketlab database (application id {APPLICATION_ID:#x}), found {application_id:#x}",
            mend="Move it away, or name another home (MARKETLAB_HOME).",
        )
    if found > version or not migrations.keys() >= set(range(found, version)):
        raise StoreError(
            f"{path} must be of database version {version} or one that can be brought to it, found {found}",
            mend="Update this program (`pip install -U`), or name another home (MARKETLAB_HOME).",
        )
    return bool(found == version)


def refuse_old(path: Path, version: int) -> None:
    """Raise if a file that is not ready has a version at all: then it is an older one."""
    if version:
        raise StoreError(
            f"{path} must be of database version {VERSION}, found {version}",
            mend="Start `marketlab consume` or `marketlab up` once: what writes brings it up to date.",
        )
