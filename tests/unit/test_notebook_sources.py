"""The notebooks are what their sources say, and nothing else."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from marketlab.gradebook.contents import Contents
from tests.house import ROOT

SOURCES = sorted((ROOT / "notebooks" / "src").glob("*.py"))
TABLE = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8").splitlines()
LONGEST_TITLE = 42  # with its mark; in a JupyterLab of common width, too
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


#: Of each source the exercises and the solved notebook.
MADE = [(path, solved) for path in SOURCES for solved in (False, True)]


def made(path: Path, solved: bool) -> Path:
    return ROOT / "notebooks" / ("solutions" if solved else "") / f"{path.stem}.ipynb"


def cells(path: Path, solved: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(made(path, solved).read_text())["cells"]
    return found


def name(item: object) -> str | None:
    return item.stem if isinstance(item, Path) else "solved" if item else "exercises"


def test_there_are_sources() -> None:
    assert SOURCES


@pytest.mark.parametrize(("path", "solved"), MADE, ids=name)
def test_a_notebook_is_what_its_source_says(path: Path, solved: bool, generator: ModuleType) -> None:
    committed = made(path, solved).read_text(encoding="utf-8")
    assert committed == generator.build(path, solved=solved), "run: .venv/bin/python scripts/notebooks"


@pytest.mark.parametrize(("path", "solved"), MADE, ids=name)
def test_a_notebook_is_valid_and_holds_no_outputs(path: Path, solved: bool) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.read(made(path, solved), as_version=4))
    found = cells(path, solved)
    code = [cell for cell in found if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert len({cell["id"] for cell in found}) == len(found)


@pytest.mark.parametrize(("path", "solved"), MADE, ids=name)
def test_lines_of_code_can_be_read_without_scrolling(path: Path, solved: bool) -> None:
    code = [cell for cell in cells(path, solved) if cell["cell_type"] == "code"]
    lines = [line.rstrip("\n") for cell in code for line in cell["source"]]
    assert [line for line in lines if len(line) > LONGEST_LINE] == []


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_title_is_not_covered_by_the_buttons_of_its_cell(path: Path) -> None:
    title = "".join(cells(path, False)[0]["source"]).splitlines()[0]
    assert title.startswith(f"# {int(path.name[:2])} · ")
    assert len(title) <= LONGEST_TITLE


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_the_minutes_of_a_notebook_are_those_of_its_sections(path: Path) -> None:
    contents = Contents.read(made(path, False))
    sections = sum(map(int, re.findall(r"^# ## .* · (\d+) minutes?$", path.read_text(), flags=re.MULTILINE)))
    assert contents.minutes == 5 * round(sections / 5)
    assert f"| {contents.minutes} |" in next(line for line in TABLE if line.startswith(f"| {path.name[:2]} "))


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_what_is_to_be_solved_stands_only_in_the_solved_notebook(path: Path) -> None:
    exercises, solved = (["".join(cell["source"]) for cell in cells(path, which)] for which in (False, True))
    assert len(solved) == len(exercises) + 1  # the one that says what it is
    assert not any("<solution>" in text or "<instead>" in text for text in [*exercises, *solved])
    assert sum("..." in text for text in exercises) > sum("..." in text for text in solved)


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
    "text",
    [
        "x = 1\n# %%\n",
        "# %% [raw]\nx\n",
        "# %% [markdown]\nnot behind a hash\n",
        "# %%  tags=['x']\n",
        "# %%\n# <solution>\nx = 1\n",
        "# %%\n# <solution>\nx = 1\n\n# %%\n# </solution>\n",
        "# %%\n# <instead>\n# x = 1\n# </solution>\n",
        "# %%\n# <solution>\n# <solution>\nx = 1\n# </solution>\n",
        "# %%\n# <solution>\nx = 1\n# <instead>\nx = 2\n# </solution>\n",
    ],
)
def test_what_is_no_source_is_refused(generator: ModuleType, tmp_path: Path, text: str) -> None:
    path = tmp_path / "01_x.py"
    path.write_text(text)
    with pytest.raises(generator.SourceError, match="01_x"):
        generator.build(path)


SOLUTION = """\
# %%
def f(window):
    # <solution>
    return sum(window) / len(window)
    # </solution>

# %%
# <solution>
predict("x", 1)
# <instead>
# predict("x", ...)
# </solution>
"""


def test_a_solution_is_taken_out_and_something_else_may_stand_in_its_place(
    generator: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "01_x.py"
    path.write_text(SOLUTION)

    def sources(*, solved: bool) -> list[str]:
        return ["".join(cell["source"]) for cell in json.loads(generator.build(path, solved=solved))["cells"]]

    assert sources(solved=False) == ["def f(window):\n    ...  # yours", 'predict("x", ...)']
    one, _, two = sources(solved=True)
    assert [one, two] == ["def f(window):\n    return sum(window) / len(window)", 'predict("x", 1)']


@pytest.mark.parametrize("cell", ["# %% [markdown]\n# Say `{}`.\n", "# %%\nx = 1  # {}\n"])
def test_exercises_that_tell_a_solution_are_refused(cell: str, generator: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "01_x.py"
    path.write_text(SOLUTION + "\n" + cell.format("return sum(window) / len(window)"))
    with pytest.raises(generator.SourceError, match="tell a solution"):
        generator.build(path)
    generator.build(path, solved=True)
