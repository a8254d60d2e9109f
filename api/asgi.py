"""The same application as ASGI: Flask in a few threads, fed with whole bodies by the event loop.

A WSGI thread that waits for a slow client is a thread less for everybody, and ten slow clients would be an outage.
So the loop, which waits for free, gathers a body first: at most ``MAX_BODY_BYTES`` within ``BODY_TIMEOUT_S``.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from http import HTTPStatus

from a2wsgi import WSGIMiddleware

from api.app import create_app
from api.asgi_types import ASGIApp, Message, Receive, Scope, Send
from api.config import MAX_BODY_BYTES, ApiConfig
from api.feed import Feed
from api.hub import Hub
from api.metrics import Gauges
from api.problems import problem
from api.pulse import Lag, Pulse
from api.security import HEADERS
from api.services import Post
from api.ws import PATH, Refusal, WebSocket
from marketlab.commit_times import CommitTimes
from marketlab.ports import StoreReader

__all__ = ["Router", "create_asgi"]

BODY_TIMEOUT_S = 10.0
THREADS = 8
#: Pieces of one answer that wait for the client without holding a thread: the largest file has 26 of 8 KiB.
QUEUED_PIECES = 64


def create_asgi(
    config: ApiConfig,
    *,
    reader: StoreReader,
    post: Post | None,
    watch: StoreReader | None = None,
    lag: Lag | None = None,
    commits: Callable[[], Sequence[CommitTimes]] | None = None,
) -> Router:
    """The application for uvicorn; ``reader`` and ``post`` as for :func:`api.app.create_app`.

    :param watch: a reader that nobody else asks, for ``/ws``; None: it is not served
    :param lag: tells how far the store is behind the log
    :param commits: tells how long the consumers' commits took
    """
    hub = None
    if watch is not None:
        pulse = Pulse(clock=config.clock, monotonic=time.monotonic, lag=lag, told=config.told)
        hub = Hub(Feed(watch, pulse, monotonic=time.monotonic), most=config.max_clients)
    refused: Counter[Refusal] = Counter()
    gauges = Gauges(lag=lag, clients=(lambda: hub.clients) if hub else None, commits=commits, refused=refused)
    app = create_app(config, reader=reader, post=post, gauges=gauges)
    return Router(config, WSGIMiddleware(app, workers=THREADS, send_queue_size=QUEUED_PIECES), hub, refused)


class Router:
    """Hands each connection to its application. A WebSocket that has none is refused.

    :param wsgi: everything but ``/ws``
    :param refused: counts who is turned away at the door, where Flask does not see it
    """

    def __init__(self, config: ApiConfig, wsgi: ASGIApp, hub: Hub | None, refused: Counter[Refusal]) -> None:
        self._http, self._lifespan = Gathered(wsgi, refused), wsgi
        self._hub, self._refused = hub, refused
        self._ws = WebSocket(config, hub, refused) if hub else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        match scope["type"]:
            case "http":
                await self._http(scope, receive, send)
            case "lifespan":
                await self._lifespan(scope, receive, send)
            case "websocket" if self._ws and scope["path"].removeprefix(scope.get("root_path", "")) == PATH:
                await self._ws(scope, receive, send)
            case "websocket":
                self._refused["ws", "403"] += 1
                await send({"type": "websocket.close", "code": 1000})

    async def stop(self) -> None:
        """Take leave of the clients that are connected for good, before the server closes on them."""
        if self._hub:
            await self._hub.stop()


class Gathered:
    """Gathers the body of a request before anything else is done with it."""

    def __init__(self, app: ASGIApp, refused: Counter[Refusal]) -> None:
        self._app, self._refused = app, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await _body(receive)
        except TimeoutError:
            await self._refuse(send, HTTPStatus.REQUEST_TIMEOUT, f"the body did not come within {BODY_TIMEOUT_S:g} s")
            return
        if body is None:  # the client is gone
            return
        if len(body) > MAX_BODY_BYTES:
            detail = f"the body may hold at most {MAX_BODY_BYTES:,} bytes"
            await self._refuse(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
            return
        if not scope["query_string"].isascii():
            await self._refuse(send, HTTPStatus.BAD_REQUEST, "the query must be percent-encoded")
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

    async def _refuse(self, send: Send, status: HTTPStatus, detail: str) -> None:
        self._refused["http", str(int(status))] += 1
        response = problem(status, detail)
        response.headers.update(HEADERS)
        response.headers["Connection"] = "close"  # what is left of the body is not read
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
        await send({"type": "http.response.start", "status": int(status), "headers": headers})
        await send({"type": "http.response.body", "body": response.get_data()})


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
