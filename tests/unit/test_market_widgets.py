"""Candles, watchlist, alert feed, books: what they gather, draw and say."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlab.books import StreamBook, balance
from marketlab.widgets import AlertFeed, BooksPanel, Candles, Watchlist, WidgetError
from marketlab.widgets.behind import Behind, BehindTick
from marketlab.widgets.books_drawing import missing
from marketlab.widgets.candle_series import CandleSeries
from marketlab.widgets.hatching import hatch
from marketlab.widgets.live import EVIDENCE
from tests.support import eventually
from tests.unit.conftest import PNG

pytestmark = [pytest.mark.notebook, pytest.mark.usefixtures("nothing_is_left")]


def tick(price: float, *, at: float = 1000.0, symbol: str = "AAPL", **more: Any) -> dict[str, Any]:
    return {"symbol": symbol, "price": price, "timestamp": at, **more}


# ------------------------------------------------------------------------------------------ candles

ticks = st.lists(st.tuples(st.floats(0, 50), st.floats(1, 1000)), min_size=1, max_size=40)


@given(ticks=ticks)
def test_candles_are_what_their_ticks_say_and_nothing_is_made_up(ticks: list[tuple[float, float]]) -> None:
    series = CandleSeries("AAPL", seconds=2.0, most=300)
    by_start: dict[float, list[float]] = {}
    newest, late = -math.inf, 0
    for time_s, price in ticks:
        series.push(tick(price, at=time_s))
        if time_s < newest:
            late += 1
            continue
        newest = time_s
        by_start.setdefault(time_s // 2 * 2, []).append(price)
    candles = series.candles()
    assert series.late == late
    assert [(c.start, c.open, c.high, c.low, c.close, c.ticks) for c in candles] == [
        (start, prices[0], max(prices), min(prices), prices[-1], len(prices))
        for start, prices in sorted(by_start.items())
    ]
    empty = sum((last - first) / 2 for first, last in series.gaps(candles))
    assert empty + len(candles) == (candles[-1].start - candles[0].start) / 2 + 1


def test_old_candles_leave_when_there_are_too_many_intervals() -> None:
    series = CandleSeries("AAPL", seconds=1.0, most=300)
    for second in (0, 1, 299, 300, 100_000):
        series.push(tick(1.0, at=float(second)))
    assert [candle.start for candle in series.candles()] == [100_000.0]


def test_a_candle_needs_a_length() -> None:
    with pytest.raises(WidgetError, match="more than 0 seconds were wanted, 0 was found"):
        CandleSeries("AAPL", seconds=0, most=300)


def test_candles_are_hollow_filled_and_hatched_live_and_still(outputs: dict[str, Any]) -> None:
    with Candles("AAPL", seconds=1) as candles:
        for second, price in ((0.0, 100.0), (0.5, 101.0), (1.0, 101.0), (1.5, 100.0), (5.0, 100.0), (4.9, 77.0)):
            candles.push(tick(price, at=1000.0 + second))
    plot = candles._plot
    # Two that nobody sees come first: bqplot takes the smallest distance for the width of all.
    assert plot.candles.y[2:].tolist() == [[100, 101, 100, 101], [101, 101, 100, 100], [100, 100, 100, 100]]
    assert (np.diff(plot.candles.x) >= 1.0).all()
    assert plot.candles.x[1] < plot.x.min
    hatched = plot.hatching.x[~np.isnan(plot.hatching.y)] + plot.candles.x[2] * 0
    assert (hatched.min(), hatched.max()) == (
        pytest.approx(plot.candles.x[3] + 0.5),
        pytest.approx(plot.candles.x[4] - 0.5),
    )
    assert not np.isnan(plot.hatching.y[-1])  # a browser's error
    (bundle,) = outputs.values()
    numbers = bundle[EVIDENCE]
    assert {name: numbers[name] for name in ("ticks", "late", "candles", "empty")} == {
        "ticks": 6, "late": 1, "candles": 3, "empty": 3,
    }  # fmt: skip
    assert "3 candles of 1 s · 3 empty · 1 late" in candles._status.value
    assert candles.drawing().png().startswith(PNG)
    filled = candles.drawing().svg().count("<polygon")
    assert filled == 1


@given(width=st.floats(1, 300), height=st.floats(1, 300), step=st.floats(2, 20))
def test_hatching_stays_in_its_box_and_is_slanted_by_45_degrees(width: float, height: float, step: float) -> None:
    for (x0, y0), (x1, y1) in hatch(10.0, 10.0 + width, 5.0, 5.0 + height, step=step):
        assert 10.0 - 1e-9 <= x0 <= x1 <= 10.0 + width + 1e-9
        assert 5.0 - 1e-9 <= y1 <= y0 <= 5.0 + height + 1e-9
        assert x1 - x0 == pytest.approx(y0 - y1)


# ------------------------------------------------------------------------------------------ the watchlist


def test_a_watchlist_keeps_a_line_a_symbol_and_works_a_change_out_where_none_is_given(outputs: dict[str, Any]) -> None:
    with Watchlist() as watchlist:
        watchlist.push(tick(100.0, symbol="TSLA", moving_average=99.0))
        watchlist.push(tick(101.0, symbol="TSLA", moving_average=100.0))
        watchlist.push(tick(0.00141342, symbol="<DOGE>", change_pct=-0.5))
    assert watchlist.numbers()["symbols"] == {
        "<DOGE>": {"ticks": 1, "last": 0.00141342, "change_pct": -0.5, "moving_average": None},
        "TSLA": {"ticks": 2, "last": 101.0, "change_pct": pytest.approx(1.0), "moving_average": 100.0},
    }
    svg = watchlist._svg.value
    for text in ("▲ +1.00 %", "▼ −0.50 %", "101.00", "0.00141342", "&lt;DOGE&gt;"):
        assert text in svg


def test_a_symbol_that_alerts_is_red_for_ten_seconds_and_then_only_marked(
    outputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from marketlab.widgets import watchlist as module

    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with Watchlist() as watchlist:
        watchlist.push(tick(100.0, alert="⚠️", change_pct=3.5))
        assert "var(--ml-alert)" in watchlist.drawing().svg()
        now[0] += 10.0
        assert "var(--ml-alert)" not in watchlist.drawing().svg()
        assert "▲" in watchlist.drawing().svg()


def test_more_symbols_than_there_is_room_for_are_counted(outputs: dict[str, Any]) -> None:
    with Watchlist() as watchlist:
        for number in range(11):
            watchlist.push(tick(1.0, symbol=f"S{number:02}"))
    assert "3 more symbols" in watchlist._status.value
    assert watchlist.drawing().height <= 280


# ------------------------------------------------------------------------------------------ the alerts


def alerting(feed: AlertFeed) -> None:
    for offset, price in enumerate([100.0, 101.0, 100.0, 102.0, 101.0, 106.0]):
        alert = {"alert": "⚠️", "change_pct": 4.95049504950495} if price == 106.0 else {}
        feed.push(tick(price, at=1000.0 + offset, partition=0, offset=offset, **alert))


def test_a_click_shows_the_ticks_behind_an_alert_and_another_one_hides_them(outputs: dict[str, Any]) -> None:
    with AlertFeed() as feed:
        alerting(feed)
        eventually(lambda: "AAPL" in feed._rows[0].value, what="the alert")
        feed._buttons[0].click()
        shown = feed._details.value
        feed._buttons[0].click()
        assert feed._details.value == ""
    # The five of the average, of which the last is the alert's own, with their places in the log.
    for text in (">1<", ">2<", ">3<", ">4<", ">5<", "106.00 after 101.00, average 102.00", "this tick"):
        assert text in shown
    assert ">0<" not in shown


def test_a_feed_asks_whoever_can_read_the_ticks_again(outputs: dict[str, Any]) -> None:
    def explain(tick: Any) -> Behind:
        assert tick["price"] == 106.0
        return Behind(
            "AAPL", BehindTick("before", 4, 101.0, 101.0), [BehindTick("this", 5, 106.0, 106.0)], 106.0, 4.95, "Same."
        )

    with AlertFeed(explain=explain) as feed:
        alerting(feed)
        behind = feed.why()
        assert behind is not None
        assert "Read again" in feed._details.value


def test_an_explanation_that_fails_is_told_in_its_place(outputs: dict[str, Any]) -> None:
    def explain(_: Any) -> Behind:
        raise ConnectionError("<no broker>")

    with AlertFeed(explain=explain) as feed:
        alerting(feed)
        assert feed.why() is None
        assert "✗ &lt;no broker&gt;" in feed._details.value


def test_without_an_alert_the_feed_says_how_near_it_was(outputs: dict[str, Any]) -> None:
    with AlertFeed() as feed:
        feed.push(tick(100.0))
        feed.push(tick(99.947))
    assert "none ≥ 3 %, largest move 0.053 %" in feed._status.value
    assert feed.numbers()["alerts"] == 0


# ------------------------------------------------------------------------------------------ the books


def books(*, stored: int, gaps: tuple[tuple[int, int], ...] = (), produced: int | None = 10) -> Any:
    return balance([], [StreamBook("log", 0, "run", "AAPL", produced, stored, 0, 0, 0, gaps, 1)])


def test_books_that_balance_say_so_and_others_name_what_is_missing(outputs: dict[str, Any]) -> None:
    with BooksPanel() as panel:
        panel.push(books(stored=10))
        assert "✓ books balanced" in panel.drawing().svg()
        panel.push(books(stored=5, gaps=((3, 6), (9, 9))))
        assert "✗ missing AAPL 3–6, AAPL 9" in panel.drawing().svg()
    (bundle,) = outputs.values()
    assert not bundle[EVIDENCE]["books"]["balanced"]


def test_an_open_run_has_no_number_of_what_was_produced(outputs: dict[str, Any]) -> None:
    with BooksPanel() as panel:
        panel.push(books(stored=5, produced=None).as_dict())
        assert "the run is open" in panel.drawing().svg()


def test_a_sum_that_does_not_come_out_is_named_too() -> None:
    assert missing(books(stored=9).as_dict()) == "run run does not add up"


@pytest.mark.parametrize("wrong", [None, 3, {}, {"balanced": True}])
def test_what_are_no_books_is_refused(wrong: Any) -> None:
    panel = BooksPanel()
    with pytest.raises(WidgetError, match="books with balanced, partitions, runs were wanted"):
        panel.push(wrong)
