"""Notebooks with one planted breakage each: what papermill calls well is told for what it is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from marketlab.gradebook.batch import Limits, play_all
from marketlab.gradebook.contents import Contents
from marketlab.gradebook.family import family
from marketlab.gradebook.judging import Outcome
from marketlab.gradebook.plan import Run
from marketlab.gradebook.states import State
from tests.notebooks import VERDICT_CELL, cell, write_notebook
from tests.support import eventually

pytestmark = pytest.mark.notebook

LIMITS = Limits(cell_s=4.0, run_s=90.0)

STUCK = """
import os, socket
host, port = os.environ["MARKETLAB_BOOTSTRAP_SERVERS"].split(":")
broker = socket.create_connection((host, int(port)))
broker.sendall(b"are you there?")
broker.recv(1)
"""
THREAD = """
import threading
thread = threading.Thread(target=lambda: 1 / 0, name="drawing")
thread.start()
thread.join()
"""
CHILD = "import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)"

#: name: (its cells before the verdict, what it is, what is said of it)
PLANTED = {
    "right": (["x = 1"], State.PASS, ""),
    "error": (["1 / 0"], State.ERROR, "cell 1: ZeroDivisionError: division by zero"),
    "timeout": (["while True: pass"], State.TIMEOUT, "cell 1: a cell took longer than 4 s"),
    "kernel-death": (["import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"], State.DEAD, "cell 1: the kernel"),
    "sys-exit": (["import sys\nsys.exit(0)"], State.NOT_REACHED, "cell 1: sys.exit(0) ended the notebook here"),
    "thread-death": ([THREAD], State.ERROR, "the thread drawing died: ZeroDivisionError"),
    "stuck-broker": ([STUCK], State.TIMEOUT, "cell 1: a cell took longer than 4 s"),
    "skipped": ([cell("x = 1", "skip-execution")], State.NOT_REACHED, "cell 1: it was skipped"),
    "not-yet": (
        ['from marketlab.lab import Lab\nLab().verdict("first", {"read": (2, 3)})'],
        State.FAIL,
        "cell 1: NotYetError: read: 3 was wanted, 2 was found",
    ),
    "may-raise": ([cell("1 / 0", "raises-exception")], State.PASS, ""),
}


@pytest.fixture(scope="module")
def silent() -> Iterator[str]:
    """``host:port`` of a broker that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture(scope="module")
def outcomes(silent: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    folder = tmp_path_factory.mktemp("planted")
    runs = [
        Run(Contents.read(write_notebook(folder / f"{name}.ipynb", [*cells, VERDICT_CELL])), "solved", {})
        for name, (cells, _, _) in PLANTED.items()
    ]
    played = play_all(
        runs,
        folder / "runs",
        jobs=4,
        limits=LIMITS,
        variables=lambda number: {"MARKETLAB_BOOTSTRAP_SERVERS": silent},
        stop=threading.Event(),
    )
    return {outcome.run.contents.name: outcome for outcome in played}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_breakage_is_told_for_what_it_is(name: str, outcomes: dict[str, Outcome]) -> None:
    _, state, says = PLANTED[name]
    outcome = outcomes[name]
    assert (outcome.state, outcome.why[: len(says)]) == (state, says)
    (check,) = [check for check in outcome.checks if check.id == "end"]
    ran_on = name in ("right", "thread-death", "skipped", "may-raise")
    assert check.state is (State.PASS if ran_on else State.NOT_REACHED)


def test_cells_have_their_times_and_nothing_runs_on(outcomes: dict[str, Outcome], silent: str) -> None:
    right = outcomes["right"]
    assert [cell.state for cell in right.cells] == [State.PASS, State.PASS]
    assert all(cell.seconds is not None and cell.seconds >= 0 for cell in right.cells)
    assert [cell.state for cell in outcomes["error"].cells] == [State.ERROR, State.NOT_REACHED]
    assert outcomes["may-raise"].notes == ["cell 1 may raise, and did: ZeroDivisionError"]
    assert not [p.pid for p in psutil.process_iter(["environ"]) if silent in str(p.info["environ"] or {})]


def one(tmp_path: Path, *cells: str) -> Run:
    return Run(Contents.read(write_notebook(tmp_path / "one.ipynb", cells)), "solved", {})


def test_a_notebook_is_ended_at_its_limit_with_all_that_it_has_started(tmp_path: Path) -> None:
    run = one(tmp_path, CHILD, "import time\nprint('here')\ntime.sleep(600)", VERDICT_CELL)
    (outcome,) = play_all(
        [run],
        tmp_path / "runs",
        jobs=1,
        limits=Limits(cell_s=600, run_s=6),
        variables=lambda number: {},
        stop=threading.Event(),
    )
    assert (outcome.state, outcome.cells[-1].state) == (State.TIMEOUT, State.NOT_REACHED)
    assert family(tmp_path / "runs" / run.key / "home") == []


def test_a_stop_ends_what_plays_and_keeps_what_is_done(tmp_path: Path) -> None:
    stop = threading.Event()
    runs = [
        Run(Contents.read(write_notebook(tmp_path / f"{name}.ipynb", cells)), "solved", {})
        for name, cells in {
            "done": [VERDICT_CELL],
            "plays": [CHILD, "import time\ntime.sleep(600)", VERDICT_CELL],
            "waits": [VERDICT_CELL],
        }.items()
    ]

    def watch(run: Run, begun: int, total: int, outcome: Outcome | None) -> None:
        if run.contents.name == "plays" and begun == 2:
            stop.set()

    played = play_all(
        runs,
        tmp_path / "runs",
        jobs=1,
        limits=Limits(),
        variables=lambda number: {},
        stop=stop,
        watcher=watch,
    )
    assert [outcome.state for outcome in played] == [State.PASS, State.NOT_REACHED, State.NOT_REACHED]
    assert [outcome.why for outcome in played[1:]] == ["cell 2: stopped here", "stopped before it began"]
    eventually(lambda: not family(tmp_path / "runs" / runs[1].key / "home"), what="the end of what it had started")
