"""The ticks inside a recorded tape, in the order in which they stand there.

A tape holds messages as they stood on the log. Replayed, each tick gets a new run and sequence, so those of the
recording are left out; closing records and messages that are no ticks are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from marketlab.errors import SourceError
from marketlab.model import Close, Reason, Tick
from marketlab.sources.opening import TextFile
from marketlab.sources.reading import Reading, refuse_statements, show
from marketlab.sources.request import Request
from marketlab.wire import decode

__all__ = ["TapeReading", "is_tape_header", "plan_tape"]

FORMAT, VERSION = "marketlab-tape", 1


class _Header(msgspec.Struct, tag_field="format", tag=FORMAT):
    topic: str
    partitions: int
    tape: str
    version: int = VERSION


class _Record(msgspec.Struct):
    partition: int
    offset: int
    timestamp_ms: int
    value: str | None = None
    value_b64: bytes | None = None


class TapeReading(Reading):
    """The ticks of a tape."""

    def __init__(self, file: TextFile, header: _Header, first_row: str) -> None:
        self.file, self._file, self._header, self.first_row = file.name, file, header, first_row

    def ticks(self, skipped: Counter[str]) -> Iterator[Tick]:
        """Yield the ticks; counts ``control`` and refused messages by reason."""
        record_of = msgspec.json.Decoder(_Record).decode
        lines = self._file.lines(skipped)
        next(lines)  # the header
        for line in lines:
            try:
                record = record_of(line)
            except msgspec.ValidationError:
                skipped["not_a_record"] += 1
                continue
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                skipped[Reason.NOT_JSON.value if line.strip() else "blank"] += 1
                continue
            value = record.value_b64 if record.value is None else record.value.encode()
            message = decode(value, record.timestamp_ms / 1000)
            if isinstance(message, Tick):
                yield Tick(message.symbol, message.price, message.timestamp, message.size)
            else:
                skipped["control" if isinstance(message, Close) else message.reason.value] += 1

    def describe(self) -> str:
        """Topic and id of the tape."""
        packing = f"{self._file.packing}, " if self._file.packing else ""
        return f"{packing}tape {self._header.tape} of topic {self._header.topic}; its runs and sequences are left out"


def is_tape_header(line: bytes) -> bool:
    """Whether a file that begins with this line calls itself a tape."""
    try:
        header = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(header, dict) and header.get("format") == FORMAT


def plan_tape(file: TextFile, request: Request, first_line: bytes) -> TapeReading:
    """Decide how a tape is read.

    :raises SourceError: a damaged header, a version that is not known, or something was said that contradicts it
    """
    why = "a tape says this itself in every record"
    refuse_statements(request, "columns", "symbol", "date", "delimiter", "header", "time_unit", file=file.name, why=why)
    try:
        header = msgspec.json.decode(first_line, type=_Header)
    except msgspec.MsgspecError as error:
        raise SourceError(
            f"{file.name}: the header of the tape is damaged: {error}",
            mend="Record the tape again: `marketlab record`.",
        ) from error
    if header.version != VERSION:
        raise SourceError(
            f"{file.name}: tapes of version {VERSION} are understood, found version {header.version}",
            mend="Install a newer marketlab.",
        )
    return TapeReading(file, header, show(first_line))
