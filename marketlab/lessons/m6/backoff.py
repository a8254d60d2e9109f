"""How long to wait before the next try, so that a thousand clients do not all come at once."""

from __future__ import annotations

from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE"]


def draw(random: Random, events: int) -> Case:
    """A number of failures, and a random number."""
    return random.choice([*range(events), 40]), random.choice([0.0, 0.25, 0.5, 0.75])


EXERCISE = Exercise(
    "m6.backoff",
    "a wait that doubles, and a die",
    hints=Hints(
        question="The server falls, and all its clients notice in the same moment. When does each of yours come back?",
        concept="The longer a server is away, the longer one should leave it alone: so the bound doubles, up to a limit. "
        "And clients that wait equally long come back together, so each draws its wait, anywhere from 0 to the bound.",
        skeleton="The bound is 2 to the power of the failures, but 30 at the most. The wait is a part of the bound, and "
        "chance says which.",
    ),
    examples=[
        (0, 0.5),
        (1, 0.5),
        (2, 0.5),
        (3, 0.25),
        (4, 0.0),
        (5, 0.5),
        (6, 0.25),
        (6, 0.75),
        (40, 0.5),
    ],
    draw=draw,
    shows="seconds to wait",
)


@EXERCISE.solved_by
def wait_s(failures: int, chance: float) -> Any:
    return chance * min(30, 2**failures)


@EXERCISE.also_solved_by
def _doubling(failures: int, chance: float) -> Any:
    bound = 1.0
    for _ in range(failures):
        bound = min(30.0, bound * 2)
    return bound * chance


@EXERCISE.also_solved_by
def _by_table(failures: int, chance: float) -> Any:
    bounds = [1, 2, 4, 8, 16]
    return chance * (bounds[failures] if failures < len(bounds) else 30)


@EXERCISE.wrong(
    "all wait equally long",
    "Without chance all clients that fell together come back together, each time, and the server falls again.",
)
def _no_jitter(failures: int, chance: float) -> Any:
    return min(30, 2**failures)


@EXERCISE.wrong(
    "no limit",
    "After twenty failures that is twelve days. The server may have been back for eleven of them: 30 s at most.",
)
def _no_limit(failures: int, chance: float) -> Any:
    return chance * 2**failures


@EXERCISE.wrong(
    "the limit comes after the die",
    "Limit the bound, then draw. The other way round almost every draw is above the limit once the bound is large, so "
    "that nearly all wait 30 s, together.",
)
def _limited_late(failures: int, chance: float) -> Any:
    return min(30, chance * 2**failures)


@EXERCISE.wrong("one doubling too many", "After no failure yet the bound is 1 s, which is 2 to the power of 0.")
def _ahead(failures: int, chance: float) -> Any:
    return chance * min(30, 2 ** (failures + 1))


@EXERCISE.wrong(
    "in equal steps",
    "1, 2, 3, 4 is patience that grows too slowly: the more clients, and the longer it takes, the more they hammer.",
)
def _linear(failures: int, chance: float) -> Any:
    return chance * min(30, failures + 1)


@EXERCISE.wrong(
    "a little chance on top",
    "Then all come within the same second again. The wait itself is drawn, from 0 to the bound.",
)
def _on_top(failures: int, chance: float) -> Any:
    return min(30, 2**failures) + chance


@EXERCISE.wrong(
    "half of it is not drawn",
    "That spreads over half of the bound, and nobody comes in the other half. It is done, under the name of equal jitter; "
    "wanted is anywhere from 0 to the bound.",
)
def _half(failures: int, chance: float) -> Any:
    bound = min(30, 2**failures)
    return bound / 2 + chance * bound / 2


@EXERCISE.wrong(
    "it does not learn from failures",
    "The tenth try is as quick as the first, and a server that struggles is hammered by all who were let down.",
)
def _constant(failures: int, chance: float) -> Any:
    return chance


@EXERCISE.wrong("milliseconds", "Seconds were asked for: this is a thousand times as long.")
def _ms(failures: int, chance: float) -> Any:
    return 1000 * chance * min(30, 2**failures)
