"""The write-ahead log: when it is copied into the database, and what is done when a reader makes it grow."""

from __future__ import annotations

from typing import Final

import apsw

from marketlab import failpoints
from marketlab.errors import StoreBusyError

__all__ = ["WriteAheadLog"]

#: Copy the log into the database at this many pages (of 4 KiB): 16 MiB.
CHECKPOINT_PAGES: Final = 4_000
#: A reader that never pauses keeps the log from beginning afresh, and it grows without end (measured: 722 MB in 8 s).
#: At 64 MiB the writer waits for readers, at the most the busy timeout; if in vain, again at twice the size.
WAIT_FOR_READERS_PAGES: Final = 16_000
#: At 1 GiB nothing more is written until the reader lets go: a cursor that somebody forgot may not fill the disk.
LIMIT_PAGES: Final = 262_144


class WriteAheadLog:
    """Looks after the log of one writing connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._pages = 0
        self._wait_at_pages = WAIT_FOR_READERS_PAGES
        connection.set_wal_hook(self._note)  # takes the place of SQLite's own automatic checkpoint
        # The file keeps its largest size otherwise, though only its beginning is used again.
        connection.pragma("journal_size_limit", WAIT_FOR_READERS_PAGES * connection.pragma("page_size"))

    def tend(self) -> None:
        """Checkpoint if it is time; to be called after a commit, outside any transaction."""
        if self._pages < CHECKPOINT_PAGES:
            return
        wait = self._pages >= self._wait_at_pages
        mode = apsw.SQLITE_CHECKPOINT_TRUNCATE if wait else apsw.SQLITE_CHECKPOINT_PASSIVE
        try:
            with failpoints.around("store.checkpoint"):
                self._connection.wal_checkpoint(mode=mode)
        except apsw.Error:
            # What was committed is durable as it is. Should the log have no room to grow, the next commit says so.
            self._wait_at_pages = max(self._wait_at_pages, 2 * self._pages)
        else:
            if wait:
                self._pages, self._wait_at_pages = 0, WAIT_FOR_READERS_PAGES

    def require_room(self) -> None:
        """Refuse to write while the log has reached its limit; to be called outside any transaction.

        :raises StoreBusyError: a reader still holds a snapshot from before
        """
        if self._pages < LIMIT_PAGES:
            return
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError as error:
            size = self._pages * self._connection.pragma("page_size")
            raise StoreBusyError(
                f"{self._connection.filename}: the write-ahead log has reached {size / 1e6:,.0f} MB, for a reader has "
                "held on to an old snapshot since it began to grow",
                mend="It is tried again. End that reader, e.g. a notebook's open cursor: `marketlab doctor` names it.",
            ) from error
        self._pages, self._wait_at_pages = 0, WAIT_FOR_READERS_PAGES

    def _note(self, _connection: apsw.Connection, _schema: str, pages: int) -> int:
        """Called by SQLite inside COMMIT, where nothing may fail any more."""
        self._pages = pages
        return apsw.SQLITE_OK
