"""Which numbers nobody has seen."""

from __future__ import annotations

from itertools import groupby, pairwise
from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE"]


def draw(random: Random, events: int) -> Case:
    """Numbers with holes, a few out of order, a few twice; and where they should end."""
    last = events + random.randint(0, 3)
    seqs = [seq for seq in range(1, last + 1) if random.random() < 0.7]
    if len(seqs) > 1 and random.random() < 0.5:
        place = random.randrange(len(seqs) - 1)
        seqs[place], seqs[place + 1] = seqs[place + 1], seqs[place]
    if seqs and random.random() < 0.3:
        seqs.append(random.choice(seqs))
    return seqs, last


EXERCISE = Exercise(
    "m7.gaps",
    "what is missing, by its numbers",
    hints=Hints(
        question="The last number that arrived is 5, and the producer says that it sent 7. Which two are missing, and "
        "does your function know?",
        concept="A gap lies between two numbers that are there; so it needs one before the first and one behind the "
        "last. Before the first is 0. Behind the last is what the closing record says, plus one: without it nobody "
        "can tell an end from a cut.",
        skeleton="Go through the sorted, distinct numbers with last + 1 behind them, and remember the one before, at "
        "first 0. If they are more than 1 apart, what is missing begins one after the one and ends one before the "
        "other.",
    ),
    examples=[
        ([1], 1),
        ([1], 2),
        ([2], 2),
        ([], 0),
        ([], 1),
        ([], 3),
        ([1, 3], 3),
        ([1, 4], 4),
        ([2, 1], 2),
        ([1, 1], 1),
        ([1, 2, 2, 5], 7),
        ([3, 1], 3),
    ],
    draw=draw,
    event="number",
)


@EXERCISE.solved_by
def gaps(seqs: list[int], last: int) -> list[list[int]]:
    missing, before = [], 0
    for seq in [*sorted(set(seqs)), last + 1]:
        if seq > before + 1:
            missing.append([before + 1, seq - 1])
        before = seq
    return missing


@EXERCISE.also_solved_by
def _set_difference(seqs: list[int], last: int) -> Any:
    missing = sorted(set(range(1, last + 1)) - set(seqs))
    for _, group in groupby(enumerate(missing), key=lambda pair: pair[1] - pair[0]):
        numbers = [number for _, number in group]
        yield numbers[0], numbers[-1]


@EXERCISE.also_solved_by
def _one_by_one(seqs: list[int], last: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in range(1, last + 1):
        if number in seqs:
            continue
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


@EXERCISE.wrong(
    "the tail is forgotten",
    "After the last number that came, nothing shows that more was sent. The closing record does: last says where it "
    "should have ended.",
)
def _no_tail(seqs: list[int], last: int) -> list[list[int]]:
    missing, before = [], 0
    for seq in sorted(set(seqs)):
        if seq > before + 1:
            missing.append([before + 1, seq - 1])
        before = seq
    return missing


@EXERCISE.wrong(
    "the head is forgotten",
    "It begins with the first number that came. Numbers begin with 1: what is before the first one is missing too.",
)
def _no_head(seqs: list[int], last: int) -> list[list[int]]:
    ordered = [*sorted(set(seqs)), last + 1]
    return [[a + 1, b - 1] for a, b in pairwise(ordered) if b > a + 1]


@EXERCISE.wrong(
    "only between two that came",
    "Head and tail are forgotten: a gap is found only where something came on both sides of it.",
)
def _inside(seqs: list[int], last: int) -> list[list[int]]:
    ordered = sorted(set(seqs))
    return [[a + 1, b - 1] for a, b in pairwise(ordered) if b > a + 1]


@EXERCISE.wrong(
    "in the order of arrival",
    "A late number is there. Whoever looks at neighbours in the order of arrival sees a hole where it was overtaken.",
)
def _unsorted(seqs: list[int], last: int) -> list[list[int]]:
    missing, before = [], 0
    for seq in [*seqs, last + 1]:
        if seq > before + 1:
            missing.append([before + 1, seq - 1])
        before = seq
    return missing


@EXERCISE.wrong(
    "a number that came twice makes a gap",
    "Two equal neighbours are not one apart, but between them nothing is missing: look for more than one apart.",
)
def _twice(seqs: list[int], last: int) -> list[list[int]]:
    missing, before = [], 0
    for seq in [*sorted(seqs), last + 1]:
        if seq != before + 1:
            missing.append([before + 1, seq - 1])
        before = seq
    return missing


@EXERCISE.wrong(
    "the ends are those that came",
    "A range of what is missing has only missing numbers in it, its ends too: between 1 and 4 that is 2 to 3.",
)
def _outer(seqs: list[int], last: int) -> list[list[int]]:
    missing, before = [], 0
    for seq in [*sorted(set(seqs)), last + 1]:
        if seq > before + 1:
            missing.append([before, seq])
        before = seq
    return missing


@EXERCISE.wrong(
    "the end is one too far",
    "That is how Python's range counts. Here both ends are numbers that are missing.",
)
def _half_open(seqs: list[int], last: int) -> list[list[int]]:
    missing, before = [], 0
    for seq in [*sorted(set(seqs)), last + 1]:
        if seq > before + 1:
            missing.append([before + 1, seq])
        before = seq
    return missing


@EXERCISE.wrong(
    "how many, not which",
    "A count says that something is missing. Nobody can go and look for a count: name the numbers.",
)
def _count(seqs: list[int], last: int) -> int:
    return last - len(set(seqs))


@EXERCISE.wrong(
    "number by number",
    "All the right numbers, but one by one. After an outage that is a million lines: neighbours belong into one range.",
)
def _singles(seqs: list[int], last: int) -> list[int]:
    return [number for number in range(1, last + 1) if number not in seqs]
