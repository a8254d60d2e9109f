"""What the tests of the API and the page share: a store in memory that is fed as a consumer feeds one."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Self

from flask.testing import FlaskClient

from api import ApiConfig, create_app, create_asgi, listening, serving
from api.asgi import Router
from marketlab.analytics import Engine
from marketlab.model import Close, Rule, Tick
from marketlab.testing.memory_store import MemoryStore
from marketlab.wire import encode, encode_close

__all__ = ["LOG", "NOW", "ApiLab", "Server", "tick"]

LOG = "tape:lab"
NOW = 1_731_000_000.0  # seconds; the server's clock in tests that do not look at a browser


def tick(price: float, at: float = 0.0, *, symbol: str = "AAPL", seq: int | None = None, run: str = "r1") -> Tick:
    """A tick ``at`` seconds after :data:`NOW`'s hour before."""
    return Tick(symbol, price, NOW - 3600 + at, seq=seq, run=run)


class ApiLab:
    """A store, an engine that fills it, and a client of the API over it."""

    def __init__(self, *, read_only: bool = False, config: ApiConfig | None = None) -> None:
        self.store = MemoryStore()
        self.writer = MemoryStore(beside=self.store)
        self.config = config or ApiConfig(clock=lambda: NOW)
        self._read_only = read_only
        self.app = create_app(self.config, reader=self.store, post=None if read_only else self.writer.post)
        self.client: FlaskClient = self.app.test_client()
        self._feeder = MemoryStore(beside=self.store)
        self._engine = Engine(LOG, rule=Rule(), load=self._feeder.load_streams)
        self._positions = self._feeder.claim(LOG, range(3))
        self._offsets = [0, 0, 0]

    def asgi(self) -> Router:
        """The same over the same store, as uvicorn serves it, with ``/ws``."""
        post = None if self._read_only else self.writer.post
        return create_asgi(self.config, reader=self.store, post=post, watch=MemoryStore(beside=self.store))

    def send(self, *messages: Tick | Close | bytes, partition: int = 0) -> None:
        """Commit messages as a consumer would, in one transaction."""
        values = [_raw(message) for message in messages]
        first = self._offsets[partition]
        self._offsets[partition] += len(values)
        batch = self._engine.batch()
        self._engine.add(
            batch,
            partition=partition,
            offsets=range(first, first + len(values)),
            values=values,
            record_times_ms=[round(NOW * 1000)] * len(values),
        )
        self._positions |= self._feeder.commit(batch, expected=self._positions)
        self._engine.committed(batch)

    def get(self, path: str) -> Any:
        """The JSON of an answer that must be 200."""
        response = self.client.get(path)
        assert response.status_code == 200, response.get_data(as_text=True)
        return response.get_json()


def _raw(message: Tick | Close | bytes) -> bytes:
    if isinstance(message, Tick):
        return encode(message)
    return encode_close(message) if isinstance(message, Close) else message


class Server:
    """uvicorn in a thread, as ``marketlab serve`` runs it in a process."""

    def __init__(self, app: Router, *, port: int = 0) -> None:
        self._app = app
        self._socket = listening.listen("127.0.0.1", port)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self._listens = threading.Event()
        self._server = serving.Server(app, self._announce)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listens.wait(20), "the server did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def sweep(self) -> None:
        """Have it look for connections that get nowhere, as it does by itself every half minute."""
        asyncio.run_coroutine_threadsafe(self._server.on_tick(0), self._loop).result(20)

    def _announce(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._listens.set()

    def stop(self) -> None:
        """End it, and close what it holds. Idempotent."""
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive(), "the server did not stop"
        self._socket.close()
