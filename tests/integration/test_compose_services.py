"""What docker-compose.yml describes, started without Docker.

The official image makes ``server.properties`` with a class of Kafka's own jar, and formats the data folder with it.
Here the same class gets the variables of the compose file, so what starts is the broker of the file and not one like
it. Only folders and ports are others. Then the services' commands run as they stand in the file.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from marketlab.broker import config, probe
from marketlab.broker.jars import JarCache
from marketlab.broker.manager import ManagedBroker
from marketlab.broker.progress import Silent
from marketlab.broker.runtime import environment, java_command
from tests.house import ROOT
from tests.support import eventually

pytestmark = pytest.mark.broker

SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
TICKS = 400


@pytest.fixture(scope="module")
def composed_kafka(kafka_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port on which the broker of the compose file answers to programs on this machine."""
    folder = tmp_path_factory.mktemp("compose")
    ports = dict(zip(("9092", "19092", "9093"), free_ports(3), strict=True))
    variables = {name: str(value) for name, value in SERVICES["kafka"]["environment"].items()}
    for name, value in variables.items():
        if "LISTENERS" in name or "VOTERS" in name:
            elsewhere = re.sub(r"(?<=:)(9092|19092|9093)\b", lambda match: str(ports[match[1]]), value)
            variables[name] = elsewhere.replace("://:", "://127.0.0.1:")  # in a container it may listen everywhere
    variables["KAFKA_LOG_DIRS"] = str(folder / "data")

    for name in ("defaults", "mounted", "final", "logs", "tmp"):
        (folder / name).mkdir()
    (folder / "final" / "server.properties").touch()
    (folder / "log4j2.properties").write_text(config.log4j2(), encoding="ascii")
    jars = JarCache(ManagedBroker.user_cache()).ensure(progress=Silent())
    setup = ["setup", "--default-configs-dir=defaults", "--mounted-configs-dir=mounted", "--final-configs-dir=final"]
    subprocess.run(
        java_command("kafka.docker.KafkaDockerWrapper", arguments=setup, class_path=jars, folder=folder),
        cwd=folder,
        env=environment() | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    broker = subprocess.Popen(
        java_command("kafka.Kafka", arguments=["final/server.properties"], class_path=jars, folder=folder),
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: answers(broker, int(ports["9092"]), folder), timeout_s=60, what="the broker's answer")
        yield int(ports["9092"])
    finally:
        broker.terminate()
        try:
            broker.wait(20)
        except subprocess.TimeoutExpired:
            broker.kill()
            broker.wait()


def answers(broker: subprocess.Popen[bytes], port: int, folder: Path) -> bool:
    if broker.poll() is not None:
        pytest.fail(
            f"the broker ended with {broker.returncode}:\n" + (folder / "logs" / "server.log").read_text()[-3000:]
        )
    found = probe.ask(port, timeout_s=1.0)
    return bool(found and found.nodes)


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return found


class Service:
    """A service's command with the service's own settings, in a home that all of them share."""

    def __init__(self, port: int, home: Path) -> None:
        self._port, self._home = port, home
        self._running: list[subprocess.Popen[str]] = []

    def _environment(self, name: str) -> dict[str, str]:
        given = {key: str(value) for key, value in SERVICES[name]["environment"].items()}
        given["MARKETLAB_BOOTSTRAP_SERVERS"] = f"127.0.0.1:{self._port}"  # no name "kafka" outside the network
        kept = {key: value for key, value in os.environ.items() if not key.startswith("MARKETLAB_")}
        return kept | given | {"MARKETLAB_HOME": str(self._home)}

    def run(self, name: str, command: Sequence[str], *more: str) -> dict[str, Any]:
        """Run to the end and return what it says in JSON."""
        done = subprocess.run(
            [sys.executable, "-m", "marketlab", *command, *more, "--json"],
            env=self._environment(name),
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )
        assert done.returncode == 0, done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def start(
        self, name: str, *, replaced: dict[str, str] | None = None, more: Sequence[str] = ()
    ) -> subprocess.Popen[str]:
        """Start it and let it run."""
        command = [(replaced or {}).get(word, word) for word in SERVICES[name]["command"]]
        process = subprocess.Popen(
            [sys.executable, "-m", "marketlab", *command, *more],
            env=self._environment(name),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        return process

    def close(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def service(composed_kafka: int, tmp_path: Path) -> Iterator[Service]:
    services = Service(composed_kafka, tmp_path)
    yield services
    services.close()


def test_the_services_of_the_compose_file_work_together(service: Service) -> None:
    topic = service.run("topic", SERVICES["topic"]["command"])
    assert (topic["topic"], topic["created"], topic["partitions"]) == ("stock-ticks", True, 3)
    assert service.run("topic", SERVICES["topic"]["command"])["created"] is False  # up, a second time

    consumer = service.start("consumer")
    produced = service.run("producer", SERVICES["producer"]["command"], "--ticks", str(TICKS), "--rate", "0")
    assert produced["produced"] == TICKS

    def stored() -> bool:
        assert consumer.poll() is None, consumer.communicate()
        runs = service.run("consumer", ["books"])["runs"]
        return bool(runs) and runs[0]["state"] == "closed" and runs[0]["stored"] == TICKS

    eventually(stored, timeout_s=60, what=f"{TICKS} stored ticks")

    api = service.start("api", replaced={"0.0.0.0": "127.0.0.1", "5000": "0"}, more=["--json"])
    assert api.stdout is not None
    url = json.loads(api.stdout.readline())["url"]
    *_, program = SERVICES["api"]["healthcheck"]["test"]
    assert "http://127.0.0.1:5000/" in program
    subprocess.run([sys.executable, "-c", program.replace("http://127.0.0.1:5000/", url)], check=True)
    with urlopen(url + "data") as response:
        assert len(json.load(response)) == 5
    with pytest.raises(HTTPError) as refused:
        urlopen(Request(url + "update", data=b"{}", headers={"Content-Type": "application/json"}))
    assert 400 <= refused.value.code < 500
    refused.value.close()

    for process in (api, consumer):
        process.send_signal(signal.SIGTERM)  # docker compose down
        assert process.wait(float(SERVICES["api"]["stop_grace_period"].removesuffix("s"))) == 0
