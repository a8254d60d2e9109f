"""The same application as ASGI: Flask in a few threads, fed with whole bodies by the event loop.

A WSGI thread that waits for a slow client is a thread less for everybody, and ten slow clients would be an outage.
So the loop, which waits for free, gathers a body first: at most ``MAX_BODY_BYTES`` within ``BODY_TIMEOUT_S``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from a2wsgi import WSGIMiddleware

from api.app import create_app
from api.config import MAX_BODY_BYTES, ApiConfig
from api.problems import problem
from api.security import HEADERS
from api.services import Post
from marketlab.ports import StoreReader

__all__ = ["ASGIApp", "create_asgi"]

BODY_TIMEOUT_S = 10.0
THREADS = 8
#: Pieces of one answer that wait for the client without holding a thread: the largest file has 26 of 8 KiB.
QUEUED_PIECES = 64

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


def create_asgi(config: ApiConfig, *, reader: StoreReader, post: Post | None) -> ASGIApp:
    """The application for uvicorn; arguments as for :func:`api.app.create_app`."""
    wsgi = WSGIMiddleware(create_app(config, reader=reader, post=post), workers=THREADS, send_queue_size=QUEUED_PIECES)
    return Router({"http": Gathered(wsgi), "lifespan": wsgi})


class Router:
    """Hands each kind of connection to its application; a kind that has none is closed unanswered."""

    def __init__(self, apps: dict[str, ASGIApp]) -> None:
        self._apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._apps.get(scope["type"])
        if app is not None:
            await app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})


class Gathered:
    """Gathers the body of a request before anything else is done with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await _body(receive)
        except TimeoutError:
            await _refuse(send, HTTPStatus.REQUEST_TIMEOUT, f"the body did not come within {BODY_TIMEOUT_S:g} s")
            return
        if body is None:  # the client is gone
            return
        if len(body) > MAX_BODY_BYTES:
            detail = f"the body may hold at most {MAX_BODY_BYTES:,} bytes"
            await _refuse(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
            return
        if not scope["query_string"].isascii():
            await _refuse(send, HTTPStatus.BAD_REQUEST, "the query must be percent-encoded")
            return
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        headers = [pair for pair in scope["headers"] if pair[0] not in {b"content-length", b"transfer-encoding"}]
        headers.append((b"content-length", str(len(body)).encode()))
        await self._app({**scope, "headers": headers}, replay, send)


async def _body(receive: Receive) -> bytearray | None:
    """All of the body, or just more than is allowed; None when the client went away."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False) or len(body) > MAX_BODY_BYTES:
            return body


async def _refuse(send: Send, status: HTTPStatus, detail: str) -> None:
    response = problem(status, detail)
    response.headers.update(HEADERS)
    response.headers["Connection"] = "close"  # what is left of the body is not read
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": response.get_data()})
