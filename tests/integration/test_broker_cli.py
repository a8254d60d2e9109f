"""``marketlab broker`` as people and programs call it: what it prints where, and its exit codes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marketlab.broker import ManagedBroker

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    yield home
    ManagedBroker(home).stop(force=True)


@pytest.fixture
def run(home: Path, tmp_path: Path) -> Run:
    """Runs ``marketlab broker …`` in an empty folder."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "marketlab", "--home", str(home), "broker", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

    return run


@pytest.mark.broker
@pytest.mark.usefixtures("kafka_installed")
def test_start_status_logs_stop(run: Run) -> None:
    started = run("start", "--json")
    assert (started.returncode, started.stderr) == (0, "")
    row = json.loads(started.stdout)
    assert row["running"] is row["stays"] is True
    assert json.loads(run("status", "--json").stdout)["pid"] == row["pid"]
    assert row["bootstrap_servers"] in run("status").stdout

    logs = run("logs", "-n", "3")
    assert logs.returncode == 0
    assert len(logs.stdout.splitlines()) == 3

    wipe = run("wipe", "--yes")
    assert wipe.returncode == 3
    assert "marketlab broker stop" in wipe.stderr

    assert json.loads(run("stop", "--json").stdout) == {"stopped": True}
    assert json.loads(run("stop", "--json").stdout) == {"stopped": False}
    assert json.loads(run("wipe", "--yes", "--json").stdout) == {"wiped": True}


@pytest.mark.broker
@pytest.mark.usefixtures("kafka_installed")
def test_a_refused_stop_is_the_worlds_failure_and_says_who(run: Run, home: Path) -> None:
    with ManagedBroker(home).acquire():
        refused = run("stop")
        assert refused.returncode == 3
        assert f"process {os.getpid()}" in refused.stderr
        assert refused.stdout == ""
        assert run("stop", "--force").returncode == 0


@pytest.mark.broker
@pytest.mark.usefixtures("kafka_installed")
def test_a_taken_port_is_the_worlds_failure(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        refused = run("start", "--port", str(port))
    assert refused.returncode == 3
    assert f"port {port} is taken" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_home_without_a_broker_has_a_status_and_no_log(run: Run, home: Path) -> None:
    assert json.loads(run("status", "--json").stdout)["running"] is False
    assert "stopped" in run("status").stdout
    logs = run("logs")
    assert logs.returncode == 3
    assert "has not been started" in logs.stderr
    assert not home.exists()


@pytest.mark.parametrize(
    "arguments", [("start", "--port", "0"), ("start", "--port", "x"), ("logs", "-n", "-1"), ("run",)]
)
def test_wrong_use_is_exit_2(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).returncode == 2


def test_wiping_asks_first(run: Run, home: Path) -> None:
    data = home / "broker" / "data"
    data.mkdir(parents=True)
    assert run("wipe").returncode != 0
    assert data.exists()
