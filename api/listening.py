"""The socket that the server listens on. It leaves descriptors for the rest of the process, whoever connects."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from typing import Any

with contextlib.suppress(ImportError):  # Windows, which has no such limit
    import resource

__all__ = ["BACKLOG", "MOST_FILES", "Listener", "listen", "most_files"]

BACKLOG = 2048  # connections that wait to be accepted

MOST_FILES = 2048  # open at one time, connections and all; a silent connection costs 5 to 15 KB of memory
SPARE_FILES = 64  # below the system's limit, for the readers of the store and the log

SEND_BUFFER_BYTES = 128 * 1024  # a connection; by itself the system holds 4 MB for a client that never reads


def most_files() -> int:
    """How many files and connections may be open before a new connection finds no room."""
    if os.name != "posix":
        return MOST_FILES
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_FILES if limit == resource.RLIM_INFINITY else min(MOST_FILES, max(limit - SPARE_FILES, limit // 2))


class Listener(socket.socket):
    """Listens, and closes a connection that it has no room for.

    asyncio accepts all that wait before it looks at any of them. Only here can it be kept from the last descriptors,
    and from writing a traceback for each connection that it then cannot have. A new descriptor has the lowest number
    that is free, so its number tells how many are taken.
    """

    on_full: Callable[[], None] | None = None

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection.

        :raises BlockingIOError: there was no room for it; asyncio asks again on its next turn
        """
        connection, address = super().accept()
        if connection.fileno() < most_files():
            return connection, address
        connection.close()
        if self.on_full:
            self.on_full()
        raise BlockingIOError


def listen(host: str, port: int) -> Listener:
    """A socket that listens; 0 takes any free port.

    It names its protocol, unlike :func:`socket.create_server`: asyncio sets TCP_NODELAY only on sockets that do, and
    without it each answer of two pieces waits 40 ms for the client's delayed acknowledgement.

    :raises OSError: the address is not ours, or taken
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = Listener(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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
