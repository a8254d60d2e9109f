"""The process in which a learner's answers are judged, with limits on memory, time and files.

Run as ``python -I -m marketlab.gradebook.marker``: a job as JSON on standard input; on standard output a line of JSON
when it is ready, and one for each verdict. The limits hold back accidents. A learner's code runs as the user who
started it and can read what that user can: this is no sandbox.
"""

from __future__ import annotations

import ast
import json
import os
import resource
import sys
from typing import Any, TextIO

from marketlab.lessons import catalogue
from marketlab.lessons.answer import Answer
from marketlab.lessons.exercise import Exercise
from marketlab.lessons.judge import judge
from marketlab.lessons.question import Question

__all__ = ["main"]

LARGEST_FILE = 10_000_000
MOST_FILES = 64


def verdict(item: Exercise | Question, given: dict[str, Any]) -> dict[str, Any]:
    """Judge what was given for an exercise."""
    if isinstance(item, Question):
        answer = ast.literal_eval(given["source"])
        if item.is_right(answer, {}):
            return {"state": "pass", "says": ""}
        found = item.misconception(answer, {})
        return _not_yet(found.name if found else None, f"the answer {answer!r}")
    judgement = judge(item, Answer(given["source"], given["function"], needs=item.needs))
    if judgement.state != "not yet":
        return {"state": judgement.state, "says": ""}
    misconception, fault = judgement.misconception, judgement.fault
    told = f"for {fault.case!r}: wanted {fault.wanted.text}, got {fault.got.text}" if fault else ""
    return _not_yet(misconception.name if misconception else None, told)


def _not_yet(misconception: str | None, says: str) -> dict[str, Any]:
    return {"state": "not yet", "misconception": misconception, "says": says}


def main() -> None:
    """Judge every answer of a job, in order."""
    job = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What a learner's code prints is nobody's verdict.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    exercises = catalogue.in_order()
    _limit(resource.RLIMIT_AS, job["memory_bytes"])
    _limit(resource.RLIMIT_FSIZE, LARGEST_FILE)
    _limit(resource.RLIMIT_NOFILE, MOST_FILES)
    _limit(resource.RLIMIT_CORE, 0)
    _say(out, {"ready": True})
    for given in job["given"]:
        try:
            found = verdict(exercises[given["exercise"]], given)
        except BaseException as error:  # noqa: BLE001 (SystemExit and KeyboardInterrupt are verdicts, too)
            found = {"state": "error", "says": f"{type(error).__name__}: {error}"}
        _say(out, {"exercise": given["exercise"]} | found)
    os._exit(0)  # what a learner's code has registered for the end, or left in threads, is not waited for


def _say(out: TextIO, line: dict[str, Any]) -> None:
    out.write(json.dumps(line) + "\n")
    out.flush()


def _limit(what: int, value: int) -> None:
    """Lower a limit; one that is lower already stays, and some systems know no limit on memory."""
    _, hard = resource.getrlimit(what)
    wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
    try:
        resource.setrlimit(what, (wanted, wanted))
    except (ValueError, OSError) as error:
        print(f"limit {what} is not kept here: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
