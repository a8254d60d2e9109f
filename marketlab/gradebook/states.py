"""How a notebook, a cell or a check may end."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

__all__ = ["State", "tally", "worst"]


class State(StrEnum):
    """From the best to the worst."""

    PASS = "pass"  # noqa: S105 (no password)
    NOT_APPLICABLE = "not applicable"
    NOT_REACHED = "not reached"
    FAIL = "fail"
    ERROR = "error"
    TIMEOUT = "timeout"
    DEAD = "kernel death"

    @property
    def ok(self) -> bool:
        """Whether nobody has to look at it."""
        return self in (State.PASS, State.NOT_APPLICABLE)

    @property
    def glyph(self) -> str:
        """A sign before the word, so that no colour is needed."""
        return {State.PASS: "✓", State.NOT_APPLICABLE: "–", State.NOT_REACHED: "○"}.get(self, "✗")


_ORDER = list(State)


def worst(states: Iterable[State]) -> State:
    """The worst of some states; ``pass`` of none.

    >>> str(worst([State.PASS, State.TIMEOUT, State.FAIL]))
    'timeout'
    """
    return max(states, key=_ORDER.index, default=State.PASS)


def tally(states: Iterable[State]) -> str:
    """How many passed, of those that apply.

    >>> tally([State.PASS, State.FAIL, State.NOT_APPLICABLE]), tally([State.NOT_APPLICABLE])
    ('1 of 2', '–')
    """
    found = [state for state in states if state is not State.NOT_APPLICABLE]
    return f"{found.count(State.PASS)} of {len(found)}" if found else "–"
