"""Documents tell the truth: links lead somewhere, tables are complete, generated pages are up to date."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest

import marketlab
from marketlab.cli import COMMANDS
from marketlab.settings import Settings
from tests.house import ROOT, fences, markdown_files

README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

MAX_ARCHITECTURE_LINES = 120  # "one page"
COMMENTS_AT = 73  # the column at which the drawing of the layers begins to explain


def test_the_readme_begins_with_what_it_is_and_the_two_lines() -> None:
    title, what, *_ = [part for part in README.split("\n\n") if part]
    assert title == "# marketlab"
    assert 1 <= len(re.findall(r"[.!?](?:\s|$)", re.sub(r"\d\.\d+", "", what))) <= 2
    assert fences(README, "sh")[:2] == [
        "./scripts/setup && .venv/bin/marketlab up\n",
        "./scripts/setup --dev && ./scripts/test\n",
    ]


def test_the_readme_lists_every_command() -> None:
    section = README.partition("## Commands\n")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `marketlab ([\w-]+)", section, flags=re.MULTILINE))
    assert listed == set(COMMANDS), "the table under Commands in README.md and marketlab.cli.COMMANDS differ"


def test_the_readme_lists_every_notebook() -> None:
    section = README.partition("## Milestones\n")[2].partition("\n## ")[0]
    listed = set(re.findall(r"`notebooks/([\w.-]+\.ipynb)`", section))
    assert listed == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}


@pytest.mark.parametrize("path", markdown_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        goal = (path.parent / unquote(name)) if name else path
        if not goal.exists() or (anchor and anchor not in anchors(goal)):
            broken.append(target)
    assert not broken


def anchors(path: Path) -> set[str]:
    """The anchors that a page's headings make."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", markdown_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_that_a_document_names_are_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = re.findall(
        r"`((?:marketlab|api|tests|benchmarks|docs|scripts|notebooks|changelog\.d|\.ci)/[\w./-]*)`", text
    )
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not missing


def test_the_architecture_is_one_page_and_names_every_room() -> None:
    assert len(ARCHITECTURE.splitlines()) <= MAX_ARCHITECTURE_LINES
    package = Path(marketlab.__file__).parent
    rooms = {path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    rooms -= {"__init__", "__main__"}
    table = ARCHITECTURE.partition("## Which room holds what\n")[2].partition("\n## ")[0]
    missing = sorted(room for room in rooms if not re.search(rf"[`/]{room}(\.py|/)`", table))
    assert not missing, f"docs/architecture.md does not say what these hold: {missing}"


def test_the_architecture_has_the_layers_that_are_enforced() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    enforced = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    drawn = [line[:COMMENTS_AT] for line in fences(ARCHITECTURE.partition("## The layers\n")[2], "")[0].splitlines()]
    places = []
    for layer in enforced:
        names = re.split(r"[ |:]+", layer)
        lines = {number for name in names for number, line in enumerate(drawn) if re.search(rf"\b{name}\b", line)}
        assert lines, f"docs/architecture.md does not draw {layer}"
        assert all(any(re.search(rf"\b{name}\b", drawn[number]) for number in lines) for name in names), layer
        places.append((min(lines), max(lines)))
    assert all(above[1] < below[0] for above, below in pairwise(places))


def test_every_setting_is_described_and_the_page_is_up_to_date() -> None:
    silent = [name for name, field in Settings.model_fields.items() if not (field.description or "").strip()]
    assert not silent
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "write_settings.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_decisions_are_numbered_listed_and_whole() -> None:
    folder = ROOT / "docs" / "decisions"
    paths = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    index = (folder / "README.md").read_text(encoding="utf-8")
    for number, path in enumerate(paths, start=1):
        text = path.read_text(encoding="utf-8")
        assert path.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number:04} ")
        assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == ["Context", "Options", "Outcome"], path.name
        title = text.splitlines()[0].removeprefix(f"# {number:04} ")
        assert f"| [{number:04}]({path.name}) | {title} |" in index


def test_fragments_of_the_changelog_have_a_kind() -> None:
    for path in (ROOT / "changelog.d").iterdir():
        if path.name != "README.md":
            assert re.fullmatch(r"[\w-]+\.(added|changed|fixed|removed|security)\.md", path.name)
            assert path.read_text(encoding="utf-8").strip()
