"""A writer in a picture: rows read, rows durable, kills, and a button that does one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlab.widgets import QueueView, WidgetError
from marketlab.widgets.live import EVIDENCE
from marketlab.widgets.queue_drawing import HEIGHT, WIDTH, Moment, draw_queue
from marketlab.widgets.shapes import Path, Text

pytestmark = [pytest.mark.notebook, pytest.mark.usefixtures("nothing_is_left")]


@pytest.fixture
def seconds() -> Iterator[float]:
    return map(float, count())


def test_it_tells_what_waits_what_waited_at_the_most_and_the_kills(
    outputs: dict[str, Any], seconds: Iterator[float]
) -> None:
    with QueueView(clock=seconds.__next__) as view:
        view.push({"read": 100, "durable": 40})
        view.killed(42)
        assert view.numbers() == {"read": 42, "durable": 42, "longest": 60, "kills": 1}
        view.push({"read": 50, "durable": 45})
    assert "5 in the queue · 60 at the most · killed 1 time" in view._status.value
    (bundle,) = outputs.values()
    numbers = {"read": 50, "durable": 45, "longest": 60, "kills": 1}
    assert bundle[EVIDENCE].items() >= (numbers | {"verdict": {"ok": True, "wrong": []}}).items()
    assert bundle["text/plain"] == "50 rows read, 45 durable, 5 in the queue; killed 1 times"


def test_the_button_kills(outputs: dict[str, Any]) -> None:
    pressed: list[str] = []
    with QueueView(kill=lambda: pressed.append("kill")) as view:
        (button,) = [part for part in view._parts if getattr(part, "description", "") == "kill -9"]
        button.click()
    assert pressed == ["kill"]


def test_counts_that_are_incomplete_are_refused() -> None:
    view = QueueView()
    with pytest.raises(WidgetError, match="'durable' is missing"):
        view.push({"read": 1})


def test_before_the_first_row_it_says_so() -> None:
    view = QueueView()
    assert view.drawing().says == "nothing was read yet"
    assert view.numbers() == {"read": 0, "durable": 0, "longest": 0, "kills": 0}


def test_counts_hold_until_the_next_one() -> None:
    drawing = draw_queue([Moment(0.0, 0, 0), Moment(2.0, 10, 0), Moment(4.0, 10, 10)], [])
    read = next(shape for shape in drawing.shapes if isinstance(shape, Path) and shape.colour == "ink")
    for (x, y), (next_x, next_y) in zip(read.points, read.points[1:], strict=False):
        assert x == next_x or y == next_y


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=40),
    st.lists(st.floats(0, 40), max_size=4),
)
def test_everything_stands_inside_the_picture(counts: list[tuple[int, int]], kills: list[float]) -> None:
    moments = [Moment(float(at), max(pair), min(pair)) for at, pair in enumerate(counts)]
    drawing = draw_queue(moments, [at for at in kills if at < len(moments)])
    for shape in drawing.shapes:
        if isinstance(shape, Path):
            assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in shape.points)
    names = [shape for shape in drawing.shapes if isinstance(shape, Text) and re.search("read|durable", shape.text)]
    assert abs(names[0].y - names[1].y) >= 17
