"""The API over a store that a consumer's engine has filled: shapes, paging, tags and problems."""

from __future__ import annotations

import base64
import json
import re

import pytest

from api import ApiConfig, create_app
from api.services import DATABASE
from marketlab.errors import StoreError
from marketlab.model import RECORD_FIELDS, Close, Reason
from marketlab.testing.memory_store import MemoryStore
from tests.api_lab import LOG, NOW, ApiLab, tick

PROBLEM = "application/problem+json"


@pytest.fixture
def lab() -> ApiLab:
    return ApiLab()


def fill(lab: ApiLab, count: int) -> None:
    lab.send(*(tick(100 + n, n, seq=n + 1) for n in range(count)))


# ------------------------------------------------------------------------------------------ shapes


def test_before_anything_is_stored_everything_answers_empty(lab: ApiLab) -> None:
    assert lab.get("/data") == []
    assert lab.get("/alerts") == []
    assert lab.get("/dead-letters") == []
    assert lab.get("/largest-move") is None
    assert lab.get("/books")["balanced"] is True
    assert lab.get("/healthz") == {"status": "ok"}
    assert lab.get("/readyz") == {"status": "ready", "read_only": False}


def test_data_has_one_record_a_symbol_by_symbol_with_the_seeds_fields_first(lab: ApiLab) -> None:
    lab.send(tick(100, 0, seq=1), tick(104, 1, seq=2))
    lab.send(tick(7.5, 0, symbol="BCH/EUR", seq=1), partition=2)
    first, second = lab.get("/data")
    assert tuple(first) == RECORD_FIELDS
    assert list(first)[:5] == ["symbol", "price", "moving_average", "alert", "timestamp"]
    assert first == {
        "symbol": "AAPL", "price": 104.0, "moving_average": 102.0, "alert": "⚠️ AAPL changed by 4.00%",
        "timestamp": NOW - 3599, "id": 2, "size": None, "change_pct": 4.0, "run": "r1", "seq": 2, "partition": 0,
        "offset": 1, "late": False,
    }  # fmt: skip
    assert (second["symbol"], second["alert"], second["partition"]) == ("BCH/EUR", None, 2)


def test_a_symbols_history_is_newest_first(lab: ApiLab) -> None:
    fill(lab, 3)
    assert [record["price"] for record in lab.get("/data/AAPL")] == [102, 101, 100]
    assert lab.get("/data/aapl") == lab.get("/data/AAPL")


@pytest.mark.parametrize("symbol", ["BCH/EUR", "/A", "A//B", "A/", "BTC-USD", "A:B_C=D", "BRK.B", "ALERTS"])
def test_a_symbol_may_be_written_like_a_path(lab: ApiLab, symbol: str) -> None:
    lab.send(tick(7.5, symbol=symbol))
    assert lab.get(f"/data/{symbol}")[0]["symbol"] == symbol


def test_alerts_are_newest_first_and_carry_their_provenance(lab: ApiLab) -> None:
    lab.send(tick(100, 0, seq=1), tick(104, 1, seq=2), tick(99, 2, seq=3))
    lab.send(tick(50, 0, symbol="MSFT", seq=1), tick(60, 1, symbol="MSFT", seq=2), partition=1)
    assert [alert["text"] for alert in lab.get("/alerts")] == [
        "⚠️ MSFT changed by 20.00%", "⚠️ AAPL changed by -4.81%", "⚠️ AAPL changed by 4.00%",
    ]  # fmt: skip
    [_, alert] = lab.get("/alerts?symbol=aapl")
    one = lab.get(f"/alerts/{alert['id']}")
    assert one.pop("provenance")["verdict"] == "unreachable"
    assert one == alert
    assert alert["rule"] == {"window": 5, "threshold_pct": 3.0}
    assert (alert["log"], alert["partition"], alert["offset"], alert["previous_offset"]) == (LOG, 0, 1, 0)
    assert alert["window_prices"] == [100.0, 104.0]
    assert lab.get(f"/data/AAPL?before={alert['tick_id'] + 1}&limit=1")[0]["alert"] == alert["text"]


def test_the_largest_move_is_known_while_there_is_no_alert(lab: ApiLab) -> None:
    lab.send(tick(100, 0), tick(100.1, 1), tick(99.9, 2), tick(100, 3))
    assert lab.get("/alerts") == []
    assert lab.get("/largest-move")["change_pct"] == pytest.approx(-0.1998, abs=1e-4)


def test_the_books_name_what_is_missing(lab: ApiLab) -> None:
    lab.send(tick(1, 0, seq=1), tick(1, 1, seq=2), tick(1, 2, seq=5), b"not a tick", Close("r1", "AAPL", 5, 1))
    books = lab.get("/books")
    assert books["balanced"] is False
    [run] = books["runs"]
    [gap] = run["gaps"]
    assert (gap["symbol"], gap["from"], gap["to"], gap["partition"]) == ("AAPL", 3, 4, 0)
    assert (gap["before"]["offset"], gap["after"]["offset"]) == (1, 2)
    assert (run["produced"], run["stored"], run["lost"]) == (5, 3, 2)
    first = books["partitions"][0]
    assert {name: first[name] for name in ("received", "stored", "dead_lettered", "control", "balanced")} == {
        "received": 5, "stored": 3, "dead_lettered": 1, "control": 1, "balanced": True,
    }  # fmt: skip


def test_dead_letters_show_the_message_whole(lab: ApiLab) -> None:
    lab.send(b'{"symbol": "AAPL"}', b"\xff\x00")
    binary, text = lab.get("/dead-letters")
    assert text["raw"] == '{"symbol": "AAPL"}'
    assert text["reason"] == Reason.MISSING_FIELD
    assert base64.b64decode(binary["raw_b64"]) == b"\xff\x00"
    assert "raw" not in binary
    assert (binary["log"], binary["partition"], binary["offset"]) == (LOG, 0, 1)
    assert lab.get("/dead-letters?reason=not_utf8") == [binary]
    assert text["key"] is None


# ------------------------------------------------------------------------------------------ paging


@pytest.mark.parametrize("path", ["/data/AAPL", "/alerts", "/alerts?symbol=AAPL", "/dead-letters?reason=not_json"])
def test_following_the_links_gives_everything_once(lab: ApiLab, path: str) -> None:
    for n in range(12):
        lab.send(tick(100 if n % 2 else 200, n), b"nonsense")
    base, _, query = path.partition("?")
    everything = lab.get(path)
    seen, link = [], f"?{query}&limit=5"
    pages = 0
    while link:
        response = lab.client.get(base + link)
        seen += response.get_json()
        pages += 1
        found = re.fullmatch(r'<(\?[^>]+)>; rel="next"', response.headers.get("Link", "<>"))
        link = found[1] if found else ""
    assert seen == everything
    assert pages == -(-len(everything) // 5)


def test_the_last_full_page_has_no_link(lab: ApiLab) -> None:
    fill(lab, 4)
    assert "Link" in lab.client.get("/data/AAPL?limit=3").headers
    assert "Link" not in lab.client.get("/data/AAPL?limit=4").headers


def test_a_hundred_records_come_unless_asked_otherwise_and_a_thousand_at_most(lab: ApiLab) -> None:
    fill(lab, 1003)
    assert len(lab.get("/data/AAPL")) == 100
    assert len(lab.get("/data/AAPL?limit=1000")) == 1000


@pytest.mark.parametrize("path", ["/data/AAPL", "/alerts", "/dead-letters"])
@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"),
        ("limit=1001", "/limit"),
        ("limit=-1", "/limit"),
        ("limit=", "/limit"),
        ("limit=1.5", "/limit"),
        ("limit=١", "/limit"),
        ("limit=1e3", "/limit"),
        ("limit=1&limit=2", "/limit"),
        ("limit=" + "9" * 5000, "/limit"),
        ("before=0", "/before"),
        ("before=abc", "/before"),
        ("before=9223372036854775808", "/before"),
    ],
)
def test_a_page_that_cannot_be_meant_is_refused(lab: ApiLab, path: str, query: str, pointer: str) -> None:
    fill(lab, 1)
    response = lab.client.get(f"{path}?{query}")
    assert (response.status_code, response.mimetype) == (400, PROBLEM)
    assert response.get_json()["pointer"] == pointer


# -------------------------------------------------------------------------------------------- tags


PATHS = ["/data", "/data/AAPL", "/alerts", "/books", "/dead-letters", "/largest-move"]


@pytest.mark.parametrize("path", PATHS)
def test_an_idle_question_costs_nothing_and_a_commit_is_told(lab: ApiLab, path: str) -> None:
    fill(lab, 2)
    first = lab.client.get(path)
    tag = first.headers["ETag"]
    again = lab.client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert first.headers[DATABASE] == again.headers[DATABASE] == lab.store.identity()
    lab.send(tick(300, 9, seq=3), b"nonsense")
    after = lab.client.get(path, headers={"If-None-Match": tag})
    assert after.status_code == 200
    assert after.data != first.data
    assert after.headers["ETag"] != tag


def test_data_is_made_once_a_commit(lab: ApiLab, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[None] = []
    latest = lab.store.latest

    def counted(*, since: int) -> object:
        asked.append(None)
        return latest(since=since)

    monkeypatch.setattr(lab.store, "latest", counted)
    fill(lab, 1)
    assert lab.get("/data") == lab.get("/data")
    assert len(asked) == 1
    lab.send(tick(300, 9, seq=2))
    assert lab.get("/data")[0]["price"] == 300
    assert len(asked) == 2


def test_since_gives_only_symbols_that_went_on(lab: ApiLab) -> None:
    lab.send(tick(1, symbol="A"), tick(2, symbol="B"), tick(3, symbol="C"))
    before = lab.get("/data")
    lab.send(tick(4, 1, symbol="B"))
    assert lab.get("/data?since=3") == [record for record in lab.get("/data") if record["symbol"] == "B"]
    assert lab.get("/data?since=4") == lab.get(f"/data?since={2**63 - 1}") == []
    assert [record["id"] for record in lab.get("/data?since=0")] == [1, 4, 3]
    assert len(before) == 3


@pytest.mark.parametrize("wrong", ["-1", "x", "1.0", "", str(2**63), "1&since=2"])
def test_a_since_that_is_no_id_is_refused(lab: ApiLab, wrong: str) -> None:
    response = lab.client.get(f"/data?since={wrong}")
    assert (response.status_code, response.get_json()["pointer"]) == (400, "/since")


def test_a_tag_of_another_process_is_not_taken_for_ones_own(lab: ApiLab) -> None:
    fill(lab, 1)
    tag = lab.client.get("/data").headers["ETag"]
    again = create_app(lab.config, reader=lab.store, post=None).test_client()
    assert again.get("/data", headers={"If-None-Match": tag}).status_code == 200


# ---------------------------------------------------------------------------------------- problems


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/data/", 404),
        ("GET", "/data/NOBODY", 404),
        ("GET", "/data/a b", 404),
        ("GET", "/data/%00", 404),
        ("GET", "/data/%ff", 404),
        ("GET", "/data/" + "A" * 33, 404),
        ("GET", "/alerts/1", 404),
        ("GET", "/alerts/x", 404),
        ("GET", "/alerts/-1", 404),
        ("GET", "/alerts/9223372036854775808", 404),
        ("GET", "/static/../app.py", 404),
        ("GET", "/static/nothing.js", 404),
        ("GET", "/alerts?symbol=a%20b", 400),
        ("GET", "/dead-letters?reason=none", 400),
        ("GET", "/update", 405),
        ("PUT", "/update", 405),
        ("POST", "/data", 405),
        ("DELETE", "/data/AAPL", 405),
    ],
)
def test_every_refusal_is_a_problem(lab: ApiLab, method: str, path: str, status: int) -> None:
    response = lab.client.open(path, method=method)
    assert (response.status_code, response.mimetype) == (status, PROBLEM)
    problem = json.loads(response.data)
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["detail"]
    assert ("Allow" in response.headers) == (status == 405)


def test_a_store_that_cannot_be_read_is_503_and_the_page_still_comes() -> None:
    store = MemoryStore()
    store.close()
    client = create_app(ApiConfig(), reader=store, post=None).test_client()
    for path in ("/data", "/alerts", "/books", "/readyz"):
        response = client.get(path)
        assert (response.status_code, response.mimetype) == (503, PROBLEM)
        assert response.headers["Retry-After"] == "1"
    assert client.get("/healthz").status_code == 200
    assert client.get("/dashboard").status_code == 200


def test_a_failure_of_ours_shows_no_trace(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()

    def fail(*, since: int) -> object:
        raise RuntimeError("the inner secret")

    monkeypatch.setattr(store, "latest", fail)
    response = create_app(ApiConfig(), reader=store, post=None).test_client().get("/data")
    assert (response.status_code, response.mimetype) == (500, PROBLEM)
    assert "secret" not in response.get_data(as_text=True)
    assert "the inner secret" in caplog.text, "the log says it"


def test_the_errors_of_a_store_keep_their_mend(lab: ApiLab) -> None:
    lab.writer.fail(StoreError("the file is damaged", mend="Move it away."))
    response = lab.client.post("/update", json={"symbol": "A", "price": 1, "timestamp": 1})
    assert response.get_json()["mend"] == "Move it away."


@pytest.mark.parametrize(
    ("hidden", "detail", "mend"),
    [
        (None, "/srv/lab/marketlab.db is damaged", "Make room in /srv/lab."),
        ("/srv/lab", "marketlab.db is damaged", "Make room in the lab's folder."),
    ],
)
def test_a_message_names_the_labs_folder_only_where_it_may(hidden: str | None, detail: str, mend: str) -> None:
    lab = ApiLab(config=ApiConfig(hidden=hidden))
    lab.writer.fail(StoreError("/srv/lab/marketlab.db is damaged", mend="Make room in /srv/lab."))
    problem = lab.client.post("/update", json={"symbol": "A", "price": 1, "timestamp": 1}).get_json()
    assert (problem["detail"], problem["mend"]) == (detail, mend)


# -------------------------------------------------------------------------------------------- page


@pytest.mark.parametrize("path", ["/", "/dashboard"])
def test_the_page_has_relative_addresses_and_nothing_inline(lab: ApiLab, path: str) -> None:
    html = lab.client.get(path).get_data(as_text=True)
    addresses = re.findall(r'(?:href|src)="([^"]*)"', html)
    assert addresses
    for address in addresses:
        assert not re.match(r"/|[a-z]+:", address), f"{address} is not relative"
        if not address.startswith("#"):
            with lab.client.get("/" + address) as response:
                assert response.status_code == 200, address
    assert "<style" not in html
    assert not re.search(r"<script(?![^>]* src=)", html)
    assert not re.search(r'\s(style|on\w+)="', html)


def test_the_page_words_the_rule_of_the_settings() -> None:
    from marketlab.model import Rule

    config = ApiConfig(rule=Rule(window=9, threshold_pct=0.5), poll_s=1.5)
    html = create_app(config, reader=MemoryStore(), post=None).test_client().get("/").get_data(as_text=True)
    assert 'data-window="9" data-threshold-pct="0.5" data-poll-ms="1500"' in html
    assert "MA(9)" in html


def test_vendored_files_may_be_kept_and_ours_are_asked_for_again(lab: ApiLab) -> None:
    html = lab.client.get("/").get_data(as_text=True)
    [vendored] = re.findall(r'src="(static/vendor/[^"]+)"', html)
    with lab.client.get("/" + vendored) as kept:
        assert kept.headers["Cache-Control"] == "public, max-age=31536000"
    with lab.client.get("/static/js/main.js") as ours:
        assert ours.headers["Cache-Control"] == "no-cache"
        tag = ours.headers["ETag"]
    with lab.client.get("/static/js/main.js", headers={"If-None-Match": tag}) as again:
        assert again.status_code == 304
