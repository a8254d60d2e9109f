"""The moving average of a table in which several symbols stand."""

from __future__ import annotations

from collections import defaultdict, deque
from math import fsum
from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE", "row"]

Rows = list[dict[str, Any]]


def row(symbol: str, price: float) -> dict[str, Any]:
    """A row of the table."""
    return {"symbol": symbol, "price": price}


def draw(random: Random, events: int) -> Case:
    """Rows of up to three symbols."""
    symbols = ["ETH", "BTC", "SOL"][: random.randint(1, 3)]
    return ([row(random.choice(symbols), random.choice([10.0, 20.0, 40.0, 80.0])) for _ in range(events)],)


def of_table(averages: Any, rows: Rows) -> Any:
    """What comes of a DataFrame, value by value."""
    import pandas as pd

    found = averages(pd.DataFrame(rows, columns=["symbol", "price"]))
    return found if found is None else [*found]


EXERCISE = Exercise(
    "m8.averages",
    "MA(5) of a table, each symbol its own",
    hints=Hints(
        question="Row 7 is of ETH, row 6 of BTC. Whose prices stand in the window of row 7?",
        concept="rolling takes the rows as they stand, whoever's they are. groupby makes a table of each symbol first. "
        "And transform puts what comes out back where it came from, row by row, in the order of the table; without it "
        "the rows come out sorted by symbol.",
        skeleton='Group the frame by "symbol", take "price", and transform each group: rolling over 5 with '
        "min_periods=1, and its mean.",
    ),
    examples=[
        ([row("BTC", 10.0)],),
        ([row("BTC", 10.0), row("BTC", 40.0)],),
        ([row("BTC", 10.0), row("ETH", 40.0)],),
        ([row("ETH", 10.0), row("BTC", 40.0)],),
        ([row("ETH", 10.0), row("BTC", 40.0), row("ETH", 20.0)],),
        ([row("BTC", price) for price in (10.0, 20.0, 90.0)],),
        ([row("BTC", price) for price in (10.0, 20.0, 30.0, 40.0, 50.0, 120.0)],),
    ],
    draw=draw,
    drive=of_table,
    event="row",
)


@EXERCISE.solved_by
def averages(frame: Any) -> Any:
    prices = frame.groupby("symbol")["price"]
    return prices.transform(lambda own: own.rolling(5, min_periods=1).mean())


@EXERCISE.also_solved_by
def _by_hand(frame: Any) -> list[float]:
    windows: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=5))
    found = []
    for symbol, price in zip(frame["symbol"], frame["price"], strict=True):
        windows[symbol].append(price)
        found.append(fsum(windows[symbol]) / len(windows[symbol]))
    return found


@EXERCISE.also_solved_by
def _put_back(frame: Any) -> Any:
    rolled = frame.groupby("symbol")["price"].rolling(5, min_periods=1).mean()
    return rolled.droplevel(0).sort_index()


@EXERCISE.wrong(
    "no groupby",
    "rolling does not know of symbols: bitcoin at 61,000 and ether at 2,600 stand in one window, and the average is a "
    "price that nothing has.",
)
def _no_groups(frame: Any) -> Any:
    return frame["price"].rolling(5, min_periods=1).mean()


@EXERCISE.wrong(
    "nothing before the fifth",
    "Without min_periods=1 the first four rows of each symbol have no average: NaN. Ours is the mean of what there is.",
)
def _nan(frame: Any) -> Any:
    return frame.groupby("symbol")["price"].transform(lambda own: own.rolling(5).mean())


@EXERCISE.wrong(
    "in the order of symbols",
    "All averages are right, and in another order than the rows: rolling on groups gives one symbol after the other. "
    "With the table's own index, sort_index puts them back; transform leaves each in its place.",
)
def _by_symbol(frame: Any) -> Any:
    return frame.groupby("symbol")["price"].rolling(5, min_periods=1).mean()


@EXERCISE.wrong(
    "one mean a symbol", "That is the mean over the whole day, tomorrow's ticks included: it does not move."
)
def _whole_mean(frame: Any) -> Any:
    return frame.groupby("symbol")["price"].transform("mean")


@EXERCISE.wrong(
    "one row a symbol",
    "The mean of each group is one number a symbol. An average that moves has a value for every row.",
)
def _aggregated(frame: Any) -> Any:
    return frame.groupby("symbol")["price"].mean()


@EXERCISE.wrong(
    "the window never forgets",
    "expanding grows for ever. The sixth price of a symbol should push its first one out.",
)
def _expanding(frame: Any) -> Any:
    return frame.groupby("symbol")["price"].transform(lambda own: own.expanding().mean())


@EXERCISE.wrong(
    "always divided by five",
    "While there are fewer than five prices, their number is what one divides by.",
)
def _by_five(frame: Any) -> Any:
    return frame.groupby("symbol")["price"].transform(lambda own: own.rolling(5, min_periods=1).sum() / 5)


@EXERCISE.wrong(
    "without the row itself",
    "shift leaves the row's own price out. The average after a tick has that tick in it.",
)
def _shifted(frame: Any) -> Any:
    return frame.groupby("symbol")["price"].transform(lambda own: own.shift().rolling(5, min_periods=1).mean())


@EXERCISE.wrong(
    "looks into the future",
    "center=True puts the row in the middle of its window: two prices of later are in it. On a live stream nobody has "
    "them, and in a backtest they make anybody rich.",
)
def _centred(frame: Any) -> Any:
    return frame.groupby("symbol")["price"].transform(lambda own: own.rolling(5, min_periods=1, center=True).mean())
