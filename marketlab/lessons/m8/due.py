"""Stamps of a recorder, in nanoseconds, to the seconds at which a replay sends."""

from __future__ import annotations

from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE"]

BEGIN = 1_738_367_938_890_127_061


def draw(random: Random, events: int) -> Case:
    """Stamps that grow."""
    stamps, at = [], BEGIN
    for _ in range(events):
        stamps.append(at)
        at += random.choice([100, 2_000_000, 329_000_000, 1_500_000_000, 4_000_000_000])
    return (stamps,)


EXERCISE = Exercise(
    "m8.due",
    "when each line is due, in seconds",
    hints=Hints(
        question="How many nanoseconds has a second: with how many zeros?",
        concept="A nanosecond is a thousand-millionth of a second, 1e-9. And a float has 53 bits, some sixteen digits: "
        "a stamp of nineteen digits loses its last three as soon as it becomes one. Two whole numbers lose nothing, so "
        "take the difference first, and divide then.",
        skeleton="For each stamp: its difference from the first one, still a whole number, divided by 1e9.",
    ),
    examples=[
        ([],),
        ([BEGIN],),
        ([BEGIN, BEGIN + 1_000_000_000],),
        ([BEGIN, BEGIN + 1_500_000_000],),
        ([BEGIN, BEGIN + 100],),
        ([BEGIN, BEGIN + 1_000_000_000, BEGIN + 3_000_000_000],),
    ],
    draw=draw,
    event="stamp",
)


@EXERCISE.solved_by
def due(stamps: list[int]) -> list[float]:
    return [(stamp - stamps[0]) / 1e9 for stamp in stamps]


@EXERCISE.also_solved_by
def _numpy(stamps: list[int]) -> Any:
    import numpy as np

    whole = np.array(stamps, dtype="int64")
    return (whole - whole[:1]) / 1_000_000_000


@EXERCISE.also_solved_by
def _steps(stamps: list[int]) -> Any:
    for stamp in stamps:
        whole, rest = divmod(stamp - stamps[0], 10**9)
        yield whole + rest * 1e-9


@EXERCISE.wrong(
    "nanoseconds taken for milliseconds",
    "Divided by a million, a nanosecond becomes a millisecond: the replay waits a thousand seconds for each second.",
)
def _milli(stamps: list[int]) -> list[float]:
    return [(stamp - stamps[0]) / 1e6 for stamp in stamps]


@EXERCISE.wrong(
    "nanoseconds taken for microseconds",
    "Divided by a thousand, a nanosecond becomes a microsecond. A second has a thousand million of them.",
)
def _micro(stamps: list[int]) -> list[float]:
    return [(stamp - stamps[0]) / 1e3 for stamp in stamps]


@EXERCISE.wrong("nothing is divided", "These are nanoseconds still. Seconds were wanted.")
def _nano(stamps: list[int]) -> list[float]:
    return [float(stamp - stamps[0]) for stamp in stamps]


@EXERCISE.wrong(
    "the fraction is gone",
    "// throws away what is behind the point: all that happened within a second would be sent at once.",
)
def _whole(stamps: list[int]) -> list[float]:
    return [(stamp - stamps[0]) // 10**9 for stamp in stamps]


@EXERCISE.wrong(
    "a float before the difference",
    "As a float a stamp of nineteen digits keeps sixteen: what is less than 256 nanoseconds apart falls together. "
    "First the difference, as whole numbers, then the division.",
)
def _float_first(stamps: list[int]) -> list[float]:
    seconds = [float(stamp) for stamp in stamps]
    return [(second - seconds[0]) / 1e9 for second in seconds]


@EXERCISE.wrong(
    "since 1970, not since the first",
    "That is when it happened. A replay begins now: it wants to know how long after its first line each line is due.",
)
def _absolute(stamps: list[int]) -> list[float]:
    return [stamp / 1e9 for stamp in stamps]


@EXERCISE.wrong(
    "since the one before",
    "These are the pauses between lines. If one send takes a moment too long, all that follow are late for good; "
    "measured from the start, they are not.",
)
def _pauses(stamps: list[int]) -> list[float]:
    return [(stamp - stamps[max(0, n - 1)]) / 1e9 for n, stamp in enumerate(stamps)]


@EXERCISE.wrong("the first one has no time", "The first line is due as well, at once: after 0 seconds.")
def _without_first(stamps: list[int]) -> list[float]:
    return [(stamp - stamps[0]) / 1e9 for stamp in stamps[1:]]
