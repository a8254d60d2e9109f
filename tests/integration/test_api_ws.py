"""``/ws`` behind the real server, over a real database, asked by a real client."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from api import ApiConfig, create_asgi, serving, ws
from api import feed as feeding
from api.asgi import Router
from marketlab.store import SqliteReader, SqliteStore
from tests.api_lab import Server
from tests.store_feed import Feed, ticks
from tests.support import eventually

WAIT_S = 20


class Lab:
    """A database in a folder, its writer, and the API over it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "marketlab.db"
        self.config = ApiConfig(max_clients=60)
        self.readers: list[SqliteReader] = []
        self.sent = 0

    @contextmanager
    def feeding(self) -> Iterator[Feed]:
        with SqliteStore(self.path) as store:
            yield Feed(store)

    def app(self) -> Router:
        self.readers += [SqliteReader(self.path), SqliteReader(self.path)]
        reader, watch = self.readers[-2:]
        return create_asgi(self.config, reader=reader, post=None, watch=watch)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path)
    yield made
    for reader in made.readers:
        reader.close()


@pytest.fixture
def server(lab: Lab) -> Iterator[Server]:
    with Server(lab.app()) as running:
        yield running


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred deltas a second, so that buffers are full sooner."""
    monkeypatch.setattr(feeding, "DELTA_S", 0.01)
    monkeypatch.setattr(feeding, "SHARE", 1.0)


def open_ws(server: Server, path: str = "ws", **options: Any) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{server.port}/{path}", open_timeout=WAIT_S, close_timeout=1, **options)


def hear(client: ClientConnection, *kinds: str) -> dict[str, Any]:
    """The next message of a kind."""
    end = time.monotonic() + WAIT_S
    while True:
        message: dict[str, Any] = json.loads(client.recv(timeout=max(0, end - time.monotonic())))
        if message["type"] in kinds:
            return message


def hear_up_to(client: ClientConnection, newest_id: int) -> list[dict[str, Any]]:
    """The deltas until this row has come."""
    heard = [hear(client, "delta")]
    while heard[-1]["newest_id"] < newest_id:
        heard.append(hear(client, "delta"))
    return heard


def close_code(client: ClientConnection) -> int | None:
    """Hear it out; what the server closed with."""
    try:
        while True:
            client.recv(timeout=WAIT_S)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def deaf(server: Server) -> socket.socket:
    """A client that is let in and then never reads. Its window is small, so that it is soon full."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(WAIT_S)
    client.connect(("127.0.0.1", server.port))
    client.sendall(
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert client.recv(12) == b"HTTP/1.1 101"
    return client


# --------------------------------------------------------------------------------------------- what is heard


def test_a_snapshot_then_deltas_and_no_tick_is_missing(lab: Lab, server: Server) -> None:
    with lab.feeding() as feed:
        feed(*ticks(10, 11, 12))
        with open_ws(server) as client:
            snapshot = hear(client, "snapshot")
            for n in range(40):
                feed(*ticks(20 + n, first_seq=4 + n), *ticks(5 + n, symbol="MSFT", first_seq=1 + n))
            deltas = hear_up_to(client, 83)
    assert ([row["id"] for row in snapshot["data"]], snapshot["newest_id"]) == ([3], 3)
    assert [row["id"] for delta in deltas for row in delta["ticks"]] == list(range(4, 84))
    assert [delta["seq"] for delta in deltas] == list(range(snapshot["seq"] + 1, snapshot["seq"] + 1 + len(deltas)))
    assert [delta["after_id"] for delta in deltas] == [snapshot["newest_id"], *(d["newest_id"] for d in deltas[:-1])]
    alerts = [alert["id"] for alert in snapshot["alerts"]][::-1] + [
        a["id"] for delta in deltas for a in delta["alerts"]
    ]
    assert alerts == list(range(1, len(alerts) + 1))
    assert len(alerts) > 3


def test_a_client_that_comes_later_is_where_the_others_are(lab: Lab, server: Server) -> None:
    with lab.feeding() as feed, open_ws(server) as first:
        hear(first, "snapshot")
        feed(*ticks(10, 11))
        assert hear(first, "delta")["newest_id"] == 2
        with open_ws(server) as second:
            assert hear(second, "snapshot")["newest_id"] == 2
            feed(*ticks(12, first_seq=3))
            assert hear(first, "delta") == hear(second, "delta")


def test_before_there_is_a_database_it_waits_for_one(lab: Lab, server: Server) -> None:
    with open_ws(server) as client:
        empty = hear(client, "snapshot")
        assert (empty["data"], empty["newest_id"]) == ([], 0)
        assert not lab.path.exists(), "looking makes no database"
        with lab.feeding() as feed:
            feed(*ticks(10, 11))
            assert [row["id"] for delta in hear_up_to(client, 2) for row in delta["ticks"]] == [1, 2]


def test_a_database_that_is_wiped_begins_afresh(lab: Lab, server: Server) -> None:
    with lab.feeding() as feed:
        feed(*ticks(10, 11, 12))
    with open_ws(server) as client:
        before = hear(client, "snapshot")
        for file in lab.path.parent.glob("marketlab.db*"):
            file.unlink()
        fresh = hear(client, "snapshot")
        assert (fresh["data"], fresh["newest_id"]) == ([], 0)
        assert fresh["seq"] > before["seq"] + 1
        with lab.feeding() as feed:
            feed(*ticks(7, symbol="NEW"))
            assert hear(client, "delta")["ticks"][0]["symbol"] == "NEW"


def test_a_file_that_is_no_database_is_told_and_outlived(lab: Lab, server: Server) -> None:
    with lab.feeding() as feed:
        feed(*ticks(10))
    with open_ws(server) as client:
        hear(client, "snapshot")
        for file in lab.path.parent.glob("marketlab.db*"):
            file.unlink()
        lab.path.write_text("no database at all, " * 100)
        said = eventually(lambda: hear(client, "status", "snapshot")["status"]["error"], what="an error")
        assert "no SQLite database" in said
        lab.path.unlink()
        with lab.feeding() as feed:
            feed(*ticks(7, symbol="NEW"))
            fresh = hear(client, "snapshot")
            assert ([row["symbol"] for row in fresh["data"]], fresh["status"]["error"]) == (["NEW"], None)


# --------------------------------------------------------------------------------------------- who is slow


def test_forty_clients_of_which_twenty_never_read(quick: None, lab: Lab, server: Server) -> None:
    wide = 300  # ticks a delta: 100 of them fill every buffer of one that does not read
    with lab.feeding() as feed, ExitStack() as stack:
        stuck = [deaf(server) for _ in range(20)]
        for client in stuck:
            stack.callback(client.close)
        reading = [stack.enter_context(open_ws(server, max_queue=1000)) for _ in range(20)]
        for client in reading:
            hear(client, "snapshot")
        deltas = []
        for n in range(60):
            feed(*ticks(*[10.0] * wide, first_seq=1 + n * wide))
            deltas.append(hear(reading[0], "delta"))
            assert (deltas[-1]["complete"], len(deltas[-1]["ticks"])) == (True, wide)
        for client in reading[1:]:
            heard = hear_up_to(client, 60 * wide)
            assert [delta["seq"] for delta in heard] == [delta["seq"] for delta in deltas]
        assert deltas[-1]["status"]["clients"] == 40
        # One that wakes up finds what its buffers held, then the newest: by the number it sees what is missing.
        slow = stuck[0]
        numbers = seqs(slow, until=deltas[-1]["seq"])
        assert len(numbers) < len(deltas)
        assert numbers[-1] == deltas[-1]["seq"]


def seqs(client: socket.socket, *, until: int) -> list[int]:
    """The numbers of all messages that wait in a connection, read as raw frames."""
    data, found = b"", []
    while not found or found[-1] < until:
        data += client.recv(1 << 20)
        while (frame := cut(data)) is not None:
            text, data = frame
            message = json.loads(text)
            if message["type"] == "delta":
                found.append(message["seq"])
    return found


def cut(data: bytes) -> tuple[bytes, bytes] | None:
    """The first text frame and the rest."""
    start = data.index(b"\r\n\r\n") + 4 if b"\r\n\r\n" in data[:400] and data[:1] != b"\x81" else 0
    data = data[start:]
    if len(data) < 10:
        return None
    length, head = data[1], 2
    if length == 126:
        length, head = int.from_bytes(data[2:4]), 4
    elif length == 127:
        length, head = int.from_bytes(data[2:10]), 10
    return None if len(data) < head + length else (data[head : head + length], data[head + length :])


def is_cut(client: socket.socket) -> bool:
    """Whether the server has given the connection up, which a client sees by sending."""
    try:
        while True:
            client.send(b"x")
    except ConnectionResetError:
        return True


def test_a_client_that_takes_nothing_is_given_up(quick: None, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ws, "STALLED_S", 0.2)
    monkeypatch.setattr(serving, "SWEEP_TICKS", 1)
    with lab.feeding() as feed, Server(lab.app()) as server, open_ws(server) as client:
        hear(client, "snapshot")
        with deaf(server) as stuck:
            eventually(lambda: hear(client, "status")["status"]["clients"] == 2, what="the second client")
            for n in range(30):  # until its buffers are full and one send has waited for too long
                feed(*ticks(*[10.0] * 900, first_seq=1 + n * 900))
                if hear(client, "delta")["status"]["clients"] == 1:
                    break
            eventually(
                lambda: hear(client, "delta", "status")["status"]["clients"] == 1, what="the second was given up"
            )
            assert is_cut(stuck), "it is not kept for as long as the client lives"


# --------------------------------------------------------------------------------------------- who is let in


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("127.0.0.1", {"Origin": "http://evil.example"}),
        ("127.0.0.1", {"Origin": "null"}),
        ("127.0.0.1", {"Sec-Fetch-Site": "cross-site"}),
        ("127.0.0.1", {"Sec-Fetch-Site": "same-site"}),
        ("evil.example", {}),
    ],
)
def test_pages_of_others_are_refused_before_anything_is_accepted(
    server: Server, name: str, headers: dict[str, str]
) -> None:
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S) as line,
        pytest.raises(InvalidStatus) as refused,
    ):
        connect(f"ws://{name}:{server.port}/ws", sock=line, additional_headers=headers)
    assert refused.value.response.status_code == 403


def test_our_own_page_is_let_in(server: Server) -> None:
    own = {"Origin": f"http://127.0.0.1:{server.port}", "Sec-Fetch-Site": "same-origin"}
    with open_ws(server, additional_headers=own) as client:
        assert hear(client, "snapshot")
        assert client.protocol.extensions == [], "nothing is deflated"


def test_one_too_many_is_told_to_try_again_later(lab: Lab) -> None:
    lab.config = ApiConfig(max_clients=1)
    with Server(lab.app()) as server:
        with open_ws(server) as client:
            hear(client, "snapshot")
            with open_ws(server) as other:
                assert close_code(other) == 1013
            with urlopen(f"{server.url}metrics") as response:
                assert b'marketlab_refused_total{protocol="ws",status="1013"} 1.0' in response.read()
            assert hear(client, "status")
        eventually(lambda: len(list(hears_a_snapshot(server))) == 1, what="there is room again")


def hears_a_snapshot(server: Server) -> Iterator[dict[str, Any]]:
    with open_ws(server) as client:
        try:
            yield hear(client, "snapshot")
        except ConnectionClosed:
            return


def test_what_a_client_says_is_not_listened_to_and_may_not_be_long(server: Server) -> None:
    with open_ws(server) as client:
        hear(client, "snapshot")
        for _ in range(50):
            client.send("hello")
        assert hear(client, "status")
        client.send("x" * 2000)
        assert close_code(client) == 1009


# --------------------------------------------------------------------------------------------- the end


def test_a_stop_says_goodbye_and_does_not_wait_for_who_is_stuck(
    quick: None, lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    with Server(lab.app()) as server, lab.feeding() as feed, open_ws(server) as client, deaf(server):
        hear(client, "snapshot")
        for n in range(40):
            feed(*ticks(*[10.0] * 900, first_seq=1 + n * 900))
            hear(client, "delta")
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        assert close_code(client) == 1001
        stopping.join()
    assert not any(thread.name == "push" for thread in threading.enumerate())
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
