"""How far a learner is, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from marketlab.lessons.card import Table
from marketlab.lessons.exercise import Exercise
from marketlab.lessons.progress import Progress, Standing
from marketlab.lessons.question import Question
from marketlab.widgets.style import STYLE

__all__ = ["PROGRESS", "Overview"]

#: The media type of the overview in a notebook's outputs.
PROGRESS: Final = "application/vnd.marketlab.progress+json"


class Overview:
    """The state of this moment; shows itself as a table with a line for each exercise."""

    def __init__(self, notes: Progress, exercises: Sequence[Exercise | Question]) -> None:
        self._standings = [(item, notes.of(item.id)) for item in exercises]

    @property
    def passed(self) -> int:
        """How many exercises are passed."""
        return sum(standing.passed for _, standing in self._standings)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "passed": self.passed,
            "of": len(self._standings),
            "exercises": [
                {"exercise": item.id, "kind": item.kind, "state": _state(standing), "fails": standing.fails}
                for item, standing in self._standings
            ],
        }

    def __repr__(self) -> str:
        return f"{self._sentence}\n{self._table().text()}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        head = f'<div style="color:var(--ml-ink);font-weight:600">{self._sentence}</div>'
        return {
            "text/plain": repr(self),
            "text/html": f'{STYLE}<div class="marketlab">{head}{self._table().html()}</div>',
            PROGRESS: self.as_dict(),
        }

    @property
    def _sentence(self) -> str:
        return f"{self.passed} of {len(self._standings)} passed"

    def _table(self) -> Table:
        return Table(["", "exercise", "about", "tries"], [*self._rows()])

    def _rows(self) -> Iterator[Sequence[str]]:
        marks = {"pass": "✓", "not yet": "✗", "untried": "○"}
        for item, standing in self._standings:
            tries = standing.fails + standing.passed
            yield marks[_state(standing)], item.id, item.title, str(tries or "")


def _state(standing: Standing) -> str:
    return "pass" if standing.passed else "not yet" if standing.fails else "untried"
