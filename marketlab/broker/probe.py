"""One Kafka request over a plain socket: does a broker answer there, and which cluster is it?

A client library would do, at the price of its import (a third of a warm start) and of waits of its own.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from marketlab.broker.config import HOST

__all__ = ["ASK_EVERY_S", "Answer", "ask"]

METADATA, VERSION = 3, 7  # the newest version before the compact encoding; brokers since 2.0 speak it
MAX_ANSWER = 1 << 20
ASK_EVERY_S = 0.02  # while one waits for a broker to come up


@dataclass(frozen=True, slots=True)
class Answer:
    """What a broker says of its cluster; ``nodes`` counts the brokers that take requests."""

    cluster_id: str | None
    nodes: int


def ask(port: int, *, timeout_s: float = 2.0) -> Answer | None:
    """Ask for the cluster's metadata without topics; None when nobody gives a Kafka answer there in time."""
    header = struct.pack(">hhih", METADATA, VERSION, 1, -1)  # key, version, correlation id, no client id
    body = header + struct.pack(">i?", 0, False)  # no topics, create none
    try:
        with socket.create_connection((HOST, port), timeout=timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(struct.pack(">i", len(body)) + body)
            (size,) = struct.unpack(">i", _exactly(connection, 4))
            if not 8 <= size <= MAX_ANSWER:
                return None
            return _parse(_exactly(connection, size))
    except (OSError, struct.error, UnicodeDecodeError, EOFError):
        return None


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def _parse(answer: bytes) -> Answer:
    """Correlation id, throttle time, brokers (id, host, port, rack), cluster id, and what we do not need."""
    at = 8
    (nodes,) = struct.unpack_from(">i", answer, at)
    at += 4
    for _ in range(nodes):
        at += 4
        _, at = _text(answer, at)
        at += 4
        _, at = _text(answer, at)
    cluster_id, at = _text(answer, at)
    return Answer(cluster_id=cluster_id, nodes=nodes)


def _text(answer: bytes, at: int) -> tuple[str | None, int]:
    (size,) = struct.unpack_from(">h", answer, at)
    at += 2
    if size < 0:
        return None, at
    return answer[at : at + size].decode(), at + size
