"""Submissions that break, hang, crash and lie: each is a mark, and the next answer is judged all the same."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from marketlab.gradebook.contents import Contents
from marketlab.gradebook.marking import Mark, MarkingLimits, mark, mark_all
from marketlab.gradebook.states import State
from marketlab.gradebook.submissions import Given, Submission, read_submission
from marketlab.lessons import catalogue
from tests.house import ROOT

pytestmark = pytest.mark.notebook

LIMITS = MarkingLimits(answer_s=4.0, memory_bytes=600_000_000)
EXERCISES = ["m2.ma5", "m2.change", "m1.offset"]

#: name: (body of a function, what its mark is, what the mark says)
HOSTILE = {
    "hangs in C": ('import re\nre.match("(a+)+$", "a" * 40 + "b")', State.TIMEOUT, "no verdict within 4 s"),
    "kills itself": ("import os\nos.kill(os.getpid(), 9)", State.ERROR, "its process was ended by signal 9"),
    "crashes": ("import ctypes\nctypes.string_at(0)", State.ERROR, "its process was ended by signal 11"),
    "exits": ("import os\nos._exit(0)", State.ERROR, "its process ended by itself, with code 0"),
    "shouts": (
        "import os\nfor file in range(3, 9):\n    try: os.write(file, b'x' * 300_000)\n    except OSError: pass",
        State.ERROR,
        "its process said what is no verdict",
    ),
    "lies": (
        "import os\nfor file in range(3, 9):\n    try: os.write(file, b'[1]\\n')\n    except OSError: pass",
        State.ERROR,
        "its process said what is no verdict",
    ),
    "never ends": ("while True: pass", State.FAIL, ""),
    "takes all memory": ("return bytearray(10**10)", State.FAIL, ""),
    "prints without end": ("while True: print('x' * 1000)", State.FAIL, ""),
    "leaves a process": (
        "import subprocess\nsubprocess.Popen(['sleep', '987654'], start_new_session=True)\nreturn 1",
        State.FAIL,
        "",
    ),
}


def given(exercise: str, body: str, name: str = "f", arguments: str = "*a") -> Given:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return Given(exercise, "function", f"def {name}({arguments}):\n{lines}", name)


RIGHT = given("m2.change", "return (price - before) / before * 100", arguments="before, price")


@pytest.fixture(scope="module")
def hostile() -> dict[str, list[Mark]]:
    """The marks of learners whose first answer is hostile, and whose second one is right."""
    learners = [
        Submission(name, given={"m2.ma5": given("m2.ma5", body), "m2.change": RIGHT})
        for name, (body, _, _) in HOSTILE.items()
    ]
    readers = [lambda learner=learner: learner for learner in learners]
    marked = mark_all(readers, EXERCISES, jobs=2, limits=LIMITS, stop=threading.Event())
    return {one.submission.learner: list(one.marks) for one in marked}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_is_a_mark_and_takes_no_other_one_away(name: str, hostile: dict[str, list[Mark]]) -> None:
    _, state, says = HOSTILE[name]
    first, second, third = hostile[name]
    assert (first.state, first.says[: len(says)]) == (state, says)
    assert (second.state, third.state) == (State.PASS, State.NOT_REACHED)


def test_what_an_answer_has_started_is_ended(hostile: dict[str, list[Mark]]) -> None:
    assert hostile["leaves a process"]
    assert not [p.pid for p in psutil.process_iter(["cmdline"]) if "987654" in (p.info["cmdline"] or [])]


def test_a_wrong_answer_is_named_by_its_misconception() -> None:
    exercise: Any = catalogue.exercise("m2.ma5")
    wrong = exercise.wrong_ones[0]
    learner = Submission(
        "anna", given={"m2.ma5": Given("m2.ma5", "function", wrong.answer.standalone, wrong.answer.name)}
    )
    first, *_ = mark(learner, EXERCISES, limits=LIMITS).marks
    assert (first.state, first.misconception) == (State.FAIL, wrong.name)


def test_what_needs_no_process_is_marked_without_one() -> None:
    learner = Submission(
        "anna",
        given={
            "m2.ma5": Given("m2.ma5", "function", wrong="line 2 is not Python"),
            "m1.offset": Given("m1.offset", "observe", "11"),
            "m9.none": Given("m9.none", "predict", "1"),
        },
    )
    marked = mark(learner, EXERCISES, limits=LIMITS)
    assert [found.state for found in marked.marks] == [State.ERROR, State.NOT_REACHED, State.NOT_APPLICABLE]
    assert learner.notes == ["no exercise is called m9.none"]


def test_the_solved_notebooks_pass_and_those_that_learners_are_given_do_not() -> None:
    """Handed in as they are: every function and every prediction is found in its cell, and judged."""
    exercises = list(catalogue.in_order())
    solved = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
    observed = {check.id for path in solved for check in Contents.read(path).checks if check.kind == "observe"}
    marks = {
        found.exercise: found
        for found in mark(read_submission("all", "", solved), exercises, limits=MarkingLimits()).marks
    }
    assert {name for name, found in marks.items() if found.state is State.NOT_APPLICABLE} == observed
    assert {found.state for name, found in marks.items() if name not in observed} == {State.PASS}

    given_out = sorted((ROOT / "notebooks").glob("*.ipynb"))
    unsolved = mark(read_submission("all", "", given_out), exercises, limits=LIMITS).marks
    assert {found.state for found in unsolved} == {State.NOT_REACHED}


def test_after_a_stop_those_that_are_marked_are_kept(tmp_path: Path) -> None:
    stop = threading.Event()
    readers = [lambda name=name: Submission(name) for name in ("anna", "ben", "cleo")]
    marked = mark_all(readers, EXERCISES, jobs=1, limits=LIMITS, stop=stop, watcher=lambda _: stop.set())
    assert [one.submission.learner for one in marked] == ["anna"]
    assert json.dumps([str(found.state) for found in marked[0].marks]) == json.dumps(["not reached"] * 3)
