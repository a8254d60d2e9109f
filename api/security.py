"""What keeps other people's pages out: Host and Origin checks, and headers that bind the browser.

* A page of another site can make a browser ask ``http://its-own-name:5000/data`` after pointing that name at
  127.0.0.1 (DNS rebinding). The Host header then holds its name: only names on the list are answered.
* A page of another site can make a browser POST here. Browsers say where a request comes from in Sec-Fetch-Site, older
  ones in Origin; programs such as curl send neither. The order of the checks is that of Filippo Valsorda's
  "Cross-Site Request Forgery" (words.filippo.io/csrf), as in Go's ``http.CrossOriginProtection``.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from flask import Flask, Response, request

from api.config import ApiConfig
from api.problems import ForbiddenError

__all__ = ["HEADERS", "check_host", "check_origin", "register"]

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


def check_origin(method: str, *, site: str | None, origin: str | None, host: str | None) -> None:
    """Let a write through only if no page of another origin made it.

    :param site: the Sec-Fetch-Site header; :param origin: the Origin header; :param host: the Host header
    :raises ForbiddenError: the browser says that it comes from elsewhere
    """
    if method in SAFE_METHODS:
        return
    if site is not None:
        if site in {"same-origin", "none"}:
            return
    elif origin is None or _authority(origin) == (host or "").lower():
        return
    raise ForbiddenError("a page of another origin may not write here")


def register(app: Flask, config: ApiConfig) -> None:
    """Check every request and stamp every answer of the app."""

    @app.before_request
    def check() -> None:
        check_host(request.headers.get("Host"), config)
        check_origin(
            request.method,
            site=request.headers.get("Sec-Fetch-Site"),
            origin=request.headers.get("Origin"),
            host=request.headers.get("Host"),
        )

    @app.after_request
    def stamp(response: Response) -> Response:
        response.headers.update(HEADERS)
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
