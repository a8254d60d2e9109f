"""Pages of other origins: none by default, and exactly those that were let in by name."""

from __future__ import annotations

import pytest

from api import ApiConfig
from api.cors import allowed_origins
from marketlab.errors import SettingsError
from tests.api_lab import NOW, ApiLab

FRIEND = "https://lab.example"
RECORD = {"symbol": "AAPL", "price": 1, "timestamp": NOW}
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


def make(*origins: str, read_only: bool = False, token: str | None = None) -> ApiLab:
    allowed = allowed_origins(origins, read_only=read_only)
    return ApiLab(read_only=read_only, config=ApiConfig(clock=lambda: NOW, cors_origins=allowed, token=token))


def told(lab: ApiLab, origin: str | None, method: str = "GET", path: str = "/data", **headers: str) -> dict[str, str]:
    """What an answer says about other origins, without the prefix."""
    sent = headers if origin is None else {**headers, "Origin": origin}
    response = lab.client.open(path, method=method, headers=sent)
    found = {name.lower(): value for name, value in response.headers}
    response.close()
    return {name.removeprefix("access-control-"): text for name, text in found.items() if "access-control-" in name}


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_by_default_nobody_else_is_told_anything(method: str) -> None:
    assert told(make(), FRIEND, method, **PREFLIGHT) == {}


def test_a_friend_may_read_and_see_the_headers_that_lead_on() -> None:
    found = told(make(FRIEND), FRIEND)
    assert found["allow-origin"] == FRIEND
    assert {"Link", "ETag", "Marketlab-Database"} <= set(found["expose-headers"].split(", "))
    assert "allow-credentials" not in found


@pytest.mark.parametrize(
    "origin",
    [
        None, "null", "https://evil.example", "https://lab.example.evil.example", "https://evillab.example",
        "http://lab.example", "https://lab.example:8443", "https://LAB.example", "https://lab.example/", "*",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_an_origin_that_only_looks_like_a_friend_is_told_nothing(origin: str | None, method: str) -> None:
    assert told(make(FRIEND), origin, method, **PREFLIGHT) == {}


@pytest.mark.parametrize("path", ["/data", "/nowhere", "/dashboard", "/static/css/tokens.css", "/alerts?limit=x"])
@pytest.mark.parametrize("origin", [None, FRIEND, "https://evil.example"])
def test_no_cache_gives_one_origins_answer_to_another(path: str, origin: str | None) -> None:
    response = make(FRIEND).client.get(path, headers={"Origin": origin} if origin else {})
    assert "Origin" in response.headers.get("Vary", "")
    response.close()


def test_a_preflight_says_what_a_friend_may_send() -> None:
    found = told(make(FRIEND), FRIEND, "OPTIONS", "/update", **PREFLIGHT)
    assert found["allow-origin"] == FRIEND
    assert found["allow-methods"].split(", ") == ["GET", "HEAD", "POST"]
    assert {"Content-Type", "Authorization", "If-None-Match"} <= set(found["allow-headers"].split(", "))
    assert int(found["max-age"]) <= 3600
    assert told(make(FRIEND, read_only=True), FRIEND, "OPTIONS", **PREFLIGHT)["allow-methods"] == "GET, HEAD"


def test_a_friend_may_write_and_a_stranger_still_may_not() -> None:
    lab = make(FRIEND)
    headers = {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"}
    assert lab.client.post("/update", json=RECORD, headers=headers).status_code == 200
    headers["Origin"] = "https://evil.example"
    assert lab.client.post("/update", json=RECORD, headers=headers).status_code == 403
    assert len(lab.get("/data")) == 1


def test_a_friend_needs_the_token_too_and_can_read_that_he_does() -> None:
    lab = make(FRIEND, token="t" * 40)
    headers = {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"}
    response = lab.client.post("/update", json=RECORD, headers=headers)
    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (401, FRIEND)
    assert lab.client.options("/update", headers={**headers, **PREFLIGHT}).status_code == 204, "it carries no token yet"


def test_a_preflight_passes_no_check_of_the_host() -> None:
    response = make(FRIEND).client.options("/data", headers={"Host": "evil.example", "Origin": FRIEND, **PREFLIGHT})
    assert response.status_code == 403


def test_everybody_may_read_where_nobody_can_write() -> None:
    lab = make("*", read_only=True)
    assert told(lab, "https://evil.example")["allow-origin"] == "*"
    assert lab.client.post("/update", json=RECORD, headers={"Origin": "https://evil.example"}).status_code == 403
    with pytest.raises(SettingsError, match=r"origin \*"):
        allowed_origins(["*"], read_only=False)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://lab.example", FRIEND),
        (" HTTPS://Lab.Example/ ", FRIEND),
        ("https://lab.example:443", FRIEND),
        ("http://lab.example:8080", "http://lab.example:8080"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_origins_are_kept_as_browsers_send_them(text: str, origin: str) -> None:
    assert allowed_origins([text, ""], read_only=False) == {origin}


@pytest.mark.parametrize(
    "text",
    ["lab.example", "https://", "ftp://lab.example", "https://*.example", "https://a@b.example", "null",
     "https://lab.example/page", "https://lab.example?x", "https://lab.example:99999", "http://["],
)  # fmt: skip
def test_what_is_no_origin_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match="origin"):
        allowed_origins([text], read_only=True)
