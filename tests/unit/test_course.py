"""A learner's copies of the notebooks: made once, never written over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from marketlab import course
from marketlab.course import CourseError, copy_notebooks, find, originals, reset_notebook


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "marketlab-notebooks"


def test_every_notebook_is_copied_as_it_is(folder: Path) -> None:
    copies = copy_notebooks(folder)
    assert [copy.path.name for copy in copies] == [original.name for original in originals()]
    assert [copy.path.read_bytes() for copy in copies] == [original.read_bytes() for original in originals()]
    assert all(copy.made and not copy.outdated for copy in copies)


def test_no_solution_is_copied(folder: Path) -> None:
    solved = {path.read_bytes() for path in originals(solved=True)}
    assert len(solved) == len(originals())
    assert not solved & {copy.path.read_bytes() for copy in copy_notebooks(folder)}
    assert [path for path in folder.rglob("*") if path.is_dir()] == []


def test_a_reset_touches_no_other_notebook(folder: Path) -> None:
    for copy in copy_notebooks(folder):
        copy.path.write_text(f"mine: {copy.path.stem}")
    target, aside = reset_notebook(folder, "02")
    assert target.name.startswith("02_")
    assert aside is not None
    assert aside.read_text() == f"mine: {target.stem}"
    others = [copy.path for copy in copy_notebooks(folder) if copy.path != target]
    assert [path.read_text() for path in others] == [f"mine: {path.stem}" for path in others]


def test_what_a_learner_wrote_is_left_alone(folder: Path) -> None:
    first = copy_notebooks(folder)[0].path
    first.write_text("mine")
    again = copy_notebooks(folder)[0]
    assert (again.made, first.read_text()) == (False, "mine")


def test_a_copy_of_an_older_original_is_told_even_when_it_was_changed(folder: Path) -> None:
    first = copy_notebooks(folder)[0].path
    notebook = json.loads(first.read_text())
    notebook["cells"].append({"cell_type": "code", "source": "mine"})
    first.write_text(json.dumps(notebook))
    assert not copy_notebooks(folder)[0].outdated
    notebook["metadata"]["marketlab"]["source"] = "an older one"
    first.write_text(json.dumps(notebook))
    assert copy_notebooks(folder)[0].outdated


@pytest.mark.parametrize("which", ["1", "01", "01_kafka", "01_kafka.ipynb"])
def test_a_reset_begins_afresh_and_keeps_what_was_there(folder: Path, which: str) -> None:
    copy_notebooks(folder)
    mine = folder / "01_kafka.ipynb"
    kept = []
    for text in ("mine", "mine again"):
        mine.write_text(text)
        target, aside = reset_notebook(folder, which)
        assert target == mine
        assert aside is not None
        kept.append((aside.name, aside.read_text()))
    assert kept == [("01_kafka.backup-1.ipynb", "mine"), ("01_kafka.backup-2.ipynb", "mine again")]
    assert mine.read_bytes() == find(which).read_bytes()
    assert [copy.path.name for copy in copy_notebooks(folder)] == [original.name for original in originals()]


def test_a_reset_of_what_is_not_there_makes_it(folder: Path) -> None:
    target, aside = reset_notebook(folder, "01")
    assert (target.is_file(), aside) == (True, None)


def test_a_notebook_that_is_not_one_is_refused_by_name(folder: Path) -> None:
    with pytest.raises(CourseError, match="01_kafka"):
        reset_notebook(folder, "77")
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(CourseError, match="file/inside"):
        copy_notebooks(file / "inside")


def test_an_installation_without_notebooks_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "_PACKAGE", tmp_path / "package")
    with pytest.raises(CourseError, match="none was found"):
        originals()
