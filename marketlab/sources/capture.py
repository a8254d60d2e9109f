"""Raw captures of an exchange: the local time of receipt in nanoseconds, a blank, and the message as it came.

Only trades are ticks. Best quotes, updates and snapshots of the book stand between them and are counted by kind. The
tick's time is the trade's own, not that of receipt: recorders' clocks run ahead and behind.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import msgspec

from marketlab.errors import SourceError
from marketlab.model import Reason, Tick
from marketlab.sources.numbers import read_number
from marketlab.sources.opening import TextFile
from marketlab.sources.reading import Reading, refuse_statements, show
from marketlab.sources.request import Request
from marketlab.sources.stamps import reader
from marketlab.sources.tick_maker import TickMaker
from marketlab.sources.times import Stamps

__all__ = ["STAMPED", "CaptureReading", "plan_capture"]

#: A line of a capture: the stamp of receipt before the message.
STAMPED = re.compile(rb"\d{10,19} +(?=\{)")

KINDS_LIMIT = 50  # distinct kinds counted by name; the rest of a strange file counts as "other"


class _Message(msgspec.Struct, rename={"last_update_id": "lastUpdateId"}):
    """What tells the kind of a message: the stream it came by, its own event, or that it is a snapshot of a book."""

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    e: str = ""
    last_update_id: int | None = None


class _Trade(msgspec.Struct):
    """Symbol, price, quantity and trade time (ms) of a trade."""

    s: str
    p: str | float
    q: str | float
    T: int


class CaptureReading(Reading):
    """The trades of a raw capture."""

    def __init__(self, file: TextFile, first_row: str) -> None:
        self.file, self._file, self.first_row = file.name, file, first_row

    def ticks(self, skipped: Counter[str]) -> Iterator[Tick]:
        """Yield the trades; everything else is counted by its stream."""
        message_of = msgspec.json.Decoder(_Message).decode
        trade_of = msgspec.json.Decoder(_Trade).decode
        keys = {"symbol": 0, "price": 1, "size": 2, "timestamp": 3}
        make = TickMaker(keys, stamps=Stamps(reader("ms"), ""), number=read_number).make
        for line in self._file.lines(skipped):
            stamp = STAMPED.match(line)
            text = line[stamp.end() :] if stamp else line
            try:
                message = message_of(text)
                kind = _kind(message)
                if kind == "trade":
                    trade = trade_of(message.data if message.stream else text)
            except msgspec.ValidationError:
                skipped["not_a_message"] += 1
                continue
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                skipped[Reason.NOT_JSON.value if line.strip() else "blank"] += 1
                continue
            if kind != "trade":
                skipped[kind if kind in skipped or len(skipped) < KINDS_LIMIT else "other"] += 1
                continue
            made = make((trade.s, trade.p, trade.q, trade.T))
            if isinstance(made, Tick):
                yield made
            else:
                skipped[made] += 1

    def describe(self) -> str:
        """Format and what is a tick."""
        packing = f"{self._file.packing}, " if self._file.packing else ""
        return f"{packing}raw exchange capture; its trades, at their own times (ms)"


def plan_capture(file: TextFile, request: Request, first_line: bytes) -> CaptureReading:
    """Decide that a file is a raw capture.

    :raises SourceError: something was said that contradicts it
    """
    why = "a raw capture says this itself in every message"
    refuse_statements(request, "columns", "symbol", "date", "delimiter", "header", file=file.name, why=why)
    if request.time_unit not in (None, "ms"):
        raise SourceError(
            f"{file.name}: --time-unit {request.time_unit} was given, but the trades of a raw capture are in ms",
            mend="Leave --time-unit out.",
        )
    return CaptureReading(file, show(first_line))


def _kind(message: _Message) -> str:
    """``trade``, ``bookTicker``, ``depth`` … : a stream is SYMBOL@KIND, perhaps followed by @ and a pace."""
    if message.stream:
        return message.stream.partition("@")[2].partition("@")[0] or "other"
    return message.e or ("snapshot" if message.last_update_id is not None else "other")
