"""Messages that must be refused, any number of them, each with the reason that it must get.

For every reason there are several ways to deserve it; which one, and all figures in it, come from a seed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from random import Random
from typing import Any, Final, NamedTuple

from marketlab.model import Reason
from marketlab.wire import MAX_BYTES

__all__ = ["Malformed", "malformed"]

_SYMBOLS: Final = ("AAPL", "GOOG", "NFLX", "AMZN", "TSLA", "BTC/EUR", "BRK.B")


class Malformed(NamedTuple):
    """A message, its key, and why it must be refused."""

    value: bytes | None
    key: bytes
    reason: Reason


def malformed(seed: int, *, sent_at_s: float, large_every: int = 1) -> Iterator[Malformed]:
    """Malformed messages without end, the reasons in turn.

    :param sent_at_s: the record time that they will have, seconds since the epoch
    :param large_every: rounds with one that is too large among the others: each of those takes 64 KiB
    """
    random = Random(seed)  # noqa: S311 (not for secrets)
    for number, reason in enumerate(cycle(Reason)):
        if reason is Reason.TOO_LARGE and number // len(Reason) % large_every:
            continue
        symbol = random.choice(_SYMBOLS)
        tick = {
            "symbol": symbol,
            "price": round(random.uniform(1, 1000), 2),
            "timestamp": round(sent_at_s - random.uniform(0, 1000), 3),
        }
        value = _WAYS[reason](random, tick)
        yield Malformed(value if value is None or isinstance(value, bytes) else _json(value), symbol.encode(), reason)


_Fields = dict[str, Any]


def _json(fields: _Fields) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


def _one_of(*ways: Callable[[Random, _Fields], _Fields | bytes | None]) -> Callable[..., _Fields | bytes | None]:
    return lambda random, tick: random.choice(ways)(random, tick)


def _put(name: str, *values: Any) -> Callable[[Random, _Fields], _Fields]:
    return lambda random, tick: {**tick, name: random.choice(values)}


def _text(name: str, *values: str) -> Callable[[Random, _Fields], bytes]:
    """A value that no JSON writer of ours would write."""
    return lambda random, tick: _json({**tick, name: "@"}).replace(b'"@"', random.choice(values).encode())


def _cut(random: Random, tick: _Fields) -> bytes:
    text = _json(tick)
    return text[: random.randrange(1, len(text))]


def _not_utf8(random: Random, tick: _Fields) -> bytes:
    text = bytearray(_json(tick))
    text[random.randrange(len(text))] = random.choice((0x80, 0xC0, 0xFE, 0xFF))
    return bytes(text)


def _without(random: Random, tick: _Fields) -> _Fields:
    name = random.choice(("symbol", "price", "timestamp"))
    return {key: value for key, value in tick.items() if key != name}


def _twice(random: Random, tick: _Fields) -> bytes:
    name = random.choice(tuple(tick))
    return _json(tick)[:-1] + b',"%s":%s}' % (name.encode(), json.dumps(tick[name]).encode())


def _close(**fields: Any) -> Callable[[Random, _Fields], _Fields]:
    return lambda _, tick: {"type": "close", "symbol": tick["symbol"], "run": "r", "last_seq": 3} | fields


_DEEP: Final = b'{"a":' * 1000 + b"1" + b"}" * 1000

_WAYS: Final[Mapping[Reason, Callable[[Random, _Fields], _Fields | bytes | None]]] = {
    Reason.EMPTY: _one_of(lambda *_: None, lambda *_: b""),
    Reason.TOO_LARGE: lambda random, tick: {**tick, "note": "x" * (MAX_BYTES + random.randrange(100))},
    Reason.NOT_UTF8: _not_utf8,
    Reason.NOT_JSON: _one_of(_cut, lambda *_: b"symbol,price", lambda _, tick: b"\xef\xbb\xbf" + _json(tick)),
    Reason.NOT_AN_OBJECT: _one_of(lambda *_: b"[]", lambda *_: b"null", lambda *_: b'"AAPL"', lambda *_: b"17.5"),
    Reason.DUPLICATE_KEY: _twice,
    Reason.NESTED: _one_of(_put("price", [1], {"usd": 1}), _put("extra", {}, []), lambda *_: _DEEP),
    Reason.BAD_TEXT: _one_of(_put("symbol", "A\0B", "\ud800"), _put("note", "\0", "a\udfff")),
    Reason.NOT_FINITE: _text("price", "NaN", "Infinity", "-Infinity", "1e999", "-1e400"),
    Reason.MISSING_FIELD: _one_of(_without, _put("price", None), lambda *_: b"{}"),
    Reason.BAD_SYMBOL: _put("symbol", "", "A B", "ß", 7, True, "X" * 33, "💥"),
    Reason.BAD_PRICE: _put("price", 0, -1, -0.5, 1e12, "101.5", True, "", 10**30),
    Reason.BAD_TIMESTAMP: _put("timestamp", 0, -5, "now", True, 1_731_000_000_000, 1e11, 1.7e18),
    Reason.TIMESTAMP_AHEAD: lambda random, tick: {**tick, "timestamp": tick["timestamp"] + random.uniform(2e5, 1e9)},
    Reason.BAD_SIZE: _put("size", 0, -1, "3", False, -1e-9),
    Reason.BAD_SEQ: _put("seq", 0, -1, 1.5, "7", True, 2**63),
    Reason.BAD_RUN: _put("run", "a b", 7, True, "x" * 65, "\u00e9"),
    Reason.BAD_CLOSE: _one_of(
        _close(run=""), _close(run="a b"), _close(symbol="?"), _close(last_seq=-1), _close(last_seq=None),
        _close(symbols=0), _close(last_seq="3"),
    ),
}  # fmt: skip
