"""Which card is shown for which judgement."""

from __future__ import annotations

from typing import Any

from marketlab.lessons.card import Card, Table
from marketlab.lessons.exercise import Case, Exercise
from marketlab.lessons.judge import Fault, Judgement, Run
from marketlab.lessons.misconceptions import Misconception
from marketlab.lessons.progress import Standing
from marketlab.lessons.question import Question

__all__ = ["for_answer", "for_function", "for_prediction", "for_syntax"]

SOLUTION_AFTER = 2  # fails
LONGEST = 72  # characters of a value in a table
ITS_END = 20  # of these, so that how it ends is seen


def for_function(exercise: Exercise, judgement: Judgement, standing: Standing) -> Card:
    """The verdict on a function.

    :param standing: with this attempt counted
    """
    facts: dict[str, Any] = {"kind": exercise.kind, "fails": standing.fails}
    if judgement.state == "pass":
        again = f"after {standing.fails} that were not" if standing.fails else "at the first attempt"
        return Card(exercise.id, "pass", exercise.title, [f"Right, {again}."], facts=facts)
    hints = exercise.hints
    folded = {"Something to ask yourself": hints.question}
    if standing.fails or exercise.kind == "repair":
        folded["The idea behind it"] = hints.concept
    if standing.fails >= SOLUTION_AFTER:
        folded["How it can be built"] = hints.skeleton
        folded["A solution"] = exercise.solution
    if judgement.state == "untried":
        says = "This is what is broken." if exercise.kind == "repair" else "Nothing is written in it yet."
        table = _table(exercise, judgement.fault) if judgement.fault else None
        return Card(exercise.id, "untried", exercise.title, [says], table, folded, facts)
    fault, misconception = judgement.fault, judgement.misconception
    assert fault is not None  # noqa: S101 ("not yet" has one)
    told = [_headline(misconception), *([misconception.says] if misconception else [])]
    facts |= {
        "misconception": misconception.name if misconception else None,
        "case": repr(fault.case),
        "wanted": fault.wanted.text,
        "got": fault.got.text,
        "events": fault.events,
    }
    return Card(exercise.id, "not yet", exercise.title, told, _table(exercise, fault), folded, facts)


def for_prediction(question: Question, answer: Any) -> Card:
    """What is said before the experiment."""
    facts = {"kind": question.kind}
    if answer is ...:
        says = ["Put your answer in place of the dots, then run the experiment below."]
        return Card(question.id, "untried", question.title, says, facts=facts)
    says = [f"You say {answer!r}. Now see."]
    return Card(question.id, "noted", question.title, says, facts=facts | {"said": repr(answer)})


def for_answer(question: Question, answer: Any, evidence: dict[str, Any]) -> Card:
    """What is said when it is known."""
    seen = question.truth(evidence)
    facts: dict[str, Any] = {"kind": question.kind, "seen": repr(seen)}
    if answer is ...:
        asked = "You made no prediction." if question.kind == "predict" else "Put what you see in place of the dots."
        says = [asked, *([question.because] if question.kind == "predict" else [])]
        return Card(question.id, "untried", question.title, says, facts=facts)
    facts["said"] = repr(answer)
    if question.is_right(answer, evidence):
        return Card(question.id, "pass", question.title, [f"{answer!r} it is.", question.because], facts=facts)
    misconception = question.misconception(answer, evidence)
    facts["misconception"] = misconception.name if misconception else None
    if question.kind == "observe":  # it can be looked at again, so it is not told
        says = [misconception.says if misconception else "That is not what stands there. Look once more."]
    else:
        says = [f"You said {answer!r}, it was {seen!r}.", *([misconception.says] if misconception else [])]
        says.append(question.because)
    return Card(question.id, "not yet", question.title, says, facts=facts)


def for_syntax(error: SyntaxError) -> Card:
    """What is said of a cell that is not Python."""
    says = [f"Python cannot read line {error.lineno}: {error.msg}. Until it can, nobody can judge the answer."]
    line = (error.text or "").rstrip("\n")
    pointer = " " * max(0, (error.offset or 1) - 1) + "^"
    return Card("cell", "not yet", "not Python yet", says, folded={"Where": f"{line}\n{pointer}"})


def _headline(misconception: Misconception | None) -> str:
    if misconception is None:
        return "Here is a case in which it goes wrong."
    return f"This looks like: {misconception.name}."


def _table(exercise: Exercise, fault: Fault) -> Table:
    """Event by event where the case is a list and the answer has one value for each, else the call as a whole."""
    lists = [part for part in fault.case if isinstance(part, list)]
    wanted, got = fault.wanted, fault.got
    if len(fault.case) == len(lists) == 1 and _rows_of(wanted, lists[0]) and _rows_of(got, lists[0]):
        second = got.again != got.value and wanted.value == got.value
        found = got.again if second else got.value
        events = [*map(_event, lists[0])]
        rows = [[event, _short(a), _short(b)] for event, a, b in zip(events, wanted.value, found, strict=True)]
        marked = frozenset(number for number, (_, a, b) in enumerate(rows) if a != b)
        return Table([exercise.event, "expected", "you, the second time" if second else "you"], rows, marked)
    told = _short(got.again) + " the second time" if wanted.value == got.value and not got.error else _whole(got)
    rows = [
        ["with", _call(fault.case)],
        ["expected", _short(_whole(wanted), raw=True)],
        ["you", _short(told, raw=True)],
    ]
    return Table(["", exercise.shows or "the call"], rows)


def _rows_of(run: Run, events: list[Any]) -> bool:
    return all(isinstance(value, list) and len(value) == len(events) for value in (run.value, run.again))


def _whole(run: Run) -> Any:
    """Texts as they are, anything else as Python writes it."""
    texts = isinstance(run.value, list) and all(isinstance(item, str) for item in run.value)
    return run.value if texts and run.value else run.text


def _event(event: Any) -> str:
    if isinstance(event, dict):
        return " ".join(_short(value) if not isinstance(value, str) else value for value in event.values())
    if isinstance(event, tuple):
        return " ".join(map(str, event))
    return str(event)


def _call(case: Case) -> str:
    return ", ".join(
        "[" + "; ".join(map(_event, part)) + "]" if isinstance(part, list) else _short(part) for part in case
    )


def _short(value: Any, *, raw: bool = False) -> str:
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        text = " · ".join(value)
    else:
        text = str(value) if raw else f"{value:.10g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - ITS_END - 1]}…{text[-ITS_END:]}"
