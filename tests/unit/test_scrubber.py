"""A recording under two sliders: what is shown of it, what alerts, what is hatched."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlab.widgets import Scrubber, WidgetError
from marketlab.widgets.live import EVIDENCE, VIEW
from marketlab.widgets.shapes import Path, Polygon
from tests.unit.conftest import PNG

pytestmark = [pytest.mark.notebook, pytest.mark.usefixtures("nothing_is_left")]

RED = "alert"


def ticks(*pairs: tuple[float, float], symbol: str = "SYNBTC") -> list[dict[str, Any]]:
    return [{"symbol": symbol, "timestamp": 1000.0 + at, "price": price} for at, price in pairs]


def triangles(scrubber: Scrubber) -> int:
    return sum(isinstance(shape, Polygon) and shape.fill == RED for shape in scrubber.drawing().shapes)


def hatched(scrubber: Scrubber) -> int:
    """Slanted lines."""
    shapes = [shape for shape in scrubber.drawing().shapes if isinstance(shape, Path) and shape.colour == "rule"]
    return sum(len({y for _, y in shape.points}) > 1 for shape in shapes)


def test_moves_of_at_least_the_threshold_alert_and_the_slider_says_how_many() -> None:
    scrubber = Scrubber(ticks((0, 100.0), (1, 103.0), (2, 103.0), (3, 101.97)))
    assert (scrubber.alerts, triangles(scrubber)) == (1, 1)
    assert "1 of 3 moves reach 3 %, the largest is 3 %" in scrubber._status.value
    scrubber.move(threshold_pct=0.5)
    assert (scrubber.alerts, triangles(scrubber)) == (2, 2)
    scrubber.move(threshold_pct=8.1)
    assert (scrubber.alerts, triangles(scrubber)) == (0, 0)
    assert "0 of 3 moves reach 8 %" in scrubber._status.value


def test_an_interval_without_a_tick_is_hatched_and_nothing_outside_of_the_recording_is() -> None:
    full = Scrubber(ticks((0, 1.0), (1, 1.1), (2, 1.0)))
    assert hatched(full) == 0
    holed = Scrubber(ticks((0, 1.0), (5, 1.1)))
    assert hatched(holed) > 0
    assert "2 candles of 1 s and 4 empty intervals" in holed.drawing().says


def test_a_move_through_time_shows_other_candles_and_draws_anew() -> None:
    scrubber = Scrubber(ticks(*((n, 100.0 + n) for n in range(200))), shown=50)
    before = scrubber._svg.value
    assert "50 candles of 1 s and 0 empty intervals, from 100.00 to 149.00" in scrubber.drawing().says
    scrubber.move(to_s=1200.0)
    assert "from 150.00 to 299.00" not in scrubber.drawing().says
    assert "50 candles of 1 s and 0 empty intervals, from 250.00 to 299.00" in scrubber.drawing().says
    assert scrubber._svg.value != before
    scrubber.move(to_s=9e9)
    assert "to 299.00" in scrubber.drawing().says


def test_a_window_in_a_pause_is_hatched_from_edge_to_edge() -> None:
    scrubber = Scrubber(ticks((0, 100.0), (500, 101.0)), shown=10)
    scrubber.move(to_s=1300.0)
    assert hatched(scrubber) > 10
    assert "no tick came" in scrubber.drawing().says


def test_late_ticks_and_other_symbols_are_left_out() -> None:
    mixed = [
        *ticks((0, 100.0), (5, 100.0)), *ticks((1, 50.0)), *ticks((6, 1.0), symbol="SYNETH"), *ticks((7, 100.0)),
        *[tick | {"late": True} for tick in ticks((8, 1.0))],
    ]  # fmt: skip
    assert Scrubber(mixed).numbers() == {
        "symbol": "SYNBTC", "ticks": 3, "threshold_pct": 3.0, "alerts": 0, "largest_move_pct": 0.0,
    }  # fmt: skip
    assert Scrubber(mixed, "SYNETH").numbers()["ticks"] == 1


@pytest.mark.parametrize("symbol", [None, "AAPL"])
def test_without_a_tick_there_is_nothing_to_show(symbol: str | None) -> None:
    with pytest.raises(WidgetError, match="none was found"):
        Scrubber([] if symbol is None else ticks((0, 1.0)), symbol)


@given(st.lists(st.tuples(st.floats(0, 3000), st.floats(0.01, 1e6)), min_size=1, max_size=30), st.floats(0, 4000))
def test_whatever_is_recorded_stays_in_the_picture(pairs: list[tuple[float, float]], to: float) -> None:
    scrubber = Scrubber(ticks(*sorted(pairs)), shown=20)
    scrubber.move(to_s=1000.0 + to, threshold_pct=0.001)
    drawing = scrubber.drawing()
    for shape in drawing.shapes:
        if isinstance(shape, Path):
            assert all(-1 <= x <= drawing.width and -1 <= y <= drawing.height for x, y in shape.points)


def test_it_leaves_a_picture_and_numbers_beside_the_widget() -> None:
    bundle = Scrubber(ticks((0, 100.0), (1, 104.0)))._repr_mimebundle_()
    assert {VIEW, "text/plain", "image/png", EVIDENCE} <= set(bundle)
    assert bundle[EVIDENCE]["alerts"] == 1
    assert Scrubber(ticks((0, 100.0))).drawing().png().startswith(PNG)
