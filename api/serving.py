"""How uvicorn runs the application, wherever it does: its socket, no access log, a short grace at the end."""

from __future__ import annotations

import os
import socket
from typing import Any

import uvicorn

from api.asgi import ASGIApp

__all__ = ["BACKLOG", "GRACE_S", "listen", "uvicorn_config"]

BACKLOG = 2048  # connections that wait to be accepted

GRACE_S = 3  # for requests under way when the server is told to stop


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
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def uvicorn_config(app: ASGIApp) -> uvicorn.Config:
    """The configuration of a server that is handed its listening socket."""
    handed: Any = app  # ASGI typed with plain dicts, as the specification has it
    return uvicorn.Config(
        handed,
        http="h11",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
    )
