"""What keeps others out: checks of Host, Origin and token, and headers that bind the browser.

* A page of another site can make a browser ask ``http://its-own-name:5000/data`` after pointing that name at
  127.0.0.1 (DNS rebinding). The Host header then holds its name: only names on the list are answered.
* A page of another site can make a browser POST here. Browsers say where a request comes from in Sec-Fetch-Site, older
  ones in Origin; programs such as curl send neither. The order of the checks is that of Filippo Valsorda's
  "Cross-Site Request Forgery" (words.filippo.io/csrf), as in Go's ``http.CrossOriginProtection``.
* Beyond this machine only a program that holds the token may write.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Flask, Response, request

from api import cors
from api.config import ApiConfig
from api.problems import ForbiddenError, UnauthorizedError
from api.services import services

__all__ = ["HEADERS", "check_host", "check_origin", "check_token", "register"]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

#: Sent with every answer. Nothing inline, nothing from elsewhere.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}


def check_host(host: str | None, config: ApiConfig) -> None:
    """Let only known names through.

    :param host: the Host header as sent, with or without port
    :raises ForbiddenError: the name is not one of this server's
    """
    name = _name(host or "")
    if name in config.hosts or (config.any_address and _is_address(name)):
        return
    raise ForbiddenError(
        f"this server does not answer to the name {name[:80]!r}",
        mend="Use 127.0.0.1 or localhost, or start it with `--allow-host NAME` if the name is its own.",
    )


def check_origin(
    method: str,
    *,
    site: str | None,
    origin: str | None,
    host: str | None,
    trusted: Collection[str] = (),
) -> None:
    """Let a write through only if no page of another origin made it, but for those that were let in by name.

    :param site: the Sec-Fetch-Site header; :param origin: the Origin header; :param host: the Host header
    :param trusted: the origins that were let in
    :raises ForbiddenError: the browser says that it comes from elsewhere
    """
    if method in SAFE_METHODS or (origin is not None and origin in trusted):
        return
    if site is not None:
        if site in {"same-origin", "none"}:
            return
    elif origin is None or _authority(origin) == (host or "").lower():
        return
    raise ForbiddenError("a page of another origin may not write here")


def check_token(method: str, *, authorization: str | None, config: ApiConfig) -> None:
    """Let a write through only if it carries the token, where there is one.

    :param authorization: the Authorization header
    :raises UnauthorizedError: it carries none or another one
    """
    if method in SAFE_METHODS or config.token is None:
        return
    scheme, _, given = (authorization or "").partition(" ")
    # Bytes, for strings that are not ASCII cannot be compared in constant time.
    if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), config.token.encode()):
        return
    raise UnauthorizedError(
        "writing here needs the token of this server",
        mend="Send the header `Authorization: Bearer TOKEN`; `marketlab consume --sink http` takes MARKETLAB_TOKEN.",
    )


def register(app: Flask, config: ApiConfig) -> None:
    """Check every request and stamp every answer of the app."""

    @app.before_request
    def check() -> Response | None:
        check_host(request.headers.get("Host"), config)
        if config.cors_origins and cors.is_preflight():
            return cors.preflight(config, read_only=services().read_only)
        check_origin(
            request.method,
            site=request.headers.get("Sec-Fetch-Site"),
            origin=request.headers.get("Origin"),
            host=request.headers.get("Host"),
            trusted=config.cors_origins,
        )
        check_token(request.method, authorization=request.headers.get("Authorization"), config=config)
        return None

    @app.after_request
    def stamp(response: Response) -> Response:
        response.headers.update(HEADERS)
        cors.let_in(response, config)
        return response


def _authority(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:  # "http://[" and the like
        return None


def _name(host: str) -> str:
    """The name in a Host header: ``[::1]:5000`` → ``::1``."""
    host = host.strip().lower()
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        return name if bracket and (not port or _is_port(port)) else host
    name, _, port = host.partition(":")
    return name.removesuffix(".") if not port or port.isdecimal() else host


def _is_port(text: str) -> bool:
    return text.startswith(":") and text[1:].isdecimal()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
