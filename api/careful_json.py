"""JSON read so that nothing is lost on the way: duplicate names and NaN are still there to be pointed at.

Python's parser keeps the last of two equal names and makes a float of NaN. Here an object comes as its pairs, a
constant as :class:`Constant`, and :func:`members` refuses both with the place at which they stand (RFC 6901).
"""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple

from api.problems import PostedError
from marketlab.model import Reason

__all__ = ["Constant", "Pairs", "members", "parse", "pointer_to"]

LONGEST_INTEGER = 400  # digits; int() refuses above 4,300, and as a float this many are infinite


class Pairs(list[tuple[str, Any]]):
    """A JSON object as it was written."""


class Constant(NamedTuple):
    """``NaN``, ``Infinity`` or ``-Infinity``, which are no JSON."""

    text: str


def parse(body: bytes) -> Any:
    """The one JSON value in a body.

    :raises QueryError: not UTF-8, not JSON, or nested too deeply to be read
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PostedError(f"the body is not UTF-8 at byte {error.start}", pointer="", reason=Reason.NOT_UTF8) from None
    if not text.strip():
        raise PostedError(
            "the body is empty; a record or an array of records was wanted", pointer="", reason=Reason.EMPTY
        )
    try:
        return json.loads(text, object_pairs_hook=Pairs, parse_constant=Constant, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise PostedError(
            f"the body is not JSON at character {error.pos}: {error.msg}", pointer="", reason=Reason.NOT_JSON
        ) from None
    except RecursionError:
        raise PostedError("the body is nested too deeply to be read", pointer="", reason=Reason.NESTED) from None


def members(value: Any, pointer: str) -> dict[str, Any]:
    """The members of a flat object.

    :param pointer: where the value stands in the body
    :raises QueryError: not an object, a name twice, a value that is no plain JSON scalar, or text that is no text
    """
    if not isinstance(value, Pairs):
        raise PostedError(
            f"a record was wanted, {_kind(value)} was found", pointer=pointer, reason=Reason.NOT_AN_OBJECT
        )
    found: dict[str, Any] = {}
    for name, item in value:
        if not _clean(name):
            raise PostedError("a NUL or a lone surrogate in a name", pointer=pointer, reason=Reason.BAD_TEXT)
        here = pointer_to(pointer, name)
        if name in found:
            raise PostedError(f"{name[:40]!r} stands more than once", pointer=here, reason=Reason.DUPLICATE_KEY)
        _check_scalar(item, here)
        found[name] = item
    return found


def pointer_to(pointer: str, name: str) -> str:
    """The pointer to a member; names that would make it unreadably long point at the record itself."""
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}" if len(name) <= 64 else pointer


def _check_scalar(item: Any, pointer: str) -> None:
    if isinstance(item, Pairs) or type(item) is list:
        raise PostedError(f"{_kind(item)} was found; a record is flat", pointer=pointer, reason=Reason.NESTED)
    if isinstance(item, Constant):
        raise PostedError(f"{item.text} is not a number", pointer=pointer, reason=Reason.NOT_FINITE)
    if isinstance(item, float) and not math.isfinite(item):
        raise PostedError("too large for a number", pointer=pointer, reason=Reason.NOT_FINITE)
    if isinstance(item, str) and not _clean(item):
        raise PostedError("a NUL or a lone surrogate in the text", pointer=pointer, reason=Reason.BAD_TEXT)


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= LONGEST_INTEGER else float(text)


def _clean(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _kind(value: object) -> str:
    if isinstance(value, Pairs):
        return "an object"
    if isinstance(value, Constant):
        return value.text
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
