"""The one Kafka request that tells a broker that answers from anything else on a port."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from marketlab.broker.probe import Answer, ask


def text(value: str | None) -> bytes:
    return struct.pack(">h", -1) if value is None else struct.pack(">h", len(value.encode())) + value.encode()


def metadata(*brokers: str, cluster_id: str | None = "cluster") -> bytes:
    """A Metadata v7 answer: correlation id, throttle time, brokers, cluster id, controller, topics."""
    rows = b"".join(
        struct.pack(">i", number) + text(host) + struct.pack(">i", 9092) + text(None)
        for number, host in enumerate(brokers)
    )
    body = struct.pack(">iii", 1, 0, len(brokers)) + rows + text(cluster_id) + struct.pack(">ii", 1, 0)
    return struct.pack(">i", len(body)) + body


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Answers one connection as told; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_an_answer_names_the_cluster_and_counts_its_brokers() -> None:
    with server(lambda connection: connection.sendall(metadata("127.0.0.1", "elsewhere"))) as port:
        assert ask(port) == Answer(cluster_id="cluster", nodes=2)


def test_an_answer_in_pieces_is_put_together() -> None:
    def drip(connection: socket.socket) -> None:
        for byte in metadata("127.0.0.1"):
            connection.sendall(bytes([byte]))

    with server(drip) as port:
        assert ask(port) == Answer(cluster_id="cluster", nodes=1)


def test_a_broker_that_takes_no_requests_yet_counts_none() -> None:
    with server(lambda connection: connection.sendall(metadata(cluster_id=None))) as port:
        assert ask(port) == Answer(cluster_id=None, nodes=0)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        struct.pack(">i", -5),
        struct.pack(">i", 8) + b"\0" * 8,
        struct.pack(">i", 16) + struct.pack(">iiih", 1, 0, 1_000_000, 7) + b"xx",
        metadata("host")[:-12],
    ],
)
def test_anything_else_on_the_port_is_no_broker(said: bytes) -> None:
    with server(lambda connection: connection.sendall(said)) as port:
        assert ask(port, timeout_s=5) is None


def test_silence_ends_with_the_time() -> None:
    done = threading.Event()

    def wait(_: socket.socket) -> None:
        done.wait(20)

    with server(wait) as port:
        assert ask(port, timeout_s=0.1) is None
        done.set()


def test_nobody_there_is_no_broker() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert ask(port) is None
