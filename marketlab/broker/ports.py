"""Which port the broker listens on when nobody chose one."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from marketlab.broker.config import HOST

__all__ = ["DEFAULT_PORT", "candidates", "is_free", "listener"]

DEFAULT_PORT = 9092
#: Neighbours and not ephemeral ports: a client that reconnects to a stopped broker on an ephemeral port may be given
#: that very port for its own end, and connect to itself.
TRIED_PORTS = 100


def is_free(port: int) -> bool:
    """Whether a broker could listen there now."""
    with socket.socket() as client:
        client.settimeout(0.5)
        # macOS lets us bind beside a listener on all addresses, so ask first.
        if client.connect_ex((HOST, port)) == 0:
            return False
    with socket.socket() as server:
        # As Java does: connections of the broker before us that wait for their end do not count.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((HOST, port))
        except OSError:
            return False
    return True


def candidates(last: int | None) -> Iterator[int]:
    """Free ports, best first: where it listened last, for clients reconnect there; 9092; the next ones."""
    first = [last] if last else []
    for port in dict.fromkeys([*first, *range(DEFAULT_PORT, DEFAULT_PORT + TRIED_PORTS)]):
        if is_free(port):
            yield port


def listener(port: int) -> str | None:
    """Who listens on a port, as "process 123 (java)"; None when the system does not tell."""
    import psutil

    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status != psutil.CONN_LISTEN or not connection.laddr:
                continue
            if connection.laddr.port == port and connection.pid:
                return f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:
        return None
    return None
