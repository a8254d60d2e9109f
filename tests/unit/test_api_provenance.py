"""``GET /alerts/<id>``: the ticks behind an alert, read again while the client waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from api import ApiConfig
from marketlab.errors import TransportError
from marketlab.model import Alert
from marketlab.provenance import Explanation, explain
from marketlab.wire import encode
from tests.api_lab import LOG, NOW, ApiLab, tick

TICKS = [tick(price, n, seq=n + 1) for n, price in enumerate((100.0, 101.0, 100.0, 104.0))]


class Log:
    """What the server is handed: the log as it is now, in a dictionary."""

    def __init__(self) -> None:
        self.values: dict[int, bytes] | None = {offset: encode(tick) for offset, tick in enumerate(TICKS)}

    def explain(self, alert: Alert) -> Explanation:
        return explain(alert, read=self._read)

    def _read(self, partition: int, offsets: Iterable[int]) -> Mapping[int, bytes | None]:
        assert partition == 0
        if self.values is None:
            raise TransportError("the managed broker does not run")
        return {offset: self.values[offset] for offset in offsets if offset in self.values}


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def lab(log: Log) -> ApiLab:
    lab = ApiLab(config=ApiConfig(clock=lambda: NOW, explain=log.explain))
    lab.send(*TICKS)
    return lab


def test_an_alert_is_confirmed_by_the_bytes_on_the_log(lab: ApiLab) -> None:
    found = lab.get("/alerts/1")
    window = [
        {"offset": n, "price": tick.price, "price_again": tick.price, "same": True, "raw": encode(tick).decode()}
        for n, tick in enumerate(TICKS)
    ]
    assert found["text"] == "⚠️ AAPL changed by 4.00%"
    assert found["provenance"] == {
        "rule": {"window": 5, "threshold_pct": 3.0},
        "previous": window[2],
        "current": window[3],
        "window": window,
        "log": LOG,
        "topic": None,
        "partition": 0,
        "verdict": "confirmed",
        "detail": "the log still holds these ticks, and the alert comes out again",
        "recomputed": {"moving_average": 101.25, "change_pct": 4.0, "fires": True},
    }


def test_a_log_that_says_something_else_is_shown_beside_what_was_stored(lab: ApiLab, log: Log) -> None:
    assert log.values is not None
    log.values[1] = encode(tick(99.0, 1, seq=2))
    provenance = lab.get("/alerts/1")["provenance"]
    assert provenance["verdict"] == "differs"
    assert provenance["window"][1] == {
        "offset": 1, "price": 101.0, "price_again": 99.0, "same": False, "raw": encode(tick(99.0, 1, seq=2)).decode(),
    }  # fmt: skip
    assert provenance["recomputed"]["moving_average"] == 100.75


def test_a_log_that_forgot_and_a_log_that_is_away_are_told_apart(lab: ApiLab, log: Log) -> None:
    assert log.values is not None
    del log.values[0]
    forgot = lab.get("/alerts/1")["provenance"]
    assert (forgot["verdict"], forgot["window"][0]["price_again"]) == ("gone", None)
    log.values = None
    away = lab.get("/alerts/1")["provenance"]
    assert away["verdict"] == "unreachable"
    assert away["detail"] == "the managed broker does not run; recomputed from what was stored"
    assert [seen["price_again"] for seen in away["window"]] == [None] * 4


def test_an_explanation_is_of_its_moment_and_kept_by_nobody(lab: ApiLab) -> None:
    response = lab.client.get("/alerts/1")
    assert response.headers["Cache-Control"] == "no-store"
    assert "ETag" not in response.headers


def test_an_alert_that_does_not_exist_is_not_looked_for_on_the_log(lab: ApiLab) -> None:
    assert lab.client.get("/alerts/99").status_code == 404
