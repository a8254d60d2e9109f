"""Connections that get nowhere, behind the real server: who is cut, and who is not."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from websockets.sync.client import ClientConnection, connect

from api import listening
from tests.api_lab import ApiLab, Server
from tests.support import eventually

WAIT_S = 20

WHOLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

#: What a client sends, one after the other, before it falls silent.
BEGINNINGS = {
    "nothing": [],
    "half a head": [WHOLE[:30]],
    "half a body": [b"POST /update HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n["],
    "half of a second request": [WHOLE, WHOLE[:30]],
}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(ApiLab().asgi()) as running:
        yield running


def begin(server: Server, sent: list[bytes]) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S)
    for piece in sent:
        client.sendall(piece)
        answer = b'"ok"' if piece != WHOLE else b""
        while b'"ok"' not in answer:
            answer += client.recv(1 << 16)
    return client


def push(server: Server) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{server.port}/ws", open_timeout=WAIT_S, close_timeout=1)


def asking(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT_S)


def answered(client: http.client.HTTPConnection) -> bool:
    """Whether it is, by the connection that it has: a new one would not do."""
    if client.sock is None:
        client.connect()
    client.auto_open = 0
    client.request("GET", "/healthz")
    return b'"ok"' in client.getresponse().read()


def is_closed(client: socket.socket) -> bool:
    """Whether the server has closed it so far."""
    client.setblocking(False)
    try:
        while client.recv(1 << 16):
            pass
    except BlockingIOError:
        return False
    except ConnectionResetError:
        pass
    return True


def is_reset(client: socket.socket) -> bool:
    """The same of a client that does not read: the answer to what it sends tells."""
    try:
        client.send(b"x")
    except (ConnectionResetError, BrokenPipeError):
        return True
    return False


@pytest.mark.parametrize("sent", BEGINNINGS.values(), ids=BEGINNINGS)
def test_a_client_that_falls_silent_is_cut_by_the_second_sweep(server: Server, sent: list[bytes]) -> None:
    with begin(server, sent) as silent, closing(asking(server)) as other, push(server) as pushed:
        assert answered(other)
        server.sweep()
        assert not is_closed(silent), "it may have only just come"

        def swept() -> bool:
            assert answered(other), "it asks something between two sweeps"
            server.sweep()
            return is_closed(silent)

        assert any(swept() for _ in range(50)), "and not by another limit, which would take seconds"
        assert answered(other)
        assert pushed.recv(timeout=WAIT_S), "a WebSocket has nothing to say"


def test_a_client_that_does_not_take_its_answer_is_cut(server: Server) -> None:
    with socket.socket() as deaf, closing(asking(server)) as other:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", server.port))
        deaf.sendall(b"GET /static/vendor/chart.js-4.6.1/chart.umd.min.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)

        def swept() -> bool:
            assert answered(other)
            server.sweep()
            return is_reset(deaf)

        eventually(swept, what="the end of the deaf one")
        assert answered(other)


def test_when_there_is_no_room_those_that_keep_it_waiting_are_cut_at_once(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(begin(server, sent)) for sent in BEGINNINGS.values()]
        pushed = stack.enter_context(push(server))

        def full() -> bool:
            with monkeypatch.context() as patch:
                patch.setattr(listening, "MOST_FILES", 0)
                with begin(server, []) as late:
                    eventually(lambda: is_closed(late), what="turning away the one too many")
            return all(is_closed(client) for client in silent)

        full()
        eventually(full, what="the end of the silent ones")
        assert answered(stack.enter_context(closing(asking(server))))
        assert pushed.recv(timeout=WAIT_S)
    assert [record.name for record in caplog.records] == ["api.serving"], "it is said once, however many come"
