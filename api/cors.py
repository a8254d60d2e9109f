"""Pages of other origins that were let in by name (CORS, as the Fetch standard has it). By default there are none.

Only exact origins: a pattern that is a little too wide is a door. ``*``, for data that anybody may read, goes with a
server that nobody can write to.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Response, request

from api.config import ANY_ORIGIN, ApiConfig
from api.services import DATABASE
from marketlab.errors import SettingsError

__all__ = ["allowed_origins", "is_preflight", "let_in", "preflight"]

PREFLIGHT_S = 600  # how long a browser may remember what it was told
REQUEST_HEADERS = "Authorization, Content-Type, If-None-Match"
ANSWER_HEADERS = f"ETag, Link, {DATABASE}, Retry-After, WWW-Authenticate"


def allowed_origins(texts: Iterable[str], *, read_only: bool) -> frozenset[str]:
    """Origins as browsers send them.

    :raises SettingsError: one is no origin, or is everybody although the server can be written to
    """
    return frozenset(_origin(text.strip(), read_only=read_only) for text in texts if text.strip())


def _origin(text: str, *, read_only: bool) -> str:
    if text == ANY_ORIGIN:
        if read_only:
            return text
        raise SettingsError(
            "the origin * would let every page on the net write here",
            mend="Name the origins, or start the server with `--read-only`.",
        )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or "*" in text or "@" in parts.netloc:
        raise SettingsError(f"an origin is a scheme, a name and perhaps a port, as https://lab.example, was {text!r}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise SettingsError(f"an origin ends with its name or port, was {text!r}", mend="Leave the path out.")
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    standard = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{name}" + (f":{port}" if port not in (None, standard) else "")


def let_in(response: Response, config: ApiConfig) -> None:
    """Tell the browser whether the page that asks may read this answer."""
    if not config.cors_origins:
        return
    response.vary.add("Origin")  # so that no cache gives one origin's answer to another
    origin = request.headers.get("Origin")
    if origin is not None and config.allows_origin(origin):
        response.headers["Access-Control-Allow-Origin"] = ANY_ORIGIN if ANY_ORIGIN in config.cors_origins else origin
        response.headers["Access-Control-Expose-Headers"] = ANSWER_HEADERS


def is_preflight() -> bool:
    """Whether a browser asks beforehand if a page may make a request."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def preflight(config: ApiConfig, *, read_only: bool) -> Response:
    """The answer to that; it says nothing to origins that are not let in."""
    response = Response(status=204)
    origin = request.headers.get("Origin")
    if origin is not None and config.allows_origin(origin):
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD" if read_only else "GET, HEAD, POST"
        response.headers["Access-Control-Allow-Headers"] = REQUEST_HEADERS
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_S)
    return response
