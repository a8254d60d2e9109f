"""A few hundred requests that mean harm; ``scripts/fuzz`` sends a hundred thousand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from api import ApiConfig, create_app
from api.operations import OPERATIONS
from marketlab.store import SqliteReader, SqliteStore
from tests.api_fuzz import CLOCK_S, Judge, LooseError, addresses, bodies, each_operation, strictly
from tests.api_lab import NOW
from tests.store_feed import Feed, tick

FEW = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """The API over a real database that holds a tick, an alert and a dead letter."""
    path = tmp_path_factory.mktemp("fuzz") / "marketlab.db"
    with SqliteStore(path) as store, SqliteReader(path) as reader:
        Feed(store)(tick(100, NOW - 9, seq=1), tick(104, NOW - 8, seq=2), b"\xff")
        yield Judge(create_app(ApiConfig(clock=lambda: CLOCK_S), reader=reader, post=store.post))


@FEW
@given(body=bodies())
@example(body=b"[" * 200_000)
@example(body=b'{"symbol":"AAPL","price":1,"timestamp":1,"x":' + b"9" * 200_000 + b"}")
@example(body=b'{"symbol":"AAPL","price":1,"timestamp":1,"\\ud800":1}')
def test_no_body_makes_the_server_fail_or_accept_what_is_not_strict(judge: Judge, body: bytes) -> None:
    judge.post(body)


@FEW
@given(address=addresses())
@example(address="/data/%00")
@example(address="/data/%ed%a0%80")
@example(address="/bars/AAPL?before=%ff")
def test_no_address_makes_the_server_fail(judge: Judge, address: str) -> None:
    judge.get(address)


def test_every_operation_answers_what_it_says_to_what_it_asks_for_and_to_what_it_does_not(judge: Judge) -> None:
    seen = []
    for label, cases in each_operation(judge):
        seen.append(label)

        @settings(FEW, max_examples=20)
        @given(case=cases)
        def one(case: Any) -> None:
            case.call_and_validate()

        one()
    assert len(seen) == len(OPERATIONS)
    assert {status for _, status in judge.statuses} >= {200, 400, 404}


@pytest.mark.parametrize(
    "body",
    [
        b'{"symbol":"A","price":NaN,"timestamp":1}',
        b'{"symbol":"A","price":1e999,"timestamp":1}',
        b'{"symbol":"A","price":1,"price":1,"timestamp":1}',
        b'{"symbol":"A","price":1,"timestamp":1,"x":"\\u0000"}',
        b'{"symbol":"A","price":1,"timestamp":1,"x":"\\ud800"}',
        b'{"symbol":"A","price":1,"timestamp":1,"x":[[1]]}',
        b'{"symbol":"A","price":1,"timestamp":1,"seq":9223372036854775808}',
        b'{"symbol":"A","price":true,"timestamp":1}',
        b"[1]",
    ],
)
def test_the_judge_is_no_rubber_stamp(body: bytes) -> None:
    with pytest.raises(LooseError):
        strictly(body)


def test_the_judge_notices_a_failure(tmp_path: Path) -> None:
    with SqliteReader(tmp_path / "marketlab.db") as reader:
        app = create_app(ApiConfig(), reader=reader, post=None)
        app.add_url_rule("/broken", view_func=lambda: 1 / 0)
        with pytest.raises(AssertionError, match="500 INTERNAL"):
            Judge(app).get("/broken")
