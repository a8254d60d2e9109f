"""Gives what the feed has to all clients, without waiting for any of them.

One thread looks at the store while somebody is connected, and ends when nobody is. A client has room for one message:
a newer one takes its place, and the client sees by ``seq`` that it missed something. So a client that never reads costs
a socket's buffer and nothing else, and the others do not notice.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress

from api.feed import Feed
from api.messages import Audience, Push

__all__ = ["FAILED", "GOING_AWAY", "TRY_AGAIN_LATER", "Client", "FullError", "Hub"]

POLL_S = 0.02  # between two looks at whether something was committed
GOODBYE_S = 0.5  # for a client to take it

# Close codes (RFC 6455 and its registry)
GOING_AWAY = 1001
FAILED = 1011
TRY_AGAIN_LATER = 1013

log = logging.getLogger(__name__)


class FullError(Exception):
    """As many clients as there may be are connected."""


class Client:
    """One connection's mailbox, for one message. Belongs to the event loop's thread."""

    def __init__(self) -> None:
        #: Why the connection is to be closed; None while it is not, or when the client closed it.
        self.close_code: int | None = None
        #: The limit on whatever is being sent to it, if there is one.
        self.patience: asyncio.Timeout | None = None
        self._following = self._ended = False
        self._waiting: Push | None = None
        self._news = asyncio.Event()

    def give(self, push: Push) -> None:
        """Put a message in, if it is for this client; what was not taken yet makes room for it."""
        wanted = {
            Audience.FOLLOWING: self._following,
            Audience.JOINING: not self._following,
            Audience.EVERYBODY: True,
            Audience.IDLE: self._waiting is None,
        }[push.audience]
        snapshot = push.audience in {Audience.JOINING, Audience.EVERYBODY}
        if not wanted or (self._holds_snapshot and not snapshot):
            return  # a snapshot stays: without it the client could do nothing with what follows
        self._following |= snapshot
        self._waiting = push
        self._news.set()

    def end(self, code: int | None = None) -> None:
        """Nothing more is given out.

        :param code: to close the connection with; None if the client is gone already
        """
        if not self._ended:
            self._ended, self.close_code = True, code
            self.wait_at_most(GOODBYE_S)
            self._news.set()

    def wait_at_most(self, seconds: float | None) -> None:
        """Give the client so long to take what is being sent to it."""
        if self.patience is not None and not self.patience.expired():
            now = asyncio.get_running_loop().time()
            self.patience.reschedule(None if seconds is None else now + seconds)

    async def take(self) -> str | None:
        """The next message, or None at the end."""
        await self._news.wait()
        if self._ended or self._waiting is None:
            return None
        text, self._waiting = self._waiting.text, None
        self._news.clear()
        return text

    @property
    def joining(self) -> bool:
        """Whether it waits for its snapshot."""
        return not self._following

    @property
    def _holds_snapshot(self) -> bool:
        return self._waiting is not None and self._waiting.audience in {Audience.JOINING, Audience.EVERYBODY}


class Hub:
    """All clients of one server. Belongs to the event loop's thread, but for the thread that it starts.

    :param feed: stepped by one thread at a time
    :param most: clients at one time
    """

    def __init__(self, feed: Feed, *, most: int) -> None:
        self._feed, self._most = feed, most
        self._clients: set[Client] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._joining = self._stopping = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()  # around the next two
        self._wanted = self._follows = False
        self._wake = threading.Event()

    @property
    def clients(self) -> int:
        """Clients connected; may be asked by any thread."""
        return len(self._clients)

    def join(self) -> Client:
        """A new client; its first message is a snapshot.

        :raises FullError: there are too many
        """
        if len(self._clients) >= self._most:
            raise FullError
        client = Client()
        if self._stopping:
            client.end(GOING_AWAY)
            return client
        self._clients.add(client)
        self._empty.clear()
        self._joining = True
        with self._lock:
            self._wanted = True
            if not self._follows:
                self._follows = True
                loop = asyncio.get_running_loop()
                self._thread = threading.Thread(target=self._follow, args=(loop,), name="push", daemon=True)
                self._thread.start()
        self._wake.set()
        return client

    def leave(self, client: Client) -> None:
        """The client is gone. Idempotent."""
        client.end()
        self._clients.discard(client)
        if not self._clients:
            self._empty.set()
            self._rest()

    async def stop(self) -> None:
        """Say goodbye to all, and wait until each has taken it or had its time, which what is on its way has too."""
        self._stopping = True
        self._end_all(GOING_AWAY)
        self._rest()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * GOODBYE_S):
                await self._empty.wait()

    def _rest(self) -> None:
        """Let the thread end."""
        with self._lock:
            self._wanted = False
        self._wake.set()

    def _end_all(self, code: int) -> None:
        for client in self._clients:
            client.end(code)

    def _give_out(self, pushes: Sequence[Push]) -> None:
        for push in pushes:
            for client in self._clients:
                client.give(push)
        self._joining = any(client.joining for client in self._clients)

    # ------------------------------------------------------------------------------------------ the thread

    def _follow(self, loop: asyncio.AbstractEventLoop) -> None:
        self._feed.rest()
        try:
            while self._go_on():
                pushes = self._feed.step(joining=self._joining, clients=len(self._clients))
                if pushes:
                    loop.call_soon_threadsafe(self._give_out, pushes)
                self._wake.wait(POLL_S)
                self._wake.clear()
        except Exception:
            log.exception("pushing to clients failed")
            with self._lock:
                self._follows = False
            loop.call_soon_threadsafe(self._end_all, FAILED)

    def _go_on(self) -> bool:
        with self._lock:
            self._follows = self._wanted
            return self._follows
