"""``GET /openapi.json`` and ``GET /docs``: what the API is, for programs and for people."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint, Response, current_app, make_response, render_template, request

from api.careful_json import pointer_to
from api.docs_page import chapters, prose, shapes
from api.openapi import describe
from api.operations import OPERATIONS
from api.services import services
from marketlab.errors import QueryError

__all__ = ["bp"]

bp = Blueprint("description", __name__)


@bp.before_app_request
def refuse_unknown_parameters() -> None:
    """A misspelt parameter would otherwise change nothing and say nothing."""
    operation = OPERATIONS.get(request.endpoint or "")
    if operation is None or isinstance(operation.answer, str):
        return  # a page may be linked to with anything
    known = operation.query.model_fields if operation.query else {}
    unknown = next((name for name in request.args if name not in known), None)
    if unknown is not None:
        raise QueryError(
            f"no parameter is called {unknown[:40]!r}",
            pointer=pointer_to("", unknown),
            mend=f"There is {', '.join(known)}." if known else "There are none.",
        )


@bp.get("/openapi.json")
def openapi() -> Response:
    """This description, as OpenAPI 3.1."""
    response = Response(msgspec.json.format(msgspec.json.encode(_document())), content_type="application/json")
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/docs")
def docs() -> Response:
    """The same for people."""
    document = _document()
    page = render_template(
        "docs.html",
        document=document,
        chapters=chapters(document, url=request.url_root),
        shapes=shapes(document),
        prose=prose,
    )
    response = make_response(page)
    response.headers["Cache-Control"] = "no-cache"
    return response


def _document() -> dict[str, Any]:
    serving = services()
    return describe(current_app, read_only=serving.read_only, token=serving.config.token is not None)
