"""What a run was, from what it has left: evidence counts, and what is missing is not assumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ipywidgets")

from marketlab.gradebook.contents import Contents
from marketlab.gradebook.judging import EVIDENCE, EXERCISE, VERDICT, Leavings, Outcome, judge
from marketlab.gradebook.plan import Kind, Run
from marketlab.gradebook.states import State, worst
from tests.notebooks import cell, write_notebook

pytestmark = pytest.mark.notebook

TASK = '@task("m2.ma5")\ndef ma5(ticks): ...'
END = 'lab.verdict("end", {})'
NA = State.NOT_APPLICABLE


def played(*results: dict[str, Any]) -> list[dict[str, Any]]:
    """A diary in which every cell ran, and the end."""
    events: list[dict[str, Any]] = []
    for number in range(len(results)):
        events += [
            {"event": "began", "cell": number, "at": float(number)},
            {"event": "ran", "cell": number, "at": number + 0.5, "status": "ok"},
        ]
    return [*events, {"event": "end", "at": 99.0, "how": "returned", "why": ""}]


def ran(text: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return cell(text) | {"execution_count": 1, "outputs": list(outputs)}


def shown(media_type: str, value: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {media_type: value}}


def outcome(tmp_path: Path, *cells: dict[str, Any], kind: Kind = "solved", **left: Any) -> Outcome:
    """Of a notebook with these cells, each with what it has left."""
    bare = [item | {"outputs": [], "execution_count": None} for item in cells]
    contents = Contents.read(write_notebook(tmp_path / "one.ipynb", bare))
    given = {"events": played(*cells), "cells": [item | {"id": f"cell-{n}"} for n, item in enumerate(cells)]} | left
    return judge(Run(contents, kind, {}), Leavings(**given), seconds=1.0)


OK = shown(VERDICT, {"notebook": "end", "ok": True, "findings": []})
PURE = shown(VERDICT, {"notebook": "pure", "ok": True, "findings": []})
PASSED = shown(EXERCISE, {"exercise": "m2.ma5", "state": "pass"})
NOT_YET = shown(EXERCISE, {"exercise": "m2.ma5", "state": "not yet", "misconception": "one window for all"})


def test_a_run_with_all_its_verdicts_passes(tmp_path: Path) -> None:
    found = outcome(tmp_path, ran(TASK, PASSED), ran(END, OK))
    assert (found.state, found.why) == (State.PASS, "")
    assert [check.state for check in found.checks] == [State.PASS, State.PASS]
    assert [cell.seconds for cell in found.cells] == [0.5, 0.5]


def test_a_check_without_a_verdict_is_not_reached(tmp_path: Path) -> None:
    found = outcome(tmp_path, ran(TASK), ran(END, OK))
    assert (found.state, found.why) == (State.NOT_REACHED, "m2.ma5: it left no verdict")


def test_a_verdict_on_something_else_is_no_verdict(tmp_path: Path) -> None:
    other = shown(EXERCISE, {"exercise": "m2.alert", "state": "pass"})
    assert outcome(tmp_path, ran(TASK, other), ran(END, OK)).state is State.NOT_REACHED
    noted = shown(EXERCISE, {"exercise": "m2.ma5", "state": "noted"})
    assert outcome(tmp_path, ran(TASK, noted), ran(END, OK)).state is State.NOT_REACHED


def test_a_notebook_that_checks_nothing_cannot_pass(tmp_path: Path) -> None:
    found = outcome(tmp_path, ran("x = 1"))
    assert (found.state, found.why) == (State.NOT_REACHED, "it holds no exercise and leaves no verdict")


def test_a_wrong_answer_fails_with_its_misconception(tmp_path: Path) -> None:
    found = outcome(tmp_path, ran(TASK, NOT_YET), ran(END, OK))
    assert (found.state, found.why) == (State.FAIL, "m2.ma5: one window for all")


def test_an_exercise_as_given_must_not_pass(tmp_path: Path) -> None:
    unsolved = outcome(tmp_path, ran(TASK, NOT_YET), ran(END, OK), kind="exercise")
    assert (unsolved.state, unsolved.checks[0].says) == (State.PASS, "not yet, as it should be")
    given_away = outcome(tmp_path, ran(TASK, PASSED), ran(END, OK), kind="exercise")
    assert (given_away.state, given_away.why) == (State.FAIL, "m2.ma5: it passes as given")


def test_the_last_verdict_of_an_exercise_counts(tmp_path: Path) -> None:
    assert outcome(tmp_path, ran(TASK, NOT_YET, PASSED), ran(END, OK)).state is State.PASS


def test_what_does_not_apply_is_neither_passed_nor_failed(tmp_path: Path) -> None:
    away = shown(VERDICT, {"notebook": "end", "state": "not applicable", "why": "a tape has no groups"})
    found = outcome(tmp_path, ran(END, away))
    assert (found.state, found.why) == (State.NOT_APPLICABLE, "a tape has no groups")
    # An exercise that passed is not what the notebook is about.
    assert outcome(tmp_path, ran(TASK, PASSED), ran(END, away)).state is State.NOT_APPLICABLE
    second = shown(VERDICT, {"notebook": "more", "ok": True, "findings": []})
    assert outcome(tmp_path, ran(END, away), ran('lab.verdict("more", {})', second)).state is State.PASS


PARAMETERS = cell('transport = "kafka"  # or "tape"', "parameters") | {"execution_count": 1}


def on_tape(tmp_path: Path, *cells: dict[str, Any], transport: str | None = "tape") -> Outcome:
    """Of a notebook with a cell of parameters and then these: those that have run have a number, as a kernel gives it.

    :param transport: None: the notebook's own
    """
    cells = (PARAMETERS, *cells)
    contents = Contents.read(write_notebook(tmp_path / "one.ipynb", cells))
    events = [
        event
        for event, of in zip(played(*cells)[:-1], [item for item in cells for _ in range(2)], strict=True)
        if event["event"] == "began" or of["execution_count"]
    ]
    left = Leavings([item | {"id": f"cell-{n}"} for n, item in enumerate(cells)], [*events, played()[-1]])
    run = Run(contents, "solved", {"transport": transport} if transport else {})
    return judge(run, left, seconds=1.0)


RAW, RAW_END = cell("producer.send(topic)", "kafka"), cell(END, "kafka")


@pytest.mark.parametrize("transport", ["tape", "tape:some.tape"])
def test_on_a_tape_what_needs_a_broker_does_not_apply_and_is_told(tmp_path: Path, transport: str) -> None:
    found = on_tape(
        tmp_path, RAW, ran(TASK, PASSED), ran('lab.verdict("pure", {})', PURE), RAW_END, transport=transport
    )
    assert [item.state for item in found.cells] == [State.PASS, NA, State.PASS, State.PASS, NA]
    assert [check.state for check in found.checks] == [State.PASS, State.PASS, NA]
    assert found.checks[2].says == "it needs a Kafka broker, and this run has a tape"
    told = "2 of 5 cells and 1 of 3 checks left out: they need a Kafka broker"
    assert (found.state, found.why) == (State.PASS, told)


def test_a_notebook_that_is_all_about_a_broker_does_not_apply_on_a_tape(tmp_path: Path) -> None:
    found = on_tape(tmp_path, RAW, ran(TASK, PASSED), RAW_END)
    told = "2 of 4 cells and 1 of 2 checks left out: they need a Kafka broker"
    assert (found.state, found.why) == (NA, told)


def test_a_prediction_whose_experiment_is_left_out_does_not_apply_even_if_none_was_made(tmp_path: Path) -> None:
    untried = shown(EXERCISE, {"exercise": "m1.keys", "state": "untried"})
    found = on_tape(tmp_path, ran("predict('m1.keys', ...)", untried), cell("reveal('m1.keys', seen)", "kafka"))
    assert [(check.id, check.state) for check in found.checks] == [("m1.keys", NA)]


def test_on_a_broker_a_cell_of_that_tag_that_did_not_run_is_skipped(tmp_path: Path) -> None:
    for transport in ("kafka", None):
        found = on_tape(tmp_path, RAW, ran(END, OK), transport=transport)
        assert (found.state, found.why) == (State.NOT_REACHED, "cell 2: it was skipped")


def test_on_a_tape_a_cell_without_the_tag_must_run(tmp_path: Path) -> None:
    error = {"output_type": "error", "ename": "BrokerError", "evalue": "no broker", "traceback": []}
    found = on_tape(tmp_path, RAW, ran("lab.broker()", error), RAW_END)
    assert (found.state, found.why) == (State.ERROR, "cell 3: BrokerError: no broker")
    skipped = on_tape(tmp_path, RAW, cell("x = 1"), RAW_END)
    assert (skipped.state, skipped.why) == (State.NOT_REACHED, "cell 3: it was skipped")


def test_a_widget_that_has_stopped_is_an_error(tmp_path: Path) -> None:
    stopped = shown(EVIDENCE, {"widget": "LiveChart", "name": "AAPL", "error": "ValueError('x')"})
    found = outcome(tmp_path, ran("chart", stopped), ran(END, OK))
    assert (found.state, found.why) == (State.ERROR, "cell 1: LiveChart AAPL has stopped: ValueError('x')")


def test_a_cell_that_the_kernel_calls_failed_is_an_error_even_without_an_output(tmp_path: Path) -> None:
    events = played({}, {})
    events[1]["status"] = "error"
    found = outcome(tmp_path, ran("x"), ran(END, OK), events=events)
    assert (found.state, found.cells[0].state) == (State.ERROR, State.ERROR)


def test_a_run_that_left_nothing_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    found = outcome(tmp_path, ran(TASK), ran(END), cells=[], events=[], said="no kernel called python3")
    assert (found.state, found.why) == (State.ERROR, "the run ended without a word: no kernel called python3")
    assert [check.state for check in found.checks] == [State.NOT_REACHED, State.NOT_REACHED]


@pytest.mark.parametrize("state", ["timeout", "dead"])
def test_a_kernel_that_is_ended_may_still_say_keyboard_interrupt(tmp_path: Path, state: str) -> None:
    events = [
        {"event": "began", "cell": 0, "at": 1.0},
        {"event": "end", "at": 2.0, "how": state, "why": "so it was"},
    ]
    last_words = {"output_type": "error", "ename": "KeyboardInterrupt", "evalue": "", "traceback": []}
    found = outcome(tmp_path, ran(TASK, last_words), ran(END), events=events)
    assert found.state is {"timeout": State.TIMEOUT, "dead": State.DEAD}[state]
    assert [check.state for check in found.checks] == [found.state, State.NOT_REACHED]


def test_the_cells_of_papermill_itself_do_not_count(tmp_path: Path) -> None:
    marker = cell("An Exception was encountered", "papermill-error-cell-tag", kind="markdown")
    error = {"output_type": "error", "ename": "KeyError", "evalue": "'x'", "traceback": []}
    cells = [marker, cell("rate = 2", "injected-parameters") | {"execution_count": 1}, marker, ran(TASK, error)]
    events = [
        *({"event": event, "cell": number, "at": 1.0} for number in (0, 1) for event in ("began", "ran")),
        {"event": "end", "at": 2.0, "how": "error", "why": "KeyError"},
    ]
    found = outcome(tmp_path, ran(TASK), cells=cells, events=events)
    assert (found.state, found.why) == (State.ERROR, "cell 2: KeyError: 'x'")
    assert [check.state for check in found.checks] == [State.ERROR]


def test_the_worst_state_is_the_one_to_look_at_first() -> None:
    assert worst([]) is State.PASS
    assert worst([State.FAIL, State.DEAD, State.NOT_APPLICABLE]) is State.DEAD
    assert [state for state in State if state.ok] == [State.PASS, State.NOT_APPLICABLE]
