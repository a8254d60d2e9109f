"""The checks, checked: every planted wrong answer is refused and told from the others, every right one accepted."""

from __future__ import annotations

import json
import re
from itertools import combinations

import pytest

from marketlab.course import originals
from marketlab.lessons import catalogue
from marketlab.lessons.answer import Answer
from marketlab.lessons.exercise import Exercise, Wrong
from marketlab.lessons.judge import judge, run
from marketlab.lessons.question import Question
from marketlab.lessons.same import same
from tests.house import ROOT
from tests.wrong_answers import HELD_OUT

ALL = catalogue.in_order()
EXERCISES = [item for item in ALL.values() if isinstance(item, Exercise)]
QUESTIONS = [item for item in ALL.values() if isinstance(item, Question)]
PLANTED = [(exercise, wrong) for exercise in EXERCISES for wrong in exercise.wrong_ones]
RIGHT = [(exercise, answer) for exercise in EXERCISES for answer in (exercise.reference, *exercise.right_ones)]
FEW_EVENTS = 6


def name(item: object) -> str | None:
    if isinstance(item, Exercise | Question):
        return item.id
    return getattr(item, "name", None)


@pytest.mark.parametrize("exercise", EXERCISES, ids=name)
def test_an_exercise_knows_enough_wrong_and_right_answers(exercise: Exercise) -> None:
    assert len(exercise.wrong_ones) >= 6
    assert len(exercise.right_ones) >= 2
    assert len({wrong.name for wrong in exercise.wrong_ones}) == len(exercise.wrong_ones)
    assert (exercise.kind == "repair") == (exercise.start is not None)


@pytest.mark.parametrize(("exercise", "answer"), RIGHT, ids=name)
def test_a_right_answer_is_accepted(exercise: Exercise, answer: Answer) -> None:
    judgement = judge(exercise, answer)
    assert judgement.state == "pass", (judgement.fault, judgement.misconception)


@pytest.mark.parametrize(("exercise", "wrong"), PLANTED, ids=name)
def test_a_planted_mistake_is_refused_by_its_name_with_a_small_proof(exercise: Exercise, wrong: Wrong) -> None:
    judgement = judge(exercise, wrong.answer)
    assert judgement.state == ("untried" if wrong is exercise.start else "not yet")
    assert judgement.misconception is not None
    assert (judgement.misconception.name, judgement.misconception.says) == (wrong.name, wrong.says)
    fault = judgement.fault
    assert fault is not None
    assert fault.events <= FEW_EVENTS
    assert not fault.got.same_as(fault.wanted)


@pytest.mark.parametrize("exercise", EXERCISES, ids=name)
def test_planted_mistakes_are_told_apart_by_the_examples(exercise: Exercise) -> None:
    alike = [
        (one.name, other.name)
        for one, other in combinations(exercise.wrong_ones, 2)
        if all(run(exercise, one.answer, case).same_as(run(exercise, other.answer, case)) for case in exercise.examples)
    ]
    assert alike == []


@pytest.mark.parametrize(("exercise", "misconception", "source"), HELD_OUT, ids=lambda value: str(value)[:30])
def test_a_mistake_in_other_words_is_refused_and_known(exercise: str, misconception: str, source: str) -> None:
    found = catalogue.exercise(exercise)
    judgement = judge(found, Answer(source, "f", needs=found.needs), limit_s=0.5)
    assert judgement.state == "not yet"
    assert judgement.misconception is not None
    assert judgement.misconception.name == misconception


@pytest.mark.parametrize("exercise", EXERCISES, ids=name)
def test_hints_lead_without_telling(exercise: Exercise) -> None:
    hints = exercise.hints
    assert "?" in hints.question
    code = [line.strip() for line in exercise.solution.splitlines() if len(line.strip()) > 30]
    told = [line for line in code if line in hints.question + hints.concept + hints.skeleton]
    # The skeleton may be the whole of a solution that is one line long.
    assert told == [] or len(exercise.solution.splitlines()) <= 3


@pytest.mark.parametrize("question", QUESTIONS, ids=name)
def test_distractors_are_wrong_differ_and_reveal_something(question: Question) -> None:
    assert len(question.distractors) >= 2
    assert len({distractor.says for distractor in question.distractors}) == len(question.distractors)
    for evidence in question.samples:
        truth = question.truth(evidence)
        assert question.is_right(truth, evidence)
        assert question.misconception(truth, evidence) is None
        values = [d.value(**evidence) if callable(d.value) else d.value for d in question.distractors]
        assert not any(question.is_right(value, evidence) for value in values)
        assert not any(same(one, other) for one, other in combinations(values, 2))
        for value, distractor in zip(values, question.distractors, strict=True):
            revealed = question.misconception(value, evidence)
            assert revealed is not None
            assert revealed.name == distractor.name
        assert question.misconception("something else", evidence) is None


def test_every_exercise_stands_in_one_notebook_and_every_one_there_is_known() -> None:
    asked: list[str] = []
    for path in sorted((ROOT / "notebooks" / "src").glob("*.py")):
        text = re.sub(r"# <instead>.*?# </solution>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        found = re.findall(r'(?:@task|\bpredict|\bobserve)\("([\w.]+)"', text)
        assert {name[:2] for name in found} == {f"m{int(path.name[:2])}"}
        observed = re.findall(r'\bobserve\("([\w.]+)"', text)
        assert {catalogue.question(name).kind for name in observed} <= {"observe"}  # whose truth no dots may tell
        asked += found
        predicted, revealed = (re.findall(rf'\b{verb}\("([\w.]+)"', text) for verb in ("predict", "reveal"))
        assert sorted(predicted) == sorted(revealed)
    assert asked == list(ALL)


def test_what_a_repair_gives_the_learner_is_the_planted_mistake() -> None:
    repairs = {exercise.id: exercise.start for exercise in EXERCISES if exercise.start}
    given = {}
    for path in originals():
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if match := re.search(r'@task\("([\w.]+)"\)\ndef (\w+)', source):
                given[match[1]] = Answer(source, match[2])
    assert repairs
    assert [name for name, start in repairs.items() if not given[name].says_the_same_as(start.answer)] == []
    assert [name for name, answer in given.items() if name not in repairs and not answer.untouched] == []
