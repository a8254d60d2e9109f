"""``/metrics``: read as Prometheus reads it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from api import ApiConfig, create_app
from api.metrics import Gauges
from marketlab.commit_times import CommitTimes
from marketlab.errors import StoreError
from marketlab.testing.memory_store import MemoryStore
from tests.api_lab import ApiLab, tick
from tests.house import ROOT

#: Samples by name and labels.
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(lab: ApiLab, gauges: Gauges | None = None) -> Samples:
    client = lab.client
    if gauges is not None:
        client = create_app(lab.config, reader=lab.store, post=None, gauges=gauges).test_client()
    response = client.get("/metrics")
    assert (response.status_code, response.mimetype) == (200, "text/plain")
    assert response.headers["Cache-Control"] == "no-store"
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.get_data(as_text=True))
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, frozenset(labels.items())))


@pytest.fixture
def lab() -> ApiLab:
    return ApiLab()


def test_ticks_are_counted_by_partition_and_bin(lab: ApiLab) -> None:
    lab.send(tick(100, seq=1), tick(101, 1, seq=2), tick(101, 1, seq=2), b"nonsense", partition=1)
    samples = read(lab)
    found = {
        name: value(samples, "marketlab_messages_total", log="tape:lab", partition="1", bin=name)
        for name in ("stored", "late", "duplicate", "dead_lettered", "control")
    }
    assert found == {"stored": 2, "late": 0, "duplicate": 1, "dead_lettered": 1, "control": 0}
    assert value(samples, "marketlab_messages_total", log="tape:lab", partition="0", bin="stored") == 0


def test_alerts_and_dead_letters_are_counted(lab: ApiLab) -> None:
    assert value(read(lab), "marketlab_alerts_total") == 0
    lab.send(tick(100), tick(110, 1), tick(121, 2), b"", b"nonsense", b"[]", b"nonsense")
    samples = read(lab)
    assert value(samples, "marketlab_alerts_total") == 2
    reasons = {
        reason: value(samples, "marketlab_dead_letters_total", reason=reason) for reason in ("empty", "not_json")
    }
    assert reasons == {"empty": 1, "not_json": 2}


def test_requests_are_told_apart_by_rule_method_and_status(lab: ApiLab) -> None:
    lab.send(tick(100), tick(1, symbol="BCH/EUR"))
    for path in ("/data/AAPL", "/data/BCH/EUR", "/data/NEVER", "/nowhere", "/elsewhere"):
        lab.client.get(path)
    lab.client.post("/data")
    lab.client.open("/data", method="BREW")
    lab.client.get("/data", headers={"Host": "evil.example"})
    lab.client.get("/data", headers={"If-None-Match": lab.client.get("/data").headers["ETag"]})
    samples = read(lab)
    counted = {
        (labels["method"], labels["route"], labels["status"]): number
        for (name, pairs), number in samples.items()
        if name == "marketlab_http_request_seconds_count" and (labels := dict(pairs))
    }
    assert counted == {
        ("GET", "/data/<symbol:symbol>", "200"): 2,
        ("GET", "/data/<symbol:symbol>", "404"): 1,
        ("GET", "none", "404"): 2,
        ("POST", "none", "405"): 1,
        ("other", "none", "405"): 1,
        ("GET", "/data", "403"): 1,
        ("GET", "/data", "200"): 1,
        ("GET", "/data", "304"): 1,
    }


def test_what_nobody_can_tell_is_not_there(lab: ApiLab) -> None:
    for gauges in (None, Gauges(lag=lambda *, wait_s=0.0: None)):
        names = {name for name, _ in read(lab, gauges)}
        assert not names & {"marketlab_group_lag", "marketlab_websocket_clients", "marketlab_commit_seconds_count"}


def test_lag_clients_and_commits_are_those_that_it_is_given(lab: ApiLab) -> None:
    times = CommitTimes("0", "sqlite", bounds_s=(0.01, 0.1), counts=[0, 0, 0])
    for seconds in (0.005, 0.01, 0.02, 7.0):
        times.observe(seconds)
    asked: list[float] = []

    def lag(*, wait_s: float = 0.0) -> dict[int, int]:
        asked.append(wait_s)
        return {0: 5, 2: 0}

    samples = read(lab, Gauges(lag=lag, clients=lambda: 7, commits=lambda: [times]))
    assert [value(samples, "marketlab_group_lag", partition=name) for name in "012"] == [5, None, 0]
    assert value(samples, "marketlab_websocket_clients") == 7
    consumer = {"consumer": "0", "sink": "sqlite"}
    edges = [value(samples, "marketlab_commit_seconds_bucket", le=edge, **consumer) for edge in ("0.01", "0.1", "+Inf")]
    assert edges == [2, 3, 4]
    assert value(samples, "marketlab_commit_seconds_count", **consumer) == 4
    assert value(samples, "marketlab_commit_seconds_sum", **consumer) == pytest.approx(7.035)
    assert len(asked) == 1
    assert 0 < asked[0] <= 1


def test_a_store_that_cannot_be_read_is_told_and_the_rest_is_there(
    lab: ApiLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert value(read(lab), "marketlab_store_readable") == 1

    def fail(self: MemoryStore) -> object:
        raise StoreError("damaged")

    monkeypatch.setattr(MemoryStore, "partition_books", fail)
    samples = read(lab)
    assert value(samples, "marketlab_store_readable") == 0
    assert value(samples, "marketlab_alerts_total") is None
    assert value(samples, "marketlab_http_request_seconds_count", method="GET", route="/metrics", status="200") == 1


def test_two_apps_of_one_process_count_apart(lab: ApiLab) -> None:
    lab.client.get("/data")
    other = ApiLab(config=ApiConfig())
    assert value(read(other), "marketlab_http_request_seconds_count", method="GET", route="/data", status="200") is None
    assert value(read(lab), "marketlab_http_request_seconds_count", method="GET", route="/data", status="200") == 1


def test_the_scrape_example_asks_where_the_metrics_are(lab: ApiLab) -> None:
    path = Path(ROOT / "deploy" / "prometheus.yml")
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    [job] = config["scrape_configs"]
    [group] = job["static_configs"]
    assert re.fullmatch(r"127\.0\.0\.1:5000", *group["targets"])
    assert lab.client.get(job["metrics_path"], headers={"Host": group["targets"][0]}).status_code == 200
    lab.send(tick(100), b"nonsense")
    gauges = Gauges(lag=lambda *, wait_s=0.0: {0: 1}, commits=lambda: [CommitTimes("0", "sqlite")])
    app = create_app(lab.config, reader=lab.store, post=None, gauges=gauges).test_client()
    app.get("/data")
    told = app.get("/metrics").get_data(as_text=True)
    named = set(re.findall(r"marketlab_\w+", path.read_text(encoding="utf-8")))
    assert named
    assert [name for name in named if not re.search(rf"^{name}\{{?", told, re.MULTILINE)] == []
