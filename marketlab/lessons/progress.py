"""What a learner has tried and passed: one line of JSON an event, in the lab's folder, by the exercise's id.

Lines are only ever added, and each is on the disk before the verdict is shown. An update of the notebooks leaves them
alone, for they know ids and no cells.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["FILE_NAME", "Progress", "Standing"]

FILE_NAME = "progress.jsonl"


@dataclass
class Standing:
    """How it stands with one exercise.

    ``fails``: attempts that differ from one another; ``source``, ``function``: the cell that passed last, and the
    name of its function; ``first``, ``last``: whether the very first attempt passed, and the last one; ``digest``: of
    the last one.
    """

    fails: int = 0
    passed: bool = False
    first: bool | None = None
    last: bool | None = None
    digest: str | None = None
    source: str | None = None
    function: str | None = None
    said: Any = None
    misconceptions: list[str] = field(default_factory=list)

    def is_new(self, digest: str, *, passed: bool) -> bool:
        """Whether this is an attempt to be noted: another answer, or the same one that passes now and did not before.

        The same answer may pass later because of what it is held against, or what other cells import.
        """
        return digest != self.digest or (passed and not self.last)


class Progress:
    """The events of one home.

    :param home: the lab's folder; made with the first event
    """

    def __init__(self, home: Path) -> None:
        self.path = home / FILE_NAME

    def note(self, exercise: str, **what: Any) -> None:
        """Add an event and wait until it is on the disk."""
        line = json.dumps({"exercise": exercise, "at": round(time.time(), 3), **what}, ensure_ascii=False)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            if file.tell() and not _ends_a_line(file):
                file.write(b"\n")  # a line that was cut off by a crash stays alone
            file.write(line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def of(self, exercise: str) -> Standing:
        """How it stands with an exercise."""
        standing = Standing()
        for event in self._events():
            if event.get("exercise") == exercise:
                _take(standing, event)
        return standing

    def _events(self) -> list[dict[str, Any]]:
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        return [event for line in lines if (event := _read(line)) is not None]


def _ends_a_line(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")


def _read(line: str) -> dict[str, Any] | None:
    """An event, or None for a line that a crash has cut off."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _take(standing: Standing, event: dict[str, Any]) -> None:
    if "said" in event:
        standing.said = event["said"]
    if "passed" not in event:
        return
    passed = bool(event["passed"])
    if standing.first is None:
        standing.first = passed
    standing.digest, standing.last = event.get("digest"), passed
    if passed:
        standing.passed = True
        standing.source, standing.function = event.get("source"), event.get("function")
    else:
        standing.fails += 1
        if event.get("misconception"):
            standing.misconceptions.append(event["misconception"])
