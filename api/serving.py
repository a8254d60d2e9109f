"""How uvicorn runs the application, wherever it does: for nobody it waits long, and at the end a short grace."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from api.asgi import Router
from api.listening import Listener

__all__ = ["GRACE_S", "Server"]

GRACE_S = 2  # for requests under way when the server is told to stop; goodbyes come before

SWEEP_TICKS = 300  # of a tenth of a second, between two looks for connections that get nowhere

MAX_MESSAGE_BYTES = 1024  # from a client of /ws, which has nothing to say
PING_S = 20.0  # a client of /ws that was silent for so long is asked, and has as long to answer

log = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """uvicorn, handed its listening socket: it says when it answers, and can be told to stop by an event.

    :param announce: called once it answers
    """

    def __init__(self, app: Router, announce: Callable[[], None]) -> None:
        super().__init__(_config(app))
        self._app, self._announce = app, announce
        self._waited_for: set[tuple[Any, Any]] = set()  # at the last look: connections, and what they had asked
        self._full = False  # since the last look

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        for listener in sockets or []:
            if isinstance(listener, Listener):
                listener.on_full = self._make_room
        await super().startup(sockets)
        if self.started:
            self._announce()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to end."""
        if counter % SWEEP_TICKS == 0:
            self._sweep()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End; who is connected for good is told why first."""
        await self._app.stop()
        self._cut(lambda connection: isinstance(connection, WebSocketsSansIOProtocol))  # took no goodbye
        await super().shutdown(sockets)
        self._cut(lambda _: True)
        await asyncio.sleep(0)  # in which they are closed

    def _cut(self, chosen: Callable[[Any], bool]) -> None:
        for connection in list(self.server_state.connections):
            if chosen(connection):
                connection.transport.abort()

    def _sweep(self) -> None:
        """Cut who was waited for the last time and still is, for the same thing: asyncio would wait for ever."""
        waited_for = {(it, getattr(it, "cycle", None)) for it in self.server_state.connections if _is_waited_for(it)}
        for connection, _ in waited_for & self._waited_for:
            connection.transport.abort()
        self._waited_for = waited_for
        self._full = False

    def _make_room(self) -> None:
        """Cut at once all who are waited for. It is said once between two sweeps: a log must not fill the disk."""
        if not self._full:
            log.warning("more connections came than there is room for; those that keep the server waiting are cut")
        self._full = True
        self._cut(_is_waited_for)

    def exit_on(self, stop: threading.Event) -> None:
        """Wait for the event and begin to stop. A signal is taken by uvicorn itself, which sets the event after."""
        stop.wait()
        self.should_exit = True


def _is_waited_for(connection: Any) -> bool:
    """Whether the client has the next move: to send a whole request, or to take the answer or the goodbye."""
    if connection.transport.is_closing():
        return True
    if not isinstance(connection, H11Protocol):
        return bool(connection.close_sent)  # a WebSocket that is open is asked by pings whether it still is
    cycle: Any = connection.cycle  # its request; None before the first
    return cycle is None or cycle.more_body or cycle.response_complete or connection.flow.write_paused


def _config(app: Router) -> uvicorn.Config:
    handed: Any = app  # ASGI typed with plain dicts, as the specification has it
    return uvicorn.Config(
        handed,
        loop="asyncio",  # uvloop, were it installed, would not ask our listener
        http="h11",
        ws=WebSocketsSansIOProtocol,
        # Deflating would be done again for every client; sending the same text costs next to nothing.
        ws_per_message_deflate=False,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
    )
