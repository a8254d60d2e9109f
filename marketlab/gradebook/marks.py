"""Marks of many learners, as CSV and JSON, and which misconception was met how often."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from marketlab import __version__
from marketlab.files import write_json
from marketlab.gradebook.marking import Marked
from marketlab.gradebook.states import State

__all__ = ["JSON_NAME", "Marks", "write_marks"]

FORMAT: Final = 1
JSON_NAME: Final = "marks.json"


@dataclass(frozen=True)
class Marks:
    """Every learner by every exercise. ``titles``: {exercise: what it is about}; ``began``: in UTC."""

    marked: Sequence[Marked]
    titles: dict[str, str]
    began: datetime
    seconds: float

    @property
    def misconceptions(self) -> list[tuple[str, str, list[str]]]:
        """(exercise, misconception, learners), the most frequent first."""
        met: dict[tuple[str, str], list[str]] = {}
        for marked in self.marked:
            for mark in marked.marks:
                if mark.misconception:
                    met.setdefault((mark.exercise, mark.misconception), []).append(marked.submission.learner)
        order = {exercise: number for number, exercise in enumerate(self.titles)}
        ranked = sorted(met.items(), key=lambda item: (-len(item[1]), order[item[0][0]], item[0][1]))
        return [(exercise, name, learners) for (exercise, name), learners in ranked]

    def counts(self, exercise: str) -> Counter[State]:
        """How many are in which state."""
        return Counter(mark.state for marked in self.marked for mark in marked.marks if mark.exercise == exercise)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "format": FORMAT,
            "marketlab": __version__,
            "began": self.began.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 3),
            "done": True,
            "exercises": self.titles,
            "learners": [_learner(marked) for marked in self.marked],
            "misconceptions": [
                {"exercise": exercise, "misconception": name, "met": len(learners), "learners": learners}
                for exercise, name, learners in self.misconceptions
            ],
        }

    def csv(self) -> str:
        """A line for each learner, a column for each exercise."""
        heads = ["learner", "name", "passed", "of", *self.titles, "notes"]
        return _csv([heads, *(_row(marked) for marked in self.marked)])

    def misconceptions_csv(self) -> str:
        """A line for each misconception."""
        rows = [(exercise, name, str(len(who)), " ".join(who)) for exercise, name, who in self.misconceptions]
        return _csv([("exercise", "misconception", "met", "learners"), *rows])


def write_marks(marks: Marks, folder: Path) -> list[Path]:
    """Write the page, the two tables and the JSON.

    :returns: their paths, the page first
    """
    from marketlab.gradebook.marks_page import marks_page

    page, table, met, data = (folder / name for name in ("marks.html", "marks.csv", "misconceptions.csv", JSON_NAME))
    page.write_text(marks_page(marks), encoding="utf-8")
    table.write_text(marks.csv(), encoding="utf-8")
    met.write_text(marks.misconceptions_csv(), encoding="utf-8")
    write_json(data, marks.as_dict())
    return [page, table, met, data]


def _row(marked: Marked) -> list[str]:
    states = [str(mark.state) for mark in marked.marks]
    submission = marked.submission
    first = [submission.learner, submission.name, str(marked.passed), str(len(states))]
    return [*first, *states, "; ".join(submission.notes)]


def _csv(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def _cell(value: str) -> str:
    """A spreadsheet takes what begins like this for a formula, and a learner may be called so."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _learner(marked: Marked) -> dict[str, Any]:
    return {
        "learner": marked.submission.learner,
        "name": marked.submission.name,
        "passed": marked.passed,
        "notes": list(marked.submission.notes),
        "marks": [
            {
                "exercise": mark.exercise,
                "state": str(mark.state),
                "misconception": mark.misconception,
                "says": mark.says,
            }
            for mark in marked.marks
        ],
    }
