"""What is told about a batch once it is durable: the analytics log and the lines in the terminal."""

from __future__ import annotations

import logging
import logging.handlers
from collections.abc import Callable
from pathlib import Path

import msgspec

from marketlab.analytics import tick_line
from marketlab.model import Batch

__all__ = ["AnalyticsLog", "Printer"]

LOG_BYTES = 10_000_000
LOG_FILES = 5
MAX_LINES = 200  # a batch with more ticks than anybody can read is summed up


class _Line(msgspec.Struct, gc=False, omit_defaults=True):
    event: str
    symbol: str
    timestamp: float
    partition: int
    offset: int | None
    level: str = "info"


_encode_lines = msgspec.json.Encoder().encode_lines


class AnalyticsLog:
    """``analytics.log``: JSON lines, whose ``event`` is the text that people see; rotated, written once a batch.

    :param path: the file; its folder is made. One writer a file
    """

    def __init__(self, path: Path, *, window: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._window = window
        self._handler = _Handler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", delay=True)

    def __call__(self, batch: Batch) -> None:
        """Append the lines of a batch."""
        lines: list[_Line] = []
        window = self._window
        for state, _, price, timestamp, _, average, _, alert, _, _, offset in batch.rows:
            key = state.key
            event = tick_line(key.symbol, price, average, window=window)
            lines.append(_Line(event, key.symbol, timestamp, key.partition, offset))
            if alert is not None:
                lines.append(_Line(alert, key.symbol, timestamp, key.partition, offset, "warning"))
        if lines:
            text = _encode_lines(lines).decode().rstrip()
            self._handler.emit(logging.LogRecord("marketlab", logging.INFO, "", 0, text, None, None))

    def close(self) -> None:
        """Close the file."""
        self._handler.close()


class _Handler(logging.handlers.RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """A log that cannot be written never stops the pipeline; on a full disk the store is the one to say so."""


class Printer:
    """The lines of the seed in the terminal: what was received, its average, its alert.

    :param write: takes one line
    """

    def __init__(self, write: Callable[[str], None], *, window: int) -> None:
        self._write = write
        self._window = window

    def __call__(self, batch: Batch) -> None:
        """Print a batch, or sum it up if it is too long to be read."""
        for state, _, price, timestamp, size, average, _, alert, _, seq, _ in batch.rows[:MAX_LINES]:
            received = {"symbol": state.key.symbol, "price": price, "timestamp": timestamp}
            received |= {name: value for name, value in (("size", size), ("seq", seq)) if value is not None}
            self._write(f"Received: {received}")
            self._write(tick_line(state.key.symbol, price, average, window=self._window))
            if alert is not None:
                self._write(alert)
        if len(batch.rows) > MAX_LINES:
            alerts = sum(row[7] is not None for row in batch.rows[MAX_LINES:])
            self._write(f"… {len(batch.rows) - MAX_LINES:,} more ticks in this batch, {alerts:,} alerts among them")
        for letter in batch.dead_letters[:MAX_LINES]:
            self._write(
                f"Refused: partition {letter.partition} offset {letter.offset}: {letter.reason}: {letter.detail}"
            )
