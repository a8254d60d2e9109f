"""What an exercise is: a function to write or to repair, with its right and its wrong answers beside it.

An exercise is only as good as the mistakes that it knows. So each one carries wrong answers that people give, with
what they show, and right ones that look different; a test proves that all of the first are refused and told apart, and
all of the second accepted. In a notebook the same list puts a name to a learner's mistake.
"""

from __future__ import annotations

import inspect
import random
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from marketlab.lessons.answer import Answer, Function

__all__ = ["Case", "Exercise", "Hints", "Wrong"]

#: The arguments of one call.
Case = tuple[Any, ...]

DRAWN = 60  # cases that are drawn, beside the examples
LARGEST = 12  # events in a drawn case


@dataclass(frozen=True)
class Hints:
    """Three steps: something to ask oneself, the idea behind it, and how the answer is built."""

    question: str
    concept: str
    skeleton: str


@dataclass(frozen=True)
class Wrong:
    """A planted wrong answer: what it is called, and what to tell whoever gives it."""

    name: str
    says: str
    answer: Answer


@dataclass
class Exercise:
    """A function to write or to repair.

    :param id: as in ``@task("m2.ma5")``
    :param title: what it is about, in a few words
    :param examples: cases picked by hand, small ones first; together they tell the wrong answers apart
    :param draw: a case with about so many events, out of a generator of random numbers
    :param drive: how the function is used; by default it is called with the case. Returns what is compared
    :param shows: what that is, where it is not simply what the function returns
    :param event: what a case is a list of
    :param keeps: whether the function must leave its arguments as they are
    :param starts_as: of a repair, the name of the wrong answer that the learner is given
    :param needs: names that the function may use besides its imports
    """

    id: str
    title: str
    hints: Hints
    examples: Sequence[Case]
    draw: Callable[[random.Random, int], Case]
    drive: Callable[..., Any] = lambda function, *case: function(*case)
    shows: str = ""
    event: str = "tick"
    keeps: bool = False
    starts_as: str | None = None
    needs: Mapping[str, Any] = field(default_factory=dict)
    wrong_ones: list[Wrong] = field(default_factory=list)
    right_ones: list[Answer] = field(default_factory=list)
    reference: Answer = field(init=False)
    solution: str = field(init=False)

    @property
    def kind(self) -> Literal["function", "repair"]:
        """Whether it starts with nothing or with something broken."""
        return "repair" if self.starts_as else "function"

    def solved_by(self, function: Function) -> Function:
        """Mark the reference: decorates a function."""
        self.reference = Answer.of_function(function, needs=self.needs)
        self.solution = textwrap.dedent(inspect.getsource(function)).partition("\n")[2]
        return function

    def also_solved_by(self, function: Function) -> Function:
        """Mark another right answer: decorates a function."""
        self.right_ones.append(Answer.of_function(function, needs=self.needs))
        return function

    def wrong(self, name: str, says: str) -> Callable[[Function], Function]:
        """Mark a wrong answer: decorates a function.

        :param name: the misconception in a few words
        :param says: what the learner is told, in a sentence or two
        """

        def plant(function: Function) -> Function:
            self.wrong_ones.append(Wrong(name, says, Answer.of_function(function, needs=self.needs)))
            return function

        return plant

    @cached_property
    def cases(self) -> list[Case]:
        """All cases, in the order in which they are tried: the examples, then drawn ones that grow."""
        return [*self.examples, *self._drawn()]

    @cached_property
    def start(self) -> Wrong | None:
        """Of a repair, what the learner is given."""
        return next((wrong for wrong in self.wrong_ones if wrong.name == self.starts_as), None)

    def _drawn(self) -> Iterator[Case]:
        # Seeded with the id: everybody meets the same cases, today and tomorrow.
        draws = random.Random(self.id)  # noqa: S311
        for number in range(DRAWN):
            yield self.draw(draws, 1 + number * LARGEST // DRAWN)
