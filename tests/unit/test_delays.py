"""The histograms of delays: nothing is left out, and both stand on one scale."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlab.widgets import Delays, WidgetError
from marketlab.widgets.delays_drawing import draw_delays, histogram, seconds_text
from marketlab.widgets.live import EVIDENCE
from marketlab.widgets.shapes import Rect
from tests.unit.conftest import PNG

pytestmark = [pytest.mark.notebook, pytest.mark.usefixtures("nothing_is_left")]

MOST_S = 2.5
delays = st.lists(st.floats(-1, 100), max_size=50)


@given(seconds=delays)
def test_every_delay_stands_in_one_bar(seconds: list[float]) -> None:
    counts = histogram(seconds, most_s=MOST_S)
    assert sum(counts) == len(seconds)
    assert counts[-1] == sum(delay >= MOST_S * (1 - 1 / len(counts)) for delay in seconds)


@given(seconds=delays.filter(bool))
def test_bars_stay_in_their_panel_and_are_as_high_as_they_count(seconds: list[float]) -> None:
    drawing = draw_delays({"polling": seconds, "WebSocket": [0.01]}, most_s=MOST_S)
    bars = [shape for shape in drawing.shapes if isinstance(shape, Rect)]
    assert len(bars) == sum(count > 0 for count in histogram(seconds, most_s=MOST_S)) + 1
    assert max(bar.height for bar in bars[:-1]) == bars[-1].height  # each way's tallest
    assert all(bar.x >= 0 and bar.x + bar.width <= drawing.width for bar in bars)
    assert all(bar.y >= 0 and bar.y + bar.height <= drawing.height for bar in bars)


def test_it_leaves_a_picture_and_the_numbers_of_each_way(outputs: dict[str, Any]) -> None:
    with Delays("polling", "WebSocket") as picture:
        for delay_s in (0.5, 1.0, 1.5):
            picture.push(("polling", delay_s))
    (bundle,) = outputs.values()
    assert bundle[EVIDENCE]["ways"] == {
        "polling": {"ticks": 3, "mean_s": 1.0, "slowest_s": 1.5},
        "WebSocket": {"ticks": 0, "mean_s": None, "slowest_s": None},
    }
    assert bundle[EVIDENCE]["verdict"]["ok"]
    assert bundle["text/plain"] == "polling: mean 1.00 s · slowest 1.50 s · 3 ticks; WebSocket: nothing came yet"
    assert picture.drawing().png().startswith(PNG)


@pytest.mark.parametrize("arrival", [("pigeon", 1.0), ("polling", float("nan"))])
def test_what_it_cannot_show_is_refused_where_it_is_pushed(arrival: tuple[str, float]) -> None:
    with pytest.raises(WidgetError, match="polling and seconds were wanted"):
        Delays("polling").push(arrival)


@pytest.mark.parametrize(("seconds", "text"), [(0.0, "0 ms"), (0.0184, "18 ms"), (1.044, "1.04 s")])
def test_a_delay_is_told_in_the_unit_that_people_use(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text
