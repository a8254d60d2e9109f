"""A log whose lines stand in it once, however often the cell that sets it up has run."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE"]

NAME = "analytics"
SetUp = Callable[[Any], logging.Logger]


def draw(random: Random, events: int) -> Case:
    """How often it is set up before each message."""
    files = ["", " for a new file"]
    return ([f"{random.randint(1, 3)}× set up{random.choice(files)}" for _ in range(max(1, events // 2))],)


def lines(set_up: SetUp, steps: list[str]) -> Any:
    """What stands where after each step, in which one INFO and one WARNING is logged: ``file 1: INFO a, WARNING b``."""
    log = logging.getLogger(NAME)
    before = log.handlers[:], log.level, log.propagate
    log.handlers, log.propagate = [], False
    log.setLevel(logging.NOTSET)
    files, found = [io.StringIO()], []
    try:
        for step in steps:
            files += [io.StringIO()] if "new file" in step else []
            ends = [file.tell() for file in files]
            for _ in range(int(step[0])):
                if set_up(files[-1]) is not log:
                    return "another log, or none, was returned"
            log.info("a")
            log.warning("b")
            found.append([*_written(files, ends)])
    finally:
        log.handlers, log.propagate = before[0], before[2]
        log.setLevel(before[1])
    return found


def _written(files: list[io.StringIO], ends: list[int]) -> Iterator[str]:
    for number, (file, end) in enumerate(zip(files, ends, strict=True), start=1):
        lines = file.getvalue()[end:].splitlines()
        if lines:
            yield f"file {number}: {', '.join(lines)}"


EXERCISE = Exercise(
    "m2.log",
    "a log that writes each line once",
    hints=Hints(
        question="How many handlers has the log when this function has run three times?",
        concept="logging.getLogger('analytics') is the same object all over the program, as long as it lives, and "
        "addHandler adds. Every handler writes every message.",
        skeleton="Get the log, set its level, and give it a list with the one new handler in place of its handlers; or "
        "take the old ones off before the new one goes on.",
    ),
    examples=[
        (["1× set up"],),
        (["2× set up"],),
        (["1× set up", "1× set up"],),
        (["1× set up", "1× set up for a new file"],),
    ],
    draw=draw,
    drive=lines,
    event="step",
    starts_as="another handler each time",
)


@EXERCISE.solved_by
def open_log(stream: Any) -> logging.Logger:
    log = logging.getLogger("analytics")
    log.setLevel(logging.INFO)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    log.handlers = [handler]
    return log


@EXERCISE.also_solved_by
def _taken_off_first(stream: Any) -> logging.Logger:
    log = logging.getLogger("analytics")
    log.setLevel(logging.DEBUG)
    for old in list(log.handlers):
        log.removeHandler(old)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("{levelname} {message}", style="{"))
    log.addHandler(handler)
    log.propagate = False
    return log


@EXERCISE.also_solved_by
def _the_same_handler(stream: Any) -> logging.Logger:
    log = logging.getLogger("analytics")
    log.setLevel(logging.INFO)
    if not log.handlers:
        log.addHandler(logging.StreamHandler())
    log.handlers[0].setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    log.handlers[0].setStream(stream)  # type: ignore[attr-defined]
    return log


@EXERCISE.wrong(
    "another handler each time",
    "addHandler adds: after the second run of the cell the log has two handlers, and each of them writes every line.",
)
def _doubled(stream: Any) -> logging.Logger:
    log = logging.getLogger("analytics")
    log.setLevel(logging.INFO)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    log.addHandler(handler)
    return log


@EXERCISE.wrong(
    "only the first file",
    "If there is a handler already this one keeps it, whatever file it was given then: a new file stays empty.",
)
def _first_only(stream: Any) -> logging.Logger:
    log = logging.getLogger("analytics")
    log.setLevel(logging.INFO)
    if not log.handlers:
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        log.addHandler(handler)
    return log


@EXERCISE.wrong(
    "no level is set",
    "A log without a level asks the one above it, and that one says WARNING: your INFO lines never arrive.",
)
def _no_level(stream: Any) -> logging.Logger:
    log = logging.getLogger("analytics")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    log.handlers = [handler]
    return log


@EXERCISE.wrong("no format is set", "Without a formatter a line is the message alone; the level in front is missing.")
def _no_format(stream: Any) -> logging.Logger:
    log = logging.getLogger("analytics")
    log.setLevel(logging.INFO)
    log.handlers = [logging.StreamHandler(stream)]
    return log


@EXERCISE.wrong(
    "all handlers are taken off", "The old handlers go, but no new one comes: there is nobody left who writes."
)
def _none_left(stream: Any) -> logging.Logger:
    log = logging.getLogger("analytics")
    log.setLevel(logging.INFO)
    log.handlers.clear()
    return log


@EXERCISE.wrong(
    "the old file is still written",
    "The handler for the file before stays, and goes on writing there: each line of the new one stands in the old one too.",
)
def _old_stays(stream: Any) -> logging.Logger:
    log = logging.getLogger("analytics")
    log.setLevel(logging.INFO)
    log.handlers = [old for old in log.handlers if old.stream is not stream]  # type: ignore[attr-defined]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    log.addHandler(handler)
    return log


@EXERCISE.wrong(
    "a new log each time",
    "A fresh Logger is not the one that getLogger('analytics') gives to the rest of the program: those lines are lost.",
)
def _nameless(stream: Any) -> logging.Logger:
    log = logging.Logger("other")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    log.addHandler(handler)
    return log
