"""The newest record of each symbol, which is what a watchlist asks for."""

from __future__ import annotations

from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE", "record"]

Records = list[dict[str, Any]]


def record(symbol: str, at: float, price: float) -> dict[str, Any]:
    """A record with a short time."""
    return {"symbol": symbol, "timestamp": at, "price": price}


def draw(random: Random, events: int) -> Case:
    """Records of up to three symbols, one in four of them late; no two of a symbol have one time."""
    records, now = [], 10.0
    for _ in range(events):
        now += 1.0
        late = random.choice([0.0, 0.0, 0.0, 2.5])
        symbol = random.choice(["TSLA", "AAPL", "GOOG"])
        records.append(record(symbol, now - late, random.choice([10.0, 20.0, 40.0, 80.0])))
    return (records,)


EXERCISE = Exercise(
    "m4.latest",
    "the newest record of each symbol",
    hints=Hints(
        question="How many records may there be in the answer for one symbol, and which of them is the newest?",
        concept="A dict has one place for each key. Put each record in the place of its symbol, unless one that is newer "
        "stands there already. New is what happened last, not what came last: a late record changes nothing.",
        skeleton="newest = {}; for each record: look whether its symbol has one already, and put this one there if there "
        "is none or its timestamp is not smaller. In the end the values, in the order of their symbols.",
    ),
    examples=[
        ([],),
        ([record("AAPL", 10.0, 100.0)],),
        ([record("AAPL", 10.0, 100.0), record("AAPL", 11.0, 90.0)],),
        ([record("AAPL", 10.0, 100.0), record("AAPL", 11.0, 110.0)],),
        ([record("AAPL", 10.0, 100.0), record("GOOG", 11.0, 200.0)],),
        ([record("GOOG", 10.0, 200.0), record("AAPL", 11.0, 100.0)],),
        ([record("AAPL", 11.0, 90.0), record("AAPL", 10.0, 100.0)],),
        ([record("AAPL", 10.0, 100.0), record("AAPL", 10.0, 90.0)],),
        ([record("AAPL", 10.0, 100.0), record("AAPL", 10.0, 110.0)],),
    ],
    draw=draw,
    event="record",
    keeps=True,
)


@EXERCISE.solved_by
def latest(records: Records) -> Any:
    newest: dict[str, dict[str, Any]] = {}
    for record in records:
        known = newest.get(record["symbol"])
        if known is None or record["timestamp"] >= known["timestamp"]:
            newest[record["symbol"]] = record
    return [newest[symbol] for symbol in sorted(newest)]


@EXERCISE.also_solved_by
def _sorted_into_a_dict(records: Records) -> Any:
    in_time = sorted(records, key=lambda record: record["timestamp"])  # stable: equal times stay as they came
    newest = {record["symbol"]: record for record in in_time}
    return sorted(newest.values(), key=lambda record: record["symbol"])


@EXERCISE.also_solved_by
def _symbol_by_symbol(records: Records) -> Any:
    for symbol in sorted({record["symbol"] for record in records}):
        own = [record for record in records if record["symbol"] == symbol]
        yield max(reversed(own), key=lambda record: record["timestamp"])


@EXERCISE.also_solved_by
def _with_pandas(records: Records) -> Any:
    import pandas as pd

    frame = pd.DataFrame(records, columns=["symbol", "timestamp", "price"])
    return (
        frame.sort_values("timestamp", kind="stable").groupby("symbol").tail(1).sort_values("symbol").to_dict("records")
    )


@EXERCISE.wrong(
    "all rows",
    "Every record is in the answer, the old ones too. Whoever asks for the latest wants one of each symbol; after an "
    "hour this answer has 70,000.",
)
def _all(records: Records) -> Any:
    return sorted(records, key=lambda record: record["symbol"])


@EXERCISE.wrong(
    "the first of each symbol", "The first record of a symbol keeps its place. The newest must take it over."
)
def _first(records: Records) -> Any:
    newest: dict[str, dict[str, Any]] = {}
    for record in records:
        newest.setdefault(record["symbol"], record)
    return [newest[symbol] for symbol in sorted(newest)]


@EXERCISE.wrong("one record in all", "This is the newest record of all. Each symbol has a newest one of its own.")
def _one(records: Records) -> Any:
    return sorted(records, key=lambda record: record["timestamp"])[-1:]


@EXERCISE.wrong(
    "a dict, not a list",
    "The records lie behind their symbols. An array of records was wanted: all answers of an API should look alike.",
)
def _dict(records: Records) -> Any:
    newest: dict[str, dict[str, Any]] = {}
    for record in records:
        known = newest.get(record["symbol"])
        if known is None or record["timestamp"] >= known["timestamp"]:
            newest[record["symbol"]] = record
    return newest


@EXERCISE.wrong(
    "what came last, not what is newest",
    "A late record has thrown out a newer one: the price on the screen jumps back. What counts is the timestamp.",
)
def _arrived(records: Records) -> Any:
    newest = {record["symbol"]: record for record in records}
    return [newest[symbol] for symbol in sorted(newest)]


@EXERCISE.wrong(
    "the highest price", "The latest is the one with the largest time. This is the one with the largest price."
)
def _highest(records: Records) -> Any:
    newest: dict[str, dict[str, Any]] = {}
    for record in records:
        known = newest.get(record["symbol"])
        if known is None or record["price"] >= known["price"]:
            newest[record["symbol"]] = record
    return [newest[symbol] for symbol in sorted(newest)]


@EXERCISE.wrong(
    "of two with one time, the first",
    "Two records of the same time are in order, so the second one is the newer: >= and not >.",
)
def _strictly(records: Records) -> Any:
    newest: dict[str, dict[str, Any]] = {}
    for record in records:
        known = newest.get(record["symbol"])
        if known is None or record["timestamp"] > known["timestamp"]:
            newest[record["symbol"]] = record
    return [newest[symbol] for symbol in sorted(newest)]


@EXERCISE.wrong(
    "in the order of arrival",
    "The order is that in which symbols came first, and another one after each start. By symbol, and two people who "
    "look see the same.",
)
def _unsorted(records: Records) -> Any:
    newest: dict[str, dict[str, Any]] = {}
    for record in records:
        known = newest.get(record["symbol"])
        if known is None or record["timestamp"] >= known["timestamp"]:
            newest[record["symbol"]] = record
    return list(newest.values())


@EXERCISE.wrong("only the price", "The rest of the record is gone: nobody can tell any more how old that price is.")
def _prices(records: Records) -> Any:
    newest: dict[str, dict[str, Any]] = {}
    for record in records:
        known = newest.get(record["symbol"])
        if known is None or record["timestamp"] >= known["timestamp"]:
            newest[record["symbol"]] = record
    return [{"symbol": symbol, "price": newest[symbol]["price"]} for symbol in sorted(newest)]


@EXERCISE.wrong(
    "asking changes what is kept",
    "records.sort() puts the list itself into another order, and it is not yours: a GET must leave everything as it "
    "was. sorted(records) makes a new one.",
)
def _in_place(records: Records) -> Any:
    records.sort(key=lambda record: record["timestamp"])
    newest = {record["symbol"]: record for record in records}
    return [newest[symbol] for symbol in sorted(newest)]
