"""marketlab lab as a person runs it: a JupyterLab on copies, found again, ended by a signal."""

from __future__ import annotations

import json
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest

from marketlab.broker.leases import holders
from marketlab.course import FOLDER, find, originals
from tests.process.commands import Home, Running
from tests.support import eventually

pytestmark = pytest.mark.notebook

QUIET = ("lab", "--no-browser", "--port", "0", "--json")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A working folder with a home, a Jupyter of its own, and a Kafka that is somebody else's affair."""
    monkeypatch.chdir(tmp_path)
    return Home(
        tmp_path / ".marketlab",
        JUPYTER_CONFIG_DIR=str(tmp_path / "jupyter" / "config"),
        JUPYTER_DATA_DIR=str(tmp_path / "jupyter" / "data"),
        JUPYTER_RUNTIME_DIR=str(tmp_path / "jupyter" / "runtime"),
        MARKETLAB_BOOTSTRAP_SERVERS="127.0.0.1:1",
    )


class Lab:
    """A JupyterLab that runs, and its interface."""

    def __init__(self, running: Running, announced: dict[str, Any]) -> None:
        self.running = running
        self.announced = announced
        parts = urlsplit(announced["url"])
        self._base = f"{parts.scheme}://{parts.netloc}"
        (self.token,) = parse_qs(parts.query)["token"]

    def get(self, path: str, *, token: str | None = None) -> Any:
        return self._ask(urllib.request.Request(self._base + path), token)

    def post(self, path: str, value: Any) -> Any:
        return self._ask(urllib.request.Request(self._base + path, json.dumps(value).encode()), None)

    def _ask(self, request: urllib.request.Request, token: str | None) -> Any:
        request.add_header("Authorization", f"token {self.token if token is None else token}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def announced(running: Running) -> dict[str, Any]:
    line = eventually(lambda: running.out if "\n" in running.out else None, timeout_s=90, what="the address")
    value = json.loads(line)
    assert isinstance(value, dict)
    return value


def kernels(running: Running) -> list[psutil.Process]:
    children = psutil.Process(running.process.pid).children()
    return [child for child in children if any("ipykernel" in part for part in child.cmdline())]


@pytest.fixture
def lab(home: Home) -> Iterator[Lab]:
    with home.running(*QUIET) as running:
        yield Lab(running, announced(running))


def test_it_serves_copies_of_the_notebooks_and_opens_the_first(lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    assert lab.announced["folder"] == str(folder)
    assert urlsplit(lab.announced["url"]).path == f"/lab/tree/{originals()[0].name}"
    assert urlsplit(lab.announced["url"]).hostname == "127.0.0.1"
    served = {entry["name"] for entry in lab.get("/api/contents")["content"]}
    assert served == {path.name for path in originals()}
    assert (folder / originals()[0].name).read_bytes() == originals()[0].read_bytes()


def test_nobody_is_served_without_the_token(lab: Lab) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        lab.get("/api/contents", token="guessed")
    with refused.value as answer:
        assert answer.code == 403


def test_no_news_are_asked_about_before_there_is_anything_to_see(lab: Lab) -> None:
    found = lab.get("/lab/api/settings/@jupyterlab/apputils-extension:notification")
    defaults = {name: about.get("default") for name, about in found["schema"]["properties"].items()}
    assert (defaults["fetchNews"], defaults["checkForUpdates"]) == ("false", False)


def test_a_second_one_in_the_folder_finds_the_first(lab: Lab, home: Home) -> None:
    found = home.run(*QUIET).json
    assert (found["url"], found["pid"]) == (lab.announced["url"], lab.running.process.pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(lab: Lab, number: int, tmp_path: Path) -> None:
    lab.post("/api/kernels", {"name": "python3"})
    (kernel,) = kernels(lab.running)
    lab.running.process.send_signal(number)
    assert lab.running.wait() == 0
    assert not kernel.is_running()
    assert not list((tmp_path / "jupyter" / "runtime").glob("jpserver-*.json"))


def test_what_a_learner_wrote_is_opened_and_a_reset_keeps_it(home: Home, tmp_path: Path) -> None:
    mine = tmp_path / FOLDER / "01_kafka.ipynb"
    mine.parent.mkdir()
    mine.write_text("mine")
    with home.running(*QUIET) as running:
        announced(running)
        assert mine.read_text() == "mine"
    with home.running(*QUIET, "--reset", "1") as running:
        assert announced(running)["url"].partition("?")[0].endswith("/lab/tree/01_kafka.ipynb")
        assert mine.read_bytes() == find("01").read_bytes()
    assert (mine.parent / "01_kafka.backup-1.ipynb").read_text() == "mine"


def test_a_notebook_that_is_not_one_is_refused(home: Home, tmp_path: Path) -> None:
    failed = home.run("lab", "--reset", "77", expect=2)
    assert "01_kafka" in failed.err
    assert "Traceback" not in failed.err
    assert not (tmp_path / FOLDER).exists()


@pytest.mark.broker
def test_it_holds_the_broker_while_it_runs(home: Home, kafka_installed: None, tmp_path: Path) -> None:
    leases = tmp_path / ".marketlab" / "broker" / "leases"
    with home.running(*QUIET, MARKETLAB_BOOTSTRAP_SERVERS="") as running:
        announced(running)
        eventually(lambda: running.process.pid in holders(leases), timeout_s=90, what="the lease")
    assert holders(leases) == {}


def test_kernels_use_this_python_and_the_home_of_the_command(home: Home, tmp_path: Path) -> None:
    """The notebooks lie a folder deeper than the command was run, and another home may lie nearer to them."""
    (tmp_path / ".marketlab").mkdir()
    (tmp_path / FOLDER / ".marketlab").mkdir(parents=True)
    with home.running(*QUIET, MARKETLAB_HOME="") as running:
        lab = Lab(running, announced(running))
        lab.post("/api/kernels", {"name": "python3"})
        (kernel,) = kernels(running)
        assert kernel.environ()["MARKETLAB_HOME"] == str(tmp_path / ".marketlab")
        assert kernel.cmdline()[0] == sys.executable
