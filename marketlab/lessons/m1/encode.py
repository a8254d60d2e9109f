"""A tick as bytes that any other program can read."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE"]

Tick = dict[str, Any]


def draw(random: Random, events: int) -> Case:
    """A tick; its price has more digits as cases grow."""
    symbol = random.choice(["AAPL", "GOOG", "BTC-USD", "BCH/EUR"])
    price = round(random.uniform(0.001, 500), min(events, 8))
    return ({"symbol": symbol, "price": max(price, 0.5), "timestamp": 1730896201.0 + random.randrange(1000) / 4},)


def read_back(encode: Callable[[Tick], Any], tick: Tick) -> Any:
    """What a program in another language would make of it."""
    value = encode(tick)
    if not isinstance(value, bytes):
        return value if value is None else f"{type(value).__name__}, not bytes"
    try:
        return json.loads(value.decode("utf-8"))
    except ValueError:
        return f"not JSON: {value!r}"


EXERCISE = Exercise(
    "m1.encode",
    "one tick as bytes",
    hints=Hints(
        question="Would a program that knows no Python read your bytes? What kind of quotation marks does it want?",
        concept="Kafka moves bytes. Text becomes bytes by an encoding, and an object becomes text by a format that "
        "both sides know: JSON, in UTF-8.",
        skeleton="json.dumps makes text of an object; the text's encode makes bytes of it.",
    ),
    examples=[
        ({"symbol": "AAPL", "price": 215.67, "timestamp": 1730896201.0},),
        ({"symbol": "BTC-USD", "price": 0.00141342, "timestamp": 1730896201.25},),
        ({"symbol": "O'NEIL", "price": 100.0, "timestamp": 1730896201.0},),
    ],
    draw=draw,
    drive=read_back,
    shows="what another program reads",
)


@EXERCISE.solved_by
def encode(tick: Tick) -> bytes:
    return json.dumps(tick).encode()


@EXERCISE.also_solved_by
def _in_two_steps(tick: Tick) -> bytes:
    text = json.dumps(tick, separators=(",", ":"), ensure_ascii=False)
    return bytes(text, "utf-8")


@EXERCISE.also_solved_by
def _with_an_f_string(tick: Tick) -> bytes:
    symbol, price, timestamp = tick["symbol"], tick["price"], tick["timestamp"]
    return f'{{"timestamp": {timestamp}, "symbol": "{symbol}", "price": {price}}}'.encode()


@EXERCISE.wrong(
    "Python, not JSON",
    "str writes Python for Python: its single quotes stop every JSON parser. It prints so nicely that it is found in "
    "many a pipeline.",
)
def _str(tick: Tick) -> bytes:
    return str(tick).encode()


@EXERCISE.wrong(
    "quotation marks exchanged",
    "It holds until a value has an apostrophe in it, or is None or True, which JSON writes otherwise. A format has rules "
    "for all of that, and json.dumps knows them.",
)
def _exchanged(tick: Tick) -> bytes:
    return str(tick).replace("'", '"').encode()


@EXERCISE.wrong("text, not bytes", "json.dumps returns text. Kafka takes bytes: the text has yet to be encoded.")
def _text(tick: Tick) -> Any:
    return json.dumps(tick)


@EXERCISE.wrong(
    "pickle", "Only Python reads a pickle, and it runs whatever stands in it: never unpickle what came over a network."
)
def _pickle(tick: Tick) -> bytes:
    return pickle.dumps(tick)


@EXERCISE.wrong(
    "encoded twice", "json.dumps of a text is a text in quotation marks: who reads it gets a text again, and no tick."
)
def _twice(tick: Tick) -> bytes:
    return json.dumps(json.dumps(tick)).encode()


@EXERCISE.wrong(
    "another encoding", "JSON between programs is UTF-8 (RFC 8259, section 8.1). UTF-16 has two bytes for each letter."
)
def _utf16(tick: Tick) -> bytes:
    return json.dumps(tick).encode("utf-16")


@EXERCISE.wrong(
    "rounded to cents",
    "A coin of 0.00141342 would go out as 0.0. What is sent is what was seen; rounding is for those who show it.",
)
def _rounded(tick: Tick) -> bytes:
    return json.dumps({**tick, "price": round(tick["price"], 2)}).encode()


@EXERCISE.wrong(
    "the values without their names",
    "Who reads a list must know the order by heart, and the first new field breaks everybody. Names are cheap.",
)
def _values(tick: Tick) -> bytes:
    return json.dumps(list(tick.values())).encode()


@EXERCISE.wrong("the price alone", "Whose price, and when? A message has to tell all that its reader needs.")
def _price(tick: Tick) -> bytes:
    return json.dumps(tick["price"]).encode()
