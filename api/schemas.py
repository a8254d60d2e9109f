"""The one schema at the door of ``POST /update``: bytes to posted ticks, or an error that points at the field.

symbol, price, timestamp, size, seq and run obey the wire contract (:mod:`marketlab.wire`), which also judges them.
Beside them a record may carry what a consumer has worked out (``moving_average``, ``alert``, ``change_pct``, ``late``)
and where the tick stood (``log``, ``partition``, ``offset``). Other names are ignored.
"""

from __future__ import annotations

import json
import math
from typing import Any

from api.careful_json import members, parse, pointer_to
from api.config import MAX_RECORDS
from api.problems import PostedError, TooLargeError
from marketlab.model import Reason, Refusal, Tick
from marketlab.ports import PostedTick
from marketlab.wire import MAX_PRICE, examine

__all__ = ["read_posted"]

MAX_TEXT = 200  # characters in an alert or the name of a log
MAX_PARTITION = 2**31 - 1  # Kafka's own limit
MAX_OFFSET = 2**63 - 1

#: Fields that hold whole numbers.
WHOLE = frozenset({"seq", "partition", "offset"})

#: The field at which each refusal of a flat, clean record points.
FIELD_OF = {
    Reason.BAD_SYMBOL: "symbol",
    Reason.BAD_PRICE: "price",
    Reason.BAD_TIMESTAMP: "timestamp",
    Reason.TIMESTAMP_AHEAD: "timestamp",
    Reason.BAD_SIZE: "size",
    Reason.BAD_SEQ: "seq",
    Reason.BAD_RUN: "run",
}


def read_posted(body: bytes, *, now: float) -> list[PostedTick]:
    """The records of a body: one object, or an array of at most 1,000.

    :param now: seconds since the epoch; a timestamp may be a day ahead of it
    :raises PostedError: the first thing that is wrong, and where
    :raises TooLargeError: too many records
    """
    value = parse(body)
    if type(value) is not list:
        return [_posted(value, "", now)]
    if len(value) > MAX_RECORDS:
        raise TooLargeError(
            f"at most {MAX_RECORDS:,} records are taken at once, {len(value):,} came", mend="Send them in parts."
        )
    return [_posted(item, f"/{index}", now) for index, item in enumerate(value)]


def _posted(value: Any, pointer: str, now: float) -> PostedTick:
    fields = {name: _whole(item) if name in WHOLE else item for name, item in members(value, pointer).items()}
    tick = _tick(fields, pointer, now)
    record = _Extras(fields, pointer)
    log = record.text("log")
    partition, offset = record.whole("partition", MAX_PARTITION), record.whole("offset", MAX_OFFSET)
    if log is None:
        # An offset means nothing outside its log: records as GET /data gives them can be posted again.
        partition = offset = None
    elif partition is None or offset is None:
        missing = "partition" if partition is None else "offset"
        raise PostedError(f"{missing} must be there when log is", pointer=pointer_to(pointer, missing))
    return PostedTick(
        symbol=tick.symbol,
        price=tick.price,
        timestamp=tick.timestamp,
        moving_average=record.number("moving_average", above=0.0, below=MAX_PRICE),
        alert=record.text("alert"),
        size=tick.size,
        change_pct=record.number("change_pct", above=-math.inf, below=math.inf),
        run=tick.run,
        seq=tick.seq,
        log=log,
        partition=partition,
        offset=offset,
        late=record.flag("late"),
    )


def _tick(fields: dict[str, Any], pointer: str, now: float) -> Tick:
    """What the wire contract makes of the record, written out again as the one message that it reads."""
    found = examine(json.dumps(fields, ensure_ascii=False).encode("utf-8"), now)
    if isinstance(found, Tick):
        return found
    if not isinstance(found, Refusal):
        raise PostedError("a closing record belongs on the topic", pointer=pointer_to(pointer, "type"))
    name = FIELD_OF.get(found.reason)
    if found.reason is Reason.MISSING_FIELD:
        name = next(name for name in ("symbol", "price", "timestamp") if fields.get(name) is None)
    elif found.reason is Reason.BAD_CLOSE:
        name = "type"
    where = pointer if name is None else pointer_to(pointer, name)
    raise PostedError(found.detail, pointer=where, reason=found.reason)


class _Extras:
    """Reads the fields that the wire does not know. null and an empty text count as not given."""

    def __init__(self, fields: dict[str, Any], pointer: str) -> None:
        self._fields, self._pointer = fields, pointer

    def text(self, name: str) -> str | None:
        value = self._fields.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise self._refuse(name, f"a text of at most {MAX_TEXT} characters")
        return value

    def number(self, name: str, *, above: float, below: float) -> float | None:
        value = self._fields.get(name)
        if value is None:
            return None
        number = _float(value)
        if number is None or not above < number < below:
            bounds = f" above {above:g} and below {below:g}" if math.isfinite(below) else ""
            raise self._refuse(name, f"a number{bounds}")
        return number

    def flag(self, name: str) -> bool:
        value = self._fields.get(name)
        if value is not None and not isinstance(value, bool):
            raise self._refuse(name, "true or false")
        return bool(value)

    def whole(self, name: str, at_most: int) -> int | None:
        value = self._fields.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= at_most:
            raise self._refuse(name, f"a whole number from 0 to {at_most}")
        return value

    def _refuse(self, name: str, wanted: str) -> PostedError:
        text = json.dumps(self._fields[name])
        shown = text if len(text) <= 60 else text[:57] + "..."
        return PostedError(f"{name} must be {wanted}, was {shown}", pointer=pointer_to(self._pointer, name))


def _whole(value: Any) -> Any:
    """To JSON, 7 and 7.0 are one number; Python's parser makes an int of one and a float of the other."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _float(value: object) -> float | None:
    """A JSON number as a float, infinite when too large for one; true and false are no numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf
