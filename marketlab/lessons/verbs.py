"""What stands in a notebook: ``@task`` above a function, ``predict`` and ``reveal``, ``observe``, ``progress``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from marketlab.lessons import cards, catalogue, syntax
from marketlab.lessons.answer import Answer
from marketlab.lessons.errors import LessonError
from marketlab.lessons.judge import judge
from marketlab.lessons.overview import Overview
from marketlab.lessons.progress import Progress
from marketlab.lessons.same import plain
from marketlab.settings import load_settings

__all__ = ["observe", "predict", "progress", "reveal", "solved", "task"]

F = TypeVar("F", bound=Callable[..., Any])

#: What was predicted in this kernel. It outlives a reload, as the kernel does.
_predictions: dict[str, Any] = globals().get("_predictions", {})


def task(name: str) -> Callable[[F], F]:
    """Above a function: judge it as soon as it is defined, and show the verdict. The function stays what it is.

    ::

        @task("m2.ma5")
        def averages(ticks):
            ...

    :raises LessonError: no such function is to be written
    """
    exercise = catalogue.exercise(name)
    syntax.watch()

    def check(function: F) -> F:
        answer, notes = Answer.of_cell(function, needs=exercise.needs), _notes()
        judgement = judge(exercise, answer)
        passed = judgement.state == "pass"
        if judgement.state != "untried" and notes.of(name).is_new(answer.digest, passed=passed):
            if passed:
                notes.note(name, passed=True, digest=answer.digest, source=answer.standalone, function=answer.name)
            else:
                misconception = judgement.misconception.name if judgement.misconception else None
                notes.note(name, passed=False, digest=answer.digest, misconception=misconception)
        _show(cards.for_function(exercise, judgement, notes.of(name)))
        return function

    return check


def predict(name: str, answer: Any) -> None:
    """Note what you expect, before the experiment; ``...`` for nothing yet.

    :raises LessonError: no such question is asked
    """
    question = catalogue.question(name)
    _predictions[name] = answer
    if answer is not ...:
        _notes().note(name, said=_jsonable(answer))
    _show(cards.for_prediction(question, answer))


def reveal(name: str, seen: Any) -> None:
    """After the experiment: what you expected beside what was seen.

    :raises LessonError: no such question is asked, or the experiment has not shown what it should
    """
    question = catalogue.question(name)
    if not question.is_right(seen, {}):
        raise LessonError(
            f"{name}: the experiment should have shown {question.truth({})!r}, it has shown {seen!r}",
            mend="Run the notebook from the top: Run > Restart Kernel and Run All.",
        )
    said = _notes().of(name).said
    _settle(name, _predictions.get(name, ... if said is None else said), {})


def observe(name: str, answer: Any, **evidence: Any) -> None:
    """Say what you see; it is held against the evidence itself. ``...`` for nothing yet.

    :raises LessonError: no such question is asked
    """
    _settle(name, answer, evidence)


def solved(name: str) -> Callable[..., Any]:
    """The function that you passed an exercise with last, or the lab's own if there is none yet.

    So what stands further down works, whatever was left out further up.

    :raises LessonError: no such function is to be written
    """
    exercise, standing = catalogue.exercise(name), _notes().of(name)
    if standing.source is None or standing.function is None:
        print(f"{name} is not passed yet: the lab's own stands in for it")
        return exercise.reference.fresh()
    return Answer(standing.source, standing.function, needs=exercise.needs).fresh()


def progress() -> Overview:
    """How far you are, exercise by exercise."""
    return Overview(_notes(), list(catalogue.in_order().values()))


def _settle(name: str, answer: Any, evidence: dict[str, Any]) -> None:
    question, notes = catalogue.question(name), _notes()
    if answer is not ...:
        digest, passed = repr(plain(answer)), question.is_right(answer, evidence)
        if notes.of(name).is_new(digest, passed=passed):
            found = None if passed else question.misconception(answer, evidence)
            notes.note(name, passed=passed, digest=digest, misconception=found and found.name)
    _show(cards.for_answer(question, answer, evidence))


def _notes() -> Progress:
    return Progress(load_settings().home)


def _jsonable(answer: Any) -> Any:
    value = plain(answer)
    try:
        json.dumps(value)
    except TypeError:
        return repr(value)
    return value


def _show(thing: object) -> None:
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(thing)
        return
    if get_ipython() is None:
        print(thing)
    else:
        display(thing)
