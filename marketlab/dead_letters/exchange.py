"""Dead letters as a file that people and programs can edit: JSON Lines, one letter a line, the oldest first.

``raw`` is the message as text, or ``raw_b64`` where it is not UTF-8. What shall be sent in its place goes into
``repaired``: the message as a JSON object, or its text as a string. ``null`` leaves the letter alone.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from marketlab.errors import SettingsError
from marketlab.model import DeadLetter, Reason
from marketlab.ports import StoreReader

__all__ = ["Entry", "as_dict", "oldest_first", "read_file", "write_file"]

_PAGE: Final = 1000


class Entry(NamedTuple):
    """One line of the file: the letter as it was taken out, and what shall be sent in its place."""

    letter: DeadLetter
    repaired: bytes | None
    mends: tuple[str, ...] = ()


def oldest_first(reader: StoreReader, *, reason: str | None = None) -> Iterator[DeadLetter]:
    """Every letter, page by page, so that any number of them fits in memory."""
    newest = reader.dead_letters(limit=1, reason=reason)
    end = newest[0].id if newest else 0
    for first in range(1, end + 1, _PAGE):
        page = reader.dead_letters(limit=_PAGE, before=first + _PAGE, reason=reason)
        yield from (letter for letter in reversed(page) if letter.id >= first)


def as_dict(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter as JSON; bytes as text, or in base64 under the name with ``_b64``."""
    return {
        "id": letter.id,
        "reason": letter.reason.value,
        "detail": letter.detail,
        "log": letter.log,
        "partition": letter.partition,
        "offset": letter.offset,
        "record_time": letter.record_time,
        "run": letter.run or None,
        "symbol": letter.symbol,
        "seq": letter.seq,
        **({"key": None} if letter.key is None else _bytes("key", letter.key)),
        **_bytes("raw", letter.raw),
        "resent_at": letter.resent_at,
    }


def write_file(path: Path, entries: Iterable[Entry]) -> int:
    """Write a file whole or not at all.

    :returns: lines written
    """
    scratch = path.with_name(f".{path.name}.part")
    count = 0
    try:
        with scratch.open("w", encoding="utf-8") as file:
            for entry in entries:
                file.write(json.dumps(_line(entry), ensure_ascii=False) + "\n")
                count += 1
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    return count


def read_file(path: Path) -> Iterator[Entry]:
    """Read a file back.

    :raises SettingsError: a line is none of ours; named by its number
    """
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _entry(line, f"{path}, line {number}")
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} must be UTF-8: {error.reason}") from None


def _line(entry: Entry) -> dict[str, Any]:
    line = as_dict(entry.letter)
    line["repaired"] = None
    if entry.repaired is not None:
        line |= _bytes("repaired", entry.repaired)
    if entry.mends:
        line["mends"] = list(entry.mends)
    return line


def _entry(line: str, where: str) -> Entry:
    try:
        fields = json.loads(line)
        letter = DeadLetter(
            raw=_raw(fields, "raw") or b"",
            log=fields["log"],
            partition=fields["partition"],
            offset=fields["offset"],
            record_time=fields["record_time"],
            reason=Reason(fields["reason"]),
            detail=fields["detail"],
            run=fields["run"] or "",
            symbol=fields["symbol"],
            seq=fields["seq"],
            id=fields["id"],
            resent_at=fields["resent_at"],
            key=_raw(fields, "key"),
        )
        return Entry(letter, _raw(fields, "repaired"), tuple(fields.get("mends", ())))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"{where}: must be a dead letter as `marketlab dead-letters export` writes it, was not: {error!r}",
            mend="Only `repaired` is there to be edited: the message as a JSON object, its text as a string, or null.",
        ) from None


def _bytes(name: str, value: bytes) -> dict[str, str]:
    try:
        return {name: value.decode()}
    except UnicodeDecodeError:
        return {f"{name}_b64": base64.b64encode(value).decode("ascii")}


def _raw(fields: dict[str, Any], name: str) -> bytes | None:
    """The bytes that stand under a name; an object is the JSON that it looks like."""
    if fields.get(f"{name}_b64") is not None:
        try:
            return base64.b64decode(fields[f"{name}_b64"], validate=True)
        except binascii.Error as error:
            raise ValueError(f"{name}_b64 is not base64: {error}") from None
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string or an object, was {value!r}")
    return value.encode()
