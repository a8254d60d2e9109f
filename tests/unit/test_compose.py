"""The files for Docker, as far as they can be judged by reading; what they start is tested in tests/integration."""

from __future__ import annotations

import fnmatch
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

from marketlab.broker.config import BASE
from marketlab.broker.jars import kafka_version
from marketlab.settings import PREFIX, Settings
from tests.house import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = sorted(SERVICES.keys() - {"kafka"})

#: Settings of the managed broker that a container does not need, and why.
NOT_IN_A_CONTAINER = {
    "controller.quorum.bootstrap.servers": "the quorum is named by controller.quorum.voters, as the image formats it",
    "log.cleaner.dedupe.buffer.size": "makes room in a small heap",
    "broker.session.timeout.ms": "for kill -9; a container is stopped by SIGTERM",
    "broker.heartbeat.interval.ms": "goes with the session",
    "num.network.threads": "makes room on a laptop",
    "num.io.threads": "makes room on a laptop",
    "background.threads": "makes room on a laptop",
    "group.coordinator.threads": "makes room on a laptop",
}


def kafka_properties() -> dict[str, str]:
    """The broker's settings that the variables of the image stand for."""
    environment = SERVICES["kafka"]["environment"]
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): str(value)
        for name, value in environment.items()
        if name.startswith("KAFKA_") and not name.endswith("_OPTS")
    }


def addresses(listeners: str) -> dict[str, str]:
    """Listener → host:port."""
    return dict(item.split("://", maxsplit=1) for item in listeners.split(","))


def test_the_file_obeys_the_schema_of_compose_files() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*check, ROOT / "docker-compose.yml"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_finds_a_misspelt_key(tmp_path: Path) -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    (tmp_path / "docker-compose.yml").write_text(text.replace("healthcheck:", "helthcheck:"), encoding="utf-8")
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*check, tmp_path / "docker-compose.yml"], capture_output=True, text=True, check=False)
    assert done.returncode == 1


def test_the_container_runs_the_kafka_of_the_managed_broker() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka_version()}"


def test_the_container_is_set_as_the_managed_broker() -> None:
    properties = kafka_properties()
    wanted = {name: str(value) for name, value in BASE.items() if name not in NOT_IN_A_CONTAINER}
    assert {name: properties.get(name) for name in wanted} == wanted
    assert BASE.keys() >= NOT_IN_A_CONTAINER.keys()


def test_nothing_is_published_beyond_this_machine() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(str(port).startswith("127.0.0.1:") for port in published)


def test_each_side_of_the_network_is_told_an_address_that_it_can_reach() -> None:
    properties = kafka_properties()
    listening, told = addresses(properties["listeners"]), addresses(properties["advertised.listeners"])
    protocols = dict(item.split(":") for item in properties["listener.security.protocol.map"].split(","))
    assert listening.keys() == told.keys() | {"CONTROLLER"} == protocols.keys()
    host, port, inside = SERVICES["kafka"]["ports"][0].split(":")
    assert told["HOST"] == f"{host}:{port}"
    assert listening["HOST"] == f":{inside}"
    assert told["INTERNAL"] == f"kafka{listening['INTERNAL']}"
    assert properties["controller.quorum.voters"] == f"{properties['node.id']}@{listening['CONTROLLER']}"
    for name in OURS:
        assert SERVICES[name]["environment"]["MARKETLAB_BOOTSTRAP_SERVERS"] == told["INTERNAL"]
    assert told["INTERNAL"] in SERVICES["kafka"]["healthcheck"]["test"][1]


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_knows_its_command_and_settings(name: str) -> None:
    service = SERVICES[name]
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    assert service["environment"].keys() <= known
    help_of = [sys.executable, "-m", "marketlab", *service["command"], "--help"]
    done = subprocess.run(help_of, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_may_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_state_outlives_the_containers() -> None:
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service["volumes"]}
    assert used == COMPOSE["volumes"].keys()
    data = kafka_properties()["log.dirs"]
    assert SERVICES["kafka"]["volumes"] == [f"kafka:{data}"]
    home = re.search(r"MARKETLAB_HOME=(\S+)", dockerfile())
    assert home
    assert all(SERVICES[name]["volumes"] == [f"lab:{home[1]}"] for name in OURS)


def test_the_page_can_only_read() -> None:
    assert "--read-only" in SERVICES["api"]["command"]


# ------------------------------------------------------------------------------------------------- the image


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


def copied() -> list[str]:
    """What the image is made from."""
    lines = [shlex.split(line)[1:-1] for line in dockerfile().splitlines() if re.match(r"COPY (?!--from)", line)]
    return [name for line in lines for name in line]


def test_the_image_does_not_run_as_root() -> None:
    last = dockerfile().split("\nFROM ")[-1]
    assert re.search(r"^USER (?!root|0)\w+$", last, flags=re.MULTILINE)


def test_the_builder_is_sent_what_the_image_copies_and_no_more() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert "*" in lines
    assert sent == {name.split("/")[0] for name in copied()}


def test_the_package_can_be_made_from_what_is_copied(tmp_path: Path) -> None:
    import shutil

    from hatchling.builders.wheel import WheelBuilder

    source = tmp_path / "src"
    for name in copied():
        goal = source / name
        goal.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, goal, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, goal)
    wheel = next(WheelBuilder(str(source)).build(directory=str(tmp_path), versions=["standard"]))
    inside = ZipFile(wheel).namelist()
    for needed in ("marketlab/store/schema.sql", "marketlab/broker/jars.txt", "api/static/vendor/*/*.js", "*/LICENSE"):
        assert fnmatch.filter(inside, needed), needed
