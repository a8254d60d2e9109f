"""The whole matrix, as a teacher runs it: every notebook, solved and as given, on a broker and on a tape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import pytest

from marketlab.course import originals
from marketlab.gradebook.contents import read_cells, tags
from marketlab.gradebook.judging import LEFT_OUT
from marketlab.lessons import catalogue
from tests.process.commands import Home

TIMEOUT_S = 600

pytestmark = [pytest.mark.notebook, pytest.mark.broker, pytest.mark.timeout(TIMEOUT_S + 60)]

#: What makes live cells short. A notebook takes those that it has.
SHORT = ("-p", "seconds", "2", "-p", "rate", "80")


class Cell(NamedTuple):
    """One of the matrix."""

    notebook: str
    kind: str
    transport: str

    def __str__(self) -> str:
        return "-".join(self)


MATRIX = [
    Cell(path.stem, kind, transport)
    for path in originals()
    for kind in ("solved", "exercise")
    for transport in ("kafka", "tape")
]


@pytest.fixture(scope="module")
def folder(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gradebook of all."""
    folder = tmp_path_factory.mktemp("matrix")
    home = Home(folder / ".marketlab", MARKETLAB_BOOTSTRAP_SERVERS=broker)
    to = folder / "gradebook"
    # Three on two cores, for a third of a run is waiting.
    arguments = ("--matrix", "transport=kafka,tape", *SHORT, "--jobs", "3", "--to", str(to))
    with home.running("notebooks", "run", *arguments) as running:
        code = running.wait(TIMEOUT_S)
    assert code in (0, 1), running.err
    return to


@pytest.fixture(scope="module")
def runs(folder: Path) -> dict[Cell, dict[str, Any]]:
    found = json.loads((folder / "gradebook.json").read_text(encoding="utf-8"))
    return {Cell(run["notebook"], run["kind"], run["parameters"]["transport"]): run for run in found["runs"]}


@pytest.mark.parametrize("cell", MATRIX, ids=str)
def test_a_notebook_ends_as_it_should(cell: Cell, runs: dict[Cell, dict[str, Any]]) -> None:
    run = runs[cell]
    assert run["state"] in ("pass", *(["not applicable"] if cell.transport == "tape" else [])), run["why"]
    assert run["notes"] == []
    exercises = [check for check in run["checks"] if check["kind"] != "verdict" and check["state"] == "pass"]
    said = {"solved": "", "exercise": "untried, as it should be"}[cell.kind]
    assert {check["id"]: check["says"] for check in exercises} == {check["id"]: said for check in exercises}
    if cell.transport == "kafka":
        assert {check["state"] for check in run["checks"]} == {"pass"}
        assert run["pictures"]


@pytest.mark.parametrize("cell", [cell for cell in MATRIX if cell.transport == "tape"], ids=str)
def test_on_a_tape_exactly_the_cells_that_say_so_are_left_out(cell: Cell, runs: dict[Cell, dict[str, Any]]) -> None:
    (path,) = [path for path in originals(solved=cell.kind == "solved") if path.stem == cell.notebook]
    tagged = ["kafka" in tags(item) for item in read_cells(path) if item["cell_type"] == "code"]
    states = [found["state"] for found in runs[cell]["cells"]]
    states.pop(1)  # the parameters, which papermill puts behind those of the notebook
    assert states == ["not applicable" if out else "pass" for out in tagged]
    assert {found["why"] for found in runs[cell]["cells"] if found["state"] == "not applicable"} <= {LEFT_OUT}


def test_every_exercise_is_in_a_notebook(runs: dict[Cell, dict[str, Any]]) -> None:
    asked = {
        check["id"]
        for cell, run in runs.items()
        if (cell.kind, cell.transport) == ("solved", "kafka")
        for check in run["checks"]
    }
    assert set(catalogue.in_order()) <= asked


def test_no_notebook_shows_a_traceback(folder: Path) -> None:
    played = sorted(folder.glob("runs/*/notebook.ipynb"))
    assert len(played) == len(MATRIX)
    errors = {
        f"{path.parent.name}: {output['ename']}"
        for path in played
        for cell in read_cells(path)
        for output in cell.get("outputs", ())
        if output["output_type"] == "error"
    }
    assert errors == set()


def test_what_does_not_apply_is_a_skip_with_its_reason_in_junit(folder: Path) -> None:
    root = ET.parse(folder / "junit.xml").getroot()
    assert (root.get("failures"), root.get("errors")) == ("0", "0")
    skipped = [skip.get("message") or "" for skip in root.iter("skipped")]
    assert len(skipped) == int(root.get("skipped", "0")) > 0
    assert [why for why in skipped if "a Kafka broker" not in why] == []
