"""The notebooks are what their sources say, and nothing else."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.house import ROOT

SOURCES = sorted((ROOT / "notebooks" / "src").glob("*.py"))
LONGEST_LINE = 100  # of code: longer ones are cut in a JupyterLab of common width


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """scripts/notebooks, which has no ending, as a module."""
    loader = importlib.machinery.SourceFileLoader("notebooks_generator", str(ROOT / "scripts" / "notebooks"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((ROOT / "notebooks" / f"{path.stem}.ipynb").read_text())["cells"]
    return found


def test_there_are_sources() -> None:
    assert SOURCES


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_notebook_is_what_its_source_says(path: Path, generator: ModuleType) -> None:
    committed = (ROOT / "notebooks" / f"{path.stem}.ipynb").read_text(encoding="utf-8")
    assert committed == generator.build(path), "run: .venv/bin/python scripts/notebooks"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_notebook_is_valid_and_holds_no_outputs(path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.read(ROOT / "notebooks" / f"{path.stem}.ipynb", as_version=4))
    code = [cell for cell in cells(path) if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert len({cell["id"] for cell in cells(path)}) == len(cells(path))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_lines_of_code_can_be_read_without_scrolling(path: Path) -> None:
    lines = [line.rstrip("\n") for cell in cells(path) if cell["cell_type"] == "code" for line in cell["source"]]
    assert [line for line in lines if len(line) > LONGEST_LINE] == []


def test_a_change_of_one_cell_leaves_the_others_their_ids(generator: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "01_x.py"

    def ids(text: str) -> list[str]:
        path.write_text(text)
        return [cell["id"] for cell in json.loads(generator.build(path))["cells"]]

    before = ids("# %% [markdown]\n# a\n\n# %%\nx = 1\n\n# %%\nx = 1\n")
    after = ids("# %% [markdown]\n# b\n\n# %%\nx = 1\n\n# %%\nx = 1\n")
    assert len(set(before)) == 3
    assert before[0] != after[0]
    assert before[1:] == after[1:]


def test_text_tags_and_code_become_cells(generator: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "01_x.py"
    path.write_text('# %% [markdown]\n# # Title\n#\n# text\n\n# %% tags=["parameters"]\nx = 1  # why\n\n\n')
    found = [
        (cell["cell_type"], cell["source"], cell["metadata"]) for cell in json.loads(generator.build(path))["cells"]
    ]
    assert found == [
        ("markdown", ["# Title\n", "\n", "text"], {}),
        ("code", ["x = 1  # why"], {"tags": ["parameters"]}),
    ]


@pytest.mark.parametrize(
    "text", ["x = 1\n# %%\n", "# %% [raw]\nx\n", "# %% [markdown]\nnot behind a hash\n", "# %%  tags=['x']\n"]
)
def test_what_is_no_source_is_refused(generator: ModuleType, tmp_path: Path, text: str) -> None:
    path = tmp_path / "01_x.py"
    path.write_text(text)
    with pytest.raises(generator.SourceError, match="01_x"):
        generator.build(path)
