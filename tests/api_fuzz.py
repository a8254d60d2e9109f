"""Requests that mean harm, and what must hold of every answer to them.

Three sources: schemathesis, which knows the description of the API and follows and breaks it; bodies of ``/update``
that are almost right; and addresses of any characters. The suite sends a few hundred, ``scripts/fuzz`` as many as it
is told to.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote_from_bytes

import schemathesis
from flask import Flask
from hypothesis import strategies as st
from werkzeug.test import Client, TestResponse

from marketlab.model import MAX_PRICE, MAX_TIMESTAMP_S

__all__ = ["CLOCK_S", "Judge", "addresses", "bodies", "described", "strictly"]

#: The server's clock: no timestamp is ahead of it, for a schema cannot say when it would be.
CLOCK_S = MAX_TIMESTAMP_S

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

# --------------------------------------------------------------------------------------------- what must hold


class Judge:
    """Stands before an application, counts what it answers and lets no failure pass.

    :param app: the application that is under fire
    """

    def __init__(self, app: Flask) -> None:
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.app: Wsgi = self
        self.client = Client(self)
        self._app = app

    @property
    def requests(self) -> int:
        """How many were answered."""
        return sum(self.statuses.values())

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer as the application does."""
        # schemathesis asks for gzip, and reads what a WSGI application answers as it stands.
        environ.pop("HTTP_ACCEPT_ENCODING", None)

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            number = int(status.split(" ", 1)[0])
            self.statuses[environ["REQUEST_METHOD"], number] += 1
            assert number < 500, (
                f"{status} to {environ['REQUEST_METHOD']} {environ['PATH_INFO']!r} {environ['QUERY_STRING']!r}"
            )
            found = dict(headers)
            assert found["X-Content-Type-Options"] == "nosniff"
            assert "unsafe-inline" not in found["Content-Security-Policy"]
            if number >= 400:
                assert found["Content-Type"] == "application/problem+json"
            return start_response(status, headers, *more)

        return self._app(environ, start)

    def post(self, body: bytes) -> TestResponse:
        """Send a body to ``/update``; what is accepted must have been a strict record or array of them."""
        response = self.client.post("/update", data=body, content_type="application/json")
        assert response.status_code in (200, 400, 413), response.get_data(as_text=True)
        if response.status_code == 200:
            records = strictly(body)
            assert response.get_json()["accepted"] <= len(records)
        else:
            _without_stack(response)
        return response

    def get(self, address: str) -> TestResponse:
        """Ask for an address, as it stands in the first line of a request."""
        path, mark, query = address.partition("?")
        with self.client.get(path, query_string=query if mark else None) as response:
            _without_stack(response)
        return response


def _without_stack(response: TestResponse) -> None:
    # Not the word alone: a path may hold it, and be repeated in the answer.
    assert not re.search(rb"File \S+, line \d+, in ", response.get_data()), response.get_data()


class LooseError(AssertionError):
    """Something was accepted that no strict reader takes."""


def strictly(body: bytes) -> list[dict[str, Any]]:
    """The records of a body, read by other means than the server's and as strictly as can be.

    :raises LooseError: NaN or an infinity, a name twice, a NUL or lone surrogate, nesting, a number out of bounds
    """
    value = json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    records = value if isinstance(value, list) else [value]
    for record in records:
        _require(isinstance(record, dict), "a record that is no object")
        for name, item in record.items():
            _require(not isinstance(item, dict | list), "nesting")
            _require(not isinstance(item, float) or abs(item) < float("inf"), "an infinity")
            for text in (name, item):
                _require(not isinstance(text, str) or ("\0" not in text and _is_unicode(text)), "no text")
        _require(type(record["price"]) in (int, float) and 0 < record["price"] < MAX_PRICE, "a price out of bounds")
        _require(type(record["timestamp"]) in (int, float), "a timestamp that is no number")
        _require(0 < record["timestamp"] < MAX_TIMESTAMP_S, "a timestamp out of bounds")
        for name in ("seq", "partition", "offset"):
            _require(record.get(name) is None or 0 <= record[name] < 2**63, f"a {name} that the database cannot hold")
    return records


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _require(len({name for name, _ in pairs}) == len(pairs), "a name twice")
    return dict(pairs)


def _no_constant(text: str) -> None:
    raise LooseError(f"{text} was accepted")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise LooseError(f"{what} was accepted")


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


# --------------------------------------------------------------------------------------------- what is sent


def described(judge: Judge) -> Any:
    """The operations of the API as schemathesis sees them; too much at once may be refused by 413 as well."""
    expected = ["400", "401", "403", "404", "405", "406", "413", "415", "422"]
    config = schemathesis.Config.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": expected}}})
    return schemathesis.openapi.from_wsgi("/openapi.json", judge.app, config=config)


_GOOD = {
    "symbol": '"AAPL"', "price": "312.45", "timestamp": "1730871025.145", "moving_average": "310.78", "alert": "null",
    "size": "2.5", "change_pct": "-0.25", "run": '"r1"', "seq": "7", "log": '"tape:x"', "partition": "0",
    "offset": "41", "late": "true",
}  # fmt: skip
_HARM = [
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e400", "9223372036854775807", "9223372036854775808",
    "18446744073709551616", "-1", "-0", "0", "0.0", "1e-999", "1" * 400, "1" * 5000, "0x10", "01", "1_000", ".5", "+1",
    "true", "false", "null", '""', '"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"a\\u0000b"',
    '"AAPL\\n"', '"' + "x" * 300 + '"', "[]", "{}", "[[1]]", '{"a":1}', "[" * 60 + "]" * 60, "[" * 5000, '"unclosed',
    "１", '"ＡＡＰＬ"', "'AAPL'", "undefined", "1 2", "", "/**/1", '"\t"', '"\x7f"', "1e5", "1E+5", "1730871025145",
    "99999999999", "1e12", "999999999999.9999",
]  # fmt: skip
_names = st.sampled_from(
    [*_GOOD, "type", "id", "last_seq", "__proto__", "sy\\u006dbol", "price ", "", "\\u0000", "\\ud800"]
)
_value = st.one_of(
    st.sampled_from(_HARM),
    st.floats(allow_nan=True).map(repr),
    st.integers().map(str),
    st.text(max_size=12).map(json.dumps),
)


@st.composite
def _record(draw: st.DrawFn) -> str:
    """A record as text: the good one with some of its members gone, repeated, broken or joined by strangers."""
    members = [(name, value) for name, value in _GOOD.items() if name in ("symbol", "price", "timestamp")]
    members += draw(st.lists(st.sampled_from(list(_GOOD.items())[3:]), max_size=4, unique=True))
    for _ in range(draw(st.integers(0, 2))):
        name = draw(_names)
        known = [index for index, (found, _) in enumerate(members) if found == name]
        if known and draw(st.booleans()):
            members[known[0]] = (name, draw(_value))
        else:
            members.insert(draw(st.integers(0, len(members))), (name, draw(_value)))
    if draw(st.integers(0, 9)) == 0:
        del members[draw(st.integers(0, len(members) - 1))]
    return "{" + draw(st.sampled_from([",", ", ", ",\n"])).join(f'"{name}":{value}' for name, value in members) + "}"


@st.composite
def _mangled(draw: st.DrawFn) -> bytes:
    """A body with some of its bytes changed, lost or added."""
    body = bytearray(draw(_record()).encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(body) - 1)))
        body[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=3))
    return bytes(body)


def bodies() -> st.SearchStrategy[bytes]:
    """Bodies for ``/update``: almost right, mangled, or any bytes at all."""
    text = st.one_of(_record(), st.lists(_record(), max_size=4).map(lambda records: f"[{','.join(records)}]"))
    return st.one_of(
        text.map(lambda found: found.encode("utf-8", "surrogatepass")),
        _mangled(),
        st.binary(max_size=200),
        st.sampled_from(_HARM).map(str.encode),
        text.map(lambda found: found.encode("utf-16")),
        text.map(lambda found: b"\xef\xbb\xbf" + found.encode("utf-8", "surrogatepass")),
    )


_PLACES = [
    "/data", "/data/", "/data/AAPL", "/data/BCH/EUR", "/bars/AAPL", "/bars/", "/alerts", "/alerts/1", "/alerts/99",
    "/books", "/dead-letters", "/largest-move", "/docs", "/dashboard", "/static/", "/static/css/tokens.css", "/update",
]  # fmt: skip
_PARAMETERS = ["limit", "before", "since", "symbol", "reason", "interval", "tick", "balanced", "x", ""]
_TEXTS = [
    "1", "0", "-1", "1000", "1001", "9223372036854775807", "9223372036854775808", "1" * 5000, "nan", "inf", "1e5",
    "1e999", "AAPL", "aapl", "BCH/EUR", "\0", "\ud800", "١", "1 ", " 1", "+1", "0x1", "1_0", "not_json", "1s", "1m",
    "2s", "true", "tape:t r", "' OR 1=1 --", "../../etc/passwd", "%", "%zz", "<script>",
]  # fmt: skip
_any_bytes = st.one_of(
    st.sampled_from(_TEXTS).map(lambda text: text.encode("utf-8", "surrogatepass")), st.binary(max_size=12)
)


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """Paths and queries of any bytes, percent-encoded as a client would, or not quite."""
    path = draw(st.sampled_from(_PLACES))
    for _ in range(draw(st.integers(0, 2))):
        path += draw(st.sampled_from(["", "/", "//"])) + quote_from_bytes(draw(_any_bytes))
    pairs = draw(st.lists(st.tuples(st.sampled_from(_PARAMETERS), _any_bytes), max_size=3))
    query = draw(st.sampled_from(["&", "&&", ";"])).join(f"{name}={quote_from_bytes(value)}" for name, value in pairs)
    if draw(st.integers(0, 9)) == 0:
        query += draw(st.sampled_from(["%", "%f", "&&&", "=", "%00", "?", "#x", "%ed%a0%80"]))
    return f"{path}?{query}" if query else path


def each_operation(judge: Judge) -> Iterator[tuple[str, Any]]:
    """The name of every operation, and a strategy of requests to it that follow the description or break it."""
    for result in described(judge).get_all_operations():
        operation = result.ok()
        modes = [operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode]
        yield operation.label, st.one_of(modes)
