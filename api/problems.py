"""Errors as problem+json (RFC 9457): one table from our errors to a status, and werkzeug's own beside it.

``{"type": "about:blank", "title", "status", "detail"}``, then, where there is one, ``pointer`` (RFC 6901, the field
of the body or the name of the query parameter), ``reason`` (why the wire contract refuses a record) and ``mend``.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from api.config import MAX_BODY_BYTES
from api.services import services
from marketlab.errors import (
    MarketlabError,
    NotFoundError,
    QueryError,
    StoreError,
    StoreFullError,
)

__all__ = [
    "STATUS",
    "ForbiddenError",
    "PostedError",
    "TooLargeError",
    "UnauthorizedError",
    "UnsupportedTypeError",
    "problem",
    "register",
]


class ForbiddenError(QueryError):
    """The request may not be made from there, or not to this server."""


class UnauthorizedError(QueryError):
    """The request must carry the token of this server, and carries none or another one."""


class TooLargeError(QueryError):
    """More bytes or records than one request may carry."""


class UnsupportedTypeError(QueryError):
    """The body is not of a type that is read."""


class PostedError(QueryError):
    """A posted record that the wire contract refuses; ``reason`` is of the closed set of dead letters."""

    def __init__(self, message: str, *, pointer: str, reason: str | None = None) -> None:
        super().__init__(message, pointer=pointer)
        self.reason = reason


#: The status of each of our errors; the nearest base that stands here counts.
STATUS: dict[type[MarketlabError], HTTPStatus] = {
    QueryError: HTTPStatus.BAD_REQUEST,
    NotFoundError: HTTPStatus.NOT_FOUND,
    UnauthorizedError: HTTPStatus.UNAUTHORIZED,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreFullError: HTTPStatus.INSUFFICIENT_STORAGE,
    MarketlabError: HTTPStatus.INTERNAL_SERVER_ERROR,
}


def problem(status: HTTPStatus, detail: str, **more: str | None) -> Response:
    """An answer that says what is wrong."""
    fields: dict[str, Any] = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
    fields.update((name, value) for name, value in more.items() if value)
    response = Response(msgspec.json.encode(fields), status=status, content_type="application/problem+json")
    response.headers["Cache-Control"] = "no-store"
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "1"
    elif status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="marketlab"'
    return response


def register(app: Flask) -> None:
    """Make every error of the app a problem."""
    app.register_error_handler(MarketlabError, _ours)
    app.register_error_handler(HTTPException, _werkzeugs)


def _ours(error: MarketlabError) -> Response:
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    pointer = error.pointer if isinstance(error, QueryError) else None
    reason = error.reason if isinstance(error, PostedError) else None
    told = services().config.told
    return problem(
        status, told(error.message), pointer=pointer, reason=reason, mend=told(error.mend) if error.mend else None
    )


def _werkzeugs(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or 500)
    detail = error.description or status.description
    if isinstance(error, RequestEntityTooLarge):
        detail = f"the body may hold at most {MAX_BODY_BYTES:,} bytes"
    elif status is HTTPStatus.NOT_FOUND:
        detail = f"nothing is served at {_shown(request.path)}"
    elif status is HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{request.method} is not served at {_shown(request.path)}"
    elif status is HTTPStatus.INTERNAL_SERVER_ERROR:
        detail = "the server failed; its log says why"
    response = problem(status, detail)
    for name, value in error.get_headers(request.environ):
        if name in {"Allow", "Content-Range", "Retry-After"}:
            response.headers[name] = value
    return response


def _shown(path: str) -> str:
    # A path that is not UTF-8 comes with replacement characters; one with surrogates could not be encoded.
    text = path.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= 80 else text[:79] + "…"
