"""What stands in a tape: a header, then one record a line, as JSON.

::

    {"format":"marketlab-tape","version":1,"topic":"stock-ticks","partitions":3,"tape":"0f3a…"}
    {"partition":2,"offset":0,"key":"AAPL","value":"{\"symbol\":\"AAPL\",…}","timestamp_ms":1730896201000}

``key`` and ``value`` hold the bytes as text; bytes that are not UTF-8 stand in ``key_b64`` and ``value_b64`` instead.
A value that is left out is a tombstone. ``headers`` is a list of the same shape. Offsets ascend within a partition and
may begin anywhere and have holes, as in Kafka. A line ends with a newline; what stands behind the last one is either a
whole record or the torso of one whose writer was killed.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from marketlab.errors import TapeError

__all__ = [
    "MAX_LINE_BYTES",
    "TapeHeader",
    "TapePlace",
    "TapeRecord",
    "decode_header",
    "encode_header",
    "new_header",
    "to_record",
]

VERSION = 1

#: No line of a tape is longer; a Kafka message is 1 MiB at most unless somebody asked for more.
MAX_LINE_BYTES = 64 * 1024 * 1024

_Count = Annotated[int, msgspec.Meta(ge=0)]


class TapeHeader(msgspec.Struct, frozen=True, kw_only=True, tag_field="format", tag="marketlab-tape"):
    """The first line. ``tape`` is the id by which positions know the log; it changes with every new recording."""

    version: int = VERSION
    topic: str
    partitions: Annotated[int, msgspec.Meta(ge=1)]
    tape: Annotated[str, msgspec.Meta(min_length=1)]


class TapeField(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One header of a message."""

    key: str
    value: str | None = None
    value_b64: bytes | None = None


class TapeRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One message with its place and the log's own time of it, milliseconds since the epoch."""

    partition: _Count
    offset: _Count
    key: str | None = None
    key_b64: bytes | None = None
    value: str | None = None
    value_b64: bytes | None = None
    timestamp_ms: int
    headers: tuple[TapeField, ...] = ()

    @property
    def key_bytes(self) -> bytes | None:
        """The key as it was sent."""
        return self.key_b64 if self.key is None else self.key.encode()

    @property
    def header_pairs(self) -> list[tuple[str, bytes]]:
        """The headers as Kafka's clients have them."""
        return [
            (field.key, (field.value_b64 or b"") if field.value is None else field.value.encode())
            for field in self.headers
        ]


class TapePlace(msgspec.Struct, frozen=True, gc=False):
    """Where a record stands in its log; decoding no more than this is three times as fast."""

    partition: _Count
    offset: _Count


_header_decoder = msgspec.json.Decoder(TapeHeader)
_encoder = msgspec.json.Encoder()


def new_header(*, topic: str, partitions: int) -> TapeHeader:
    """The header of a tape that never was."""
    return TapeHeader(topic=topic, partitions=partitions, tape=uuid.uuid4().hex)


def encode_header(header: TapeHeader) -> bytes:
    """The first line with its newline."""
    return _encoder.encode(header) + b"\n"


def decode_header(line: bytes, *, path: Path) -> TapeHeader:
    """The header out of a file's first line.

    :raises TapeError: it is none, or a newer marketlab wrote it
    """
    try:
        header = _header_decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TapeError(
            f"{path}, line 1: a tape begins with a header of format marketlab-tape, found {line[:60]!r} ({error})",
            mend="`marketlab record FILE` makes a tape; other recordings are read with --source replay:FILE.",
        ) from error
    if header.version != VERSION:
        raise TapeError(
            f"{path}, line 1: tapes of version {VERSION} are understood, found version {header.version}",
            mend="Install a newer marketlab.",
        )
    return header


def to_record(
    *,
    partition: int,
    offset: int,
    key: bytes | None,
    value: bytes | None,
    timestamp_ms: int,
    headers: Sequence[tuple[str, bytes]] = (),
) -> TapeRecord:
    """A record out of raw bytes."""
    key_text, key_b64 = _text_or_bytes(key)
    value_text, value_b64 = _text_or_bytes(value)
    fields = []
    for name, content in headers:
        text, raw = _text_or_bytes(content)
        fields.append(TapeField(key=name, value=text, value_b64=raw))
    return TapeRecord(
        partition=partition,
        offset=offset,
        key=key_text,
        key_b64=key_b64,
        value=value_text,
        value_b64=value_b64,
        timestamp_ms=timestamp_ms,
        headers=tuple(fields),
    )


def _text_or_bytes(content: bytes | None) -> tuple[str | None, bytes | None]:
    if content is None:
        return None, None
    try:
        return content.decode(), None
    except UnicodeDecodeError:
        return None, content
