"""Milestone 4's sink: every batch is POSTed to the API instead of being written here.

At least once: a batch whose answer got lost is posted again, and so is everything after a restart, for this sink
remembers nothing. The API makes that harmless, because it keeps one row for each (log, partition, offset). What
milestone 5's one transaction adds is that position, window and rows become durable together.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from marketlab.errors import SettingsError, StoreBusyError, StoreError
from marketlab.model import Batch, Position, StreamKey, StreamState
from marketlab.ports import Sink

__all__ = ["HttpSink"]

RECORDS = 500  # in one POST
TIMEOUT_S = 10.0

_CONNECT = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}


class HttpSink(Sink):
    """Posts batches to ``/update``.

    :param url: of the API, e.g. ``http://127.0.0.1:5000``
    :param token: the secret that the API wants, if it wants one
    :raises SettingsError: the address is not one of HTTP
    """

    def __init__(self, url: str, *, token: str | None = None) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise SettingsError(f"{url!r} is no address of an API: {error}") from None
        connect = _CONNECT.get(parts.scheme)
        if connect is None or not parts.hostname:
            raise SettingsError(f"the API's address must begin with http:// or https://, was {url!r}")
        self._url = url.rstrip("/")
        self._path = f"{parts.path.rstrip('/')}/update"
        self._connection = connect(parts.hostname, port, timeout=TIMEOUT_S)
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._positions: dict[tuple[str, int], Position] = {}
        self._streams: dict[StreamKey, StreamState] = {}

    def claim(self, log: str, partitions: Iterable[int]) -> dict[int, Position]:
        """Begin at the oldest message, or where this process stands."""
        return {partition: self._positions.get((log, partition), Position(1, None)) for partition in partitions}

    def load_streams(self, keys: Sequence[StreamKey]) -> dict[StreamKey, StreamState]:
        """The streams that this process has seen."""
        return {key: deepcopy(self._streams[key]) for key in keys if key in self._streams}

    def commit(self, batch: Batch, *, expected: Mapping[int, Position]) -> dict[int, Position]:
        """Post the rows of a batch.

        :raises StoreBusyError: the API cannot be reached or is overloaded; the same batch may be posted again
        :raises StoreError: the API refuses the records
        """
        rows = _records(batch)
        while records := list(islice(rows, RECORDS)):
            self._post(records)
        for key, state in batch.streams.items():
            if state.closed:  # memory is bounded by the streams that are alive
                self._streams.pop(key, None)
            else:
                self._streams[key] = deepcopy(state)
        moved = {
            partition: Position(expected[partition].epoch, offset) for partition, offset in batch.next_offsets.items()
        }
        self._positions |= {(batch.log, partition): position for partition, position in moved.items()}
        return moved

    def close(self) -> None:
        """Close the connection. Idempotent."""
        self._connection.close()

    def _post(self, records: Sequence[dict[str, Any]]) -> None:
        body = json.dumps(records).encode()
        try:
            self._connection.request("POST", self._path, body, self._headers)
            response = self._connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()  # the next request opens a new one
            raise StoreBusyError(
                f"the API at {self._url} cannot be reached: {error}", mend="Start it with: marketlab serve"
            ) from error
        if response.status >= 500 or response.status == 429:
            raise StoreBusyError(f"the API at {self._url} answered {response.status}")
        if response.status == 401:
            raise StoreError(
                f"the API at {self._url} wants a token, or another one than it got",
                mend="Set MARKETLAB_TOKEN to the one of that server; `marketlab token --show` prints it there.",
            )
        if response.status != 200:
            raise StoreError(
                f"the API at {self._url} answered {response.status}: {answer[:300].decode(errors='replace')}"
            )


def _records(batch: Batch) -> Iterator[dict[str, Any]]:
    for state, _, price, timestamp, size, average, change, alert, late, seq, offset in batch.rows:
        key = state.key
        record = {
            "symbol": key.symbol,
            "price": price,
            "moving_average": average,
            "alert": alert,
            "timestamp": timestamp,
            "size": size,
            "change_pct": change,
            "run": key.run or None,
            "seq": seq,
            "log": key.log,
            "partition": key.partition,
            "offset": offset,
            "late": late or None,
        }
        yield {
            name: value for name, value in record.items() if value is not None or name in ("moving_average", "alert")
        }
