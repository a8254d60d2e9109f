"""The wire contract: what is read, what is refused and why, and that nothing ever raises."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marketlab.model import Close, Reason, Refusal, Tick
from marketlab.wire import decode, encode, encode_close, examine

NOW = 1_731_000_000.0
GOOD = {"symbol": "AAPL", "price": 215.67, "timestamp": 1730896201.0}


def message(**changes: object) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def test_the_seed_s_three_fields_are_a_tick() -> None:
    assert decode(message(), NOW) == Tick("AAPL", 215.67, 1730896201.0)


def test_all_fields_come_back_as_they_were_sent() -> None:
    tick = Tick("BCH/EUR", 0.00141342, 1730896201.5, size=2.5, seq=7, run="r-1")
    assert decode(encode(tick), NOW) == tick


def test_symbols_are_upper_cased_on_entry() -> None:
    assert decode(message(symbol="bch/eur"), NOW).symbol == "BCH/EUR"
    assert decode(message(symbol="bch/eur"), NOW).symbol == "BCH/EUR"  # and when the symbol is known already


def test_unknown_fields_are_ignored() -> None:
    assert decode(message(exchange="XNAS", note=None, flag=True), NOW) == Tick("AAPL", 215.67, 1730896201.0)


def test_whole_numbers_are_prices_too() -> None:
    tick = decode(message(price=215), NOW)
    assert tick == Tick("AAPL", 215.0, 1730896201.0)
    assert isinstance(tick.price, float)


def test_null_stands_for_not_given() -> None:
    assert decode(message(size=None, seq=None, run=None), NOW) == Tick("AAPL", 215.67, 1730896201.0)


@pytest.mark.parametrize("symbols", [None, 3])
def test_a_closing_record_comes_back(symbols: int | None) -> None:
    close = Close("r-1", "AAPL", 12, symbols)
    assert decode(encode_close(close), NOW) == close


def test_a_closing_record_of_a_symbol_that_sent_nothing_is_one() -> None:
    assert decode(b'{"type":"close","run":"r","symbol":"A","last_seq":0}', NOW) == Close("r", "A", 0)


def test_another_type_is_an_unknown_field() -> None:
    assert decode(message(type="trade"), NOW) == Tick("AAPL", 215.67, 1730896201.0)


REFUSED = [
    (None, Reason.EMPTY),
    (b"", Reason.EMPTY),
    (b"\xff\xfe", Reason.NOT_UTF8),
    (b"{", Reason.NOT_JSON),
    (b"{}{}", Reason.NOT_JSON),
    (b"\xef\xbb\xbf{}", Reason.NOT_JSON),
    (b"[]", Reason.NOT_AN_OBJECT),
    (b"null", Reason.NOT_AN_OBJECT),
    (b"1", Reason.NOT_AN_OBJECT),
    (b"9" * 5000, Reason.NOT_AN_OBJECT),
    (b" " * 70_000 + message(), Reason.TOO_LARGE),
    (b"[" * 60_000, Reason.NESTED),
    (message(extra={}), Reason.NESTED),
    (message(symbol=["AAPL"]), Reason.NESTED),
    (b'{"symbol":"A","price":1,"price":2,"timestamp":5}', Reason.DUPLICATE_KEY),
    (b'{"symbol":"A","price":1,"timestamp":5,"x":1,"x":1}', Reason.DUPLICATE_KEY),
    (b'{"symbol":"A","pr\\u0069ce":1,"price":2,"timestamp":5}', Reason.DUPLICATE_KEY),
    (b'{"symbol":"A\\u0000","price":1,"timestamp":5}', Reason.BAD_TEXT),
    (b'{"symbol":"A","price":1,"timestamp":5,"x":"\\ud800"}', Reason.BAD_TEXT),
    (b'{"symbol":"A","price":1,"timestamp":5,"\\udfff":1}', Reason.BAD_TEXT),
    (b'{"symbol":"A","price":NaN,"timestamp":5}', Reason.NOT_FINITE),
    (b'{"symbol":"A","price":Infinity,"timestamp":5}', Reason.NOT_FINITE),
    (b'{"symbol":"A","price":1e999,"timestamp":5}', Reason.NOT_FINITE),
    (b'{"symbol":"A","price":1' + b"0" * 5000 + b',"timestamp":5}', Reason.NOT_FINITE),
    (b'{"symbol":"A","price":1,"timestamp":5,"x":-1e999}', Reason.NOT_FINITE),
    (b"{}", Reason.MISSING_FIELD),
    (b'{"symbol":"A","price":1}', Reason.MISSING_FIELD),
    (message(price=None), Reason.MISSING_FIELD),
    (message(symbol=""), Reason.BAD_SYMBOL),
    (message(symbol="A" * 33), Reason.BAD_SYMBOL),
    (message(symbol="A B"), Reason.BAD_SYMBOL),
    (message(symbol="ß"), Reason.BAD_SYMBOL),
    (message(symbol="A\n"), Reason.BAD_SYMBOL),
    (message(symbol=1), Reason.BAD_SYMBOL),
    (message(price=0), Reason.BAD_PRICE),
    (message(price=-1), Reason.BAD_PRICE),
    (message(price=1e12), Reason.BAD_PRICE),
    (message(price=True), Reason.BAD_PRICE),
    (message(price="1"), Reason.BAD_PRICE),
    (message(timestamp=0), Reason.BAD_TIMESTAMP),
    (message(timestamp=1730896201000), Reason.BAD_TIMESTAMP),
    (message(timestamp=False), Reason.BAD_TIMESTAMP),
    (message(timestamp="2024-11-06"), Reason.BAD_TIMESTAMP),
    (message(timestamp=NOW + 86_401), Reason.TIMESTAMP_AHEAD),
    (message(size=0), Reason.BAD_SIZE),
    (message(size=True), Reason.BAD_SIZE),
    (message(seq=0), Reason.BAD_SEQ),
    (message(seq=1.0), Reason.BAD_SEQ),
    (message(seq=True), Reason.BAD_SEQ),
    (message(seq=2**63), Reason.BAD_SEQ),
    (message(run=5), Reason.BAD_RUN),
    (message(run="a b"), Reason.BAD_RUN),
    (message(run="r" * 65), Reason.BAD_RUN),
    (b'{"type":"close","symbol":"A","last_seq":3}', Reason.BAD_CLOSE),
    (b'{"type":"close","run":"r","last_seq":3}', Reason.BAD_CLOSE),
    (b'{"type":"close","run":"r","symbol":"A"}', Reason.BAD_CLOSE),
    (b'{"type":"close","run":"r","symbol":"A","last_seq":-1}', Reason.BAD_CLOSE),
    (b'{"type":"close","run":"r","symbol":"A","last_seq":false}', Reason.BAD_CLOSE),
]


@pytest.mark.parametrize(("value", "reason"), REFUSED, ids=lambda item: str(item)[:40])
def test_what_is_not_a_tick_is_refused_with_its_reason(value: bytes | None, reason: Reason) -> None:
    refusal = decode(value, NOW)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is reason
    assert refusal.detail


def test_every_reason_has_a_message_that_is_refused_for_it() -> None:
    assert {reason for _, reason in REFUSED} == set(Reason)


@pytest.mark.parametrize(
    ("timestamp", "unit"),
    [(1730896201000, "milliseconds"), (1730896201000000, "microseconds"), (1730896201000000000, "nanoseconds")],
)
def test_a_stamp_in_another_unit_is_refused_with_a_hint(timestamp: int, unit: str) -> None:
    refusal = decode(message(timestamp=timestamp), NOW)
    assert isinstance(refusal, Refusal)
    assert unit in refusal.detail


def test_a_day_ahead_is_just_allowed() -> None:
    assert isinstance(decode(message(timestamp=NOW + 86_400), NOW), Tick)


@pytest.mark.parametrize("price", [b"-3", b"NaN", b"1e999", b"true", b'"x"', b"[]"])
def test_a_refused_tick_keeps_the_identity_that_can_be_read(price: bytes) -> None:
    refusal = decode(b'{"symbol":"aapl","price":%s,"timestamp":5,"run":"r1","seq":4}' % price, NOW)
    assert isinstance(refusal, Refusal)
    assert (refusal.run, refusal.symbol, refusal.seq) == ("r1", "AAPL", 4)


def test_a_refused_closing_record_accounts_for_no_tick() -> None:
    refusal = decode(b'{"type":"close","run":"r","symbol":"A","seq":3}', NOW)
    assert isinstance(refusal, Refusal)
    assert refusal.seq is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)
field_names = st.sampled_from(
    ["symbol", "price", "timestamp", "size", "seq", "run", "type", "last_seq", "symbols", "x"]
)
symbols = st.sampled_from(["AAPL", "aapl", "BCH/EUR", "\0", "", "A" * 33]) | st.text(max_size=5)
numbers = st.integers() | st.floats() | st.booleans()
objects = st.dictionaries(field_names, json_values | symbols | numbers) | st.fixed_dictionaries(
    {"symbol": symbols, "price": numbers, "timestamp": numbers},
    optional={"size": numbers, "seq": numbers, "run": st.sampled_from(["", "r1", "ü"]), "type": st.just("close")},
)


@given(st.binary(max_size=200))
def test_random_bytes_never_raise(value: bytes) -> None:
    assert isinstance(decode(value, NOW), Tick | Close | Refusal)


@given(objects)
@example({"symbol": "AAPL", "price": float("nan"), "timestamp": 5.0})
def test_the_fast_reading_says_what_the_careful_one_says(fields: dict[str, object]) -> None:
    value = json.dumps(fields).encode()
    for _ in range(2):  # the second time the symbol and the run are known
        assert decode(value, NOW) == examine(value, NOW)


@given(objects, st.data())
def test_a_message_damaged_anywhere_never_raises(fields: dict[str, object], data: st.DataObject) -> None:
    value = bytearray(json.dumps(fields).encode())
    position = data.draw(st.integers(0, len(value) - 1))
    value[position] = data.draw(st.integers(0, 255))
    for _ in range(2):
        assert decode(bytes(value), NOW) == examine(bytes(value), NOW)


@given(
    st.builds(
        Tick,
        symbol=st.from_regex(r"[A-Z0-9.\-/:_=]{1,32}", fullmatch=True),
        price=st.floats(min_value=5e-324, max_value=1e12, exclude_max=True),
        timestamp=st.floats(min_value=5e-324, max_value=NOW),
        size=st.none() | st.floats(min_value=5e-324, max_value=1e300),
        seq=st.none() | st.integers(1, 2**63 - 1),
        run=st.just("") | st.from_regex(r"[A-Za-z0-9._\-]{1,64}", fullmatch=True),
    )
)
def test_every_tick_survives_the_wire(tick: Tick) -> None:
    assert decode(encode(tick), NOW) == tick
    assert examine(encode(tick), NOW) == tick


@given(st.lists(st.tuples(field_names, st.integers(0, 9)), min_size=2, max_size=8))
def test_a_name_that_stands_twice_is_always_refused(pairs: list[tuple[str, int]]) -> None:
    body = ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in pairs)
    value = f'{{"symbol":"AAPL","price":1.5,"timestamp":5,{body}}}'.encode()
    names = ["symbol", "price", "timestamp", *(name for name, _ in pairs)]
    decode(message(), NOW)
    if len(set(names)) < len(names):
        refusal = decode(value, NOW)
        assert isinstance(refusal, Refusal)
        assert refusal.reason is Reason.DUPLICATE_KEY


def test_a_refusal_is_json() -> None:
    refusal = decode(b"[]", NOW)
    assert msgspec.json.decode(msgspec.json.encode(refusal))["reason"] == "not_an_object"
