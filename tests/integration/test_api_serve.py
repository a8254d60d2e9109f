"""``python -m api`` as a process: where it listens, whom it lets write, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.sync.client import connect

from marketlab.cli import serve as serving
from marketlab.cli.serve import ListenError
from marketlab.commit_times import CommitTimes
from marketlab.files import write_json

RECORD = {"symbol": "AAPL", "price": 312.45, "moving_average": 310.78, "alert": None, "timestamp": 1730871025.145}
END_S = 20


class Process:
    """A server of its own, in a home of its own; with so many descriptors, if that is said."""

    def __init__(self, home: Path, *arguments: str, files: int | None = None) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MARKETLAB_")}
        limited = [] if files is None else ["sh", "-c", f'ulimit -n {files} && exec "$@"', "sh"]
        self.process = subprocess.Popen(
            [*limited, sys.executable, "-m", "api", "--json", *arguments],
            cwd=home.parent,
            env={**environment, "MARKETLAB_HOME": str(home)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def announced(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=END_S)[1]
        found: dict[str, Any] = json.loads(line)
        return found

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=END_S)
        return self.process.returncode, out, err


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def make(*arguments: str, files: int | None = None) -> Process:
        started.append(Process(tmp_path / "home", *arguments, files=files))
        return started[-1]

    yield make
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate(timeout=END_S)


def ask(url: str, body: object = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"} if data else {})
    try:
        with urllib.request.urlopen(request, timeout=END_S) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_it_says_where_it_listens_once_it_does_and_keeps_what_is_posted(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    server = start("--port", "0")
    said = server.announced()
    url = said["url"]
    assert said == {
        "url": url, "dashboard_url": url + "dashboard", "pid": server.process.pid, "read_only": False,
    }  # fmt: skip
    assert ask(url + "readyz") == (200, {"status": "ready", "read_only": False})
    assert ask(url + "data") == (200, [])
    assert not (tmp_path / "home" / "marketlab.db").exists(), "looking makes no database"
    assert ask(url + "update", RECORD) == (200, {"accepted": 1})
    assert ask(url + "update", [RECORD, {**RECORD, "symbol": "BCH/EUR"}]) == (200, {"accepted": 2})
    status, [record, other] = ask(url + "data")
    assert (status, other["symbol"]) == (200, "BCH/EUR")
    assert {name: record[name] for name in RECORD} == RECORD
    assert len(ask(url + "data/AAPL")[1]) == 2
    server.process.send_signal(signal.SIGTERM)
    assert server.end() == (0, "", "")


def test_ctrl_c_ends_it_well(start: Callable[..., Process]) -> None:
    server = start("--port", "0")
    server.announced()
    server.process.send_signal(signal.SIGINT)
    assert server.end()[0] == 0


def test_an_open_page_does_not_hold_up_the_end(start: Callable[..., Process]) -> None:
    server = start("--port", "0")
    url = server.announced()["url"]
    port = int(url.rstrip("/").rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as kept, socket.create_connection(("127.0.0.1", port)) as stuck:
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert kept.recv(20).startswith(b"HTTP/1.1 200")
        stuck.sendall(b"POST /update HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{")
        server.process.send_signal(signal.SIGTERM)
        assert server.end()[0] == 0


def test_more_connections_than_it_has_descriptors_keep_nobody_out(start: Callable[..., Process]) -> None:
    server = start("--port", "0", "--read-only", files=160)
    url = server.announced()["url"]
    address = ("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]))
    upgrade = (
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with contextlib.ExitStack() as stack:
        for sent in [upgrade, b"", upgrade[:30]] * 100:
            client = stack.enter_context(socket.create_connection(address, timeout=END_S))
            with contextlib.suppress(ConnectionResetError):  # it was one too many
                client.sendall(sent)
        assert ask(url + "healthz") == (200, {"status": "ok"})
    server.process.send_signal(signal.SIGTERM)
    code, _, err = server.end()
    assert (code, len(err.splitlines())) == (0, 1), err
    assert "more connections came than there is room for" in err


def test_what_is_posted_is_pushed_and_a_stop_is_told(start: Callable[..., Process]) -> None:
    server = start("--port", "0")
    url = server.announced()["url"]
    with connect(url.replace("http", "ws") + "ws", open_timeout=END_S, close_timeout=1) as page:
        assert json.loads(page.recv(timeout=END_S))["data"] == []
        ask(url + "update", RECORD)
        delta = json.loads(page.recv(timeout=END_S))
        while delta["type"] != "delta":
            delta = json.loads(page.recv(timeout=END_S))
        assert [record["symbol"] for record in delta["ticks"]] == ["AAPL"]
        server.process.send_signal(signal.SIGTERM)
        for _ in page:
            pass
        assert page.protocol.close_code == 1001
    assert server.end() == (0, "", "")


def test_the_times_of_the_homes_consumers_are_in_the_metrics(start: Callable[..., Process], tmp_path: Path) -> None:
    url = start("--port", "0").announced()["url"]
    times = CommitTimes("0", "sqlite")
    times.observe(0.02)
    write_json(tmp_path / "home" / "run" / "commits-0.json", msgspec.to_builtins(times))
    with urllib.request.urlopen(url + "metrics", timeout=END_S) as response:
        told = response.read().decode()
    assert 'marketlab_commit_seconds_count{consumer="0",sink="sqlite"} 1.0' in told.splitlines()
    assert "marketlab_websocket_clients 0.0" in told.splitlines()


def test_it_ends_with_the_program_that_started_it(start: Callable[..., Process]) -> None:
    server = start("--port", "0", "--until-eof")
    server.announced()
    assert server.process.stdin is not None
    server.process.stdin.close()
    server.process.stdin = None
    assert server.end()[0] == 0


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(start: Callable[..., Process]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = start("--port", str(port)).end()
    assert (code, out) == (3, "")
    assert f"port {port} on 127.0.0.1 was wanted, another program listens there" in err
    assert "--port" in err
    assert "Traceback" not in err


def test_an_address_of_another_machine_is_an_error(start: Callable[..., Process]) -> None:
    code, _, err = start("--host", "192.0.2.1", "--port", "0", "--read-only").end()
    assert code == 3
    assert "cannot listen on 192.0.2.1" in err


def test_beyond_loopback_it_only_starts_read_only(start: Callable[..., Process]) -> None:
    code, out, err = start("--host", "0.0.0.0", "--port", "0").end()
    assert (code, out) == (2, "")
    assert "--read-only" in err
    server = start("--host", "0.0.0.0", "--port", "0", "--read-only")
    said = server.announced()
    assert said["read_only"] is True
    assert said["url"].startswith("http://127.0.0.1:")
    assert ask(said["url"] + "data") == (200, [])
    status, problem = ask(said["url"] + "update", RECORD)
    assert (status, problem["title"]) == (403, "Forbidden")


def test_beyond_loopback_no_message_names_a_folder_of_this_machine(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "marketlab.db").write_text("no database at all, " * 100)
    url = start("--host", "0.0.0.0", "--port", "0", "--read-only").announced()["url"]
    status, problem = ask(url + "data")
    with connect(url.replace("http", "ws") + "ws") as client:
        pushed = json.loads(client.recv(timeout=END_S))["status"]
    assert (status, pushed["error"], pushed["mend"]) == (503, problem["detail"], problem["mend"])
    assert problem["detail"].startswith("marketlab.db must be a marketlab database")
    assert str(tmp_path) not in json.dumps([problem, pushed])


def test_only_allowed_names_are_answered(start: Callable[..., Process]) -> None:
    url = start("--port", "0", "--allow-host", "lab.example").announced()["url"]

    def status(host: str) -> int:
        request = urllib.request.Request(url + "data", headers={"Host": host})
        try:
            with urllib.request.urlopen(request, timeout=END_S) as response:
                found: int = response.status
                return found
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert [status(host) for host in ("localhost", "lab.example", "evil.example")] == [200, 200, 403]


def test_the_next_free_port_is_taken_when_the_default_one_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(serving, "DEFAULT_PORT", taken.getsockname()[1])
        with serving._listen("127.0.0.1", None, as_json=True) as listener:
            assert listener.getsockname()[1] != taken.getsockname()[1]
        with pytest.raises(ListenError, match="another program listens there"):
            serving._bind("127.0.0.1", taken.getsockname()[1])


def test_when_many_ports_are_taken_any_free_one_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
        monkeypatch.setattr(serving, "DEFAULT_PORT", first)
        monkeypatch.setattr(serving, "NEXT_PORTS", 1)
        listener = stack.enter_context(serving._listen("127.0.0.1", None, as_json=True))
        assert listener.getsockname()[1] != first


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
        ("::", False), ("192.168.1.7", False), ("example.org", False), ("localhost.example.org", False),
    ],
)  # fmt: skip
def test_loopback_is_told_from_everything_else(host: str, loopback: bool) -> None:
    assert serving._is_loopback(host) is loopback
