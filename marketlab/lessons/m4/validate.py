"""What an API lets in: the first field of a record that is not as it should be."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE"]

GOOD: dict[str, Any] = {"symbol": "AAPL", "price": 215.67, "timestamp": 1730896201.0}
BAD_NUMBERS = [math.nan, math.inf, -math.inf, -1.5, 0.0, 0, True, "215.67", None, [215.67]]


def without(name: str) -> dict[str, Any]:
    """A record that lacks a field."""
    return {field: value for field, value in GOOD.items() if field != name}


def draw(random: Random, events: int) -> Case:
    """A record with up to one number that is none, the other numbers as they come."""
    record = GOOD | {"symbol": random.choice(["AAPL", "BRK.B", "ES=F"]), "price": random.choice([1, 1.5, 1e-9, 1e12])}
    if events % 3:
        record[random.choice(["price", "timestamp"])] = random.choice(BAD_NUMBERS)
    return (record,)


EXERCISE = Exercise(
    "m4.validate",
    "the first field that is wrong",
    hints=Hints(
        question="What is NaN <= 0? And isinstance(True, int)?",
        concept="Ask for what is allowed, not for what is forbidden: a number is good if it is larger than 0 and smaller "
        "than infinity, and NaN is neither. To Python True is a number, it is 1; to people it is none.",
        skeleton='no dict: "record". The symbol must be a text that is not empty, else "symbol". Then for price and '
        "timestamp: no bool, an int or a float, between 0 and math.inf; else its name. None, if all is well.",
    ),
    examples=[
        (GOOD,),
        (GOOD | {"price": 215},),
        ({},),
        (without("symbol"),),
        (without("price"),),
        (without("timestamp"),),
        (GOOD | {"price": math.nan},),
        (GOOD | {"price": math.inf},),
        (GOOD | {"price": -1.5},),
        (GOOD | {"price": 0},),
        (GOOD | {"price": True},),
        (GOOD | {"price": "215.67"},),
        (GOOD | {"price": "many"},),
        (GOOD | {"price": None},),
        (GOOD | {"timestamp": math.nan},),
        (GOOD | {"timestamp": True},),
        (GOOD | {"symbol": ""},),
        (GOOD | {"symbol": 7},),
        ("AAPL",),
        (None,),
    ],
    draw=draw,
)


@EXERCISE.solved_by
def validate(record: Any) -> str | None:
    if not isinstance(record, dict):
        return "record"
    symbol = record.get("symbol")
    if not isinstance(symbol, str) or not symbol:
        return "symbol"
    for name in ("price", "timestamp"):
        value = record.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
            return name
    return None


@EXERCISE.also_solved_by
def _by_type(record: Any) -> str | None:
    def good(name: str) -> bool:
        value = record.get(name)
        return type(value) in (int, float) and math.isfinite(value) and value > 0

    if type(record) is not dict:
        return "record"
    if type(record.get("symbol")) is not str or len(record["symbol"]) == 0:
        return "symbol"
    return next((name for name in ("price", "timestamp") if not good(name)), None)


@EXERCISE.also_solved_by
def _by_trying(record: Any) -> str | None:
    if not hasattr(record, "keys"):
        return "record"
    name = "symbol"
    try:
        assert record[name] > ""
        for name in "price", "timestamp":
            assert record[name] is not True
            assert 0 < record[name] < float("inf")
    except (KeyError, TypeError, AssertionError):
        return name
    return None


@EXERCISE.wrong(
    "NaN is let in",
    "NaN <= 0 is False, as is every comparison with NaN: who asks for what is forbidden does not catch it. Ask for what "
    "is allowed: 0 < price.",
)
def _nan(record: Any) -> str | None:
    if not isinstance(record, dict):
        return "record"
    if not isinstance(record.get("symbol"), str) or not record["symbol"]:
        return "symbol"
    for name in ("price", "timestamp"):
        value = record.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0 or value == math.inf:
            return name
    return None


@EXERCISE.wrong(
    "infinity is let in",
    "Infinity is larger than 0. It has an upper end too: one such price, and every mean is infinite.",
)
def _inf(record: Any) -> str | None:
    if not isinstance(record, dict):
        return "record"
    if not isinstance(record.get("symbol"), str) or not record["symbol"]:
        return "symbol"
    for name in ("price", "timestamp"):
        value = record.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            return name
    return None


@EXERCISE.wrong(
    "true is a number", "isinstance(True, int) is True, for bool is a kind of int: a price of true is stored as 1."
)
def _bool(record: Any) -> str | None:
    if not isinstance(record, dict):
        return "record"
    if not isinstance(record.get("symbol"), str) or not record["symbol"]:
        return "symbol"
    for name in ("price", "timestamp"):
        if not isinstance(record.get(name), (int, float)) or not 0 < record[name] < math.inf:
            return name
    return None


@EXERCISE.wrong(
    "true is a time",
    "The price is asked whether it is a bool, the timestamp is not: true is stored as one second after New Year 1970.",
)
def _bool_time(record: Any) -> str | None:
    if not isinstance(record, dict):
        return "record"
    if not isinstance(record.get("symbol"), str) or not record["symbol"]:
        return "symbol"
    for name in ("price", "timestamp"):
        value = record.get(name)
        if not isinstance(value, (int, float)) or not 0 < value < math.inf or (name == "price" and value is True):
            return name
    return None


@EXERCISE.wrong("a price of 0 is let in", "Nothing is sold for 0, and the next change is divided by it: 0 < price.")
def _zero(record: Any) -> str | None:
    if not isinstance(record, dict):
        return "record"
    if not isinstance(record.get("symbol"), str) or not record["symbol"]:
        return "symbol"
    for name in ("price", "timestamp"):
        value = record.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
            return name
    return None


@EXERCISE.wrong("negative numbers are let in", "Finite it is, but a price below 0 is none that these shares can have.")
def _negative(record: Any) -> str | None:
    if not isinstance(record, dict):
        return "record"
    if not isinstance(record.get("symbol"), str) or not record["symbol"]:
        return "symbol"
    for name in ("price", "timestamp"):
        value = record.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            return name
    return None


@EXERCISE.wrong(
    "whole numbers are refused",
    "JSON knows one kind of number: 215 and 215.0 are the same. Python makes an int of one.",
)
def _float_only(record: Any) -> str | None:
    if not isinstance(record, dict):
        return "record"
    if not isinstance(record.get("symbol"), str) or not record["symbol"]:
        return "symbol"
    for name in ("price", "timestamp"):
        if not isinstance(record.get(name), float) or not 0 < record[name] < math.inf:
            return name
    return None


@EXERCISE.wrong(
    "text that looks like a number",
    "float() makes a number of a text and of true. Kept as it came, it is a text, and the next sum fails, far from here.",
)
def _converted(record: Any) -> str | None:
    if not isinstance(record, dict):
        return "record"
    if not isinstance(record.get("symbol"), str) or not record["symbol"]:
        return "symbol"
    for name in ("price", "timestamp"):
        try:
            value = float(record.get(name))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return name
        if not 0 < value < math.inf:
            return name
    return None


@EXERCISE.wrong(
    "a missing field is not thought of",
    "record[\"price\"] raises if there is none, and the client is told 500: the server's fault. It is the client's.",
)
def _missing(record: Any) -> str | None:
    if not isinstance(record, dict):
        return "record"
    if not isinstance(record["symbol"], str) or not record["symbol"]:
        return "symbol"
    for name in ("price", "timestamp"):
        value = record[name]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
            return name
    return None


@EXERCISE.wrong(
    "something that is no object is not thought of",
    'A body may be "AAPL" or null, which is JSON as well. It has no .get, and the client is told 500.',
)
def _any_json(record: Any) -> str | None:
    if not isinstance(record.get("symbol"), str) or not record["symbol"]:
        return "symbol"
    for name in ("price", "timestamp"):
        value = record.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
            return name
    return None


@EXERCISE.wrong(
    "only the price is looked at", "The timestamp comes from outside as well, and puts things in order later."
)
def _price_only(record: Any) -> str | None:
    if not isinstance(record, dict):
        return "record"
    if not isinstance(record.get("symbol"), str) or not record["symbol"]:
        return "symbol"
    value = record.get("price")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        return "price"
    return None if "timestamp" in record else "timestamp"


@EXERCISE.wrong(
    "an empty symbol is let in", "An empty text is a text. Nobody can ask for it: /data/ is another address."
)
def _empty(record: Any) -> str | None:
    if not isinstance(record, dict):
        return "record"
    if not isinstance(record.get("symbol"), str):
        return "symbol"
    for name in ("price", "timestamp"):
        value = record.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
            return name
    return None


@EXERCISE.wrong(
    "yes or no, not where",
    "True or False says that something is wrong and not what. Whoever has to mend it wants the field's name.",
)
def _verdict(record: Any) -> bool:
    if not isinstance(record, dict) or not isinstance(record.get("symbol"), str) or not record["symbol"]:
        return False
    values = [record.get("price"), record.get("timestamp")]
    return all(type(value) in (int, float) and 0 < value < math.inf for value in values)  # type: ignore[operator]
