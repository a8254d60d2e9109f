"""Connections that are closed when they fail.

kafka-python 3.0.12 leaves a socket that could not connect to the garbage collector, one for every try: while a broker
is away that is an open file a second, and a ResourceWarning each. Its way of making sockets can be chosen by the
scheme of the proxy address; this is one without a proxy.
"""

from __future__ import annotations

import socket
from typing import Any

from kafka.net.inet import KafkaNetSocket

__all__ = ["PROXY_URL"]

PROXY_URL = "direct://"


class _DirectSocket(KafkaNetSocket):  # type: ignore[misc]
    SCHEMES = ("direct",)

    async def sock_connect(self, net: Any, sock: socket.socket, sockaddr: Any, timeout_at: float | None = None) -> Any:
        try:
            return await super().sock_connect(net, sock, sockaddr, timeout_at=timeout_at)
        except BaseException:
            sock.close()
            raise
