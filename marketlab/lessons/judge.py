"""Holds an answer against the reference, and finds the smallest case in which they differ."""

from __future__ import annotations

import copy
import io
import traceback
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any, Literal

from marketlab.lessons.answer import Answer
from marketlab.lessons.exercise import Case, Exercise
from marketlab.lessons.misconceptions import Misconception, in_general
from marketlab.lessons.runner import LIMIT_S, Runner, TooLongError
from marketlab.lessons.same import plain, same

__all__ = ["Fault", "Judgement", "Run", "judge", "run"]

#: How often a counter-example is looked through for something that can be left out.
ROUNDS = 4


@dataclass(frozen=True)
class Run:
    """What came of a case: the values of a first and a second call, or what the first one raised.

    ``changed``: the arguments are not what they were.
    """

    ended: Literal["returned", "raised", "endless"] = "returned"
    value: Any = None
    again: Any = None
    error: Exception | None = None
    line: int | None = None
    changed: bool = False

    def same_as(self, other: Run) -> bool:
        """Whether both came to the same."""
        if self.ended != other.ended or self.changed != other.changed:
            return False
        if self.ended == "raised":
            return type(self.error) is type(other.error)
        return same(self.value, other.value) and same(self.again, other.again)

    @property
    def text(self) -> str:
        """In a word, for people."""
        if self.ended == "endless":
            return "no answer"
        return repr(self.value) if self.error is None else f"{type(self.error).__name__}: {self.error}"


@dataclass(frozen=True)
class Fault:
    """A case in which an answer is wrong."""

    case: Case
    wanted: Run
    got: Run

    @property
    def events(self) -> int:
        """How many ticks or other things the case is made of."""
        return sum(len(part) for part in self.case if isinstance(part, list)) or 1


@dataclass(frozen=True)
class Judgement:
    """What is thought of an answer.

    ``untried``: nothing is written yet; of a repair, it is still broken as it was given, and ``fault`` shows how.
    """

    state: Literal["pass", "not yet", "untried"]
    fault: Fault | None = None
    misconception: Misconception | None = None


def judge(exercise: Exercise, answer: Answer, *, limit_s: float = LIMIT_S) -> Judgement:
    """Judge an answer. Takes a tenth of a second; a loop without end is given up after ``limit_s`` seconds."""
    start = exercise.start
    begun = start is None or not answer.says_the_same_as(start.answer)
    if answer.untouched:
        return Judgement("untried")
    answer.load_imports()  # which is no loop without end, however long it takes
    silent = io.StringIO()  # sixty cases would print sixty times
    with Runner(limit_s=limit_s) as runner, redirect_stdout(silent), redirect_stderr(silent):
        try:
            fault = next(_faults(exercise, answer, runner), None)
            if fault is None:
                return Judgement("pass")
            fault = _smaller(exercise, answer, fault, runner)
            misconception = _planted(exercise, answer, fault, runner) or in_general(fault.got)
        except _EndlessError as endless:
            got = Run("endless")
            fault, misconception = Fault(endless.case, _wanted(exercise, endless.case), got), in_general(got)
    return Judgement("not yet" if begun else "untried", fault, misconception)


def run(exercise: Exercise, answer: Answer, case: Case) -> Run:
    """Use a fresh copy of the function, twice, with copies of the arguments."""
    used = copy.deepcopy(case)
    try:
        function = answer.fresh()
        value = plain(exercise.drive(function, *used))
        again = plain(exercise.drive(function, *copy.deepcopy(case)))
    except Exception as error:  # noqa: BLE001 (whatever a learner's code raises is shown to the learner)
        return Run("raised", error=error, line=_line(error, answer.file))
    except SystemExit as error:
        return Run("raised", error=RuntimeError(f"it calls exit({error.code or ''})"))
    return Run("returned", value, again, changed=exercise.keeps and not same(plain(used), plain(case)))


class _EndlessError(Exception):
    def __init__(self, case: Case) -> None:
        super().__init__()
        self.case = case


def _limited(exercise: Exercise, answer: Answer, case: Case, runner: Runner) -> Run:
    try:
        result: Run = runner(lambda: run(exercise, answer, case))
    except TooLongError:
        raise _EndlessError(case) from None
    return result


def _faults(exercise: Exercise, answer: Answer, runner: Runner) -> Iterator[Fault]:
    for case in exercise.cases:
        wanted = _wanted(exercise, case)  # before, so that what the drive imports is not counted
        got = _limited(exercise, answer, case, runner)
        if not got.same_as(wanted):
            yield Fault(case, wanted, got)


def _wanted(exercise: Exercise, case: Case) -> Run:
    return run(exercise, exercise.reference, case)


def _smaller(exercise: Exercise, answer: Answer, fault: Fault, runner: Runner) -> Fault:
    """Leave out whatever can be left out while the answer stays wrong in the same way."""
    for _ in range(ROUNDS):
        before = fault
        for place, part in enumerate(fault.case):
            if not isinstance(part, list):
                continue
            for index in reversed(range(len(part))):
                shown = fault.case[place]
                shorter = (*fault.case[:place], shown[:index] + shown[index + 1 :], *fault.case[place + 1 :])
                got, wanted = _limited(exercise, answer, shorter, runner), _wanted(exercise, shorter)
                if got.ended == fault.got.ended and not got.same_as(wanted):
                    fault = Fault(shorter, wanted, got)
        if fault is before:
            break
    return fault


def _planted(exercise: Exercise, answer: Answer, fault: Fault, runner: Runner) -> Misconception | None:
    """The wrong answer that comes to the same in this case and in every example."""
    candidates = exercise.wrong_ones
    for case in [fault.case, *exercise.examples]:
        got = fault.got if case is fault.case else _limited(exercise, answer, case, runner)
        candidates = [wrong for wrong in candidates if run(exercise, wrong.answer, case).same_as(got)]
        if not candidates:
            return None
    return Misconception(candidates[0].name, candidates[0].says)


def _line(error: Exception, file: str) -> int | None:
    """The last line of the learner's cell that the error has passed through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return lines[-1] if lines else None
