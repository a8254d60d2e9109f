"""What a span of time comes down to: open, high, low, close."""

from __future__ import annotations

from random import Random

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE"]

Prices = list[float]
Candle = dict[str, float]


def draw(random: Random, events: int) -> Case:
    """Prices in the order of their time."""
    return ([random.choice([99.0, 100.0, 101.0, 102.5, 105.0]) for _ in range(events)],)


EXERCISE = Exercise(
    "m3.candle",
    "open, high, low and close of a span",
    hints=Hints(
        question="Of the prices 101, 105, 99, 102: which one is the open, and which one is the low?",
        concept="Open and close are about time, the first and the last price; high and low are about size. The four "
        "are all that a candle keeps, however many ticks there were. Without a tick there is no candle.",
        skeleton="no prices: None. Else a dict of prices[0], max(prices), min(prices), prices[-1].",
    ),
    examples=[
        ([],),
        ([100.0],),
        ([101.0, 105.0, 99.0, 102.0],),
        ([99.0, 105.0],),
        ([105.0, 99.0],),
        ([100.0, 105.0, 99.0, 100.0, 102.0],),
    ],
    draw=draw,
    event="price",
)


@EXERCISE.solved_by
def candle(prices: Prices) -> Candle | None:
    if not prices:
        return None
    return {"open": prices[0], "high": max(prices), "low": min(prices), "close": prices[-1]}


@EXERCISE.also_solved_by
def _price_by_price(prices: Prices) -> Candle | None:
    found: Candle | None = None
    for price in prices:
        if found is None:
            found = {"open": price, "high": price, "low": price, "close": price}
        found = {
            "open": found["open"],
            "high": max(found["high"], price),
            "low": min(found["low"], price),
            "close": price,
        }
    return found


@EXERCISE.also_solved_by
def _sorted_copy(prices: Prices) -> Candle | None:
    ordered = sorted(prices)
    return dict(open=prices[0], close=prices[-1], low=ordered[0], high=ordered[-1]) if prices else None


@EXERCISE.wrong("open is the low", "The open is the first price in time. That it is often low is chance.")
def _open_low(prices: Prices) -> Candle | None:
    if not prices:
        return None
    return {"open": min(prices), "high": max(prices), "low": min(prices), "close": prices[-1]}


@EXERCISE.wrong("close is the high", "The close is the last price in time, wherever that is.")
def _close_high(prices: Prices) -> Candle | None:
    if not prices:
        return None
    return {"open": prices[0], "high": max(prices), "low": min(prices), "close": max(prices)}


@EXERCISE.wrong("sorted first", "Sorting throws the time away: then open is always the low and close always the high.")
def _sorted(prices: Prices) -> Candle | None:
    if not prices:
        return None
    prices = sorted(prices)
    return {"open": prices[0], "high": prices[-1], "low": prices[0], "close": prices[-1]}


@EXERCISE.wrong("the low begins at 0", "A minimum that starts from 0 stays there: start from the first price.")
def _zero(prices: Prices) -> Candle | None:
    if not prices:
        return None
    return {"open": prices[0], "high": max(prices), "low": min(0, *prices), "close": prices[-1]}


@EXERCISE.wrong("open and close the wrong way round", "[0] is the first and [-1] the last; the close is the last.")
def _swapped(prices: Prices) -> Candle | None:
    if not prices:
        return None
    return {"open": prices[-1], "high": max(prices), "low": min(prices), "close": prices[0]}


@EXERCISE.wrong("a candle of zeros", "Without a tick there was no price, not a price of 0: the answer is None.")
def _zeros(prices: Prices) -> Candle | None:
    if not prices:
        return {"open": 0.0, "high": 0.0, "low": 0.0, "close": 0.0}
    return {"open": prices[0], "high": max(prices), "low": min(prices), "close": prices[-1]}


@EXERCISE.wrong("no answer for no ticks", "max of an empty list raises an error. A quiet second is no error: None.")
def _raises(prices: Prices) -> Candle | None:
    return {"open": prices[0], "high": max(prices), "low": min(prices), "close": prices[-1]}


@EXERCISE.wrong(
    "high and low of the ends",
    "The larger and the smaller of open and close are the body. What happened in between is what the wicks are for.",
)
def _ends(prices: Prices) -> Candle | None:
    if not prices:
        return None
    ends = prices[0], prices[-1]
    return {"open": prices[0], "high": max(ends), "low": min(ends), "close": prices[-1]}
