"""The wire contract: bytes of a message to a tick, a closing record or a refusal. Nothing here ever raises.

A tick is flat UTF-8 JSON, ``{"symbol":"AAPL","price":215.67,"timestamp":1730896201.0}``, with ``size``, ``seq``
and ``run`` if there are any; fields with other names are ignored.

:func:`decode` answers in well under a microsecond for messages in the common form and hands every other one to
:func:`examine`, which reads it slowly and says exactly what it is. Both give the same answer wherever the first
gives one; a property test holds them to it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from marketlab.model import MAX_PRICE, MAX_SEQ, MAX_TIMESTAMP_S, Close, Reason, Refusal, Tick

__all__ = [
    "MAX_BYTES",
    "MAX_PRICE",
    "MAX_TIMESTAMP_S",
    "decode",
    "encode",
    "encode_close",
    "examine",
    "symbol_of",
]

MAX_BYTES: Final = 64 * 1024
MAX_AHEAD_S: Final = 86_400.0  # a source's clock may be a time zone off, not more

_SYMBOL = re.compile(r"[A-Za-z0-9.\-/:_=]{1,32}", re.ASCII)
_RUN = re.compile(r"[A-Za-z0-9._\-]{1,64}", re.ASCII)
_UNCLEAN = re.compile("[\0\ud800-\udfff]")
_CACHE_LIMIT = 100_000  # distinct symbols or runs remembered; a hostile producer may not fill the memory


_read: Callable[[bytes], Tick] = msgspec.json.Decoder(Tick).decode
_write = msgspec.json.Encoder().encode

_symbols: dict[str, str] = {}  # as written → as keyed
_runs: dict[str, str] = {"": ""}


def encode(tick: Tick) -> bytes:
    """A tick as it stands on the wire.

    >>> encode(Tick("AAPL", 215.67, 1730896201.0, seq=1, run="a1"))
    b'{"symbol":"AAPL","price":215.67,"timestamp":1730896201.0,"seq":1,"run":"a1"}'
    """
    return _write(tick)


def encode_close(close: Close) -> bytes:
    """A closing record as it stands on the wire."""
    fields: dict[str, Any] = {
        "type": "close",
        "run": close.run,
        "symbol": close.symbol,
        "last_seq": close.last_seq,
    }
    if close.symbols is not None:
        fields["symbols"] = close.symbols
    return _write(fields)


def symbol_of(text: str) -> str | None:
    """A symbol as it is keyed and stored (upper case), or None if it is not one.

    >>> symbol_of("bch/eur"), symbol_of("ß")
    ('BCH/EUR', None)
    """
    return text.upper() if _SYMBOL.fullmatch(text) else None


def decode(value: bytes | None, record_time_s: float) -> Tick | Close | Refusal:
    """What a message is.

    :param record_time_s: the record's own time (of sending), seconds since the epoch
    """
    try:
        tick = _read(value)  # type: ignore[arg-type]  # None raises as well
        symbol, run = _symbols[tick.symbol], _runs[tick.run]
    except (msgspec.MsgspecError, ValueError, TypeError, KeyError, RecursionError):
        return examine(value, record_time_s)
    # One pair of quotes a name and one a string; more than that is an unknown name or one that stands twice, which
    # the parser would let pass. An escaped quote can only add to the count.
    quotes = 8
    if tick.size is not None:
        quotes = 10
    if tick.seq is not None:
        quotes += 2
    if run:
        quotes += 4
    if (
        value.count(b'"') != quotes  # type: ignore[union-attr]
        or tick.timestamp > record_time_s + MAX_AHEAD_S
        or len(value) > MAX_BYTES  # type: ignore[arg-type]
    ):
        return examine(value, record_time_s)
    if symbol is not tick.symbol and symbol != tick.symbol:
        return Tick(symbol, tick.price, tick.timestamp, tick.size, tick.seq, run)
    return tick


# --------------------------------------------------------------------------------- the slow and careful reading


class _Found(Exception):  # noqa: N818 (not an error: a finding, thrown up through the JSON parser)
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def examine(value: bytes | None, record_time_s: float) -> Tick | Close | Refusal:
    """What a message is, found out step by step; the reason names the first thing that is wrong."""
    fields: dict[str, Any] = {}
    try:
        fields = _parse(value)
        _check_values(fields)
        if fields.get("type") == "close":
            return _close(fields)
        return _tick(fields, record_time_s)
    except _Found as found:
        return _refusal(found.reason, found.detail, fields)


def _parse(value: bytes | None) -> dict[str, Any]:
    if not value:
        raise _Found(Reason.EMPTY, "the message has no value")
    if len(value) > MAX_BYTES:
        raise _Found(Reason.TOO_LARGE, f"{len(value):,} bytes, at most {MAX_BYTES:,} are read")
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Found(Reason.NOT_UTF8, f"byte {error.start} is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise _Found(Reason.NOT_JSON, "begins with a byte order mark")
    try:
        parsed = _read_slowly(text)
    except json.JSONDecodeError as error:
        raise _Found(Reason.NOT_JSON, f"not JSON at character {error.pos}: {error.msg}") from None
    except RecursionError:
        raise _Found(Reason.NESTED, "nested too deeply to be read") from None
    if not isinstance(parsed, dict):
        raise _Found(Reason.NOT_AN_OBJECT, f"an object was wanted, {_kind(parsed)} was found")
    return parsed


def _check_values(fields: dict[str, Any]) -> None:
    for name, item in fields.items():
        if isinstance(item, dict | list):
            raise _Found(Reason.NESTED, f"{name[:40]!r} holds {_kind(item)}; a tick is flat")
        for part in (name, item):
            if isinstance(part, str) and _UNCLEAN.search(part):
                raise _Found(Reason.BAD_TEXT, f"{name[:40]!r}: a NUL or a lone surrogate in the text")
        # NaN and Infinity are no JSON, but Python's parser takes them; 1e999 is JSON that no float can hold.
        if isinstance(item, float) and not math.isfinite(item):
            raise _Found(Reason.NOT_FINITE, f"{name[:40]!r} is {item}, a finite number was wanted")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Found(Reason.DUPLICATE_KEY, f"{twice[:40]!r} stands more than once")
    return result


def _integer(text: str) -> int | float:
    # int() refuses more than 4,300 digits by raising; as a float such a number is infinite, which is named later.
    return int(text) if len(text) <= 400 else float(text)


# Made once: `json.loads` makes one at every call, which took as long as the reading.
_read_slowly: Callable[[str], Any] = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer).decode


def _kind(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _number(value: object) -> float | None:
    """A JSON number as a float, or None; true and false are no numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _tick(fields: dict[str, Any], record_time_s: float) -> Tick:
    missing = [name for name in ("symbol", "price", "timestamp") if fields.get(name) is None]
    if missing:
        raise _Found(Reason.MISSING_FIELD, f"{', '.join(missing)} missing")
    symbol = _symbol(fields["symbol"])
    price = _number(fields["price"])
    if price is None or not 0 < price < MAX_PRICE:
        raise _Found(Reason.BAD_PRICE, f"price must be a number above 0 and below 1e12, was {_show(fields['price'])}")
    timestamp = _timestamp(fields["timestamp"], record_time_s)
    size = None
    if fields.get("size") is not None:
        size = _number(fields["size"])
        if size is None or not 0 < size < math.inf:
            raise _Found(Reason.BAD_SIZE, f"size must be a number above 0, was {_show(fields['size'])}")
    return Tick(symbol, price, timestamp, size, _seq(fields.get("seq"), "seq"), _run(fields.get("run")))


def _symbol(value: object) -> str:
    symbol = symbol_of(value) if isinstance(value, str) else None
    if symbol is None:
        raise _Found(Reason.BAD_SYMBOL, f"symbol must be 1-32 of A-Z 0-9 . - / : _ =, was {_show(value)}")
    if len(_symbols) < _CACHE_LIMIT:
        _symbols[str(value)] = symbol
    return symbol


def _run(value: object) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not _RUN.fullmatch(value):
        raise _Found(Reason.BAD_RUN, f"run must be 1-64 of letters, digits, . _ -, was {_show(value)}")
    if len(_runs) >= _CACHE_LIMIT:  # runs come and go; symbols stay
        _runs.clear()
        _runs[""] = ""
    _runs[value] = value
    return value


def _seq(value: object, name: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_SEQ:
        raise _Found(Reason.BAD_SEQ, f"{name} must be a whole number of 1 or more, was {_show(value)}")
    return value


def _timestamp(value: object, record_time_s: float) -> float:
    timestamp = _number(value)
    if timestamp is None or not 0 < timestamp < MAX_TIMESTAMP_S:
        hint = ""
        if timestamp is not None and timestamp >= MAX_TIMESTAMP_S:
            unit = "nanoseconds" if timestamp >= 1e17 else "microseconds" if timestamp >= 1e14 else "milliseconds"
            hint = f"; {unit}? it must be in seconds"
        raise _Found(
            Reason.BAD_TIMESTAMP,
            f"timestamp must be seconds since 1970, above 0 and below 1e11, was {_show(value)}{hint}",
        )
    if timestamp > record_time_s + MAX_AHEAD_S:
        ahead = (timestamp - record_time_s) / 86_400
        raise _Found(Reason.TIMESTAMP_AHEAD, f"timestamp is {ahead:.1f} days ahead of the record's own time")
    return timestamp


def _close(fields: dict[str, Any]) -> Close:
    try:
        symbol, run = _symbol(fields.get("symbol")), _run(fields.get("run"))
        symbols = _seq(fields.get("symbols"), "symbols")
        last_seq = fields.get("last_seq")
        if last_seq != 0 or isinstance(last_seq, bool):
            last_seq = _seq(last_seq, "last_seq")
    except _Found as found:
        raise _Found(Reason.BAD_CLOSE, f"closing record: {found.detail}") from None
    if not run or last_seq is None:
        raise _Found(Reason.BAD_CLOSE, "closing record: run and last_seq must be there")
    return Close(run, symbol, last_seq, symbols)


def _show(value: object) -> str:
    text = json.dumps(value) if not isinstance(value, float) or math.isfinite(value) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _refusal(reason: Reason, detail: str, fields: dict[str, Any]) -> Refusal:
    """Keep what can still be read of the identity: it settles the tick's place in its run's account."""
    symbol = fields.get("symbol")
    symbol = symbol_of(symbol) if isinstance(symbol, str) else None
    named = fields.get("run")
    run = named if isinstance(named, str) and _RUN.fullmatch(named) else ""
    seq = fields.get("seq")
    seq = seq if isinstance(seq, int) and not isinstance(seq, bool) and 1 <= seq <= MAX_SEQ else None
    if fields.get("type") == "close" or (not run and named not in (None, "")):
        seq = None  # no tick, or of a run that cannot be read: in no other run may its number be counted
    return Refusal(reason, detail, run, symbol, seq)
