"""Who is let in: names, origins, and what every answer tells the browser."""

from __future__ import annotations

import http.client
import re

import pytest

from api import ApiConfig, create_asgi
from api.security import HEADERS
from tests.api_lab import NOW, ApiLab, Server, tick

RECORD = {"symbol": "AAPL", "price": 1, "timestamp": NOW}


@pytest.fixture
def lab() -> ApiLab:
    return ApiLab()


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:5000",
        "LOCALHOST:5000",
        "localhost.",
        "127.0.0.1",
        "127.0.0.1:8080",
        "[::1]",
        "[::1]:5000",
    ],
)
def test_this_machines_own_names_are_answered(lab: ApiLab, host: str) -> None:
    assert lab.client.get("/data", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:5000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:127.0.0.1",
        "localhost:5000:evil.example",
        "[::1].evil.example",
        "[::1]x",
        "192.168.1.7:5000",
        "0.0.0.0",
        "user@localhost",
        "localhost,evil.example",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/data", "/dashboard", "/static/js/main.js", "/healthz", "/nowhere"])
def test_any_other_name_is_refused_on_every_path(lab: ApiLab, host: str, path: str) -> None:
    response = lab.client.get(path, headers={"Host": host})
    assert response.status_code == 403
    assert response.mimetype == "application/problem+json"


def test_a_name_that_was_allowed_is_answered() -> None:
    lab = ApiLab(config=ApiConfig(hosts=frozenset({"lab.example"}), clock=lambda: NOW))
    assert lab.client.get("/data", headers={"Host": "Lab.Example:443"}).status_code == 200
    assert lab.client.get("/data", headers={"Host": "127.0.0.1"}).status_code == 403


def test_beyond_loopback_addresses_are_answered_and_names_are_not() -> None:
    lab = ApiLab(config=ApiConfig(any_address=True, clock=lambda: NOW))
    assert lab.client.get("/data", headers={"Host": "192.168.1.7:5000"}).status_code == 200
    assert lab.client.get("/data", headers={"Host": "[fe80::1]:5000"}).status_code == 200
    assert lab.client.get("/data", headers={"Host": "evil.example"}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # curl, requests
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://behind.a.proxy"}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "http://localhost:5001"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": ""}, 403),
    ],
)
def test_only_its_own_pages_and_programs_may_write(lab: ApiLab, headers: dict[str, str], status: int) -> None:
    assert lab.client.post("/update", json=RECORD, headers=headers).status_code == status
    assert len(lab.get("/data")) == (status == 200)


def test_reading_is_not_checked_for_its_origin(lab: ApiLab) -> None:
    assert lab.client.get("/data", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


#: Something that fits each converter of a route.
FITTING = {"symbol": "AAPL", "number": "1", "filename": "css/tokens.css"}


def every_address(lab: ApiLab) -> list[str]:
    return [
        re.sub(r"<(?:[^<>:]+:)?(\w+)>", lambda name: FITTING[name[1]], rule.rule)
        for rule in lab.app.url_map.iter_rules()
    ]


def test_every_answer_of_every_route_binds_the_browser(lab: ApiLab) -> None:
    lab.send(tick(100, 0), tick(104, 1))
    seen = set()
    for path in [
        *every_address(lab),
        "/nowhere",
        "/data?limit=x",
        "/data/NOBODY",
        "/static/nowhere",
        "/static/../app.py",
    ]:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            response = lab.client.open(path, method=method)
            seen.add(response.status_code)
            assert {name: response.headers.get(name) for name in HEADERS} == HEADERS, (method, path)
            assert not {"Server", "X-Powered-By", "Set-Cookie"} & set(response.headers.keys()), (method, path)
            if response.status_code >= 400 and method != "HEAD":
                assert response.mimetype == "application/problem+json", (method, path)
            response.close()
    assert seen >= {200, 400, 404, 405, 415}


def test_the_server_does_not_say_what_it_is_made_of(lab: ApiLab) -> None:
    with Server(create_asgi(lab.config, reader=lab.store, post=None)) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        for path in ("/data", "/nowhere", "/static/css/tokens.css"):
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            assert response.getheader("Server") is None
        connection.close()


def test_a_failure_of_ours_shows_nothing_of_the_inside(lab: ApiLab, caplog: pytest.LogCaptureFixture) -> None:
    lab.app.add_url_rule("/broken", view_func=lambda: {}["a secret of ours"])
    response = lab.client.get("/broken")
    assert response.status_code == 500
    assert response.mimetype == "application/problem+json"
    assert "secret" not in response.get_data(as_text=True)
    assert "a secret of ours" in caplog.text, "the log says why"


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    policy = dict(part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    for sources in policy.values():
        assert set(sources.split()) <= {"'none'", "'self'"}


def test_nobody_else_is_told_that_he_may_read(lab: ApiLab) -> None:
    response = lab.client.get("/data", headers={"Origin": "http://evil.example"})
    assert not [name for name, _ in response.headers if name.lower().startswith("access-control-")]
