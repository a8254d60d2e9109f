"""How far a price has moved from one tick to the next, in percent."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE"]


def draw(random: Random, events: int) -> Case:
    """Two prices, further apart as cases grow."""
    previous = random.choice([50.0, 100.0, 200.0, 400.0])
    return previous, previous + random.choice([-1, 1]) * random.randint(1, 2 * events) * 0.5


EXERCISE = Exercise(
    "m2.change",
    "the change in percent, with its sign",
    hints=Hints(
        question="From 100 to 50 and back to 100: is it the same number of percent down as up? Percent of what?",
        concept="A change in percent is the difference as a part of where it started, times 100. A fall is negative.",
        skeleton="return (new - old) / old * 100",
    ),
    examples=[(100.0, 103.0), (100.0, 97.0), (100.0, 100.0), (200.0, 300.0), (50.0, 40.0), (0.5, 0.75)],
    draw=draw,
)


@EXERCISE.solved_by
def change_pct(previous: float, price: float) -> float:
    return (price - previous) / previous * 100


@EXERCISE.also_solved_by
def _as_a_ratio(previous: float, price: float) -> float:
    return 100 * (price / previous - 1)


@EXERCISE.also_solved_by
def _in_decimals(previous: float, price: float) -> float:
    before, after = Decimal(str(previous)), Decimal(str(price))
    return float((after - before) * 100 / before)


@EXERCISE.wrong("percent of the new price", "A change is measured against where it started, the price before.")
def _of_new(previous: float, price: float) -> float:
    return (price - previous) / price * 100


@EXERCISE.wrong("a fraction, not percent", "0.03 is 3 %: times 100 is missing.")
def _fraction(previous: float, price: float) -> float:
    return (price - previous) / previous


@EXERCISE.wrong("the sign is lost", "A fall of 3 % is −3: whoever sees a 3 would think that it rose.")
def _absolute(previous: float, price: float) -> float:
    return abs(price - previous) / previous * 100


@EXERCISE.wrong("the wrong way round", "New minus old: a rise is positive.")
def _reversed(previous: float, price: float) -> float:
    return (previous - price) / previous * 100


@EXERCISE.wrong("dollars, not percent", "Three dollars are much for a share of 50 and nothing for a coin of 60,000.")
def _points(previous: float, price: float) -> float:
    return price - previous


@EXERCISE.wrong("new over old", "103 over 100 is 103 %, which is what it is now. The change is what came to it.")
def _level(previous: float, price: float) -> float:
    return price / previous * 100


@EXERCISE.wrong("whole percent only", "// and round throw away what is behind the point: 2.99 is not 3 yet.")
def _whole(previous: float, price: float) -> float:
    return (price - previous) / previous * 100 // 1


@EXERCISE.wrong(
    "percent of the middle",
    "The mean of both prices makes up and down alike, but that is not what is meant by a change.",
)
def _middle(previous: float, price: float) -> float:
    return (price - previous) / ((price + previous) / 2) * 100
