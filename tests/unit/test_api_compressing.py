"""gzip: who gets it, that it is the same inside, and that it is worked out once."""

from __future__ import annotations

import gzip
import json

import pytest
from werkzeug.test import TestResponse

from api import compressing
from tests.api_lab import ApiLab, tick

SCRIPT = "/static/vendor/chart.js-4.6.1/chart.umd.min.js"


@pytest.fixture
def lab() -> ApiLab:
    lab = ApiLab()
    for n in range(20):
        lab.send(*[tick(100 + n, m, symbol=f"SYM{n}", run=f"r{m}") for m in range(12)])
    lab.send(*[tick(100 + 10 * n, n, symbol="UP") for n in range(12)])
    return lab


def ask(lab: ApiLab, path: str, accepted: str | None = "gzip, br", **headers: str) -> TestResponse:
    if accepted is not None:
        headers["Accept-Encoding"] = accepted
    with lab.client.get(path, headers=headers) as response:
        assert response.data is not None  # read before its file is closed
        return response


@pytest.mark.parametrize(
    "path",
    ["/data", "/data?since=5", "/data/SYM1", "/alerts", "/books", "/dashboard", SCRIPT, "/static/css/base.css"],
)
def test_what_accepts_gzip_gets_the_same_in_less(lab: ApiLab, path: str) -> None:
    plain, small = ask(lab, path, None), ask(lab, path)
    assert plain.status_code == small.status_code == 200
    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.data) == plain.data
    assert int(small.headers["Content-Length"]) == len(small.data) < len(plain.data)
    assert plain.headers["Vary"] == small.headers["Vary"] == "Accept-Encoding"
    assert plain.mimetype == small.mimetype


@pytest.mark.parametrize("accepted", [None, "", "br", "identity", "gzip;q=0", "gzip;q=0, *"])
def test_who_does_not_accept_it_does_not_get_it(lab: ApiLab, accepted: str | None) -> None:
    response = ask(lab, "/data", accepted)
    assert "Content-Encoding" not in response.headers
    assert len(response.get_json()) == 21
    assert response.headers["Vary"] == "Accept-Encoding", "or a cache would hand it to the others"


@pytest.mark.parametrize("accepted", ["gzip", "*", "br;q=1.0, gzip;q=0.1"])
def test_however_it_is_accepted_it_is_given(lab: ApiLab, accepted: str) -> None:
    assert ask(lab, "/data", accepted).headers["Content-Encoding"] == "gzip"


def test_what_is_small_stays_as_it_is(lab: ApiLab) -> None:
    for path in ("/data?since=251", "/data/NEVER", "/healthz"):
        assert "Content-Encoding" not in ask(lab, path).headers


@pytest.mark.parametrize("path", ["/data", SCRIPT])
def test_a_compressed_answer_has_a_tag_that_is_known_again(lab: ApiLab, path: str) -> None:
    first = ask(lab, path)
    assert first.headers["ETag"].startswith("W/")
    again = ask(lab, path, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Vary"] == "Accept-Encoding"


def test_a_part_of_a_file_is_given_as_it_is(lab: ApiLab) -> None:
    whole = ask(lab, SCRIPT, None).data
    part = ask(lab, SCRIPT, Range="bytes=10-19")
    assert (part.status_code, part.data) == (206, whole[10:20])
    assert "Content-Encoding" not in part.headers


def test_a_head_tells_of_what_a_get_would_give(lab: ApiLab) -> None:
    got = ask(lab, "/data")
    head = lab.client.head("/data", headers={"Accept-Encoding": "gzip"})
    assert head.data == b""
    assert {name: head.headers[name] for name in ("Content-Length", "ETag")} == {
        name: got.headers[name] for name in ("Content-Length", "ETag")
    }


def test_it_is_worked_out_once_a_commit_and_never_given_out_stale(lab: ApiLab, monkeypatch: pytest.MonkeyPatch) -> None:
    worked: list[int] = []
    compress = gzip.compress

    def counted(body: bytes, level: int, *, mtime: int) -> bytes:
        worked.append(len(body))
        return compress(body, level, mtime=mtime)

    monkeypatch.setattr(compressing.gzip, "compress", counted)
    for _ in range(3):
        for path in ("/data", SCRIPT):
            assert ask(lab, path).headers["Content-Encoding"] == "gzip"
    assert len(worked) == 2
    lab.send(tick(1, 99, symbol="NEW"))
    assert json.loads(gzip.decompress(ask(lab, "/data").data)) == lab.get("/data")
    assert len(worked) == 3
    for _ in range(2):
        ask(lab, "/data/SYM1")
    assert len(worked) == 5, "symbols are many: nothing is kept of them"
