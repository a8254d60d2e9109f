"""What is told about a batch once it is durable: the analytics log and the lines in the terminal."""

from __future__ import annotations

import logging
import logging.handlers
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from marketlab.analytics import tick_line
from marketlab.model import Batch

__all__ = ["AnalyticsLog", "Printer"]

LOG_BYTES = 10_000_000
LOG_FILES = 5
MAX_LINES = 200  # a batch with more ticks than anybody can read is summed up


# Ticks with two decimals, almost all there are, take one formatting each: this line is half of what a tick costs here.
_TICK = '{"timestamp":%.6f,"symbol":"%s","event":"%s | Price: %.2f | MA(%d): %.2f"}\n'
_OTHER = '{"timestamp":%.6f,"symbol":"%s","event":"%s"}\n'
_ALERT = '{"timestamp":%.6f,"symbol":"%s","event":"%s","level":"warning"}\n'


class AnalyticsLog:
    """``analytics.log``: JSON lines, whose ``event`` is the text that people see; rotated, written once a batch.

    Symbols and texts are of our own making and hold nothing that JSON would have to escape.

    :param path: the file; its folder is made. One writer a file
    """

    def __init__(self, path: Path, *, window: int) -> None:
        self._path = path
        self._window = window
        self._file = self._open()

    def _open(self) -> logging.handlers.RotatingFileHandler:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return logging.handlers.RotatingFileHandler(self._path, backupCount=LOG_FILES, encoding="utf-8")

    def __call__(self, batch: Batch) -> None:
        """Append the lines of a batch. A full disk leaves a hole here, never in the store, which says so."""
        with suppress(OSError):
            if self._file.stream is None:  # a rollover failed half way, for its folder was deleted or cannot be written
                self._file = self._open()
            stream: Any = self._file.stream
            stream.write(self.text(batch))
            stream.flush()
            if stream.tell() >= LOG_BYTES:
                self._file.doRollover()

    def text(self, batch: Batch) -> str:
        """The lines of a batch."""
        window = self._window
        lines = []
        for state, _, price, timestamp, _, average, _, alert, _, _, _ in batch.rows:
            symbol = state.key.symbol
            if average is not None and int(price * 100 + 0.5) / 100 == price:
                lines.append(_TICK % (timestamp, symbol, symbol, price, window, average))
            else:
                lines.append(_OTHER % (timestamp, symbol, tick_line(symbol, price, average, window=window)))
            if alert is not None:
                lines.append(_ALERT % (timestamp, symbol, alert))
        return "".join(lines)

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            self._file.close()


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
