"""One step of the analysis, as a pure function."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE"]

Step = tuple[Sequence[float], float, bool]
Analyse = Callable[[Sequence[float], float], Step]
Tick = tuple[str, float]


def draw(random: Random, events: int) -> Case:
    """Prices of one or two symbols, some of them jumping."""
    symbols = ["AAPL", "GOOG"][: random.randint(1, 2)]
    return ([(random.choice(symbols), random.choice([100.0, 101.0, 102.0, 104.0, 120.0])) for _ in range(events)],)


def follow(analyse: Analyse, ticks: list[Tick]) -> list[Any]:
    """Average, alert and window after each tick; the caller keeps a window for each symbol."""
    windows: dict[str, Any] = {}
    found: list[Any] = []
    for symbol, price in ticks:
        window = windows.get(symbol, [])
        before = list(window)
        after, average, alert = analyse(window, price)
        if list(window) != before:
            found.append("the old window has changed")
        else:
            found.append([average, alert, list(after)])
        windows[symbol] = after
    return found


EXERCISE = Exercise(
    "m3.analyse",
    "a pure step: window and price in, window, average and alert out",
    hints=Hints(
        question="If somebody calls your function twice with the same window and price, what do they get, and what has "
        "become of the window that they handed in?",
        concept="A pure function gives the same for the same, and changes nothing: no globals, no append to what it was "
        "given. Then a crash, a replay or a second reader cannot make a difference, and a test needs no Kafka.",
        skeleton="after = [*window, price][-5:], the average is that of after, and the alert compares the price with "
        "window[-1], if there is one.",
    ),
    examples=[
        ([("AAPL", 100.0)],),
        ([("AAPL", 100.0), ("AAPL", 103.0)],),
        ([("AAPL", 100.0), ("AAPL", 97.0)],),
        ([("AAPL", 100.0), ("GOOG", 200.0)],),
        ([("AAPL", price) for price in (100.0, 110.0, 112.0)],),
        ([("AAPL", price) for price in (100.0, 101.0, 102.0, 101.0, 100.0, 102.0)],),
    ],
    draw=draw,
    drive=follow,
)


@EXERCISE.solved_by
def analyse(window: Sequence[float], price: float) -> Step:
    after = [*window, price][-5:]
    average = sum(after) / len(after)
    alert = bool(window) and abs(price - window[-1]) / window[-1] * 100 >= 3
    return after, average, alert


@EXERCISE.also_solved_by
def _with_tuples(window: Sequence[float], price: float) -> Step:
    after = (*window[1:], price) if len(window) == 5 else (*window, price)
    alert = False
    if window:
        previous = window[-1]
        alert = abs(price - previous) * 100 >= 3 * previous
    return after, sum(after) / len(after), alert


@EXERCISE.also_solved_by
def _with_a_copy(window: Sequence[float], price: float) -> Step:
    after = deque(window, maxlen=5)
    after.append(price)
    alert = len(after) > 1 and not 97 < price / after[-2] * 100 < 103
    return after, sum(after) / len(after), alert


@EXERCISE.wrong(
    "it changes what it was given",
    "append changes the caller's window. Whoever still needs it, to try the step again after a crash, has lost it.",
)
def _appends(window: Any, price: float) -> Step:
    alert = bool(window) and abs(price - window[-1]) / window[-1] * 100 >= 3
    window.append(price)
    after = window[-5:]
    return after, sum(after) / len(after), alert


@EXERCISE.wrong(
    "state outside the function",
    "The window lives in the function and not in what it is given: two symbols share it, and a second call differs.",
)
def _remembers(window: Sequence[float], price: float, kept: list[float] = []) -> Step:
    alert = bool(kept) and abs(price - kept[-1]) / kept[-1] * 100 >= 3
    kept.append(price)
    after = kept[-5:]
    return after, sum(after) / len(after), alert


@EXERCISE.wrong(
    "against the average, not the price before",
    "The alert is about one tick: the price against the one before it. The average is another thing.",
)
def _against_average(window: Sequence[float], price: float) -> Step:
    after = [*window, price][-5:]
    average = sum(after) / len(after)
    return after, average, abs(price - average) / average * 100 >= 3


@EXERCISE.wrong(
    "against the oldest, not the one before", "window[0] is the oldest price. The one before this tick is window[-1]."
)
def _against_oldest(window: Sequence[float], price: float) -> Step:
    after = [*window, price][-5:]
    alert = bool(window) and abs(price - window[0]) / window[0] * 100 >= 3
    return after, sum(after) / len(after), alert


@EXERCISE.wrong("the average without this price", "The newest price belongs to its own average.")
def _average_before(window: Sequence[float], price: float) -> Step:
    after = [*window, price][-5:]
    average = sum(window) / len(window) if window else price
    return after, average, bool(window) and abs(price - window[-1]) / window[-1] * 100 >= 3


@EXERCISE.wrong("the window grows for ever", "Five prices are enough for the next step; memory is bounded or it ends.")
def _grows(window: Sequence[float], price: float) -> Step:
    after = [*window, price]
    last = after[-5:]
    return after, sum(last) / len(last), bool(window) and abs(price - window[-1]) / window[-1] * 100 >= 3


@EXERCISE.wrong("falls are not seen", "A fall is a move as well: what counts is the size of the change.")
def _rises(window: Sequence[float], price: float) -> Step:
    after = [*window, price][-5:]
    return after, sum(after) / len(after), bool(window) and (price - window[-1]) / window[-1] * 100 >= 3


@EXERCISE.wrong("more than, not at least", "100 → 103 is exactly 3 %, and the rule says 3 % or more.")
def _strict(window: Sequence[float], price: float) -> Step:
    after = [*window, price][-5:]
    return after, sum(after) / len(after), bool(window) and abs(price - window[-1]) / window[-1] * 100 > 3
