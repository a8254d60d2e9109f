"""The API behind its real server: bodies that come in pieces, slowly, too large, or never."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator

import pytest

from api import asgi
from api.config import MAX_BODY_BYTES
from api.listening import listen
from api.security import HEADERS
from tests.api_lab import NOW, ApiLab, Server, tick

RECORD = json.dumps({"symbol": "AAPL", "price": 1, "timestamp": NOW}).encode()


@pytest.fixture
def lab() -> ApiLab:
    return ApiLab()


@pytest.fixture
def server(lab: ApiLab) -> Iterator[Server]:
    with Server(lab.asgi()) as running:
        yield running


def ask(server: Server, method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def raw(server: Server, *pieces: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    for piece in pieces:
        connection.sendall(piece)
    return connection


def head(*lines: str) -> bytes:
    common = ["POST /update HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Connection: close"]
    return "\r\n".join([*common, *lines, "", ""]).encode()


def answer(connection: socket.socket) -> tuple[int, bytes]:
    with connection:
        response = http.client.HTTPResponse(connection)
        response.begin()
        try:
            return response.status, response.read()
        finally:
            response.close()


def test_it_answers_as_the_application_does(lab: ApiLab, server: Server) -> None:
    lab.send(tick(100))
    status, headers, body = ask(server, "GET", "/data")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(body) == lab.get("/data")
    assert {name: headers[name.lower()] for name in HEADERS} == HEADERS
    assert "server" not in headers
    status, _, body = ask(server, "GET", "/static/vendor/chart.js-4.6.1/chart.umd.min.js")
    assert (status, len(body) > 100_000) == (200, True)
    assert ask(server, "HEAD", "/data")[::2] == (200, b"")


def test_a_body_in_chunks_is_read_whole(lab: ApiLab, server: Server) -> None:
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (RECORD[:7], RECORD[7:])]
    status, body = answer(raw(server, head("Transfer-Encoding: chunked"), *chunks, b"0\r\n\r\n"))
    assert (status, json.loads(body)) == (200, {"accepted": 1})
    assert len(lab.get("/data")) == 1


def test_an_endless_body_is_refused_at_the_limit(lab: ApiLab, server: Server) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    status, body = answer(raw(server, head("Transfer-Encoding: chunked"), *[chunk] * (MAX_BODY_BYTES // 0x10000 + 1)))
    assert status == 413
    assert json.loads(body)["status"] == 413


def test_a_body_that_is_announced_too_large_is_refused(server: Server) -> None:
    status, headers, body = ask(server, "POST", "/update", b" " * (MAX_BODY_BYTES + 1))
    assert (status, headers["content-type"]) == (413, "application/problem+json")
    assert headers["x-content-type-options"] == "nosniff"
    assert json.loads(body)["status"] == 413


def test_clients_that_never_finish_keep_nobody_waiting(lab: ApiLab, server: Server) -> None:
    lab.send(tick(100))
    stalled = [raw(server, head(f"Content-Length: {len(RECORD)}"), RECORD[:5]) for _ in range(4 * asgi.THREADS)]
    try:
        assert ask(server, "GET", "/data")[0] == 200
        assert ask(server, "POST", "/update", RECORD)[0] == 200
    finally:
        for connection in stalled:
            connection.close()


def test_a_body_that_does_not_come_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "BODY_TIMEOUT_S", 0.05)
    status, body = answer(raw(server, head("Content-Length: 10"), b"{"))
    assert (status, json.loads(body)["status"]) == (408, 408)


def test_a_body_that_breaks_off_is_not_taken(lab: ApiLab, server: Server) -> None:
    with raw(server, head(f"Content-Length: {len(RECORD) + 1}"), RECORD):
        pass
    assert ask(server, "GET", "/data")[2] == b"[]"
    assert lab.get("/data") == []


def test_who_is_turned_away_at_the_door_is_in_the_metrics(server: Server) -> None:
    ask(server, "POST", "/update", b" " * (MAX_BODY_BYTES + 1))
    answer(raw(server, websocket("/data")))
    lines = ask(server, "GET", "/metrics")[2].decode().splitlines()
    assert {line for line in lines if line.startswith("marketlab_refused_total")} == {
        'marketlab_refused_total{protocol="http",status="413"} 1.0',
        'marketlab_refused_total{protocol="ws",status="403"} 1.0',
    }


def websocket(path: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


def test_a_websocket_elsewhere_is_refused(server: Server) -> None:
    assert answer(raw(server, websocket("/data")))[0] == 403


def test_no_answer_waits_for_a_delayed_acknowledgement() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()) as client:
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP, "asyncio turns off Nagle's algorithm on these only"
            assert client.getpeername() == listener.getsockname()
