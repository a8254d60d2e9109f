"""``/ws``: a snapshot, then what is new, at most twenty times a second; for reading only.

Other people's pages are kept out before the connection is accepted: a browser sends its WebSockets anywhere, without
asking, so Host, Origin and Sec-Fetch-Site are checked as for a write.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from api.asgi_types import Message, Receive, Scope, Send
from api.config import ApiConfig
from api.hub import GOODBYE_S, TRY_AGAIN_LATER, Client, FullError, Hub
from api.problems import ForbiddenError
from api.security import check_host, check_origin

__all__ = ["PATH", "Refusal", "WebSocket"]

#: (``http`` or ``ws``, the status or close code that it got)
Refusal = tuple[str, str]

PATH = "/ws"
REFUSED = 1008
STALLED_S = 30.0  # a client that takes nothing for so long is given up


class WebSocket:
    """The application behind ``/ws``.

    :param refused: counts who is turned away
    """

    def __init__(self, config: ApiConfig, hub: Hub, refused: Counter[Refusal]) -> None:
        self._config, self._hub, self._refused = config, hub, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one client from its connection to its end."""
        await receive()  # websocket.connect
        try:
            _check(scope, self._config)
        except ForbiddenError:
            self._refused["ws", "403"] += 1
            await send({"type": "websocket.close", "code": REFUSED})  # before accepting: an HTTP 403
            return
        await send({"type": "websocket.accept"})
        try:
            client = self._hub.join()
        except FullError:
            self._refused["ws", str(TRY_AGAIN_LATER)] += 1
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER, "reason": "too many clients"})
            return
        listener = asyncio.create_task(_listen(receive, client))
        try:
            async with asyncio.timeout(None) as client.patience:
                await _tell(client, send)
        except OSError:  # the client went away, or takes nothing and is given up
            pass
        finally:
            client.patience = None
            listener.cancel()
            self._hub.leave(client)


def _check(scope: Scope, config: ApiConfig) -> None:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get("host")
    check_host(host, config)
    check_origin(
        "CONNECT",
        site=headers.get("sec-fetch-site"),
        origin=headers.get("origin"),
        host=host,
        trusted=config.cors_origins,
    )


async def _tell(client: Client, send: Send) -> None:
    while (text := await client.take()) is not None:
        message: Message = {"type": "websocket.send", "text": text}
        client.wait_at_most(STALLED_S)
        await send(message)
        client.wait_at_most(None)
    if client.close_code is not None:
        client.wait_at_most(GOODBYE_S)
        await send({"type": "websocket.close", "code": client.close_code})


async def _listen(receive: Receive, client: Client) -> None:
    """Notice that the client went; what it says is not listened to."""
    while (await receive())["type"] != "websocket.disconnect":
        pass
    client.end()
