"""Mends that are certain: they change how a message is written, never what it says.

Whoever wrote ``"price": "101.5"`` meant the number; whoever wrote ``"price": -1`` cannot be known, and the message
waits for somebody who knows. What a mend gives must be taken by the wire contract and still be the same tick.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from marketlab.model import DeadLetter, Refusal
from marketlab.wire import examine

__all__ = ["MENDS", "Mended", "mend"]

#: A day: as far as a source's clock may be off the log's.
MAX_AWAY_S: Final = 86_400.0
_UNITS: Final = (1e3, 1e6, 1e9)  # milliseconds, microseconds, nanoseconds
_NUMBERS: Final = ("price", "timestamp", "size", "seq")
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Mended(NamedTuple):
    """A message that can be sent, and the names of the mends that made it so."""

    value: bytes
    mends: tuple[str, ...]


def mend(letter: DeadLetter) -> Mended | None:
    """The message as it was meant, or None if that is not certain."""
    value, names = letter.raw, []
    for name, (_, apply) in MENDS.items():
        mended = apply(value, letter.record_time)
        if mended is not None:
            value = mended
            names.append(name)
    item = examine(value, letter.record_time)
    if isinstance(item, Refusal):
        return None
    if letter.symbol not in (None, item.symbol) or letter.run not in ("", item.run):
        return None
    if letter.seq is not None and letter.seq != getattr(item, "seq", None):
        return None
    return Mended(value, tuple(names)) if names else None


def _without_byte_order_mark(raw: bytes, _: float) -> bytes | None:
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            try:
                return raw[len(mark) :].decode(encoding).encode()
            except UnicodeDecodeError:
                return None
    return None


def _said_once(raw: bytes, _: float) -> bytes | None:
    pairs: list[tuple[str, Any]] = []

    def keep(found: list[tuple[str, Any]]) -> dict[str, Any]:
        pairs[:] = found  # the outermost object comes last
        return dict(found)

    fields = _object(raw, keep)
    if fields is None or len(fields) == len(pairs):
        return None
    same = all(json.dumps(value) == json.dumps(fields[name]) for name, value in pairs)
    return _text(fields) if same else None


def _numbers_without_quotes(raw: bytes, _: float) -> bytes | None:
    fields = _object(raw)
    if fields is None:
        return None
    quoted = [name for name in _NUMBERS if isinstance(fields.get(name), str) and _NUMBER.fullmatch(fields[name])]
    return _text(fields | {name: json.loads(fields[name]) for name in quoted}) if quoted else None


def _in_seconds(raw: bytes, record_time_s: float) -> bytes | None:
    fields = _object(raw)
    stamp = fields and fields.get("timestamp")
    if not fields or isinstance(stamp, bool) or not isinstance(stamp, int | float):
        return None
    near = [stamp / unit for unit in _UNITS if abs(stamp / unit - record_time_s) <= MAX_AWAY_S]
    return _text(fields | {"timestamp": near[0]}) if len(near) == 1 else None


#: What each mend does, and how; in the order in which they are tried.
MENDS: Final[Mapping[str, tuple[str, Callable[[bytes, float], bytes | None]]]] = {
    "byte-order-mark": ("text that begins with a byte order mark becomes UTF-8 without one", _without_byte_order_mark),
    "said-once": ("a name that stands twice with the same value stands once", _said_once),
    "number": ("a price, timestamp, size or seq in quotes becomes the number", _numbers_without_quotes),
    "seconds": ("a timestamp in ms, µs or ns, within a day of the time of sending, becomes seconds", _in_seconds),
}


def _object(raw: bytes, hook: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None) -> dict[str, Any] | None:
    try:
        fields = json.loads(raw.decode(), object_pairs_hook=hook or _unambiguous)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Python's parser would take the last of two values of a name, which is a guess."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name stands twice")
    return fields


def _text(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
