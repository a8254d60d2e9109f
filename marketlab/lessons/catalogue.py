"""All exercises, in the order of the course. An id says where its exercise is: ``m2.ma5`` is in the folder ``m2``."""

from __future__ import annotations

from functools import cache

from marketlab.lessons.errors import LessonError
from marketlab.lessons.exercise import Exercise
from marketlab.lessons.question import Question

__all__ = ["exercise", "find", "in_order", "question"]


@cache
def in_order() -> dict[str, Exercise | Question]:
    """Every exercise by its id."""
    from marketlab.lessons import m0, m1, m2, m3, m4, m5, m6, m7, m8

    return {item.id: item for milestone in (m0, m1, m2, m3, m4, m5, m6, m7, m8) for item in milestone.EXERCISES}


def find(name: str) -> Exercise | Question:
    """The exercise of that name.

    :raises LessonError: there is none
    """
    try:
        return in_order()[name]
    except KeyError:
        raise LessonError(f"no exercise is called {name!r}", mend=f"There are {', '.join(in_order())}.") from None


def exercise(name: str) -> Exercise:
    """A function to write or repair.

    :raises LessonError: there is none of that name
    """
    found = find(name)
    if isinstance(found, Exercise):
        return found
    raise LessonError(f"{name} is a question, not a function to write", mend=f'{found.kind}("{name}", ...)')


def question(name: str) -> Question:
    """A question.

    :raises LessonError: there is none of that name
    """
    found = find(name)
    if isinstance(found, Question):
        return found
    raise LessonError(f"{name} is a function to write, not a question", mend=f'@task("{name}") above a def')
