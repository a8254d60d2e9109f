"""The tape of requests: what it keeps, draws and counts, and its live view."""

from __future__ import annotations

from typing import Any

import pytest

from marketlab.widgets import RequestTape, RequestView
from marketlab.widgets.live import EVIDENCE
from tests.support import eventually
from tests.unit.conftest import PNG

pytestmark = [pytest.mark.notebook, pytest.mark.usefixtures("nothing_is_left")]


def test_the_newest_requests_are_shown_and_all_are_counted() -> None:
    tape = RequestTape(rows=4)
    for number in range(7):
        tape.add("GET", f"/data/{number}", status=200, ms=1.0)
    assert tape.numbers() == {"requests": 7, "statuses": {"200": 7}}
    picture = tape.drawing().svg()
    assert [f"GET /data/{number}<" in picture for number in range(7)] == [False] * 3 + [True] * 4


def test_a_request_that_nobody_answers_is_a_line_too() -> None:
    tape = RequestTape()
    tape.add("POST", "/update", status=400, ms=2.0, body='{\n  "title": "Bad Request"\n}')
    tape.add("POST", "/update", status=None, ms=0.4, body="nobody listens")
    assert tape.numbers()["statuses"] == {"400": 1, "none": 1}
    assert tape.drawing().says == "requests: POST /update 400 in 2 ms; POST /update no answer in 0 ms"
    assert "✗ none" in tape.drawing().svg()
    assert "{ &quot;title&quot;: &quot;Bad Request&quot; }" in tape.drawing().svg()


def test_a_long_answer_is_cut_and_cannot_break_out_of_the_picture() -> None:
    tape = RequestTape()
    tape.add("GET", "/data", status=200, ms=1.0, body="<b>" * 100)
    bundle = tape._repr_mimebundle_()
    assert "<b>" not in bundle["text/html"]
    assert "…" in bundle["text/html"]


def test_an_empty_tape_says_so() -> None:
    assert "nothing was asked yet" in RequestTape().drawing().svg()
    assert RequestTape().drawing().says == "requests: none yet"


def test_the_picture_comes_in_both_themes() -> None:
    tape = RequestTape()
    tape.add("GET", "/data", status=200, ms=1.0, body="[]")
    light, dark = tape.drawing().png(theme="light"), tape.drawing().png(theme="dark")
    assert light.startswith(PNG)
    assert light != dark


def test_a_view_draws_what_is_asked_and_leaves_its_numbers(outputs: dict[str, Any]) -> None:
    tape = RequestTape()
    with RequestView(tape) as view:
        tape.add("GET", "/data", status=200, ms=1.0, body="[]")
        eventually(lambda: "GET /data" in view._svg.value, what="the request in the picture")
        view.push({"method": "GET", "path": "/late", "status": None, "ms": 3.0})
    assert "/late" in view._svg.value
    assert "■ ended" in view._status.value
    assert "1 × 200 · 1 without an answer" in view._status.value
    (bundle,) = outputs.values()
    assert bundle[EVIDENCE]["statuses"] == {"200": 1, "none": 1}
    assert bundle[EVIDENCE]["verdict"] == {"ok": True, "wrong": []}
