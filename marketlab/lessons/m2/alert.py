"""Whether a move is large enough for an alert."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE"]


def change_pct(previous: float, price: float) -> float:
    """As in ``m2.change``: given to whoever wants it."""
    return (price - previous) / previous * 100


def draw(random: Random, events: int) -> Case:
    """Two prices on one side of the threshold, by a cent and more."""
    previous = random.choice([50.0, 100.0, 200.0, 400.0])
    away = random.choice([-0.5, 0.5, -2.0, 2.0, 3.0]) * random.randint(1, 1 + events)
    return previous, round(previous * (1 + random.choice([-1, 1]) * max(0.1, 3.0 + away) / 100), 2)


EXERCISE = Exercise(
    "m2.alert",
    "an alert at 3 %, up or down",
    hints=Hints(
        question="What does your function say of 100 → 103, what of 100 → 97, and what of the very first tick?",
        concept="A threshold has an edge, and the rule says on which side of it the edge is: 3 % or more. A fall is a "
        "move as well, so it is the size that counts, without its sign.",
        skeleton="the first tick has no previous price: False. Else: the size of the change in percent, >= 3",
    ),
    examples=[
        (100.0, 103.0),
        (100.0, 97.0),
        (100.0, 104.0),
        (100.0, 95.0),
        (100.0, 102.99),
        (100.0, 97.01),
        (100.0, 100.5),
        (None, 100.0),
        (50.0, 51.5),
        (400.0, 410.0),
        (400.0, 388.3),
        (10.0, 9.75),
        (400.0, 411.99),
    ],
    draw=draw,
    needs={"change_pct": change_pct},
)


@EXERCISE.solved_by
def alerts(previous: float | None, price: float) -> bool:
    if previous is None:
        return False
    return abs(change_pct(previous, price)) >= 3


@EXERCISE.also_solved_by
def _in_prices(previous: float | None, price: float) -> bool:
    return previous is not None and abs(price - previous) * 100 >= 3 * previous


@EXERCISE.also_solved_by
def _as_a_ratio(previous: float | None, price: float) -> bool:
    return bool(previous) and abs(price / previous - 1) >= 0.03  # type: ignore[operator]


@EXERCISE.also_solved_by
def _exactly(previous: float | None, price: float) -> bool:
    if not previous:
        return False
    before, after = Decimal(str(previous)), Decimal(str(price))
    return after >= before * Decimal("1.03") or after <= before * Decimal("0.97")


@EXERCISE.wrong("more than, not at least", "100 → 103 is exactly 3 %, and the rule says 3 % or more: >= and not >.")
def _strict(previous: float | None, price: float) -> bool:
    return previous is not None and abs(change_pct(previous, price)) > 3


@EXERCISE.wrong("falls are not seen", "A fall is negative, and no negative number is above 3. What counts is its size.")
def _rises(previous: float | None, price: float) -> bool:
    return previous is not None and change_pct(previous, price) >= 3


@EXERCISE.wrong("rises are not seen", "Only falls are told: what counts is the size of the move, without its sign.")
def _falls(previous: float | None, price: float) -> bool:
    return previous is not None and change_pct(previous, price) <= -3


@EXERCISE.wrong(
    "dollars, not percent", "Three dollars are 6 % of 50 and less than 1 % of 400: the threshold is in percent."
)
def _dollars(previous: float | None, price: float) -> bool:
    return previous is not None and abs(price - previous) >= 3


@EXERCISE.wrong("a fraction against 3", "0.03 against 3: it would take a move of 300 % to wake anybody.")
def _fraction(previous: float | None, price: float) -> bool:
    return previous is not None and abs(price - previous) / previous >= 3


@EXERCISE.wrong(
    "the first tick alerts", "The first tick has nothing that it could be compared with. It is no move, so no alert."
)
def _first(previous: float | None, price: float) -> bool:
    return previous is None or abs(change_pct(previous, price)) >= 3


@EXERCISE.wrong(
    "the first tick is not thought of",
    "Its previous price is None, and with None nobody can reckon. Ask for it before anything is divided.",
)
def _no_first(previous: float | None, price: float) -> bool:
    return abs(change_pct(previous, price)) >= 3  # type: ignore[arg-type]


@EXERCISE.wrong(
    "percent of the new price",
    "The change is measured against the price before. Against the new one a rise of exactly 3 % looks smaller.",
)
def _of_new(previous: float | None, price: float) -> bool:
    return previous is not None and abs(price - previous) / price * 100 >= 3


@EXERCISE.wrong("small moves alert", "The comparison is the wrong way round: it says yes to all that is quiet.")
def _quiet(previous: float | None, price: float) -> bool:
    return previous is not None and abs(change_pct(previous, price)) <= 3


@EXERCISE.wrong("rounded first", "2.99 % is not 3 %: whoever rounds before comparing moves the threshold to 2.5 %.")
def _rounded(previous: float | None, price: float) -> bool:
    return previous is not None and round(abs(change_pct(previous, price))) >= 3


@EXERCISE.wrong(
    "rounded to two digits",
    "400 → 411.99 is 2.9975 %, which is shown as 3.00 % and is not 3 %. Compare what is, and round what is shown.",
)
def _rounded_to_two(previous: float | None, price: float) -> bool:
    return previous is not None and round(abs(change_pct(previous, price)), 2) >= 3
