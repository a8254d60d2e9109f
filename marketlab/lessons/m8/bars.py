"""Bars that make nothing up."""

from __future__ import annotations

from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE"]

Ticks = list[tuple[float, float]]  # time, price
Bar = tuple[float, float, float, float]
Bars = dict[int, Bar | None]


def draw(random: Random, events: int) -> Case:
    """Ticks with pauses."""
    ticks, at = [], float(random.randint(0, 12))
    for _ in range(events):
        ticks.append((at, float(random.randint(1, 9))))
        at += random.choice([0.0, 0.5, 2.0, 5.0, 13.0])
    return ticks, random.choice([1, 5, 10])


EXERCISE = Exercise(
    "m8.bars",
    "bars, and None where nobody traded",
    hints=Hints(
        question="Ticks at 3 and at 27, bars of 10 seconds: where does each bar begin, and what stands in the middle?",
        concept="A bar belongs to a span of the clock, from one edge to the next, and edges are whole multiples of the "
        "length: so everybody's bars agree, whenever they began to listen. An edge belongs to the bar that begins with "
        "it. A span without a tick has no price; None says so.",
        skeleton="Gather prices by the start of their span: time // length * length. Then go from the first start to "
        "the last in steps of length: None where nothing was gathered, else first, highest, lowest, last.",
    ),
    examples=[
        ([], 10),
        ([(0.0, 5.0)], 10),
        ([(3.0, 5.0)], 10),
        ([(0.0, 5.0), (4.0, 7.0)], 10),
        ([(0.0, 5.0), (2.0, 9.0), (4.0, 1.0), (6.0, 6.0)], 10),
        ([(0.0, 5.0), (10.0, 7.0)], 10),
        ([(0.0, 5.0), (12.0, 7.0)], 10),
        ([(0.0, 5.0), (20.0, 7.0)], 10),
        ([(7.0, 5.0), (11.0, 7.0)], 10),
    ],
    draw=draw,
)


@EXERCISE.solved_by
def bars(ticks: Ticks, length: int) -> Bars:
    spans: dict[int, list[float]] = {}
    for at, price in ticks:
        spans.setdefault(int(at // length) * length, []).append(price)
    if not spans:
        return {}
    made: Bars = {}
    for start in range(min(spans), max(spans) + length, length):
        prices = spans.get(start)
        made[start] = (prices[0], max(prices), min(prices), prices[-1]) if prices else None
    return made


@EXERCISE.also_solved_by
def _as_they_come(ticks: Ticks, length: int) -> dict[float, list[float] | None]:
    made: dict[float, list[float] | None] = {}
    last = None
    for at, price in ticks:
        start = at - at % length
        while last is not None and last + length < start:
            last += length
            made[last] = None
        bar = made.get(start)
        if bar is None:
            made[start] = [price, price, price, price]
        else:
            bar[1], bar[2], bar[3] = max(bar[1], price), min(bar[2], price), price
        last = start
    return made


@EXERCISE.also_solved_by
def _pandas(ticks: Ticks, length: int) -> dict[int, Any]:
    import pandas as pd

    if not ticks:
        return {}
    times = pd.to_datetime([at for at, _ in ticks], unit="s")
    table = pd.Series([price for _, price in ticks], index=times).resample(f"{length}s").ohlc()
    starts = [int(stamp.timestamp()) for stamp in table.index]
    rows = [None if row[0] != row[0] else row for row in table.itertuples(index=False, name=None)]
    return dict(zip(starts, rows, strict=True))


@EXERCISE.wrong(
    "filled forward",
    "The last close is put where nobody traded. It looks like a market that stood still; it was one that was closed, or "
    "a recorder that was down. Nobody could have bought at that price.",
)
def _filled(ticks: Ticks, length: int) -> Bars:
    spans: dict[int, list[float]] = {}
    for at, price in ticks:
        spans.setdefault(int(at // length) * length, []).append(price)
    made: Bars = {}
    close = 0.0
    for start in range(min(spans), max(spans) + length, length) if spans else []:
        prices = spans.get(start, [close])
        made[start] = (prices[0], max(prices), min(prices), prices[-1])
        close = prices[-1]
    return made


@EXERCISE.wrong(
    "the hole is closed",
    "A span without a tick is not there at all, so on a chart its neighbours stand side by side, as if no time had "
    "passed. Put None in its place.",
)
def _closed(ticks: Ticks, length: int) -> Bars:
    spans: dict[int, list[float]] = {}
    for at, price in ticks:
        spans.setdefault(int(at // length) * length, []).append(price)
    return {start: (p[0], max(p), min(p), p[-1]) for start, p in spans.items()}


@EXERCISE.wrong("a price of 0", "Nobody has sold for 0. What is not known is None, never 0.")
def _zero(ticks: Ticks, length: int) -> Bars:
    spans: dict[int, list[float]] = {}
    for at, price in ticks:
        spans.setdefault(int(at // length) * length, []).append(price)
    made: Bars = {}
    for start in range(min(spans), max(spans) + length, length) if spans else []:
        p = spans.get(start, [0.0])
        made[start] = (p[0], max(p), min(p), p[-1])
    return made


@EXERCISE.wrong(
    "edges from the first tick on",
    "The first bar begins with the first tick, so whoever starts listening a second later has other bars of the same "
    "market. Edges are whole multiples of the length.",
)
def _from_first(ticks: Ticks, length: int) -> Bars:
    spans: dict[int, list[float]] = {}
    for at, price in ticks:
        first = ticks[0][0]
        spans.setdefault(int(first + (at - first) // length * length), []).append(price)
    made: Bars = {}
    for start in range(min(spans), max(spans) + length, length) if spans else []:
        p = spans.get(start)
        made[start] = (p[0], max(p), min(p), p[-1]) if p else None
    return made


@EXERCISE.wrong(
    "the edge belongs to the bar before",
    "A tick at 10 begins the bar from 10 on. Counted into the one before, it would be in a bar that was over already.",
)
def _right_closed(ticks: Ticks, length: int) -> Bars:
    spans: dict[int, list[float]] = {}
    for at, price in ticks:
        start = int(-(-at // length) - 1) * length
        spans.setdefault(start, []).append(price)
    made: Bars = {}
    for start in range(min(spans), max(spans) + length, length) if spans else []:
        p = spans.get(start)
        made[start] = (p[0], max(p), min(p), p[-1]) if p else None
    return made


@EXERCISE.wrong(
    "opens where the last one closed",
    "The open is the first price that was traded in the span. Where the one before closed is another bar's matter.",
)
def _chained(ticks: Ticks, length: int) -> Bars:
    spans: dict[int, list[float]] = {}
    for at, price in ticks:
        spans.setdefault(int(at // length) * length, []).append(price)
    made: Bars = {}
    close = None
    for start in range(min(spans), max(spans) + length, length) if spans else []:
        p = spans.get(start)
        if p is None:
            made[start] = None
            continue
        prices = p if close is None else [close, *p]
        made[start] = (prices[0], max(prices), min(prices), prices[-1])
        close = p[-1]
    return made


@EXERCISE.wrong(
    "low before high",
    "The order is open, high, low, close: OHLC, as every chart and every library has it.",
)
def _swapped(ticks: Ticks, length: int) -> Bars:
    spans: dict[int, list[float]] = {}
    for at, price in ticks:
        spans.setdefault(int(at // length) * length, []).append(price)
    made: Bars = {}
    for start in range(min(spans), max(spans) + length, length) if spans else []:
        p = spans.get(start)
        made[start] = (p[0], min(p), max(p), p[-1]) if p else None
    return made


@EXERCISE.wrong(
    "stamped by its end",
    "A bar is called by the moment at which it begins. Some files stamp the end; mix the two, and you trade on bars "
    "that are not over yet.",
)
def _by_end(ticks: Ticks, length: int) -> Bars:
    spans: dict[int, list[float]] = {}
    for at, price in ticks:
        spans.setdefault(int(at // length) * length + length, []).append(price)
    made: Bars = {}
    for start in range(min(spans), max(spans) + length, length) if spans else []:
        p = spans.get(start)
        made[start] = (p[0], max(p), min(p), p[-1]) if p else None
    return made
