"""What ``/docs`` shows of an OpenAPI document, chapter by chapter."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlencode

from markupsafe import Markup, escape

__all__ = ["Chapter", "Field", "Section", "Shape", "chapters", "prose", "shapes"]


class Field(NamedTuple):
    """A parameter, or a field of a shape. ``kind`` is its type in words, ``shape`` the shape that this leads to."""

    name: str
    kind: str
    shape: str | None
    about: str
    default: str = ""


class Section(NamedTuple):
    """One route. ``statuses``: (number, what it means)."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    parameters: list[Field]
    command: str
    body: Field | None
    answer: Field
    example: str
    statuses: list[tuple[str, str]]
    headers: list[tuple[str, str]]


class Chapter(NamedTuple):
    """The routes of one subject."""

    name: str
    sections: list[Section]


class Shape(NamedTuple):
    """A schema, with its fields, or the values that it may have."""

    name: str
    about: str
    fields: list[Field]
    values: list[str]


def chapters(document: dict[str, Any], *, url: str) -> list[Chapter]:
    """The routes, by subject.

    :param url: of the server as the reader has it, with a slash at its end
    """
    found: dict[str, list[Section]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found[operation["tags"][0]].append(_section(document, url, path, method, operation))
    return [Chapter(name, sections) for name, sections in found.items()]


def shapes(document: dict[str, Any]) -> list[Shape]:
    """The schemas, by name."""
    return [
        Shape(name, schema.get("description", ""), list(_fields(schema)), schema.get("enum", []))
        for name, schema in sorted(document["components"]["schemas"].items())
    ]


def prose(text: str) -> Markup:
    """Text with `code` as HTML, a paragraph for each."""
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()))
    return Markup().join(Markup("<p>{}</p>").format(_inline(part)) for part in paragraphs if part)


def _inline(text: str) -> Markup:
    parts = text.split("`")
    return Markup().join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )


def _section(document: dict[str, Any], url: str, path: str, method: str, operation: dict[str, Any]) -> Section:
    good = operation["responses"]["200"]
    [(media_type, content)] = good["content"].items()
    answer = _field(media_type, content["schema"]) if content["schema"] else Field(media_type, media_type, None, "")
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return Section(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        about=operation.get("description", ""),
        parameters=[_field(each["name"], each["schema"], each) for each in operation.get("parameters", ())],
        command=_command(document, url, path, method, operation),
        body=_field("body", body["schema"]) if body else None,
        answer=answer,
        example=_example(document, content["schema"]),
        statuses=[(status, _meaning(status, each)) for status, each in operation["responses"].items()],
        headers=[(name, document["components"]["headers"][name]["description"]) for name in good.get("headers", ())],
    )


def _meaning(status: str, response: dict[str, Any]) -> str:
    return HTTPStatus(int(status)).phrase if "$ref" in response else response["description"]


def _command(document: dict[str, Any], url: str, path: str, method: str, operation: dict[str, Any]) -> str:
    """The request with curl, for a shell."""
    query = {}
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(schema["examples"][0]))
        elif "default" in schema:
            query[parameter["name"]] = schema["default"]
        elif parameter.get("required"):
            query[parameter["name"]] = schema["examples"][0]
    words = ["curl", url + path.removeprefix("/") + (f"?{urlencode(query)}" if query else "")]
    if operation.get("security"):
        words += ["-H", "Authorization: Bearer $MARKETLAB_TOKEN"]
    if method == "post":
        example = document["components"]["schemas"]["PostedRecord"]["examples"][0]
        words += ["-H", "Content-Type: application/json", "-d", json.dumps(example)]
    # In double quotes the shell puts the token in; nothing else here means anything to it.
    return " ".join(f'"{word}"' if "$" in word else shlex.quote(word) for word in words)


def _example(document: dict[str, Any], schema: dict[str, Any]) -> str:
    many = schema.get("type") == "array"
    name = _shape(schema)
    examples = document["components"]["schemas"][name].get("examples") if name else None
    if not examples:
        return ""
    return json.dumps([examples[0]] if many else examples[0], indent=2, ensure_ascii=False)


def _fields(schema: dict[str, Any]) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield _field(name, field, field, optional=name not in required)


def _field(name: str, schema: dict[str, Any], about: dict[str, Any] | None = None, *, optional: bool = False) -> Field:
    default = schema.get("default")
    return Field(
        name=name,
        kind=_kind(schema) + (", may be left out" if optional else ""),
        shape=_shape(schema),
        about=(about or {}).get("description", ""),
        default="" if default is None else str(default),
    )


def _shape(schema: dict[str, Any]) -> str | None:
    """The name of the shape that a schema is, or is made of."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    inner = [schema["items"]] if "items" in schema else schema.get("anyOf", [])
    return next((name for each in inner if (name := _shape(each))), None)


def _kind(schema: dict[str, Any]) -> str:
    """A type in words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if isinstance(schema["type"], list):
        return " or ".join(_kind({**schema, "type": each}) for each in schema["type"])
    if schema["type"] == "array":
        return f"array of {_kind(schema['items'])}"
    words = {"number": "number", "integer": "whole number", "string": "text", "boolean": "true or false"}
    bounds = [
        f"{word} {_number(schema[key])}"
        for key, word in (
            ("minimum", "from"),
            ("exclusiveMinimum", "above"),
            ("maximum", "to"),
            ("exclusiveMaximum", "below"),
        )
        if key in schema
    ]
    return " ".join([words.get(schema["type"], schema["type"]), *bounds])


def _number(value: float) -> str:
    """Short where a bound is only a technical one: 2**63 - 1."""
    if value == 2**63 - 1:
        return "2⁶³ − 1"
    if value == 2**31 - 1:
        return "2³¹ − 1"
    return f"{value:,.0f}"
