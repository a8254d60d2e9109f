"""How uvicorn runs the application, wherever it does: its socket, no access log, a short grace at the end."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from api.asgi import Router

__all__ = ["BACKLOG", "GRACE_S", "Server", "listen"]

BACKLOG = 2048  # connections that wait to be accepted

SEND_BUFFER_BYTES = 128 * 1024  # a connection; by itself the system holds 4 MB for a client that never reads

GRACE_S = 2  # for requests under way when the server is told to stop; goodbyes come before

SWEEP_TICKS = 300  # of a tenth of a second, between two looks for connections that do not end

MAX_MESSAGE_BYTES = 1024  # from a client of /ws, which has nothing to say
PING_S = 20.0  # a client of /ws that was silent for so long is asked, and has as long to answer


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; 0 takes any free port.

    It names its protocol, unlike :func:`socket.create_server`: asyncio sets TCP_NODELAY only on sockets that do, and
    without it each answer of two pieces waits 40 ms for the client's delayed acknowledgement.

    :raises OSError: the address is not ours, or taken
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two programs share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


class Server(uvicorn.Server):
    """uvicorn, handed its listening socket: it says when it answers, and can be told to stop by an event.

    :param announce: called once it answers
    """

    def __init__(self, app: Router, announce: Callable[[], None]) -> None:
        super().__init__(_config(app))
        self._app, self._announce = app, announce
        self._closing: set[Any] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
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
        self._cut(WebSocketsSansIOProtocol)  # those that did not take their goodbye
        await super().shutdown(sockets)
        self._cut(asyncio.Protocol)
        await asyncio.sleep(0)  # in which they are closed

    def _cut(self, kind: type[asyncio.Protocol]) -> None:
        for connection in list(self.server_state.connections):
            if isinstance(connection, kind):
                connection.transport.abort()

    def _sweep(self) -> None:
        """Cut what has been closing since the last time: asyncio would wait for ever for a client that never reads."""
        closing = {connection for connection in self.server_state.connections if connection.transport.is_closing()}
        for connection in closing & self._closing:
            connection.transport.abort()
        self._closing = closing

    def exit_on(self, stop: threading.Event) -> None:
        """Wait for the event and begin to stop. A signal is taken by uvicorn itself, which sets the event after."""
        stop.wait()
        self.should_exit = True


def _config(app: Router) -> uvicorn.Config:
    handed: Any = app  # ASGI typed with plain dicts, as the specification has it
    return uvicorn.Config(
        handed,
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
