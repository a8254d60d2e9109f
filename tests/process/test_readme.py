"""The README's two lines, as they stand there, on a clean clone with an empty home inside an empty environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.house import ROOT, fences, tracked_files
from tests.offline import NOT_POSSIBLE, NOWHERE
from tests.support import require

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]

RUN, TEST = (block.strip() for block in fences((ROOT / "README.md").read_text(encoding="utf-8"), "sh")[:2])

SHORT = "--seed 7 --ticks 200 --rate 0 --json"  # so that the first line ends by itself
ONE_TEST = "tests/unit/test_docs.py -k begins_with_what_it_is -p no:cacheprovider"  # or this test would run itself


@dataclass(frozen=True)
class Clone:
    """A clean clone, used from inside an environment that has nothing to do with it."""

    folder: Path
    environment: dict[str, str]

    def type(self, line: str, *, offline: bool = False) -> subprocess.CompletedProcess[str]:
        """Type a line in the clone's folder."""
        command = ["/bin/sh", "-c", line]
        environment = self.environment
        if offline and can_leave_the_network():
            command = [sys.executable, str(ROOT / "tests" / "offline.py"), *command]
        elif offline:
            environment = environment | NOWHERE
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def can_leave_the_network() -> bool:
    """Whether a process can be cut off from the network; elsewhere its way out is closed by wrong proxies."""
    tried = subprocess.run([sys.executable, ROOT / "tests" / "offline.py", "true"], capture_output=True, check=False)
    return tried.returncode != NOT_POSSIBLE


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    tracked_files()  # skips where there is nothing to clone
    base = tmp_path_factory.mktemp("clean")
    folder = base / "a clone"  # a space, as in many people's folders
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", base / "empty"], check=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MARKETLAB_", "PYTHON"))}
    return Clone(
        folder,
        kept
        | {
            "MARKETLAB_HOME": str(base / "home"),
            "VIRTUAL_ENV": str(base / "empty"),
            "PATH": f"{base / 'empty' / 'bin'}:{os.environ['PATH']}",
        },
    )


@pytest.fixture(scope="module")
def first(clone: Clone, kafka_installed: None) -> dict[str, Any]:
    """What the first line gives on a clean clone."""
    done = clone.type(f"{RUN} {SHORT}")
    require("Is there a network?" not in done.stderr, "the first run needs a network, and there is none")
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_the_first_line_sets_up_and_runs_the_pipeline(first: dict[str, Any]) -> None:
    assert (first["produced"], first["stored"], first["balanced"]) == (200, 200, True)


def test_the_first_line_needs_no_network_the_second_time(clone: Clone, first: dict[str, Any]) -> None:
    mark = clone.folder / ".venv" / "made-from"
    before = mark.stat().st_mtime_ns
    done = clone.type(f"{RUN} {SHORT}", offline=True)
    assert done.returncode == 0, done.stderr
    second = json.loads(done.stdout)
    assert second["balanced"]
    assert second["digest"] == first["digest"]
    assert mark.stat().st_mtime_ns == before, "everything was installed once more"


def test_the_second_line_sets_up_and_passes_tests(clone: Clone, first: dict[str, Any]) -> None:
    del first  # one clone, one line after the other
    done = clone.type(f"{TEST} {ONE_TEST}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    again = clone.type(f"{TEST} {ONE_TEST}", offline=True)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "1 passed" in again.stdout
    # What the tests need does not take away what the lab needs.
    assert clone.type("./scripts/setup && .venv/bin/marketlab --version", offline=True).returncode == 0


def test_the_clone_stays_clean(clone: Clone, first: dict[str, Any]) -> None:
    del first
    done = clone.type("git status --porcelain")
    assert done.stdout == ""
