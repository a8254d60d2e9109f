"""The moving average over the last five prices of each symbol."""

from __future__ import annotations

from collections import defaultdict, deque
from math import fsum
from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE", "tick"]

Ticks = list[dict[str, Any]]


def tick(symbol: str, price: float) -> dict[str, Any]:
    """A tick without a time."""
    return {"symbol": symbol, "price": price}


def draw(random: Random, events: int) -> Case:
    """Ticks of up to three symbols, with prices that can be added in the head."""
    symbols = ["AAPL", "GOOG", "TSLA"][: random.randint(1, 3)]
    return ([tick(random.choice(symbols), random.choice([10.0, 20.0, 40.0, 80.0, 100.0])) for _ in range(events)],)


EXERCISE = Exercise(
    "m2.ma5",
    "MA(5), for each symbol its own",
    hints=Hints(
        question="How many windows are there, and how many prices are in one when the second tick of a symbol comes?",
        concept="A moving average is a window that slides: the newest price comes in on the right, and what falls out "
        "on the left is forgotten. deque(maxlen=5) is that window. Each symbol needs its own.",
        skeleton="windows = {}; for each tick: find or make the deque of its symbol, append the price, and note "
        "sum(window) / len(window).",
    ),
    examples=[
        ([],),
        ([tick("AAPL", 100.0)],),
        ([tick("AAPL", 100.0), tick("AAPL", 102.0)],),
        ([tick("AAPL", 100.0), tick("GOOG", 200.0)],),
        ([tick("AAPL", price) for price in (10.0, 20.0, 90.0)],),
        ([tick("AAPL", price) for price in (10.0, 20.0, 30.0, 40.0, 100.0)],),
        ([tick("AAPL", price) for price in (10.0, 20.0, 30.0, 40.0, 50.0, 120.0)],),
        ([tick("AAPL", price) for price in (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 700.0)],),
        ([tick("AAPL", 1e16), *(tick("AAPL", 1.0) for _ in range(5))],),
    ],
    draw=draw,
)


@EXERCISE.solved_by
def averages(ticks: Ticks) -> list[float]:
    windows: dict[str, deque[float]] = {}
    found = []
    for tick in ticks:
        window = windows.setdefault(tick["symbol"], deque(maxlen=5))
        window.append(tick["price"])
        found.append(sum(window) / len(window))
    return found


@EXERCISE.also_solved_by
def _by_slices(ticks: Ticks) -> Any:
    seen = defaultdict(list)
    for tick in ticks:
        seen[tick["symbol"]].append(tick["price"])
        last = seen[tick["symbol"]][-5:]
        yield fsum(last) / len(last)


@EXERCISE.also_solved_by
def _looking_back(ticks: Ticks) -> list[float]:
    found = []
    for end in range(len(ticks)):
        own = [tick["price"] for tick in ticks[: end + 1] if tick["symbol"] == ticks[end]["symbol"]]
        found.append(sum(own[-5:]) / min(5, len(own)))
    return found


@EXERCISE.also_solved_by
def _with_pandas(ticks: Ticks) -> Any:
    import pandas as pd

    frame = pd.DataFrame(ticks, columns=["symbol", "price"])
    prices = frame["price"].astype(float)
    # Each window by itself, as the others do; rolling().mean() carries a sum, and makes up for what rounding takes.
    return prices.groupby(frame["symbol"]).transform(
        lambda own: own.rolling(5, min_periods=1).apply(lambda window: sum(window) / len(window), raw=True)
    )


@EXERCISE.wrong(
    "one window for all symbols",
    "All symbols go through one window: the mean of an AAPL and a GOOG is the price of nothing.",
)
def _one_window(ticks: Ticks) -> list[float]:
    window: deque[float] = deque(maxlen=5)
    found = []
    for tick in ticks:
        window.append(tick["price"])
        found.append(sum(window) / len(window))
    return found


@EXERCISE.wrong(
    "always divided by five",
    "The second tick of a symbol has two prices to its average, and a division by five makes it far too low.",
)
def _by_five(ticks: Ticks) -> list[float]:
    windows: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=5))
    found = []
    for tick in ticks:
        windows[tick["symbol"]].append(tick["price"])
        found.append(sum(windows[tick["symbol"]]) / 5)
    return found


@EXERCISE.wrong(
    "the window never forgets", "After the fifth price the oldest has to leave. This is the mean of everything so far."
)
def _all_so_far(ticks: Ticks) -> list[float]:
    windows: dict[str, list[float]] = defaultdict(list)
    found = []
    for tick in ticks:
        windows[tick["symbol"]].append(tick["price"])
        found.append(sum(windows[tick["symbol"]]) / len(windows[tick["symbol"]]))
    return found


@EXERCISE.wrong("a window of four", "The newest price belongs to the five: four before it, and itself.")
def _four(ticks: Ticks) -> list[float]:
    windows: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=4))
    found = []
    for tick in ticks:
        windows[tick["symbol"]].append(tick["price"])
        found.append(sum(windows[tick["symbol"]]) / len(windows[tick["symbol"]]))
    return found


@EXERCISE.wrong("a window of six", "The five before it and the tick itself are six.")
def _six(ticks: Ticks) -> list[float]:
    windows: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=6))
    found = []
    for tick in ticks:
        windows[tick["symbol"]].append(tick["price"])
        found.append(sum(windows[tick["symbol"]]) / len(windows[tick["symbol"]]))
    return found


@EXERCISE.wrong(
    "the newest price is left out",
    "This average is of the prices before this one. The tick that has just come belongs to its own average.",
)
def _before(ticks: Ticks) -> list[float]:
    windows: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=5))
    found = []
    for tick in ticks:
        window = windows[tick["symbol"]]
        found.append(sum(window) / len(window) if window else tick["price"])
        window.append(tick["price"])
    return found


@EXERCISE.wrong(
    "nothing before the fifth", "A symbol that has just begun has an average too: of the prices that there are."
)
def _none_yet(ticks: Ticks) -> list[float | None]:
    windows: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=5))
    found = []
    for tick in ticks:
        window = windows[tick["symbol"]]
        window.append(tick["price"])
        found.append(sum(window) / 5 if len(window) == 5 else None)
    return found


@EXERCISE.wrong(
    "the first five, not the last five",
    "prices[:5] are the oldest five and never change again. The window slides with the newest: prices[-5:].",
)
def _first_five(ticks: Ticks) -> list[float]:
    seen: dict[str, list[float]] = defaultdict(list)
    found = []
    for tick in ticks:
        seen[tick["symbol"]].append(tick["price"])
        first = seen[tick["symbol"]][:5]
        found.append(sum(first) / len(first))
    return found


@EXERCISE.wrong(
    "only the last average",
    "The return stands after the loop, or the list is made anew in it: one average a tick is wanted, not one in all.",
)
def _only_last(ticks: Ticks) -> list[float]:
    windows: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=5))
    found: list[float] = []
    for tick in ticks:
        window = windows[tick["symbol"]]
        window.append(tick["price"])
        found = [sum(window) / len(window)]
    return found


@EXERCISE.wrong(
    "a carried sum",
    "Adding the new price to a sum and taking the old one off keeps every rounding error for ever: after one price of "
    "1e16 the sum is wrong, and stays so. Sum the window afresh; five prices are quickly added.",
)
def _carried(ticks: Ticks) -> list[float]:
    windows: dict[str, deque[float]] = defaultdict(deque)
    sums: dict[str, float] = defaultdict(float)
    found = []
    for tick in ticks:
        symbol, window = tick["symbol"], windows[tick["symbol"]]
        window.append(tick["price"])
        sums[symbol] += tick["price"]
        if len(window) > 5:
            sums[symbol] -= window.popleft()
        found.append(sums[symbol] / len(window))
    return found


@EXERCISE.wrong(
    "windows that outlive the call",
    "A default argument is made once, when the function is defined: the second call finds the prices of the first.",
)
def _default(ticks: Ticks, windows: dict[str, deque[float]] = {}) -> list[float]:
    found = []
    for tick in ticks:
        window = windows.setdefault(tick["symbol"], deque(maxlen=5))
        window.append(tick["price"])
        found.append(sum(window) / len(window))
    return found
