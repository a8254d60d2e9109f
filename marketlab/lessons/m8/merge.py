"""Two recordings of one clock become one stream."""

from __future__ import annotations

import heapq
from itertools import groupby
from operator import itemgetter
from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE"]

Tick = tuple[int, str, int]  # stamp, symbol, price
Ticks = list[Tick]


def draw(random: Random, events: int) -> Case:
    """Two recordings, each in order, with equal stamps in them."""
    recordings = []
    for symbol in ("BTC", "ETH"):
        at, ticks = random.randint(1, 9), []
        for _ in range(events // 2):
            ticks.append((at, symbol, random.randint(1, 9)))
            at += random.choice([0, 0, 1, 3])
        recordings.append(ticks)
    return recordings[0], recordings[1]


def shown(merge: Any, one: Ticks, other: Ticks) -> Any:
    """What came out as a line of text, where it is ticks; of one stamp, which recording comes first is not asked."""
    merged = merge(one, other)
    try:
        stamps = groupby([*merged], key=itemgetter(0))
        return " · ".join(" ".join(map(str, tick)) for _, same in stamps for tick in sorted(same, key=itemgetter(1)))
    except (TypeError, LookupError):
        return merged


EXERCISE = Exercise(
    "m8.merge",
    "two recordings as one stream",
    hints=Hints(
        question="Both files are in order. Is one behind the other?",
        concept="A stream has one clock: what happened first is sent first, whichever file it is in. Of equal stamps "
        "each file's own order stays, for it is the order of the exchange; so sort by the stamp and by nothing else. "
        "Python's sort keeps the order of what is equal, and heapq.merge needs no whole list at all.",
        skeleton="sorted with a key that is the stamp, over one followed by the other; or heapq.merge with that key.",
    ),
    examples=[
        ([], []),
        ([(1, "BTC", 5)], []),
        ([(1, "BTC", 5)], [(2, "ETH", 7)]),
        ([(2, "BTC", 5)], [(1, "ETH", 7)]),
        ([(1, "BTC", 5), (3, "BTC", 6)], [(2, "ETH", 7)]),
        ([(1, "BTC", 5), (2, "BTC", 6)], [(3, "ETH", 7)]),
        ([(1, "BTC", 6), (1, "BTC", 5)], [(2, "ETH", 7)]),
        ([(1, "BTC", 5), (1, "BTC", 5)], []),
        ([(2, "BTC", 5)], [(10, "ETH", 7)]),
        ([(1, "BTC", 5)], [(1, "ETH", 7)]),
    ],
    draw=draw,
    drive=shown,
    shows="stamp symbol price",
    starts_as="one behind the other",
)


@EXERCISE.solved_by
def merge(one: Ticks, other: Ticks) -> Ticks:
    return sorted(one + other, key=lambda tick: tick[0])


@EXERCISE.also_solved_by
def _heap(one: Ticks, other: Ticks) -> Any:
    return heapq.merge(one, other, key=lambda tick: tick[0])


@EXERCISE.also_solved_by
def _by_hand(one: Ticks, other: Ticks) -> Ticks:
    merged, a, b = [], list(one), list(other)
    while a and b:
        merged.append(a.pop(0) if a[0][0] <= b[0][0] else b.pop(0))
    return merged + a + b


@EXERCISE.also_solved_by
def _the_other_first(one: Ticks, other: Ticks) -> Ticks:
    merged, a, b = [], list(one), list(other)
    while a and b:
        merged.append(a.pop(0) if a[0][0] < b[0][0] else b.pop(0))
    return merged + a + b


@EXERCISE.wrong(
    "one behind the other",
    "The second file begins where the first one ends, so time jumps back by minutes. In one stream every tick of a "
    "symbol that both hold would be late.",
)
def _concatenated(one: Ticks, other: Ticks) -> Ticks:
    return one + other


@EXERCISE.wrong(
    "in turn",
    "One of each in turn is the order of a zip, not of time: in a second in which bitcoin trades twenty times, ether "
    "may trade twice.",
)
def _in_turn(one: Ticks, other: Ticks) -> Ticks:
    merged: Ticks = []
    for n in range(max(len(one), len(other))):
        merged += one[n : n + 1] + other[n : n + 1]
    return merged


@EXERCISE.wrong(
    "sorted by the whole tick",
    "Without a key equal stamps are sorted by symbol and price. Trades of one millisecond are many, and they have an "
    "order: the one in which the file has them. Sorted by price, five of them become a rise that nobody saw.",
)
def _whole(one: Ticks, other: Ticks) -> Ticks:
    return sorted(one + other)


@EXERCISE.wrong(
    "equal ticks are dropped",
    "Two trades that agree in stamp and price are two trades. A set cannot know that.",
)
def _set(one: Ticks, other: Ticks) -> Ticks:
    return sorted(dict.fromkeys(one + other), key=lambda tick: tick[0])


@EXERCISE.wrong(
    "one tick a stamp",
    "A dict has one place for each stamp, so the later trade of the same moment takes the place of the earlier one.",
)
def _dict(one: Ticks, other: Ticks) -> Ticks:
    by_stamp = {tick[0]: tick for tick in one + other}
    return [by_stamp[stamp] for stamp in sorted(by_stamp)]


@EXERCISE.wrong(
    "stamps compared as text",
    "As text 10 comes before 2. Stamps out of a file are text until somebody makes numbers of them.",
)
def _as_text(one: Ticks, other: Ticks) -> Ticks:
    return sorted(one + other, key=lambda tick: str(tick[0]))


@EXERCISE.wrong(
    "what is left over is forgotten",
    "When one of the two has ended, the other one goes on: its rest belongs to the stream as well.",
)
def _cut(one: Ticks, other: Ticks) -> Ticks:
    merged, a, b = [], list(one), list(other)
    while a and b:
        merged.append(a.pop(0) if a[0][0] <= b[0][0] else b.pop(0))
    return merged


@EXERCISE.wrong("newest first", "Sorted the other way round: a stream runs forward.")
def _backwards(one: Ticks, other: Ticks) -> Ticks:
    return sorted(one + other, key=lambda tick: -tick[0])
