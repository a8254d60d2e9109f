"""The description of the API holds what the API does: every route, every answer, every example and every command."""

from __future__ import annotations

import re
import shlex
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from werkzeug.test import TestResponse

from api import ApiConfig
from api.operations import OPERATIONS, UNDESCRIBED
from marketlab.model import Close, Tick
from tests.api_lab import NOW, ApiLab, tick

TOKEN = "t" * 40
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
RECORD = {"symbol": "AAPL", "price": 1, "timestamp": NOW}


@pytest.fixture(scope="module")
def lab() -> ApiLab:
    """A store that holds something of everything: sizes, alerts, late ticks, gaps, dead letters of both kinds."""
    lab = ApiLab(config=ApiConfig(clock=lambda: NOW, token=TOKEN))
    lab.send(tick(100, 0, seq=1), tick(104, 1, seq=2), tick(99, 5, seq=5), tick(98, 2, seq=3), b"not a tick", b"\xff")
    lab.send(Close("r1", "AAPL", 5, 1), Tick("BCH/EUR", 7.5, NOW - 60, size=2.5))
    lab.send(b'{"symbol":"AAPL","price":-1,"timestamp":1,"seq":9,"run":"r1"}', tick(3, run="", symbol="MSFT"))
    return lab


@pytest.fixture(scope="module")
def document(lab: ApiLab) -> dict[str, Any]:
    found: dict[str, Any] = lab.get("/openapi.json")
    return found


class Described:
    """Holds answers against the document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        resource = Resource.from_contents(document, default_specification=_specification())
        self._registry: Registry[Any] = Registry().with_resource("urn:api", resource)

    def check(self, path: str, response: TestResponse) -> None:
        """The answer has a status, a media type and a shape that stand in the document."""
        pointer = f"#/paths/{path.replace('~', '~0').replace('/', '~1')}"
        method = "post" if "post" in self._document["paths"][path] else "get"
        described = self._document["paths"][path][method]["responses"][str(response.status_code)]
        pointer += f"/{method}/responses/{response.status_code}"
        if "$ref" in described:
            pointer = described["$ref"]
            described = self._document["components"]["responses"][pointer.rpartition("/")[2]]
        for name in described.get("headers", ()):
            assert name in response.headers or name == "Link", f"{path} answers without {name}"
        assert ("Link" in response.headers) <= ("Link" in described.get("headers", ()))
        if response.status_code == 304:
            return
        assert response.mimetype in described["content"], f"{path} answered {response.mimetype}"
        if "json" in response.mimetype:
            media_type = response.mimetype.replace("/", "~1")
            self.validate(f"{pointer}/content/{media_type}/schema", response.get_json())

    def validate(self, pointer: str, value: Any) -> None:
        """A value has the shape that stands there."""
        Draft202012Validator({"$ref": f"urn:api{pointer}"}, registry=self._registry).validate(value)


def _specification() -> Any:
    from referencing.jsonschema import DRAFT202012

    return DRAFT202012


@pytest.fixture(scope="module")
def described(document: dict[str, Any]) -> Described:
    return Described(document)


def served(app: Flask) -> dict[str, set[str]]:
    """The methods of every route, without those that Flask adds, by the route as OpenAPI writes it."""
    return {
        re.sub(r"<(?:[^<>:]+:)?(\w+)>", r"{\1}", rule.rule): {m.lower() for m in rule.methods or ()}
        - {"head", "options"}
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in UNDESCRIBED
    }


# ------------------------------------------------------------------------------------------ whole


def test_every_route_is_described_and_every_description_is_of_a_route(lab: ApiLab, document: dict[str, Any]) -> None:
    routes = served(lab.app)
    assert routes.pop("/") == routes["/dashboard"], "the same page by another name"
    assert {path: set(methods) for path, methods in document["paths"].items()} == routes
    assert set(OPERATIONS) == {rule.endpoint for rule in lab.app.url_map.iter_rules()} - set(UNDESCRIBED)
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["summary"].endswith(".")


def test_the_document_is_openapi_3_1_with_schemas_that_are_schemas(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert document["jsonSchemaDialect"] == Draft202012Validator.META_SCHEMA["$id"]
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                Draft202012Validator.check_schema(parameter["schema"])
    ids = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))


def test_every_example_has_the_shape_that_it_is_an_example_of(document: dict[str, Any], described: Described) -> None:
    shown = {
        name: schema["examples"] for name, schema in document["components"]["schemas"].items() if "examples" in schema
    }
    answers = {operation.answer.__name__ for operation in OPERATIONS.values() if not isinstance(operation.answer, str)}
    assert set(shown) >= answers | {"Problem", "PostedRecord"}
    for name, examples in shown.items():
        for example in examples:
            described.validate(f"#/components/schemas/{name}", example)


# ------------------------------------------------------------------------------------------ answers


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/data", "/data"),
        ("/data", "/data?since=1"),
        ("/data/{symbol}", "/data/AAPL"),
        ("/data/{symbol}", "/data/AAPL?limit=1"),
        ("/data/{symbol}", "/data/BCH/EUR"),
        ("/bars/{symbol}", "/bars/AAPL"),
        ("/bars/{symbol}", "/bars/BCH/EUR?interval=1m&limit=1"),
        ("/alerts", "/alerts"),
        ("/alerts", "/alerts?symbol=aapl&limit=1"),
        ("/alerts/{number}", "/alerts/1"),
        ("/largest-move", "/largest-move"),
        ("/notebook", "/notebook?symbol=AAPL&tick=1"),
        ("/books", "/books"),
        ("/books", "/books?balanced=false&limit=1&before=memory:x%20r"),
        ("/dead-letters", "/dead-letters"),
        ("/dead-letters", "/dead-letters?reason=not_utf8&limit=1"),
        ("/healthz", "/healthz"),
        ("/readyz", "/readyz"),
        ("/metrics", "/metrics"),
        ("/openapi.json", "/openapi.json"),
        ("/docs", "/docs"),
        ("/dashboard", "/dashboard"),
    ],
)
def test_answers_have_the_shapes_that_were_described(lab: ApiLab, described: Described, path: str, asked: str) -> None:
    response = lab.client.get(asked)
    assert response.status_code == 200
    if response.is_json and asked != "/largest-move":
        assert response.get_json(), "an empty answer shows nothing"
    described.check(path, response)
    if tag := response.headers.get("ETag"):
        described.check(path, lab.client.get(asked, headers={"If-None-Match": tag}))


def test_an_empty_store_answers_in_the_same_shapes(described: Described) -> None:
    empty = ApiLab()
    for path in ("/data", "/alerts", "/largest-move", "/books", "/dead-letters", "/readyz"):
        described.check(path, empty.client.get(path))


@pytest.mark.parametrize("records", [RECORD, [RECORD, {**RECORD, "symbol": "BCH/EUR", "late": True}], []])
def test_what_is_described_as_a_body_is_accepted(described: Described, records: Any) -> None:
    lab = ApiLab(config=ApiConfig(clock=lambda: NOW, token=TOKEN))
    described.validate("#/paths/~1update/post/requestBody/content/application~1json/schema", records)
    response = lab.client.post("/update", json=records, headers=AUTHORIZED)
    assert response.status_code == 200
    described.check("/update", response)


@pytest.mark.parametrize(
    ("method", "asked", "path", "status", "sent"),
    [
        ("GET", "/data/NOBODY", "/data/{symbol}", 404, {}),
        ("GET", "/data/AAPL?limit=x", "/data/{symbol}", 400, {}),
        ("GET", "/bars/AAPL?interval=2s", "/bars/{symbol}", 400, {}),
        ("GET", "/bars/NOBODY", "/bars/{symbol}", 404, {}),
        ("GET", "/alerts?before=0", "/alerts", 400, {}),
        ("GET", "/notebook?symbol=AAPL&tick=99", "/notebook", 404, {}),
        ("GET", "/notebook?symbol=AAPL", "/notebook", 400, {}),
        ("GET", "/alerts/99", "/alerts/{number}", 404, {}),
        ("GET", "/dead-letters?reason=x", "/dead-letters", 400, {}),
        ("GET", "/data", "/data", 403, {"headers": {"Host": "evil.example"}}),
        ("POST", "/update", "/update", 401, {"json": RECORD}),
        ("POST", "/update", "/update", 400, {"json": {"symbol": "AAPL"}, "headers": AUTHORIZED}),
        ("POST", "/update", "/update", 413, {"json": [RECORD] * 1001, "headers": AUTHORIZED}),
        ("POST", "/update", "/update", 415, {"data": "x", "headers": AUTHORIZED}),
        ("POST", "/update", "/update", 403, {"json": RECORD, "headers": {**AUTHORIZED, "Origin": "http://evil"}}),
    ],
)
def test_refusals_have_the_shapes_that_were_described(
    lab: ApiLab, described: Described, method: str, asked: str, path: str, status: int, sent: dict[str, Any]
) -> None:
    response = lab.client.open(asked, method=method, **sent)
    assert response.status_code == status
    described.check(path, response)


@pytest.mark.parametrize(("token", "wanted"), [(None, []), (TOKEN, [{"token": []}])])
def test_the_document_says_whether_writing_needs_a_token(token: str | None, wanted: list[Any]) -> None:
    operation = ApiLab(config=ApiConfig(token=token)).get("/openapi.json")["paths"]["/update"]["post"]
    assert operation["security"] == wanted
    assert ("401" in operation["responses"]) == (token is not None)


# ------------------------------------------------------------------------------------------ the page


class Page(HTMLParser):
    """What a page links to, loads, names and shows as preformatted text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.styles: list[str] = []
        self.commands: list[str] = []
        self._in: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self._in = found.get("class") if tag == "pre" else tag
        for name, value in found.items():
            target = {"href": self.links if tag == "a" else self.loads, "src": self.loads, "id": self.ids}.get(name)
            if target is not None:
                target.append(value or "")
            if name == "style" or name.startswith("on"):
                self.styles.append(name)

    def handle_data(self, data: str) -> None:
        if self._in == "command":
            self.commands.append(data)
        elif self._in in ("script", "style") and data.strip():
            self.styles.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._in = None


@pytest.fixture(scope="module")
def page(lab: ApiLab) -> Page:
    response = lab.client.get("/docs")
    assert response.mimetype == "text/html"
    return Page(response.get_data(as_text=True))


def test_the_page_loads_only_its_own_files_and_holds_nothing_inline(lab: ApiLab, page: Page) -> None:
    assert page.styles == []
    assert page.loads
    for address in page.loads:
        assert address.startswith("static/"), "relative, so that it works below a prefix"
        response = lab.client.get(f"/{address}")
        assert response.status_code == 200
        response.close()


def test_every_link_of_the_page_leads_somewhere(lab: ApiLab, page: Page, document: dict[str, Any]) -> None:
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        else:
            assert lab.client.get(f"/{link}").status_code == 200
    for methods in document["paths"].values():
        for operation in methods.values():
            assert f"#{operation['operationId']}" in page.links


def test_every_command_of_the_page_works_as_it_stands(lab: ApiLab, page: Page, document: dict[str, Any]) -> None:
    assert len(page.commands) == len(document["paths"])
    for command in page.commands:
        words = shlex.split(command.replace("$MARKETLAB_TOKEN", TOKEN))
        assert words[0] == "curl"
        headers = dict(word.split(": ", 1) for flag, word in pairwise(words) if flag == "-H")
        body = next((word for flag, word in pairwise(words) if flag == "-d"), None)
        response = lab.client.open(
            words[1].removeprefix("http://localhost"), method="POST" if body else "GET", headers=headers, data=body
        )
        assert response.status_code == 200, command
