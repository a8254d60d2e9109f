"""Mends change how a message is written, never what it says; what is not certain is left alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlab.dead_letters import MENDS, mend
from marketlab.model import DeadLetter, Refusal, Tick
from marketlab.wire import examine

NOW = 1_731_000_000.0
TICK = Tick("AAPL", 101.5, NOW, None, 7, "r")
PLAIN = {"symbol": "AAPL", "price": 101.5, "timestamp": NOW, "seq": 7, "run": "r"}


def letter(raw: bytes) -> DeadLetter:
    """A dead letter as the engine makes it."""
    refusal = examine(raw, NOW)
    assert isinstance(refusal, Refusal), raw
    identity = refusal.run, refusal.symbol, refusal.seq
    return DeadLetter(raw, "log", 0, 1, NOW, refusal.reason, refusal.detail, *identity)


def written(**changed: object) -> bytes:
    return json.dumps(PLAIN | changed).encode()


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        (b"\xef\xbb\xbf" + written(), ["byte-order-mark"]),
        (b"\xff\xfe" + written().decode().encode("utf-16-le"), ["byte-order-mark"]),
        (b"\xfe\xff" + written().decode().encode("utf-16-be"), ["byte-order-mark"]),
        (b"\xff\xfe\0\0" + written().decode().encode("utf-32-le"), ["byte-order-mark"]),
        (b"\0\0\xfe\xff" + written().decode().encode("utf-32-be"), ["byte-order-mark"]),
        (written(price="101.5"), ["number"]),
        (written(price="1.015e2", timestamp=str(NOW), seq="7"), ["number"]),
        (written(timestamp=NOW * 1e3), ["seconds"]),
        (written(timestamp=round(NOW * 1e6)), ["seconds"]),
        (written(timestamp=round(NOW * 1e9)), ["seconds"]),
        (written()[:-1] + b',"price":101.5}', ["said-once"]),
        (written()[:-1] + b',"price":101.5,"price":101.5,"seq":7}', ["said-once"]),
        (b"\xef\xbb\xbf" + written(price="101.5", timestamp=str(round(NOW * 1e3))),
         ["byte-order-mark", "number", "seconds"]),
    ],
)  # fmt: skip
def test_what_is_certain_is_mended_and_is_the_same_tick(raw: bytes, names: list[str]) -> None:
    mended = mend(letter(raw))
    assert mended is not None
    assert examine(mended.value, NOW) == TICK
    assert list(mended.mends) == names


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"symbol,price",
        written()[:-9],
        written(price=-1),
        written(price="a lot"),
        written(price="0x65"),
        written(price=" 101.5"),
        written(price="1_000"),
        written(price="٣"),
        written(price="-101.5"),
        written(symbol="A B"),
        written(timestamp=NOW * 1e3 + 2 * 86_400e3),  # milliseconds, but of another day
        written(timestamp=NOW * 1e4),
        written()[:-1] + b',"price":102}',  # which one is meant?
        written()[:-1] + b',"price":"101.5"}',
        written(extra={"price": 1}),
        b"\xef\xbb\xbf\xff",
        b"\xff\xfe" + written(),
        b'{"a":' * 5000,
    ],
)
def test_what_is_not_certain_is_left_alone(raw: bytes) -> None:
    assert mend(letter(raw)) is None


def test_a_closing_record_can_be_mended_too() -> None:
    mended = mend(letter(b'\xef\xbb\xbf{"type":"close","run":"r","symbol":"AAPL","last_seq":3}'))
    assert mended is not None
    assert json.loads(mended.value)["last_seq"] == 3


@given(st.dictionaries(st.sampled_from([*PLAIN, "size", "note"]), st.none() | st.booleans() | st.integers()
       | st.floats() | st.sampled_from(["101.5", "7", "AAPL", "", "1e999", "nan"])))  # fmt: skip
def test_a_mended_message_is_taken_and_keeps_its_identity(changed: dict[str, object]) -> None:
    raw = written(**changed)
    refusal = examine(raw, NOW)
    if not isinstance(refusal, Refusal):
        return
    mended = mend(letter(raw))
    if mended is None:
        return
    item = examine(mended.value, NOW)
    assert isinstance(item, Tick)
    assert refusal.symbol in (None, item.symbol)
    assert refusal.run in ("", item.run)
    assert refusal.seq in (None, item.seq)
    assert set(json.loads(mended.value)) == set(json.loads(raw))
    assert set(mended.mends) <= set(MENDS)
