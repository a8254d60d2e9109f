"""The description of the API as OpenAPI 3.1, made of the routes, their docstrings and the shapes."""

from __future__ import annotations

import inspect
import re
from typing import Any

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from werkzeug.routing import Rule

from api import shapes
from api.config import MAX_BODY_BYTES, MAX_RECORDS
from api.operations import HEADERS, OPERATIONS, PATH_PARAMETERS, UNDESCRIBED, Operation
from marketlab import __version__

__all__ = ["describe", "path_of", "routes"]

REF = "#/components/schemas/{model}"
ABOUT = f"""\
Ticks, averages, alerts and the account of every tick, as the lab's database has them. It answers while Kafka is down.

Times are seconds since the epoch (UTC). Every error is `application/problem+json`: what was wanted, what was found,
and a pointer to the field. Lists come newest first and in pages; `Link` leads on. Reading needs no token; writing needs
that of the server, if it has one. A body holds at most {MAX_BODY_BYTES // 1024} KiB and {MAX_RECORDS:,} records.
What is new is pushed over the WebSocket at `/ws`, which OpenAPI has no words for.
"""
#: What can go wrong with every request: a parameter that nobody knows, a name that is not ours, no database.
ANY_PROBLEM = (400, 403, 503)


def describe(app: Flask, *, read_only: bool, token: bool) -> dict[str, Any]:
    """The whole document, of an app whose routes are all there.

    :param token: whether writing needs one
    """
    described = [(rule, OPERATIONS[rule.endpoint]) for rule in routes(app)]
    paths: dict[str, Any] = {}
    for rule, operation in described:
        method = "post" if operation.writes else "get"
        paths[path_of(rule)] = {method: _operation(app, rule, operation, token=token, read_only=read_only)}
    tags = list(dict.fromkeys(operation.tag for _, operation in described))
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "marketlab",
            "version": __version__,
            "summary": "A streaming pipeline's ticks, alerts and books.",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": ".", "description": "where this document was found"}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "headers": HEADERS,
            "responses": {"Problem": _problem("What was wanted, what was found, and what to do.")},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "Made by `marketlab token`."}
            },
        },
    }


def routes(app: Flask) -> list[Rule]:
    """The routes of the API, in the order in which they are described; of two that share a view the longer one."""
    found: dict[str, Rule] = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: len(rule.rule)):
        if rule.endpoint not in UNDESCRIBED:
            found[rule.endpoint] = rule
    order = list(OPERATIONS)
    return sorted(found.values(), key=lambda rule: order.index(rule.endpoint))


def path_of(rule: Rule) -> str:
    """``/data/<symbol:symbol>`` as ``/data/{symbol}``."""
    return re.sub(r"<(?:[^<>:]+:)?(\w+)>", r"{\1}", rule.rule)


def _operation(app: Flask, rule: Rule, operation: Operation, *, token: bool, read_only: bool) -> dict[str, Any]:
    summary, _, rest = (inspect.getdoc(app.view_functions[rule.endpoint]) or "").partition("\n")
    described: dict[str, Any] = {
        "operationId": rule.endpoint.rpartition(".")[2],
        "tags": [operation.tag],
        "summary": _markdown(summary),
    }
    if rest.strip():
        described["description"] = _markdown(rest.strip())
    parameters = [
        {"name": name, "in": "path", "required": True, **PATH_PARAMETERS[name]} for name in sorted(rule.arguments)
    ]
    parameters += _query(operation.query) if operation.query else []
    if parameters:
        described["parameters"] = parameters
    if operation.body:
        one = {"$ref": REF.format(model=operation.body.__name__)}
        many = {"type": "array", "items": one, "maxItems": MAX_RECORDS}
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"anyOf": [one, many]}}},
        }
    described["responses"] = _responses(operation, token=token)
    if operation.writes:
        described["security"] = [{"token": []}] if token else []
        if read_only:
            described["description"] = "This server is read-only: it answers 403.\n\n" + described.get(
                "description", ""
            )
    return described


def _responses(operation: Operation, *, token: bool) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "What was asked for."}
    if isinstance(operation.answer, str):
        good["content"] = {operation.answer: {"schema": {}}}
    else:
        schema: dict[str, Any] = {"$ref": REF.format(model=operation.answer.__name__)}
        if operation.array:
            schema = {"type": "array", "items": schema}
        elif operation.nullable:
            schema = {"anyOf": [schema, {"type": "null"}]}
        good["content"] = {"application/json": {"schema": schema}}
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in operation.headers}
    if headers:
        good["headers"] = headers
    responses: dict[str, Any] = {"200": good}
    if "ETag" in operation.headers:
        responses["304"] = {"description": "Nothing was committed since.", "headers": {"ETag": headers["ETag"]}}
    for status in {*operation.problems, *ANY_PROBLEM}:
        responses[str(status)] = {"$ref": "#/components/responses/Problem"}
    if operation.writes and token:
        challenge = {"WWW-Authenticate": {"$ref": "#/components/headers/WWW-Authenticate"}}
        responses["401"] = {**_problem("No token, or another one."), "headers": challenge}
    responses["503"] = {
        **_problem("The database cannot be read or written now."),
        "headers": {"Retry-After": {"$ref": "#/components/headers/Retry-After"}},
    }
    return dict(sorted(responses.items()))


def _problem(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}},
    }


def _query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = _tidy(model.model_json_schema())
    parameters = []
    for name, field in schema["properties"].items():
        if "$ref" in field:
            field["$ref"] = REF.format(model=field["$ref"].rpartition("/")[2])
        described = {"name": name, "in": "query", "description": field.pop("description"), "schema": field}
        parameters.append(described | ({"required": True} if name in schema.get("required", ()) else {}))
    return parameters


class _AsWritten(GenerateJsonSchema):
    """Schemas with their names in the order in which they are written, not sorted."""

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:  # noqa: ARG002
        return value


def _schemas() -> dict[str, Any]:
    models: dict[type[BaseModel], JsonSchemaMode] = {}
    for operation in OPERATIONS.values():
        if not isinstance(operation.answer, str):
            models[operation.answer] = "serialization"
        if operation.body:
            models[operation.body] = "validation"
    models[shapes.Problem] = "serialization"
    _, schema = models_json_schema(list(models.items()), ref_template=REF, schema_generator=_AsWritten)
    found: dict[str, Any] = {name: _tidy(each) for name, each in sorted(schema["$defs"].items())}
    return found


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """Without titles that only repeat names, and without a null that may not be sent."""
    schema.pop("title", None)
    if "description" in schema:
        schema["description"] = _markdown(schema["description"])
    for field in schema.get("properties", {}).values():
        field.pop("title", None)
        if field.get("default", "") is None and not _may_be_null(field):
            del field["default"]
    return schema


def _may_be_null(field: dict[str, Any]) -> bool:
    return {"type": "null"} in field.get("anyOf", ())


def _markdown(text: str) -> str:
    return text.replace("``", "`")
