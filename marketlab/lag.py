"""How far the store is behind the log, asked for in the background and only while somebody wants to know."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from marketlab.errors import MarketlabError
from marketlab.ports import StoreReader, Transport

__all__ = ["GroupLag"]

EVERY_S = 1.0  # at least, between two questions to the log
RETRY_S = 5.0  # after it could not be reached
ANSWER_S = 2.0  # for the log to answer
BELIEVED_S = 5.0  # for so long an answer stands; after that nothing is known
WANTED_S = 10.0  # for so long after a call it is asked on
AGAIN_S = 60.0  # after which the log is looked up anew: a topic may have been deleted and made again

log = logging.getLogger(__name__)


class GroupLag:
    """Messages on the log that are not stored yet, by partition.

    What was read counts when it is stored, so positions are the store's and not those reported to Kafka. Calling it
    takes no time, whatever the log does: a thread asks, and ends when nobody has called for a while.

    :param connect: gives the log, or None while there is none; may raise TransportError; the log is closed here
    :param reader: of the store; nobody else's
    """

    def __init__(self, connect: Callable[[], Transport | None], reader: StoreReader) -> None:
        self._connect, self._reader = connect, reader
        self._changed = threading.Condition()
        self._called_at = self._asked_at = float("-inf")
        self._found: Mapping[int, int] | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def __call__(self, *, wait_s: float = 0.0) -> Mapping[int, int] | None:
        """What was found last, or None if nothing is known: no log, no answer, or a log that this store never read.

        :param wait_s: how long to wait for an answer if there is none that is believed
        """
        with self._changed:
            self._called_at = time.monotonic()
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._ask_on, name="group-lag", daemon=True)
                self._thread.start()
            self._changed.wait_for(self._is_believed, wait_s)
            return self._found if self._is_believed() else None

    def close(self) -> None:
        """End the thread. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(2 * ANSWER_S)

    def _is_believed(self) -> bool:
        return time.monotonic() - self._asked_at < BELIEVED_S

    # ------------------------------------------------------------------------------------------ the thread

    def _ask_on(self) -> None:
        try:
            with ExitStack() as opened:
                self._until_nobody_wants(opened)
        finally:
            with self._changed:
                self._thread = None

    def _until_nobody_wants(self, opened: ExitStack) -> None:
        transport: Transport | None = None
        look_up_at = 0.0
        wanted = True
        while wanted:
            if time.monotonic() >= look_up_at:
                opened.close()
                transport = None
            found, pause_s = None, RETRY_S
            try:
                if transport is None:
                    look_up_at = time.monotonic() + AGAIN_S
                    transport = self._connect()
                    if transport is not None:
                        opened.enter_context(transport)
                if transport is not None:
                    found, pause_s = self._ask(transport), EVERY_S
            except MarketlabError as error:
                log.debug("the lag is unknown: %s", error)
                look_up_at = 0.0
            wanted = self._tell(found, pause_s)

    def _ask(self, transport: Transport) -> Mapping[int, int] | None:
        held = transport.held(timeout_s=ANSWER_S)  # first: what is stored meanwhile is not behind
        log_id = transport.log_id
        stored = {book.partition: book.next_offset for book in self._reader.partition_books() if book.log == log_id}
        if not stored:
            return None
        return {
            partition: max(0, offsets.stop - max(offsets.start, stored.get(partition) or 0))
            for partition, offsets in held.items()
        }

    def _tell(self, found: Mapping[int, int] | None, pause_s: float) -> bool:
        """Give out an answer and pause; whether somebody wants another one then."""
        with self._changed:
            self._found, self._asked_at = found, time.monotonic()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed, pause_s)
            return not self._closed and time.monotonic() - self._called_at < WANTED_S
