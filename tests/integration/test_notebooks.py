"""The notebooks, run to their end without a front end: what they find, what they leave, and what they do not leave."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from marketlab.broker import ManagedBroker
from marketlab.lessons.card import EXERCISE
from marketlab.widgets.live import EVIDENCE, VIEW
from marketlab.widgets.verdict import VERDICT
from tests.house import ROOT
from tests.support import eventually

pytestmark = [pytest.mark.notebook, pytest.mark.broker]

KAFKA = ROOT / "notebooks" / "01_kafka.ipynb"
PNG = b"\x89PNG\r\n"
TIMEOUT_S = 170

#: Put behind a notebook: what still runs in its kernel that a learner's cells have started.
LEFT = """
import json, threading
from marketlab.widgets import registry
crew = [t.name for t in threading.enumerate() if t.name.startswith(("marketlab", "crew", "kafka", "heartbeat"))]
print(json.dumps({"threads": crew, "living": sorted(registry._living)}))
"""


class Outcome:
    """A notebook that papermill has run."""

    def __init__(self, path: Path, ended: subprocess.CompletedProcess[str]) -> None:
        self.code = ended.returncode
        self.said = ended.stderr
        self.cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]

    def outputs(self, media_type: str) -> list[dict[str, Any]]:
        """The bundles, in order, that have something of a media type."""
        bundles = [output.get("data", {}) for cell in self.cells for output in cell.get("outputs", [])]
        return [bundle for bundle in bundles if media_type in bundle]

    @property
    def printed(self) -> str:
        """What the last cell printed."""
        return "".join("".join(output.get("text", "")) for output in self.cells[-1]["outputs"])

    @property
    def exercises(self) -> dict[str, str]:
        """The last word on each exercise."""
        return {bundle[EXERCISE]["exercise"]: bundle[EXERCISE]["state"] for bundle in self.outputs(EXERCISE)}

    @property
    def unrun(self) -> list[str]:
        """Cells of code that were not run, or whose output is an error."""
        return [
            "".join(cell["source"])
            for cell in self.cells
            if cell["cell_type"] == "code"
            and (cell["execution_count"] is None or any(o["output_type"] == "error" for o in cell["outputs"]))
        ]


@pytest.fixture
def papermill(tmp_path: Path) -> Callable[..., Outcome]:
    def run(cells: list[dict[str, Any]], *parameters: str, **variables: str) -> Outcome:
        notebook = json.loads(KAFKA.read_text(encoding="utf-8")) | {"cells": cells}
        source, target = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
        source.write_text(json.dumps(notebook), encoding="utf-8")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MARKETLAB_")}
        command = [sys.executable, "-m", "papermill", "--no-progress-bar", str(source), str(target), *parameters]
        # papermill's exit code is not to be trusted alone: it is 0 after a sys.exit(0) with cells left unrun.
        ended = subprocess.run(
            command, cwd=tmp_path, env=kept | variables, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        return Outcome(target, ended)

    return run


def cells_of(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return found


def code(text: str, name: str) -> dict[str, Any]:
    return {"cell_type": "code", "id": name, "metadata": {}, "execution_count": None, "outputs": [], "source": text}


def test_notebook_01_runs_to_its_verdict_on_a_broker_that_it_starts_itself(
    papermill: Callable[..., Outcome], kafka_installed: None, tmp_path: Path
) -> None:
    home = tmp_path / ".marketlab"
    outcome = papermill(cells_of(KAFKA), MARKETLAB_HOME=str(home))
    assert outcome.code == 0, outcome.said
    assert outcome.unrun == []

    assert set(outcome.exercises.values()) == {"untried"}
    (verdict,) = (bundle[VERDICT] for bundle in outcome.outputs(VERDICT))
    assert verdict["ok"]
    seen = {finding["what"]: finding["seen"] for finding in verdict["findings"]}
    assert seen["shares of 1, 2, 3, 4 readers"] == [[3], [1, 2], [1, 1, 1], [0, 1, 1, 1]]
    assert seen["partitions that ten ticks of AAPL reached"] == 1
    assert seen["messages kept after reading"] == seen["read by a new group"] == 23

    # What lived left a picture and numbers, and no widget that would be an error without its kernel.
    assert outcome.outputs(VIEW) == []
    chart, lanes = (bundle for bundle in outcome.outputs(EVIDENCE) if "frames" in bundle[EVIDENCE])
    for bundle in (chart, lanes):
        assert base64.b64decode(bundle["image/png"]).startswith(PNG)
        assert bundle[EVIDENCE]["error"] is None
        assert bundle[EVIDENCE]["frames"] > 10  # a thread that has died silently draws no more
    assert chart[EVIDENCE]["symbol"] == "AAPL"
    assert chart[EVIDENCE]["ticks"] > 20
    assert sum(lane["messages"] for lane in lanes[EVIDENCE]["partitions"]) > 100

    # The kernel is gone, and with it its lease, and with that the broker.
    eventually(lambda: not ManagedBroker(home).status().running, what="the broker's end")
    assert ManagedBroker(home).status().leases == {}


def test_notebook_01_can_be_run_twice_and_leaves_nothing_behind(
    papermill: Callable[..., Outcome], broker: str, tmp_path: Path
) -> None:
    from kafka import KafkaAdminClient

    def topics() -> set[str]:
        with KafkaAdminClient(bootstrap_servers=broker) as admin:
            return {name for name in admin.list_topics() if name.startswith("notebook-")}

    before = topics()
    cells = cells_of(KAFKA)
    again = [cell | {"id": f"{cell['id']}-again"} for cell in cells if cell["metadata"].get("tags") != ["parameters"]]
    outcome = papermill(
        [*cells, *again, code(LEFT, "left")],
        *("-p", "rate", "80", "-p", "seconds", "2"),
        MARKETLAB_HOME=str(tmp_path / ".marketlab"),
        MARKETLAB_BOOTSTRAP_SERVERS=broker,
    )
    assert outcome.code == 0, outcome.said
    assert outcome.unrun == []
    assert [bundle[VERDICT]["ok"] for bundle in outcome.outputs(VERDICT)] == [True, True]
    assert json.loads(outcome.printed) == {"threads": [], "living": ["lab"]}
    assert topics() == before
    here = str(tmp_path)
    assert not [
        process.pid for process in psutil.process_iter(["cmdline"]) if here in " ".join(process.info["cmdline"] or ())
    ]


def test_notebook_08_replays_a_recording_of_ones_own(papermill: Callable[..., Outcome], tmp_path: Path) -> None:
    real = ROOT.parent / "shared" / "data" / "binance_spot_ethusdt_20240808.gz"
    if not real.is_file():  # recordings are never part of the project, so nothing could install them
        pytest.skip(
            f"the recording {real.name} is not in {real.parent.parent.name}/{real.parent.name} beside the project"
        )
    cells = cells_of(ROOT / "notebooks" / "solutions" / "08_replay_real_data.ipynb")
    record = next(number for number, cell in enumerate(cells) if "lab.record(" in "".join(cell["source"]))
    outcome = papermill(
        cells[:record],  # what comes behind plays the same run again
        *("-p", "recording", str(real), "-p", "transport", "tape"),
        MARKETLAB_HOME=str(tmp_path / ".marketlab"),
    )
    assert outcome.code == 0, outcome.said
    assert outcome.unrun == []
    (scrubber,) = (bundle[EVIDENCE] for bundle in outcome.outputs(EVIDENCE))
    assert (scrubber["symbol"], scrubber["ticks"], scrubber["alerts"]) == ("ETHUSDT", 6_106, 0)
    assert any("6,106 stored · ✓ balanced" in "".join(bundle["text/plain"]) for bundle in outcome.outputs("text/plain"))


def test_an_exercise_that_is_not_python_gets_a_hint_and_no_traceback(
    papermill: Callable[..., Outcome], tmp_path: Path
) -> None:
    cells = [
        code("from marketlab.lessons import task", "import"),
        code('@task("m2.ma5")\ndef averages(ticks):\n    ...', "begun"),
        code('@task("m2.ma5")\ndef averages(ticks)\n    return 1', "colon"),
    ]
    outcome = papermill(cells, MARKETLAB_HOME=str(tmp_path / ".marketlab"))
    (hint,) = [output["data"] for output in outcome.cells[-1]["outputs"]]
    assert hint[EXERCISE]["state"] == "not yet"
    assert "line 2: expected ':'" in "".join(hint["text/plain"])


def test_a_notebook_that_does_not_see_what_it_should_fails_and_says_what(
    papermill: Callable[..., Outcome], tmp_path: Path
) -> None:
    cell = 'from marketlab.lab import Lab\nLab().verdict("01_kafka", {"read by a new group": (0, 23)})'
    outcome = papermill([code(cell, "verdict")], MARKETLAB_HOME=str(tmp_path / ".marketlab"))
    assert outcome.code == 1
    (verdict,) = (bundle[VERDICT] for bundle in outcome.outputs(VERDICT))
    assert not verdict["ok"]
    # Kindly: what was wanted and found, and no traceback.
    (error,) = [output for output in outcome.cells[-1]["outputs"] if output["output_type"] == "error"]
    assert error["ename"] == "NotYetError"
    assert "read by a new group: 23 was wanted, 0 was found" in "\n".join(error["traceback"])
    assert "File" not in "\n".join(error["traceback"])
