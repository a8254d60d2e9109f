"""marketlab notebooks as a teacher types it."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from xml.etree import ElementTree as ET

import psutil
import pytest

from marketlab.course import originals
from tests.notebooks import VERDICT_CELL, cell, write_notebook
from tests.process.commands import Home
from tests.support import eventually

pytestmark = pytest.mark.notebook

MAKES_TOPICS = """
from kafka import KafkaAdminClient
from marketlab.lab import Lab
lab = Lab()
topic = lab.topic_name()
with KafkaAdminClient(bootstrap_servers=lab.bootstrap_servers) as admin:
    admin.create_topics({lab.settings.own("left"): {"num_partitions": 1}})
"""
JUDGES = """
own = topic.startswith(f"{lab.settings.namespace}.notebook-")
lab.verdict("own", {"rate": (rate, 7), "log": (log in ("kafka", "tape"), True), "name": (own, True)})
"""
NOWHERE = {"MARKETLAB_BOOTSTRAP_SERVERS": "127.0.0.1:1"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A folder to work in, with a Kafka that does not answer."""
    monkeypatch.chdir(tmp_path)
    return Home(tmp_path / ".marketlab", **NOWHERE)


def test_the_list_tells_exercises_minutes_and_parameters(home: Home) -> None:
    done = json.loads(home.run("notebooks", "list", "--json").out)
    assert [notebook["notebook"] for notebook in done] == [path.stem for path in originals()]
    assert all(parameter["help"] for notebook in done for parameter in notebook["parameters"])
    assert all(notebook["minutes"] for notebook in done)
    assert home.run("notebooks", "list").out.splitlines()[1].startswith(originals()[0].stem)


@pytest.mark.broker
def test_runs_get_their_parameters_a_namespace_and_a_gradebook(tmp_path: Path, home: Home, broker: str) -> None:
    cells = [cell("rate = 1  # a second\nlog = 'kafka'", "parameters"), MAKES_TOPICS, JUDGES]
    write_notebook(tmp_path / "own.ipynb", cells)
    arguments = ("notebooks", "run", "own.ipynb", "-p", "rate", "7", "--matrix", "log=kafka,tape", "--jobs", "2")
    done = home.json(*arguments, MARKETLAB_BOOTSTRAP_SERVERS=broker)
    assert done["ok"], done
    assert [run["parameters"] for run in done["runs"]] == [{"rate": 7, "log": "kafka"}, {"rate": 7, "log": "tape"}]
    assert done == json.loads((tmp_path / "gradebook" / "gradebook.json").read_text())
    assert ET.parse(tmp_path / "gradebook" / "junit.xml").getroot().get("tests") == "4"
    assert (tmp_path / "gradebook" / "gradebook.html").stat().st_size > 1000
    from kafka import KafkaAdminClient

    with KafkaAdminClient(bootstrap_servers=broker) as admin:
        assert not [name for name in admin.list_topics() if name.startswith("batch_")]


def test_on_tapes_no_broker_is_asked_for_and_cells_that_need_one_are_left_out(tmp_path: Path, home: Home) -> None:
    parameters = cell('transport = "kafka"  # or "tape"', "parameters")
    begin = "from marketlab.lab import Lab\nlab = Lab(transport=transport)"
    write_notebook(tmp_path / "tagged.ipynb", [parameters, begin, cell("lab.broker()", "kafka"), VERDICT_CELL])
    write_notebook(tmp_path / "untagged.ipynb", [parameters, begin, "lab.broker()", VERDICT_CELL])
    arguments = ("notebooks", "run", "tagged.ipynb", "untagged.ipynb", "-p", "transport", "tape", "--jobs", "2")
    tagged, untagged = home.json(*arguments, expect=1)["runs"]
    assert (tagged["state"], tagged["why"].partition(":")[0]) == (
        "pass",
        "1 of 5 cells and 0 of 1 checks left out",
    )
    assert [cell["state"] for cell in tagged["cells"]] == ["pass", "pass", "pass", "not applicable", "pass"]
    assert untagged["state"] == "error"
    assert "BrokerError: this cell wants a Kafka broker, and this lab has a tape in its place" in untagged["why"]


def test_a_kafka_that_is_gone_ends_the_batch_with_3(tmp_path: Path, home: Home) -> None:
    for name in ("first", "second"):
        write_notebook(tmp_path / f"{name}.ipynb", ["1 / 0", VERDICT_CELL])
    failed = home.run("notebooks", "run", "first.ipynb", "second.ipynb", "--json", expect=3)
    first, second = failed.json["runs"]
    gone = "the broker at 127.0.0.1:1 does not answer any more"
    assert (first["state"], first["notes"]) == ("error", [gone])
    assert (second["state"], second["why"]) == ("not reached", gone)


@pytest.mark.broker
def test_ctrl_c_ends_in_order_with_what_is_done(tmp_path: Path, home: Home, broker: str) -> None:
    write_notebook(tmp_path / "done.ipynb", [VERDICT_CELL])
    write_notebook(tmp_path / "long.ipynb", ["import time\ntime.sleep(600)", VERDICT_CELL])
    with home.running("notebooks", "run", "done.ipynb", "long.ipynb", MARKETLAB_BOOTSTRAP_SERVERS=broker) as running:
        diary = tmp_path / "gradebook" / "runs" / "long" / "diary.jsonl"
        eventually(lambda: diary.exists() and "began" in diary.read_text(), timeout_s=90, what="the second notebook")
        running.process.send_signal(signal.SIGINT)
        assert running.wait() == 1
    found = json.loads((tmp_path / "gradebook" / "gradebook.json").read_text())
    assert [run["state"] for run in found["runs"]] == ["pass", "not reached"]
    assert "Traceback" not in running.err
    here = str(tmp_path / "gradebook")
    assert not [p.pid for p in psutil.process_iter(["cmdline"]) if here in " ".join(p.info["cmdline"] or [])]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "77"), "no notebook is called '77'"),
        (("run", "01", "-p", "rtae", "3"), "has a parameter rtae; there are"),
        (("run", "01", "--matrix", "rate="), "rate=20,40"),
        (("run", "01", "01"), "twice"),
        (("grade", "handed", "--only", "m99"), "no exercise is called m99"),
        (("grade", "handed", "--to", "handed/marks"), "lies in the submissions"),
        (("grade", "empty"), "holds no submission"),
        (("grade", "handed", "--roster", "handed/anna.ipynb"), "a column learner was wanted"),
    ],
)
def test_wrong_use_says_what_was_wanted(home: Home, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    write_notebook(tmp_path / "handed" / "anna.ipynb", ["x = 1"])
    (tmp_path / "empty").mkdir()
    failed = home.run("notebooks", *arguments, expect=2)
    assert says in failed.err
    assert "Traceback" not in failed.err
    assert not (tmp_path / "gradebook").exists()


def test_submissions_are_marked_into_a_table_and_a_page(home: Home, tmp_path: Path) -> None:
    write_notebook(
        tmp_path / "handed" / "anna" / "02.ipynb",
        ["predict('m1.keys', 1)", "@task('m2.change')\ndef f(before, price):\n    return (price - before) / before"],
    )
    (tmp_path / "handed" / "ben.ipynb").write_text("{")
    (tmp_path / "roster.csv").write_text("learner,name\nanna,Anna A.\ncleo,Cleo C.\n")
    arguments = ("notebooks", "grade", "handed", "--roster", "roster.csv", "--only", "m1.keys,m2.change,m2.ma5")
    done = home.json(*arguments)
    marks = {found["learner"]: [mark["state"] for mark in found["marks"]] for found in done["learners"]}
    assert marks == {
        "anna": ["pass", "not reached", "fail"],
        "cleo": ["not reached"] * 3,
        "ben": ["not reached"] * 3,
    }
    assert done["misconceptions"] == [
        {"exercise": "m2.change", "misconception": "a fraction, not percent", "met": 1, "learners": ["anna"]}
    ]
    table = (tmp_path / "marks" / "marks.csv").read_text().splitlines()
    assert table[1] == "anna,Anna A.,1,3,pass,not reached,fail,"
    assert table[2:] == [
        "cleo,Cleo C.,0,3,not reached,not reached,not reached,nothing was handed in",
        "ben,,0,3,not reached,not reached,not reached,ben.ipynb is no notebook: JSONDecodeError",
    ]
    again = home.run(*arguments)
    assert "no sandbox" in again.err
    assert "a fraction, not percent" in again.out
    assert "no sandbox" in (tmp_path / "marks" / "marks.html").read_text()
