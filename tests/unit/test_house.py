"""The house around the code: pins, scripts, public text."""

from __future__ import annotations

import re
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house import ROOT, tracked_files

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PINS = ["requirements.txt", "requirements-dev.txt", "scripts/uv.txt"]

# ------------------------------------------------------------------------------------------------------- pins


def pins(name: str) -> dict[str, set[str]]:
    """Package → versions of a pin file; more than one where they differ by platform or Python."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==(\S+)", line):
            found.setdefault(canonicalize_name(match[1]), set()).add(match[2])
    return found


def wanted(*, dev: bool) -> Iterator[Requirement]:
    """What pyproject.toml asks for, extras and groups resolved."""
    project, groups = PROJECT["project"], PROJECT["dependency-groups"]
    lists = [project["dependencies"], *project["optional-dependencies"].values(), groups["build"]]
    for item in [item for part in [*lists, groups["dev"] if dev else []] for item in part]:
        if isinstance(item, str) and not item.startswith(project["name"]):
            yield Requirement(item)


@pytest.mark.parametrize(("name", "dev"), [("requirements.txt", False), ("requirements-dev.txt", True)])
def test_the_pins_are_what_the_project_asks_for(name: str, dev: bool) -> None:
    pinned = pins(name)
    wrong = [
        str(requirement)
        for requirement in wanted(dev=dev)
        if not pinned.get(canonicalize_name(requirement.name))
        or not all(requirement.specifier.contains(version) for version in pinned[canonicalize_name(requirement.name)])
    ]
    assert not wrong, f"run scripts/lock: {name} does not satisfy {wrong}"


def test_tests_run_with_the_versions_that_people_get() -> None:
    everybody, developers = pins("requirements.txt"), pins("requirements-dev.txt")
    assert everybody
    assert {name: developers.get(name) for name in everybody} == everybody


@pytest.mark.parametrize("name", PINS)
def test_pins_have_hashes_and_name_no_place(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    requirements = re.split(r"\n(?=[A-Za-z0-9])", "\n" + text.partition("\n")[2])[1:]
    assert requirements
    assert all(re.match(r"[\w.-]+==\S+ .*\\\n    --hash=sha256:[0-9a-f]{64}", item + " ") for item in requirements)
    assert "://" not in text
    assert not re.search(r"^\s*-|(?<![\w.])/\w+/", text.replace("    --hash=", ""), flags=re.MULTILINE)


def test_conda_installs_the_same_pins_for_the_same_pythons() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, by_pip = environment["dependencies"]
    assert by_pip == {"pip": ["--require-hashes", "-r requirements.txt"]}
    python = next(Requirement(item) for item in conda if item.startswith("python"))
    declared = [
        line.rpartition(" ")[2]
        for line in PROJECT["project"]["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", line)
    ]
    assert [f"3.{minor}" for minor in range(30) if python.specifier.contains(f"3.{minor}")] == declared
    assert PROJECT["project"]["requires-python"] == f">={declared[0]}"


# ---------------------------------------------------------------------------------------------------- scripts


def scripts() -> list[Path]:
    return [
        path for path in [*(ROOT / "scripts").iterdir(), ROOT / ".ci" / "run"] if path.is_file() and not path.suffix
    ]


@pytest.mark.parametrize("path", scripts(), ids=lambda path: path.name)
def test_a_script_can_be_run_and_says_what_it_does(path: Path) -> None:
    shebang, first = path.read_text(encoding="utf-8").splitlines()[:2]
    assert path.stat().st_mode & stat.S_IXUSR
    assert re.match(r'# \w|"""\w', first)
    if shebang == "#!/bin/sh" or "bash" in shebang:
        subprocess.run([shebang.removeprefix("#!").split("/")[-1].split(" ")[-1], "-n", path], check=True)
    else:
        assert shebang == "#!/usr/bin/env python3"


def test_ci_runs_what_the_readme_says_and_forbids_skips() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert "set -euo pipefail" in lines
    assert [line for line in lines[-6:] if not line.startswith("#")] == [
        "export MARKETLAB_REQUIRE_ALL=1",
        "./scripts/setup --dev",
        "./scripts/check",
        "./scripts/audit || [[ $? == 3 ]]",
        "./scripts/test",
    ]


def test_hooks_use_the_tools_of_this_environment() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    for hook in config["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv/bin/"), hook["id"]


# ------------------------------------------------------------------------------------------------ public text

#: What no public file may hold. Written so that this file does not hold it either.
FORBIDDEN = {
    "a folder of somebody's machine": r"(?<![\w.-])/(?:work|root)/[\w.]|/(?:home|Users)/[a-z][\w-]*/",
    "a registry's host": r"https?://[\w.-]*(?:pypi|pythonhosted|npmjs|maven|anaconda|debian|docker)\.(?:org|com|io)",
    "a scratch folder, in a document": r"(?<![\w.-])/tmp/\w",
}
DOCUMENTS = {".md", ".ipynb", ".toml", ".yml", ".yaml", ".txt", ".sql"}
#: Other people's files are theirs.
FOREIGN = "api/static/vendor/"


def found_in(text: str, *, document: bool) -> list[str]:
    """What is wrong with a text: kind and line."""
    return [
        f"line {text.count(chr(10), 0, match.start()) + 1}: {kind}: {match[0]}"
        for kind, pattern in FORBIDDEN.items()
        if document or "document" not in kind
        for match in re.finditer(pattern, text)
    ]


@pytest.mark.parametrize(
    "planted",
    [
        "see " + "/work" + "/main",
        "open('" + "/root" + "/.cache')",
        "/home" + "/someone/lab",
        "https:" + "//files.pythonhosted.org/x",
        "https:" + "//registry.npmjs.org/x",
        "https:" + "//repo1.maven.org/x",
        "`" + "/tmp" + "/lab`",
    ],
)
def test_the_scan_finds_what_is_planted(planted: str) -> None:
    assert found_in(f"fine\n{planted}\n", document=True)


@pytest.mark.parametrize(
    "fine", ["/var/lib/marketlab", "tests/work/x", "https://semver.org", "a/root/b", "http://127.0.0.1:5000/"]
)
def test_the_scan_lets_the_rest_pass(fine: str) -> None:
    assert not found_in(fine, document=True)


def test_public_files_name_no_machine_and_no_registry() -> None:
    found = []
    for path in tracked_files():
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(FOREIGN) or path.name == "LICENSE":
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture, a recording
        found += [f"{name}, {problem}" for problem in found_in(text, document=path.suffix in DOCUMENTS)]
    assert not found, "\n".join(found)


def test_nothing_that_is_made_here_is_public() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in tracked_files()}
    made = re.compile(r"(^|/)(\.venv|__pycache__|\.marketlab|node_modules)/|(^|/)(uv\.lock|package-lock\.json)$|\.db$")
    assert not [name for name in names if made.search(name)]
    assert names >= {"README.md", "LICENSE", "NOTICE", "requirements.txt", "requirements-dev.txt", ".ci/run"}


def test_lines_end_as_the_editor_config_says() -> None:
    wrong = []
    for path in tracked_files():
        content = path.read_bytes()
        name = path.relative_to(ROOT).as_posix()
        if b"\0" in content[:8000] or name.startswith((FOREIGN, "tests/")) or not content:
            continue
        if b"\r\n" in content or not content.endswith(b"\n"):
            wrong.append(name)
    assert not wrong
