"""A learner at work: verdicts, hints that come step by step, notes that outlive the kernel."""

from __future__ import annotations

import json
import linecache
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from marketlab.gradebook.marker import verdict
from marketlab.gradebook.submissions import read_submission
from marketlab.lessons import LessonError, catalogue, observe, predict, progress, reveal, solved, task, verbs
from marketlab.lessons.answer import Answer
from marketlab.lessons.card import EXERCISE, Card
from marketlab.lessons.judge import judge
from marketlab.lessons.progress import FILE_NAME, Progress
from tests.notebooks import write_notebook

Cell = Callable[[str], Any]

RIGHT = """
from collections import deque

@task("m2.ma5")
def mine(ticks):
    windows, found = {}, []
    for tick in ticks:
        own = windows.setdefault(tick["symbol"], deque(maxlen=5))
        own.append(tick["price"])
        found.append(sum(own) / len(own))
    return found
"""
ONE_WINDOW = """
from collections import deque

@task("m2.ma5")
def mine(ticks):
    own, found = deque(maxlen=SIZE), []
    for tick in ticks:
        own.append(tick["price"])
        found.append(sum(own) / len(own))
    return found
"""
BROKEN = """
import logging

@task("m2.log")
def open_log(stream):
    '''Opens it.'''
    log = logging.getLogger("analytics")
    log.setLevel(logging.INFO)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    log.addHandler(handler)
    return log
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MARKETLAB_HOME", str(tmp_path))
    monkeypatch.setattr(verbs, "_predictions", {})
    return tmp_path


@pytest.fixture
def cards(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[Card]:
    shown: list[Card] = []
    monkeypatch.setattr(verbs, "_show", shown.append)
    return shown


@pytest.fixture
def cell(cards: list[Card]) -> Iterator[Cell]:
    """Runs a cell as a kernel does, with a file name of its own, and gives the last card that it shows."""
    space: dict[str, Any] = {"__name__": "__main__", "task": task}
    files: list[str] = []

    def run(source: str) -> Any:
        files.append(f"<cell {len(files)}>")
        linecache.cache[files[-1]] = (len(source), None, source.splitlines(keepends=True), files[-1])
        exec(compile(source, files[-1], "exec"), space)
        return cards[-1] if cards else None

    yield run
    for file in files:
        linecache.cache.pop(file, None)


def facts(card: Card) -> dict[str, Any]:
    found: dict[str, Any] = card._repr_mimebundle_()[EXERCISE]
    return found


def test_a_wrong_answer_gets_its_name_its_proof_and_one_more_hint_each_time(cell: Cell) -> None:
    cards = [cell(ONE_WINDOW.replace("SIZE", size)) for size in ("5", "5 + 0", "int(5)")]
    assert [card.state for card in cards] == ["not yet"] * 3
    assert "one window for all symbols" in cards[0].says[0]
    assert cards[0].table is not None
    assert [row[0] for row in cards[0].table.rows] == ["AAPL 100", "GOOG 200"]
    assert cards[0].table.marked == {1}
    assert [len(card.folded) for card in cards] == [2, 4, 4]
    assert [any("setdefault" in text for text in card.folded.values()) for card in cards] == [False, True, True]
    assert [facts(card)["fails"] for card in cards] == [1, 2, 3]


def test_running_the_same_again_is_no_attempt(cell: Cell, home: Path) -> None:
    first = cell(ONE_WINDOW.replace("SIZE", "5"))
    again = cell("# a comment\n" + ONE_WINDOW.replace("SIZE", "5"))
    assert facts(first)["fails"] == facts(again)["fails"] == 1
    assert len((home / FILE_NAME).read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("SIZE = 4", "SIZE = 5"),
        ("SIZE = int('4')", "SIZE = int('5')"),
        ("class Window:\n    size = 4\nSIZE = Window.size", "class Window:\n    size = 5\nSIZE = Window.size"),
    ],
)
def test_a_mend_outside_the_function_is_an_attempt_and_its_pass_is_kept(wrong: str, right: str, cell: Cell) -> None:
    mine = RIGHT.replace("maxlen=5", "maxlen=SIZE")
    assert cell(f"{wrong}\n{mine}").state == "not yet"
    card = cell(f"{right}\n{mine}")
    assert (card.state, facts(card)["fails"]) == ("pass", 1)
    assert progress().passed == 1
    assert solved("m2.ma5").__module__ == "answer"  # and not the lab's own


def test_a_mend_in_another_cell_is_an_attempt_and_its_pass_is_kept(cell: Cell) -> None:
    mine = RIGHT.replace("from collections import deque", "")
    assert facts(cell(mine))["misconception"] == "a name from outside"
    cell("from collections import deque")
    assert (cell(mine).state, progress().passed) == ("pass", 1)


def test_an_exercise_that_nobody_began_is_no_attempt(cell: Cell, home: Path) -> None:
    card = cell('@task("m2.ma5")\ndef mine(ticks):\n    ...')
    assert (card.state, facts(card)["fails"]) == ("untried", 0)
    assert not (home / FILE_NAME).exists()


def test_a_repair_shows_what_is_broken_and_that_is_no_attempt(cell: Cell, home: Path) -> None:
    card = cell(BROKEN)
    assert card.state == "untried"
    assert card.table is not None
    assert not (home / FILE_NAME).exists()


def test_a_variable_that_only_the_notebook_remembers_does_not_count(cell: Cell) -> None:
    cell('windows = {}\n@task("m2.ma5")\ndef other(ticks):\n    ...')
    card = cell('@task("m2.ma5")\ndef mine(ticks):\n    return [windows for _ in ticks]')
    assert facts(card)["misconception"] == "a name from outside"


def test_the_function_that_passed_is_at_hand_in_another_kernel(cell: Cell, capsys: pytest.CaptureFixture[str]) -> None:
    ticks = [{"symbol": "AAPL", "price": price} for price in (1.0, 3.0)]
    assert solved("m2.ma5")(ticks) == [1.0, 2.0]
    assert "stands in" in capsys.readouterr().out
    cell("from collections import deque")  # an import of another cell is kept with what passed
    card = cell(RIGHT.replace("from collections import deque", "").replace("return found", "return tuple(found)"))
    assert card.state == "pass"
    assert solved("m2.ma5")(ticks) == (1.0, 2.0)
    assert capsys.readouterr().out == ""


LATE = """
@task("m3.late")
def mine(ticks):
    windows, newest, found = {}, {}, []
    for tick in ticks:
        own = tick["symbol"]
        late = tick["timestamp"] < newest.get(own, 0)
        if not late:
            newest[own] = tick["timestamp"]
            windows[own], average, _ = step(windows.get(own, []), tick["price"])
        found.append(None if late else average)
    return found
"""
ALERT = """
@task("m2.alert")
def mine(previous, price):
    return previous is not None and abs(Decimal(str(price)) / Decimal(str(previous)) - 1) >= LIMIT
"""


@pytest.mark.parametrize(
    ("cells", "state"),
    [
        (["from marketlab.lessons import solved\nstep = solved('m3.analyse')", LATE], "not yet"),
        (["from marketlab.lessons import solved", f"step = solved('m3.analyse')\n{LATE}"], "pass"),
        (["from functools import partial\nstep = partial(print)", LATE], "not yet"),
        (["from decimal import Decimal", f"LIMIT = Decimal('0.03')\n{ALERT}"], "pass"),
        (["from decimal import Decimal\nLIMIT = Decimal('0.03')", ALERT], "not yet"),
        (["from decimal import Decimal", f"PERCENT, = 3,\nLIMIT = Decimal(PERCENT) / 100\n{ALERT}"], "pass"),
    ],
)
def test_the_verdict_in_the_notebook_the_marks_and_what_is_at_hand_later_agree(
    cells: list[str], state: str, cell: Cell, tmp_path: Path
) -> None:
    card = [cell(source) for source in cells][-1]
    handed_in = read_submission("anna", "", [write_notebook(tmp_path / "anna.ipynb", cells)])
    ((exercise, given),) = handed_in.given.items()
    asked, noted = catalogue.exercise(exercise), Progress(tmp_path).of(exercise)
    marked = verdict(asked, vars(given))
    assert (card.state, marked["state"]) == (state, state)
    if state == "pass":
        assert noted.source is not None
        assert judge(asked, Answer(noted.source, "mine", needs=asked.needs)).state == "pass"
    else:
        assert facts(card)["misconception"] == marked["misconception"] == "a name from outside"


def test_a_later_failure_takes_no_pass_away(cell: Cell) -> None:
    cell(RIGHT)
    cell(ONE_WINDOW.replace("SIZE", "5"))
    states = {row["exercise"]: row for row in progress().as_dict()["exercises"]}
    assert (states["m2.ma5"]["state"], states["m2.ma5"]["fails"]) == ("pass", 1)
    assert progress().passed == 1
    assert "1 of" in repr(progress())


def test_a_prediction_is_noted_and_told_only_after_the_experiment(cards: list[Card]) -> None:
    predict("m1.keys", 3)
    assert (cards[-1].state, cards[-1].says) == ("noted", ["You say 3. Now see."])
    reveal("m1.keys", 1)
    assert cards[-1].state == "not yet"
    assert facts(cards[-1])["misconception"] == "dealing cards"
    predict("m1.keys", 1)
    reveal("m1.keys", 1)
    assert cards[-1].state == "pass"
    states = {row["exercise"]: row for row in progress().as_dict()["exercises"]}
    assert (states["m1.keys"]["state"], states["m1.keys"]["fails"]) == ("pass", 1)


def test_a_prediction_outlives_the_kernel(cards: list[Card], monkeypatch: pytest.MonkeyPatch) -> None:
    predict("m1.keys", 1)
    monkeypatch.setattr(verbs, "_predictions", {})
    reveal("m1.keys", 1)
    assert cards[-1].state == "pass"


def test_dots_are_no_answer(cards: list[Card], home: Path) -> None:
    predict("m1.keys", ...)
    reveal("m1.keys", 1)
    observe("m1.offset", ..., acks=[SimpleNamespace(offset=0)])
    assert [card.state for card in cards] == ["untried"] * 3
    assert not (home / FILE_NAME).exists()


def test_an_experiment_that_shows_something_else_is_not_held_against_the_learner(cards: list[Card]) -> None:
    with pytest.raises(LessonError, match="should have shown 1, it has shown 2"):
        reveal("m1.keys", 2)


def test_what_is_observed_is_held_against_the_evidence_and_not_told(cards: list[Card]) -> None:
    acks = [SimpleNamespace(offset=offset) for offset in (7, 8, 9)]
    observe("m1.offset", 9, acks=acks)
    assert facts(cards[-1])["misconception"] == "the last one's, not the next one's"
    assert "10" not in repr(cards[-1])
    observe("m1.offset", 10, acks=acks)
    assert cards[-1].state == "pass"


def test_what_was_observed_and_is_right_on_other_evidence_passes_once_and_for_good(home: Path) -> None:
    acks = [SimpleNamespace(offset=offset) for offset in range(10)]
    for seen in (acks, acks[:9], acks):
        observe("m1.offset", 9, acks=seen)
    states = {row["exercise"]: row for row in progress().as_dict()["exercises"]}
    assert (states["m1.offset"]["state"], states["m1.offset"]["fails"]) == ("pass", 1)
    assert len((home / FILE_NAME).read_text().splitlines()) == 2


@pytest.mark.parametrize("ask", [lambda: task("m2.nothing"), lambda: task("m1.keys"), lambda: predict("m2.ma5", 1)])
def test_a_name_that_is_none_is_told_and_the_right_use_shown(ask: Callable[[], object], home: Path) -> None:
    with pytest.raises(LessonError) as raised:
        ask()
    assert raised.value.mend


def test_a_line_that_a_crash_cut_off_harms_no_other(home: Path) -> None:
    notes = Progress(home)
    notes.note("m1.keys", passed=False, digest="3")
    with notes.path.open("a") as file:
        file.write('{"exercise": "m1.keys", "pas')
    notes.note("m1.keys", passed=True, digest="1")
    standing = notes.of("m1.keys")
    assert (standing.passed, standing.fails, standing.first) == (True, 1, False)
    assert json.loads(notes.path.read_text().splitlines()[-1])["digest"] == "1"


def test_a_value_that_is_too_long_for_its_table_keeps_how_it_begins_and_ends(cell: Cell) -> None:
    card = cell("""
@task("m4.deliver")
def mine(post, record, pause):
    for _ in range(8):
        try:
            status = post(record)
        except ConnectionError:
            status = 503
        if status < 500:
            return status < 300
        pause()
    return False
""")
    assert card.table is not None
    wanted, got = (row[1] for row in card.table.rows[1:])
    assert (wanted[:18], got[:18]) == ("posted 7 · paused ", "posted 7 · paused ")
    assert (wanted[-7:], got[-10:]) == (" · kept", " · refused")


def test_a_card_is_text_page_and_facts_and_escapes_what_it_shows(cell: Cell) -> None:
    card = cell('@task("m1.encode")\ndef mine(tick):\n    return "<script>" + str(tick)')
    bundle = card._repr_mimebundle_()
    assert "<script>" not in bundle["text/html"].replace("<style>", "")
    assert bundle["text/plain"].startswith("✗ not yet · m1.encode")
    json.dumps(bundle[EXERCISE])
