"""Mistakes that can be made in any exercise, and what to tell whoever makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Misconception", "in_general"]


@dataclass(frozen=True)
class Misconception:
    """A mistake by name, and a sentence or two that say what it is."""

    name: str
    says: str


def in_general(got: Any) -> Misconception | None:
    """The name of a mistake that shows in what came of a case, whatever the exercise.

    :param got: a :class:`marketlab.lessons.judge.Run`
    """
    if got.ended == "endless":
        return Misconception(
            "a loop without end",
            "For these arguments the function has not come back. What ends its loop, and does that ever happen?",
        )
    if isinstance(got.error, NameError):
        return Misconception("a name from outside", _outside(got.error))
    if got.error is not None:
        where = f" in line {got.line} of the cell" if got.line else ""
        return Misconception("it raises an error", f"{type(got.error).__name__}{where}: {got.error}")
    if got.changed:
        return Misconception(
            "it changes its arguments",
            "After the call what was handed in is no longer what it was. Whoever called may need it: make a new one.",
        )
    if got.value is None:
        return Misconception(
            "it returns nothing", "A function without a return gives None; print shows a value and hands it to nobody."
        )
    if got.again != got.value:
        return Misconception(
            "it remembers the last call",
            "Called a second time with the same arguments it answers differently. Something outlives the call: a "
            "default argument that is a list or a dict, or an attribute.",
        )
    return None


def _outside(error: NameError) -> str:
    name = error.name or "a name"
    return (
        f"{name} is not made in the function, nor an argument of it. Of its cell a check takes imports, functions, "
        "classes, and values that need nothing of another cell. Your notebook may know it all the same, from a cell "
        "that ran once. Make it inside, or hand it in."
    )
