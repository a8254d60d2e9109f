"""``GET /bars/<symbol>``: the shape, the edges, the pages and the errors."""

from __future__ import annotations

import re

import pytest

from tests.api_lab import NOW, ApiLab, tick

T = NOW - 3600  # a whole minute


@pytest.fixture
def lab() -> ApiLab:
    return ApiLab()


def test_bars_come_oldest_first_with_their_left_edges(lab: ApiLab) -> None:
    lab.send(tick(10, 0.5, seq=1), tick(12, 0.9, seq=2), tick(9, 3.0, seq=3))
    assert lab.get("/bars/aapl") == [
        {"start": T, "open": 10, "high": 12, "low": 10, "close": 12, "volume": None, "ticks": 2},
        {"start": T + 1, "open": None, "high": None, "low": None, "close": None, "volume": None, "ticks": 0},
        {"start": T + 2, "open": None, "high": None, "low": None, "close": None, "volume": None, "ticks": 0},
        {"start": T + 3, "open": 9, "high": 9, "low": 9, "close": 9, "volume": None, "ticks": 1},
    ]  # fmt: skip
    assert [bar["ticks"] for bar in lab.get("/bars/AAPL?interval=10s")] == [3]


def test_late_ticks_are_not_in_bars(lab: ApiLab) -> None:
    lab.send(tick(10, 5, seq=1), tick(99, 1, seq=2), tick(11, 5.5, seq=3))
    assert [(bar["high"], bar["ticks"]) for bar in lab.get("/bars/AAPL")] == [(11, 2)]


def test_a_symbol_may_be_written_like_a_path(lab: ApiLab) -> None:
    lab.send(tick(7.5, symbol="BCH/EUR"))
    assert lab.get("/bars/BCH/EUR?interval=1m")[0]["close"] == 7.5


def test_following_the_links_gives_every_bar_once(lab: ApiLab) -> None:
    lab.send(*(tick(100 + n, 3 * n, seq=n + 1) for n in range(20)))
    pages = ["?limit=7"]
    found = []
    while pages:
        response = lab.client.get("/bars/AAPL" + pages.pop())
        found = response.get_json() + found
        if link := response.headers.get("Link"):
            match = re.fullmatch(r'<(\?[^>]+)>; rel="next"', link)
            assert match
            pages.append(match[1])
    assert [bar["start"] for bar in found] == [T + n for n in range(58)]
    assert found == lab.get("/bars/AAPL?limit=300")


def test_there_are_120_bars_unless_told_otherwise_and_at_most_300(lab: ApiLab) -> None:
    lab.send(tick(1, 0, seq=1), tick(1, 900, seq=2))
    assert len(lab.get("/bars/AAPL")) == 120
    assert len(lab.get("/bars/AAPL?limit=300")) == 300


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("interval=2s", "/interval"),
        ("interval=", "/interval"),
        ("interval=1s&interval=1m", "/interval"),
        ("limit=301", "/limit"),
        ("limit=0", "/limit"),
        ("before=0", "/before"),
        ("before=1e12", "/before"),
        ("before=1_0", "/before"),
        ("before=1e999", "/before"),
        ("before=-1", "/before"),
        ("before=nan", "/before"),
        ("before=١", "/before"),
        ("before=999999999999", "/before"),
    ],
)
def test_a_question_without_a_meaning_is_pointed_at(lab: ApiLab, query: str, pointer: str) -> None:
    lab.send(tick(1))
    response = lab.client.get(f"/bars/AAPL?{query}")
    assert response.status_code == 400
    assert response.get_json()["pointer"] == pointer


def test_a_symbol_that_was_never_seen_is_not_found(lab: ApiLab) -> None:
    assert lab.client.get("/bars/NOBODY").status_code == 404
    assert lab.client.get("/bars/not a symbol").status_code == 404


def test_a_time_may_be_written_as_any_json_number(lab: ApiLab) -> None:
    lab.send(tick(1))
    assert lab.get("/bars/AAPL?before=2e9") == lab.get("/bars/AAPL")
    assert lab.get("/bars/AAPL?before=5e-324") == []


def test_a_misspelt_parameter_is_pointed_at(lab: ApiLab) -> None:
    response = lab.client.get("/bars/AAPL?intervall=1m")
    assert (response.status_code, response.get_json()["pointer"]) == (400, "/intervall")
    assert "interval, limit, before" in response.get_json()["mend"]


def test_an_idle_poll_is_cheap(lab: ApiLab) -> None:
    lab.send(tick(1))
    tag = lab.client.get("/bars/AAPL").headers["ETag"]
    assert lab.client.get("/bars/AAPL", headers={"If-None-Match": tag}).status_code == 304
