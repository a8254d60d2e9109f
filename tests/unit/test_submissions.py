"""What is taken out of what learners hand in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from marketlab.gradebook.submissions import (
    Submission,
    SubmissionsError,
    read_roster,
    read_submission,
    submissions,
)
from tests.notebooks import write_notebook


def of(tmp_path: Path, *cells: str) -> Submission:
    return read_submission("anna", "", [write_notebook(tmp_path / "anna.ipynb", cells)])


def test_a_learner_is_a_folder_or_a_notebook_or_on_the_roster(tmp_path: Path) -> None:
    write_notebook(tmp_path / "anna" / "01.ipynb", ["x"])
    write_notebook(tmp_path / "anna" / "deep" / "02.ipynb", ["x"])
    write_notebook(tmp_path / "anna" / ".ipynb_checkpoints" / "01.ipynb", ["x"])
    write_notebook(tmp_path / "anna" / "01.backup-1.ipynb", ["x"])
    write_notebook(tmp_path / "ben.ipynb", ["x"])
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "readme.txt").write_text("")
    found = submissions(tmp_path, {"cleo": "Cleo C.", "ben": "Ben B."})
    assert {learner: (name, [path.name for path in paths]) for learner, (name, paths) in found.items()} == {
        "cleo": ("Cleo C.", []),
        "ben": ("Ben B.", ["ben.ipynb"]),
        "anna": ("", ["01.ipynb", "02.ipynb"]),
    }


def test_a_folder_without_anybody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SubmissionsError, match="holds no submission"):
        submissions(tmp_path)
    with pytest.raises(SubmissionsError, match="cannot be read"):
        submissions(tmp_path / "none")


def test_a_roster_names_learners(tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("\ufefflearner,name,mail\nanna,Anna A.,a@b\n ben ,,\n,,\n", encoding="utf-8")
    assert read_roster(roster) == {"anna": "Anna A.", "ben": ""}


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "no row"), ("name\nAnna\n", "name was found"), ("learner\na\na\n", "a twice"), ("\xff", "cannot be read")],
)
def test_a_roster_that_is_none_is_refused(text: str, says: str, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_bytes(text.encode("latin-1"))
    with pytest.raises(SubmissionsError, match=says):
        read_roster(roster)


def test_functions_come_with_what_their_cell_has_and_imports_that_they_use(tmp_path: Path) -> None:
    found = of(
        tmp_path,
        "import json, os\nfrom collections import deque as queue\nlimit = 3",
        "SIZE = 5\ndef helper(): return queue(maxlen=SIZE)\n@task('m2.ma5')\ndef averages(ticks):\n    return helper()",
    ).given["m2.ma5"]
    assert (found.kind, found.function) == ("function", "averages")
    assert found.source.startswith("from collections import deque as queue\nSIZE = 5\n\ndef helper")
    assert "json" not in found.source


def test_the_last_definition_of_an_exercise_counts(tmp_path: Path) -> None:
    cells = ["@task('m2.ma5')\ndef a(t): return 1", "@lessons.task('m2.ma5')\ndef b(t): return 2"]
    assert of(tmp_path, *cells).given["m2.ma5"].function == "b"


def test_predictions_are_taken_as_they_stand_and_never_run(tmp_path: Path) -> None:
    found = of(
        tmp_path,
        "predict('m1.keys', 1)\npredict('m1.kept', -2.5)\nobserve('m1.offset', 'ten')",
        "predict('m1.fourth', ...)\npredict('m2.third', __import__('os').getpid())\npredict('m1.new_group')",
    ).given
    assert {name: (given.kind, given.source) for name, given in found.items() if not given.wrong} == {
        "m1.keys": ("predict", "1"),
        "m1.kept": ("predict", "-2.5"),
        "m1.offset": ("observe", "'ten'"),
    }
    assert found["m2.third"].wrong == "a value was wanted, __import__('os').getpid() would have to be run"
    assert "m1.fourth" not in found


def test_a_cell_that_is_no_python_says_for_which_exercise_it_was(tmp_path: Path) -> None:
    found = of(tmp_path, "@task('m2.ma5')\ndef f(t)\n    return 1", "@task('m2.alert')\ndef g(t): return True").given
    assert found["m2.ma5"].wrong == "line 2 is not Python: expected ':'"
    assert found["m2.alert"].function == "g"


def test_what_stands_in_outputs_is_not_looked_at(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "anna.ipynb", ["x = 1"])
    notebook = json.loads(path.read_text())
    passed = {"exercise": "m2.ma5", "state": "pass"}
    notebook["cells"][0]["outputs"] = [
        {"output_type": "display_data", "data": {"application/vnd.marketlab.exercise+json": passed}, "metadata": {}}
    ]
    path.write_text(json.dumps(notebook))
    assert read_submission("anna", "", [path]).given == {}


def test_what_cannot_be_read_is_a_note(tmp_path: Path) -> None:
    broken, link = tmp_path / "broken.ipynb", tmp_path / "link.ipynb"
    broken.write_text("{")
    link.symlink_to(broken)
    found = read_submission("anna", "", [broken, link, tmp_path / "gone.ipynb"])
    assert found.notes == [
        "broken.ipynb is no notebook: JSONDecodeError",
        "link.ipynb is a link and was not followed",
        "gone.ipynb cannot be read: No such file or directory",
    ]
    assert read_submission("ben", "", []).notes == ["nothing was handed in"]
    assert of(tmp_path, "x = 1").notes == ["no exercise was found in it"]
