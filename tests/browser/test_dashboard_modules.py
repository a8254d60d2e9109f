"""The page's pure modules, each expression in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.api_lab import ApiLab
from tests.browser.conftest import serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with serving(ApiLab()) as server, browser.new_context(timezone_id="Europe/Berlin") as context:
        page = context.new_page()
        page.goto(server.url)
        yield page


def run(page: Page, module: str, expression: str) -> Any:
    return page.evaluate(f"import('./static/js/{module}.js').then((m) => {{ return {expression} }})")


def test_numbers_are_written_as_people_read_them(page: Page) -> None:
    cases = {
        "m.price(61837.63, 2)": "61,837.63",
        "m.price(61837.6, 2)": "61,837.60",
        "m.price(0.00141342, 8)": "0.00141342",
        "m.price(null, 2)": "–",
        "m.price(NaN, 2)": "–",
        "m.decimalsOf(61837.63)": 2,
        "m.decimalsOf(100)": 0,
        "m.decimalsOf(1e-7)": 7,
        "m.decimalsOf(1.25e-7)": 9,
        "m.decimalsOf(1e21)": 0,
        "m.decimalsOf(0.1 + 0.2)": 10,
        "m.change(0.41)": "+0.41 %",
        "m.change(-0.02)": "−0.02 %",
        "m.change(-0.001)": "0.00 %",
        "m.change(0)": "0.00 %",
        "m.change(null)": "–",
        "m.glyph(0.41)": "▲",
        "m.glyph(-0.41)": "▼",
        "m.glyph(0.001)": "",
        "m.glyph(null)": "",
        "m.move(0.0531)": "0.053 %",
        "m.move(-2.414)": "2.41 %",
        "m.move(0.9999)": "1.00 %",
        "m.move(0)": "0 %",
        "m.threshold(3)": "3 %",
        "m.threshold(0.5)": "0.5 %",
        "m.count(1234567)": "1,234,567",
        "m.count(null)": "–",
        "m.age(8400)": "8 s",
        "m.age(119999)": "119 s",
        "m.age(180000)": "3 min",
        "m.age(7200000)": "2 h",
        "m.alertChange({ change_pct: null, alert: 'x changed by -3.10%' })": -3.1,
        "m.alertChange({ change_pct: 4, alert: 'x changed by -3.10%' })": 4,
        "m.alertChange({ change_pct: null, alert: 'look here' })": None,
        "m.alertGlyph(null)": "!",
        "m.clock(1730996400)": "17:20:00",
        "m.clock(1730996400.0125, { ms: true })": "17:20:00.013",
        "m.utc(1730996400)": "2024-11-07 16:20:00.000 UTC",
        "m.utc(1e11 * 1000)": "–",
    }
    assert {case: run(page, "format", case) for case in cases} == cases


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (99.1, 103.7), (61583.22, 61860.8), (1.38727, 1.38729), (0.00141, 0.00143), (-5, 5)]
)
def test_an_axis_has_four_to_six_round_ticks_within_its_range(page: Page, low: float, high: float) -> None:
    ticks = run(page, "axis", f"m.roundTicks({low}, {high})")
    assert 4 <= len(ticks) <= 6
    assert low - 1e-9 <= ticks[0]
    assert ticks[-1] <= high + 1e-9
    step = ticks[1] - ticks[0]
    mantissa = float(f"{step:.6e}".partition("e")[0])
    assert mantissa in (1, 2, 2.5, 5)


def test_time_ticks_are_round_in_local_time(page: Page) -> None:
    found = run(page, "axis", "m.timeTicks(1730996411, 1730996699, 6, 3600)")
    assert found["step"] == 60
    assert [tick % 60 for tick in found["ticks"]] == [0] * 4
    quarter = run(page, "axis", "m.timeTicks(0, 86400, 6, 20700)")  # Kathmandu is 5:45 ahead
    assert {(tick + 20700) % quarter["step"] for tick in quarter["ticks"]} == {0}


def test_a_range_grows_at_once_and_shrinks_only_after_ten_seconds(page: Page) -> None:
    steps = run(
        page,
        "axis",
        """(() => {
          const range = new m.SteadyRange()
          return [[10, 20, 0], [10, 30, 1000], [14, 16, 2000], [14, 16, 10_900], [14, 16, 11_000]].map(
            ([low, high, now]) => { const { min, max } = range.fit(low, high, now); return [min, max] })
        })()""",
    )
    assert steps == [[9, 21], [8, 32], [8, 32], [8, 32], [13.8, 16.2]]
    flat = run(page, "axis", "new m.SteadyRange().fit(100, 100, 0)")
    assert flat["min"] < 100 < flat["max"]


SERIES = "const record = (id, more = {}) => ({ id, price: id, run: 'r', partition: 0, late: false, ...more });"


def series(page: Page, body: str) -> Any:
    return run(page, "series", f"(() => {{ {SERIES} const series = new m.Series(5); {body} }})()")


def test_a_series_takes_each_record_once_in_order(page: Page) -> None:
    assert series(
        page,
        """
        const added = [series.take([record(3), record(1)], 10), series.take([record(4), record(3)], 10),
                       series.take([record(4), record(3)], 10), series.take([], 10)]
        return [added, series.records.map((r) => r.id), series.breaks.size]
        """,
    ) == [[2, 1, 0, 0], [1, 3, 4], 0]


def test_a_series_marks_where_records_may_be_missing(page: Page) -> None:
    assert series(
        page,
        """
        series.take([record(1)], 2)
        const hole = series.wouldMiss([record(9), record(8)], 2)
        const none = series.wouldMiss([record(9), record(8)], 3)
        series.take([record(9), record(8)], 2)
        return [hole, none, [...series.breaks]]
        """,
    ) == [True, False, [8]]


def test_a_series_keeps_the_newest_and_begins_again_with_another_database(page: Page) -> None:
    assert series(
        page,
        """
        for (let id = 1; id <= 8; id++) series.take([record(id)], 10)
        const kept = series.records.map((r) => r.id)
        series.take([record(2), record(1)], 10)
        return [kept, series.records.map((r) => r.id)]
        """,
    ) == [[4, 5, 6, 7, 8], [1, 2]]


def test_a_line_joins_only_records_of_the_newest_stream(page: Page) -> None:
    assert series(
        page,
        """
        series.take([record(5, { late: true, run: 'r' }), record(4, { run: 's' }), record(3, { run: 's', late: true }),
                     record(2, { run: 's', partition: 1 }), record(1)], 10)
        return series.stream.map((r) => r.id)
        """,
    ) == [4]


def test_a_link_is_reconnecting_stale_or_quiet_and_says_since_when(page: Page) -> None:
    states = run(
        page,
        "link",
        """(() => {
          const link = new m.Link(0)
          const seen = []
          const look = (now) => { const s = link.state(now); seen.push([s.reconnecting, s.staleMs, s.quietMs]) }
          link.answered(100, { moved: true }); look(100)
          link.answered(8200, { moved: false }); look(8300)
          link.failed({ found: 'gone', mend: '' }); look(9000)
          link.failed({ found: 'gone', mend: '' }); look(20_000)
          link.answered(21_000, { moved: true }); look(21_000)
          return seen
        })()""",
    )
    assert states == [[0, None, None], [0, None, 8200], [1, None, None], [2, 11_800, None], [0, None, None]]
