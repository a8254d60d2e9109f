"""What POST /update takes, what it refuses, and where it points."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from api.config import MAX_BODY_BYTES
from api.schemas import read_posted
from marketlab.errors import StoreBusyError, StoreError, StoreFullError
from tests.api_lab import NOW, ApiLab

GOOD = {"symbol": "AAPL", "price": 312.45, "moving_average": 310.78, "alert": None, "timestamp": NOW - 5}
PLAIN = '"symbol":"AAPL","timestamp":1730871025.145'


@pytest.fixture
def lab() -> ApiLab:
    return ApiLab()


def post(lab: ApiLab, body: Any, *, content_type: str = "application/json", **headers: str) -> TestResponse:
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    return lab.client.post("/update", data=data, content_type=content_type, headers=headers)


def test_a_record_of_the_seed_is_kept(lab: ApiLab) -> None:
    alert = "⚠️ AAPL changed by 3.10%"
    record = {**GOOD, "alert": alert, "timestamp": 1730871025.145}
    response = post(lab, record)
    assert response.status_code == 200
    assert response.get_json() == {"accepted": 1}
    assert {name: lab.get("/data")[0][name] for name in record} == record


def test_an_array_is_kept_in_its_order(lab: ApiLab) -> None:
    prices = [1.0, 2.0, 3.0]
    assert post(lab, [{**GOOD, "price": price} for price in prices]).get_json() == {"accepted": 3}
    assert [record["price"] for record in lab.get("/data/AAPL")] == prices[::-1]


def test_an_empty_array_is_taken_for_what_it_is(lab: ApiLab) -> None:
    assert post(lab, []).get_json() == {"accepted": 0}
    assert lab.get("/data") == []


def test_every_optional_field_arrives(lab: ApiLab) -> None:
    extras = {"size": 2.5, "change_pct": -0.25, "run": "r9", "seq": 7, "partition": 2, "offset": 41, "late": True}
    post(lab, {**GOOD, **extras, "log": "tape:x", "note": "unknown names are ignored"})
    [kept] = lab.get("/data")
    assert {name: kept[name] for name in extras} == extras


def test_a_whole_number_may_be_written_with_a_point(lab: ApiLab) -> None:
    body = json.dumps({**GOOD, "seq": 7.0, "log": "tape:x", "partition": 2.0, "offset": 41.0})
    assert post(lab, body).get_json() == {"accepted": 1}
    assert [lab.get("/data")[0][name] for name in ("seq", "partition", "offset")] == [7, 2, 41]


def test_a_record_that_is_sent_again_is_kept_once(lab: ApiLab) -> None:
    record = {**GOOD, "log": "tape:x", "partition": 0, "offset": 41}
    assert post(lab, record).get_json() == {"accepted": 1}
    assert post(lab, [record, {**record, "offset": 42}]).get_json() == {"accepted": 1}
    assert len(lab.get("/data/AAPL")) == 2


def test_a_record_as_data_gives_it_can_be_posted_again(lab: ApiLab) -> None:
    post(lab, {**GOOD, "log": "tape:x", "partition": 0, "offset": 41})
    assert post(lab, lab.get("/data")).get_json() == {"accepted": 1}, "an offset means nothing without its log"
    assert len(lab.get("/data/AAPL")) == 2


def test_a_symbol_is_kept_in_capitals(lab: ApiLab) -> None:
    post(lab, {**GOOD, "symbol": "bch/eur"})
    assert lab.get("/data/bch/eur")[0]["symbol"] == "BCH/EUR"


REFUSED = [
    # body, pointer, reason
    ("", "", "empty"),
    ("  \n", "", "empty"),
    (b"\xff\xfe", "", "not_utf8"),
    ("{", "", "not_json"),
    ("[1,]", "", "not_json"),
    ('{"symbol":"AAPL"} x', "", "not_json"),
    ("null", "", "not_an_object"),
    ("3", "", "not_an_object"),
    ("NaN", "", "not_an_object"),
    ('"AAPL"', "", "not_an_object"),
    ("[null]", "/0", "not_an_object"),
    ("[[]]", "/0", "not_an_object"),
    ("[" * 100_000, "", "nested"),
    (f'{{{PLAIN},"price":NaN}}', "/price", "not_finite"),
    (f'{{{PLAIN},"price":Infinity}}', "/price", "not_finite"),
    (f'{{{PLAIN},"price":-Infinity}}', "/price", "not_finite"),
    (f'{{{PLAIN},"price":1e999}}', "/price", "not_finite"),
    (f'{{{PLAIN},"price":1{"0" * 5000}}}', "/price", "not_finite"),
    (f'{{{PLAIN},"price":1{"0" * 399}}}', "/price", "bad_price"),
    (f'{{{PLAIN},"price":1,"price":2}}', "/price", "duplicate_key"),
    (f'{{{PLAIN},"price":1,"note":1,"note":1}}', "/note", "duplicate_key"),
    (f'{{{PLAIN},"price":true}}', "/price", "bad_price"),
    (f'{{{PLAIN},"price":"1"}}', "/price", "bad_price"),
    (f'{{{PLAIN},"price":0}}', "/price", "bad_price"),
    (f'{{{PLAIN},"price":-1}}', "/price", "bad_price"),
    (f'{{{PLAIN},"price":1e12}}', "/price", "bad_price"),
    (f'{{{PLAIN},"price":null}}', "/price", "missing_field"),
    (f"{{{PLAIN}}}", "/price", "missing_field"),
    (f'{{{PLAIN},"price":{{"value":1}}}}', "/price", "nested"),
    (f'{{{PLAIN},"price":1,"a/b~c":[]}}', "/a~1b~0c", "nested"),
    (f'{{{PLAIN},"price":1,"note":"a\\u0000b"}}', "/note", "bad_text"),
    (f'{{{PLAIN},"price":1,"note":"\\ud800"}}', "/note", "bad_text"),
    (f'{{{PLAIN},"price":1,"\\ud800":1}}', "", "bad_text"),
    (f'{{{PLAIN},"price":1,"size":0}}', "/size", "bad_size"),
    (f'{{{PLAIN},"price":1,"seq":9223372036854775808}}', "/seq", "bad_seq"),
    (f'{{{PLAIN},"price":1,"seq":0}}', "/seq", "bad_seq"),
    (f'{{{PLAIN},"price":1,"seq":1.5}}', "/seq", "bad_seq"),
    (f'{{{PLAIN},"price":1,"seq":true}}', "/seq", "bad_seq"),
    (f'{{{PLAIN},"price":1,"run":"a b"}}', "/run", "bad_run"),
    (f'{{{PLAIN},"price":1,"note":"{"x" * 65_536}"}}', "", "too_large"),
    ('{"symbol":"A B","price":1,"timestamp":1730871025}', "/symbol", "bad_symbol"),
    ('{"symbol":7,"price":1,"timestamp":1730871025}', "/symbol", "bad_symbol"),
    ('{"symbol":"AAPL","price":1,"timestamp":1730871025145}', "/timestamp", "bad_timestamp"),
    ('{"symbol":"AAPL","price":1,"timestamp":false}', "/timestamp", "bad_timestamp"),
    (json.dumps({**GOOD, "timestamp": NOW + 90_000}), "/timestamp", "timestamp_ahead"),
    (json.dumps([GOOD, GOOD, GOOD, {**GOOD, "price": -3}]), "/3/price", "bad_price"),
    (f'[{json.dumps(GOOD)},{{{PLAIN},"price":NaN}}]', "/1/price", "not_finite"),
    (json.dumps({**GOOD, "type": "close", "run": "r", "last_seq": 3}), "/type", None),
    (json.dumps({**GOOD, "type": "close"}), "/type", "bad_close"),
    (json.dumps({**GOOD, "moving_average": True}), "/moving_average", None),
    (json.dumps({**GOOD, "moving_average": 0}), "/moving_average", None),
    (json.dumps({**GOOD, "moving_average": 10**350}), "/moving_average", None),
    (json.dumps({**GOOD, "change_pct": "3"}), "/change_pct", None),
    (json.dumps({**GOOD, "late": 1}), "/late", None),
    (json.dumps({**GOOD, "log": "tape:x", "partition": 0, "offset": 0.5}), "/offset", None),
    (json.dumps({**GOOD, "seq": 2.0**63}), "/seq", "bad_seq"),
    (json.dumps({**GOOD, "alert": 3}), "/alert", None),
    (json.dumps({**GOOD, "alert": "x" * 201}), "/alert", None),
    (json.dumps({**GOOD, "log": 3}), "/log", None),
    (json.dumps({**GOOD, "log": "tape:x", "partition": 0}), "/offset", None),
    (json.dumps({**GOOD, "log": "tape:x", "offset": 0}), "/partition", None),
    (json.dumps({**GOOD, "log": "tape:x", "partition": 2**31, "offset": 0}), "/partition", None),
    (json.dumps({**GOOD, "log": "tape:x", "partition": 0, "offset": 2**63}), "/offset", None),
    (json.dumps({**GOOD, "log": "tape:x", "partition": 0, "offset": -1}), "/offset", None),
    (json.dumps({**GOOD, "offset": False}), "/offset", None),
]


@pytest.mark.parametrize(("body", "pointer", "reason"), REFUSED, ids=lambda part: str(part)[-48:])
def test_what_breaks_the_contract_is_refused_where_it_stands(
    lab: ApiLab, body: str | bytes, pointer: str, reason: str | None
) -> None:
    response = post(lab, body)
    problem = response.get_json()
    assert response.status_code == 400, problem
    assert response.mimetype == "application/problem+json"
    assert problem["status"] == 400
    assert problem["detail"]
    assert problem.get("pointer", "") == pointer
    assert problem.get("reason") == reason
    assert lab.get("/data") == []


def test_an_array_with_one_bad_record_is_refused_whole(lab: ApiLab) -> None:
    assert post(lab, [GOOD, {**GOOD, "price": 0}]).status_code == 400
    assert lab.get("/data") == []


def test_a_thousand_records_are_taken_and_one_more_is_not(lab: ApiLab) -> None:
    record = {"symbol": "A", "price": 1, "timestamp": 1e9}
    assert post(lab, [record] * 1000).get_json() == {"accepted": 1000}
    assert post(lab, [record] * 1001).status_code == 413


def test_a_body_over_the_limit_is_refused(lab: ApiLab) -> None:
    at_most = json.dumps(GOOD).encode().ljust(MAX_BODY_BYTES)
    assert len(read_posted(at_most[:60_000], now=NOW)) == 1
    response = post(lab, at_most + b" ")
    assert response.status_code == 413
    assert response.mimetype == "application/problem+json"
    assert "262,144" in response.get_json()["detail"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_type_is_refused(lab: ApiLab, content_type: str) -> None:
    response = post(lab, GOOD, content_type=content_type)
    assert response.status_code == 415
    assert response.mimetype == "application/problem+json"


def test_a_compressed_body_is_refused(lab: ApiLab) -> None:
    assert post(lab, GOOD, **{"Content-Encoding": "gzip"}).status_code == 415


def test_a_read_only_server_refuses_to_write() -> None:
    lab = ApiLab(read_only=True)
    response = post(lab, GOOD)
    assert response.status_code == 403
    assert response.mimetype == "application/problem+json"
    assert "read-only" in response.get_json()["detail"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(StoreBusyError("locked"), 503), (StoreFullError("full"), 507), (StoreError("gone"), 503)],
)
def test_a_failing_store_is_told_from_bad_input(lab: ApiLab, error: StoreError, status: int) -> None:
    lab.writer.fail(error)
    response = post(lab, GOOD)
    assert response.status_code == status
    assert response.get_json()["detail"] == error.message
    assert post(lab, GOOD).status_code == 200, "the next one is not affected"


# ------------------------------------------------------------------------------------- whatever comes

_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from([2**63, 2**64, -(2**63) - 1, 1e308, "\ud800", "\0", "AAPL"]),
)
_names = st.one_of(st.sampled_from([*GOOD, "size", "seq", "run", "log", "partition", "offset", "type"]), st.text())
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=6), max_leaves=12
)
_near = st.fixed_dictionaries({name: st.one_of(st.just(value), _scalars) for name, value in GOOD.items()})


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        _values.map(lambda value: json.dumps(value).encode()),
        st.one_of(_near, st.lists(_near, max_size=3)).map(lambda value: json.dumps(value).encode()),
    )
)
@example(b'{"symbol":"AAPL","price":1,"timestamp":1,"\\ud800":1}')
@example(b"[" * 200_000)
def test_no_body_makes_the_server_fail(body: bytes) -> None:
    lab = ApiLab()
    response = post(lab, body)
    assert response.status_code in {200, 400}
    json.loads(response.get_data())
    for record in lab.get("/data"):
        assert 0 < record["price"] < 1e12
        assert 0 < record["timestamp"] < 1e11
