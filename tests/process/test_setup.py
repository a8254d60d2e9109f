"""scripts/setup where something is missing: what it says, and that it says it before it has done harm."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import ROOT
from tests.offline import NOWHERE

#: What the script calls; nothing else is on its PATH here, so that no other Python can be found.
PROGRAMS = ("sh", "dirname", "cat", "cksum", "uname", "awk", "df", "head", "rm")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "check out"
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (tmp_path / "bin").mkdir()
    for name in PROGRAMS:
        found = shutil.which(name)
        assert found
        (tmp_path / "bin" / name).symlink_to(found)
    return folder


def program(checkout: Path, name: str, text: str) -> None:
    """Put a program of ours first on the script's PATH."""
    path = checkout.parent / "bin" / name
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def python(checkout: Path, name: str, version: str, *, has_venv: bool = True) -> None:
    """Put a Python on the PATH that can do no more than say what it is."""
    new = tuple(map(int, version.split("."))) >= (3, 11)
    answers = (
        f"*platform*) echo {version} ;; *version_info*) exit {int(not new)} ;; *ensurepip*) exit {int(not has_venv)} ;;"
    )
    program(checkout, name, f'case "$*" in {answers} *) exit 9 ;; esac')


def setup(checkout: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "SSL_CERT_FILE") if name in os.environ}
    return subprocess.run(
        [checkout / "scripts" / "setup", *arguments],
        env=kept | {"PATH": str(checkout.parent / "bin")} | variables,
        cwd=checkout.parent,  # not its own folder
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_option_that_it_does_not_know_is_wrong_use(checkout: Path) -> None:
    done = setup(checkout, "--devel")
    assert (done.returncode, done.stderr) == (2, "Usage: scripts/setup [--dev]\n")


def test_without_python_it_says_what_is_wanted(checkout: Path) -> None:
    done = setup(checkout)
    assert done.returncode == 3
    assert "Python 3.11 or newer was wanted; found: none" in done.stderr
    assert "PYTHON=" in done.stderr
    assert not (checkout / ".venv").exists()


def test_each_python_that_will_not_do_is_named_with_its_fault(checkout: Path) -> None:
    python(checkout, "python3", "3.9.2")
    python(checkout, "python3.12", "3.12.1", has_venv=False)
    done = setup(checkout)
    assert done.returncode == 3
    assert "found: python3.12 without its venv module (Debian, Ubuntu: apt install python3-venv), python3 is 3.9.2" in (
        done.stderr
    )


def test_a_python_that_is_named_is_the_only_one_that_is_tried(checkout: Path) -> None:
    python(checkout, "python3", "3.12.1")
    python(checkout, "mine", "3.10.4")
    done = setup(checkout, PYTHON="mine")
    assert done.returncode == 3
    assert "found: mine is 3.10.4" in done.stderr


def test_a_system_that_is_not_supported_is_refused(checkout: Path) -> None:
    program(checkout, "uname", "echo MINGW64_NT-10.0")
    done = setup(checkout)
    assert done.returncode == 3
    assert "WSL2" in done.stderr


def fetch_from_nowhere(checkout: Path) -> subprocess.CompletedProcess[str]:
    """Set up with a real Python, empty caches and no way out."""
    empty = {name: str(checkout.parent / name) for name in ("PIP_CACHE_DIR", "UV_CACHE_DIR")}
    real = getattr(sys, "_base_executable", sys.executable)
    return setup(checkout, PYTHON=real, PIP_RETRIES="0", PIP_CONFIG_FILE=os.devnull, **NOWHERE, **empty)


def test_without_a_network_it_says_so_and_can_be_run_again(checkout: Path) -> None:
    for _ in range(2):  # the second time upon what the first has left
        done = fetch_from_nowhere(checkout)
        assert done.returncode == 3
        assert "Is there a network?" in done.stderr
        assert not (checkout / ".venv" / "made-from").exists()


def test_a_full_disk_is_named(checkout: Path) -> None:
    program(
        checkout, "df", 'echo "Filesystem 1024-blocks Used Available Capacity Mounted"; echo "disk 9 9 20480 99% /"'
    )
    done = fetch_from_nowhere(checkout)
    assert done.returncode == 3
    assert "this disk has 20 MB left" in done.stderr
