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
    return page.evaluate(f"import('./static/js/pure/{module}.js').then((m) => {{ return {expression} }})")


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
        "m.delay(12.4)": "12 ms",
        "m.delay(1234)": "1.2 s",
        "m.delay(12345)": "12 s",
        "m.delay(-3)": "0 ms",
        "m.delay(null)": "–",
        "m.rate(3.42)": "3.4",
        "m.rate(0)": "0",
        "m.rate(1000.4)": "1,000",
        "m.rate(null)": "–",
        "m.signed(0.41)": "▲ +0.41 %",
        "m.signed(null)": "–",
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
        "m.day(1730996400)": "7 Nov",
        "m.moment(1730996400, new Date(1730996400000))": "17:20:00",
        "m.moment(1730996400, new Date(1731082800000))": "7 Nov 2024 17:20:00",
        "m.moment(1730996400, new Date(1731082800000), { ms: true, year: false })": "7 Nov 17:20:00.000",
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


RECORD = (
    "const record = (id, more = {}) => ({ id, symbol: 'A', price: id, run: 'r', partition: 0, late: false, ...more });"
)


def script(page: Page, module: str, body: str) -> Any:
    return run(page, module, f"(() => {{ {RECORD} {body} }})()")


# ---------------------------------------------------------------------------------------------- series


def test_a_series_takes_each_record_once_in_order_whatever_comes_first(page: Page) -> None:
    assert script(
        page,
        "series",
        """
        const series = new m.Series()
        const added = [
          series.add([record(7), record(8)]), series.fill([record(7), record(3), record(1)], { all: true }),
          series.add([record(8), record(9)]), series.add([]),
        ]
        return [added, series.records.map((r) => r.id), series.breaks.size]
        """,
    ) == [[2, 2, 1, 0], [1, 3, 7, 8, 9], 0]


def test_a_series_marks_where_records_may_be_missing(page: Page) -> None:
    assert script(
        page,
        "series",
        """
        const ends = [{ all: false }, { all: true }].map((options) => {
          const series = new m.Series()
          series.fill([record(1)], { all: true })
          series.lose()
          series.add([record(12)])
          series.fill([record(12), record(9), record(8)], options)
          return [...series.breaks]
        })
        const joined = new m.Series()
        joined.fill([record(5)], { all: true })
        joined.lose()
        joined.fill([record(6), record(5)], { all: false })
        return [...ends, joined.breaks.size]
        """,
    ) == [[8], [], 0]


def test_a_series_keeps_the_newest(page: Page) -> None:
    assert script(
        page,
        "series",
        """
        const series = new m.Series(5)
        for (let id = 1; id <= 8; id++) series.add([record(id)])
        return series.records.map((r) => r.id)
        """,
    ) == [4, 5, 6, 7, 8]


def test_a_copied_series_ends_where_records_lack_and_is_cut_beyond_what_is_looked_at(page: Page) -> None:
    assert script(
        page,
        "series",
        """
        const ids = (series) => series.records.map((r) => r.id)
        const series = new m.Series(8)
        series.fill([5, 4, 3, 2, 1].map((id) => record(id, { timestamp: id })), { all: true })
        series.lose()
        series.add([record(9, { timestamp: 9 })])
        const copy = series.copy()
        copy.cut(9, 2.5)
        copy.add([record(0, { timestamp: 0 })])
        const little = series.copy()
        little.cut(1, 2.5)
        return [ids(series), series.room, ids(copy), copy.room, ids(little)]
        """,
    ) == [[1, 2, 3, 4, 5, 9], 2, [0, 1, 2, 3], 4, [1, 2, 3, 4]]


def test_a_line_joins_only_records_of_the_newest_stream(page: Page) -> None:
    assert script(
        page,
        "series",
        """
        const series = new m.Series()
        series.add([record(1), record(2, { run: 's', partition: 1 }), record(3, { run: 's', late: true }),
                    record(4, { run: 's' }), record(5, { late: true })])
        return series.stream.map((r) => r.id)
        """,
    ) == [4]


# ------------------------------------------------------------------------------------------ what comes


def test_a_sequence_tells_gaps_and_another_database(page: Page) -> None:
    assert script(
        page,
        "sequence",
        """
        const sequence = new m.Sequence()
        const say = (message, database = 'a') => {
          const { gap, restarted } = sequence.take({ ...message, status: { database } })
          return [gap, restarted]
        }
        const delta = (seq, after_id, newest_id, complete = true) =>
          say({ type: 'delta', seq, after_id, newest_id, complete })
        return [
          say({ type: 'snapshot', seq: 5, newest_id: 10 }), delta(6, 10, 12), say({ type: 'status', seq: 6 }),
          delta(8, 14, 15), delta(9, 15, 99, false), say({ type: 'status', seq: 10 }), delta(11, 120, 121),
          say({ type: 'snapshot', seq: 1, newest_id: 2 }), sequence.answered(1, 'a'),
          say({ type: 'snapshot', seq: 7, newest_id: 9 }, 'b'), sequence.answered(12, 'b'), sequence.answered(20, 'c'),
        ]
        """,
    ) == [
        [False, False], [False, False], [False, False], [True, False], [True, False], [True, False], [True, False],
        [False, True], True,
        [False, True], False, True,
    ]  # fmt: skip


def test_before_the_first_snapshot_nothing_is_known_to_be_missing(page: Page) -> None:
    assert (
        script(
            page,
            "sequence",
            """
        const sequence = new m.Sequence()
        const say = (message, database) => sequence.take({ ...message, status: { database } })
        return [
          say({ type: 'status', seq: 4 }, null), say({ type: 'snapshot', seq: 6, newest_id: 0 }, null),
          say({ type: 'delta', seq: 7, after_id: 0, newest_id: 2, complete: true }, 'made just now'),
        ]
        """,
        )
        == [{"gap": False, "restarted": False}] * 3
    )


def test_a_hold_is_bounded_and_says_what_it_let_go(page: Page) -> None:
    held = script(
        page,
        "hold",
        """
        const hold = new m.Hold({ mostTicks: 4 })
        const news = (...ids) => ({
          newestId: ids.at(-1), latest: null, ticks: ids.map((id) => record(id)), alerts: [ids[0]],
          gap: false, restarted: false,
        })
        hold.pause(10)
        hold.add(news(11, 12)); hold.add(news(13, 14)); hold.add(news(15, 16))
        const behind = hold.behind
        const rest = hold.resume().map(({ ticks, gap, alerts }) => [ticks.map((t) => t.id), gap, alerts])
        return [behind, hold.behind, hold.paused, rest]
        """,
    )
    assert held == [6, 0, False, [[[13, 14], True, [13]], [[15, 16], False, [15]]]]


def test_the_latest_of_every_symbol_takes_the_place_of_all_that_was_held(page: Page) -> None:
    held = script(
        page,
        "hold",
        """
        const hold = new m.Hold()
        const polled = (newestId, restarted = false) => ({
          newestId, latest: [record(newestId)], ticks: [], alerts: [], gap: true, restarted,
        })
        hold.pause(7)
        hold.add({ ...polled(8), latest: null, ticks: [record(8)] })
        for (let id = 9; id < 1000; id++) hold.add(polled(id, id === 500))
        return [hold.behind, hold.resume().map(({ newestId, gap, restarted }) => [newestId, gap, restarted])]
        """,
    )
    assert held == [999, [[999, True, True]]], "all of them are of the database that came in between"


def test_waits_double_up_to_a_bound_and_are_left_to_chance(page: Page) -> None:
    assert run(
        page,
        "backoff",
        """(() => {
          const backoff = new m.Backoff({ firstMs: 100, mostMs: 1000, random: () => 0.5 })
          const waits = Array.from({ length: 6 }, () => backoff.next())
          backoff.reset()
          return [...waits, backoff.next(), new m.Backoff({ random: () => 0 }).next()]
        })()""",
    ) == [50, 100, 200, 400, 500, 500, 50, 0]


def test_a_link_is_live_polling_reconnecting_stale_or_quiet(page: Page) -> None:
    states = run(
        page,
        "link",
        """(() => {
          const link = new m.Link(0)
          const seen = []
          const look = (now) => {
            const { mode, failures, troubled, staleMs, quietMs } = link.state(now)
            seen.push([mode, failures, troubled, staleMs, quietMs])
          }
          look(0)
          link.heard(100); link.moved(100); look(100)
          link.heard(8200); look(8300)
          link.closed(); look(8400)
          link.answered(8500); look(8600)
          link.failed({ found: 'gone', mend: '' }); look(9000)
          link.failed({ found: 'gone', mend: '' }); look(20_000)
          link.heard(21_000); link.moved(21_000); link.unread({ found: 'damaged', mend: '' }); look(21_000)
          link.read(); look(31_500)
          link.back(60_000); look(60_000)
          link.closed(); link.answered(60_100); link.closed(); look(60_200)
          link.heard(60_300); link.closed(); look(60_400)
          return seen
        })()""",
    )
    assert states == [
        ["reconnecting", 0, False, None, None],
        ["live", 0, False, None, None],
        ["live", 0, False, None, 8200],
        ["reconnecting", 0, False, None, None],
        ["polling", 0, False, None, 8500],
        ["reconnecting", 1, False, None, None],
        ["reconnecting", 2, True, 11_500, None],
        ["unread", 0, True, None, None],
        ["live", 0, False, 10_500, None],
        ["live", 0, False, None, None],
        ["polling", 0, False, None, None],
        ["reconnecting", 0, False, None, None],
    ]


# ---------------------------------------------------------------------------------------------- the list


def test_a_market_keeps_the_newest_of_every_symbol_and_its_last_prices(page: Page) -> None:
    found = script(
        page,
        "market",
        """
        const market = new m.Market()
        const moved = [
          market.latest([record(1), record(2, { symbol: 'B', price: 1234567.125 })]),
          market.take([record(3), record(3), record(4), record(5, { late: true })]),
          market.latest([record(5)]),
        ].map((set) => [...set])
        market.learn('A', [record(4), record(3), record(1), record(0, { price: 0.25 })])
        const prices = () => market.entries.get('A').points.map(({ price }) => price)
        const { decimals, record: newest } = market.entries.get('A')
        const before = prices()
        market.take([record(6, { run: 's' })])
        return [moved, before, decimals, newest.id, market.priceLength, market.entries.size, prices()]
        """,
    )
    assert found == [[["A", "B"], ["A"], []], [0.25, 1, 3, 4], 2, 5, 13, 1, [6]]


def test_a_market_knows_where_it_missed_a_price_and_learns_it(page: Page) -> None:
    found = script(
        page,
        "market",
        """
        const market = new m.Market()
        const tick = (id, seq, more = {}) => record(id, { seq, ...more })
        market.latest([tick(1, 1)])
        const entry = market.entries.get('A')
        const filled = () => { const before = entry.filled; entry.filled = true; return before }
        const steps = [filled()]
        market.take([tick(3, 2)]); steps.push(filled())
        market.take([tick(6, 4)]); steps.push(filled())
        market.take([tick(7, 3, { late: true }), tick(9, 5)]); steps.push(filled())
        market.learn('A', [tick(6, 4), tick(5, 3), tick(3, 2), tick(1, 1)])
        const learnt = entry.points.map(({ id }) => id)
        market.learn('A', [tick(11, 6), tick(9, 5), tick(6, 4)])
        market.take([tick(11, 6)]); steps.push(filled())
        const posted = (id) => tick(id, null, { run: null })
        market.take([posted(12), posted(13)]); steps.push(filled())
        market.take([posted(15)], { gap: true }); steps.push(filled())
        return [steps, learnt, entry.points.map(({ id }) => id)]
        """,
    )
    assert found == [[False, True, False, True, True, True, False], [1, 3, 5, 6, 9], [12, 13, 15]]


def test_symbols_are_filtered_and_ordered_with_the_unknown_at_the_end(page: Page) -> None:
    assert run(
        page,
        "order",
        """(() => {
          const entry = (symbol, price, change_pct) => ({ symbol, record: { price, change_pct, moving_average: null } })
          const entries = [entry('C', 3, null), entry('A', 9, -1), entry('B', 3, 2), entry('AB', 1, null)]
          const names = (text, column, descending) =>
            m.arrange(entries, text, { column, descending }).map((e) => e.symbol)
          return [
            names('', 'symbol', false), names(' a', 'symbol', true), names('', 'last', true), names('', 'change', true),
            names('', 'change', false), m.pressed({ column: 'symbol', descending: false }, 'last'),
            m.pressed({ column: 'last', descending: true }, 'last'),
            m.readOrder(m.writeOrder({ column: 'average', descending: true })), m.readOrder('nonsense down'),
            m.readOrder(null),
          ]
        })()""",
    ) == [
        ["A", "AB", "B", "C"],
        ["AB", "A"],
        ["A", "B", "C", "AB"],
        ["B", "A", "AB", "C"],
        ["A", "B", "AB", "C"],
        {"column": "last", "descending": True},
        {"column": "last", "descending": False},
        {"column": "average", "descending": True},
        {"column": "symbol", "descending": False},
        {"column": "symbol", "descending": False},
    ]


# ------------------------------------------------------------------------------------------- what is seen


def test_a_view_follows_until_a_person_looks_elsewhere(page: Page) -> None:
    assert run(
        page,
        "view",
        """(() => {
          const view = new m.View({ leastSpan: 1 })
          const extent = { first: 0, last: 100, auto: 40 }
          const later = { ...extent, last: 110 }
          const seen = []
          const look = (now) => { const { min, max } = view.range(now); seen.push([min, max, view.following]) }
          look(extent); look(later)
          view.zoom(0.5, extent); look(extent); look(later)
          view.pan(-0.5, extent); look(extent); look(later)
          view.zoom(2, extent, 0.25); look(extent)
          view.zoom(1e-9, extent, 0.5); look(extent)
          view.zoom(1e9, extent); look(extent)
          view.pan(-9, extent); look(extent)
          view.live(); look(later)
          return seen
        })()""",
    ) == [
        [60, 100, True], [70, 110, True],
        [80, 100, True], [90, 110, True],
        [70, 90, False], [70, 90, False],
        [60, 100, True],
        [79.5, 80.5, False],
        [0, 100, True],
        [0, 100, True],
        [70, 110, True],
    ]  # fmt: skip


def test_an_address_names_a_symbol_and_perhaps_an_alert(page: Page) -> None:
    assert run(
        page,
        "address",
        """['', '#AAPL', '#BCH%2FEUR/alert/12', '#AAPL/alert/0', '#AAPL/alert/1e3', '#%E0%A4%A'].map(m.readAddress)
          .concat(m.writeAddress('BCH/EUR'), m.writeAddress('A', 3))""",
    ) == [
        {"symbol": None, "alert": None},
        {"symbol": "AAPL", "alert": None},
        {"symbol": "BCH/EUR", "alert": 12},
        {"symbol": "AAPL", "alert": None},
        {"symbol": "AAPL", "alert": None},
        {"symbol": None, "alert": None},
        "#BCH%2FEUR",
        "#A/alert/3",
    ]


def test_a_file_for_spreadsheets_quotes_what_needs_it(page: Page) -> None:
    text = script(page, "csv", """return m.ticksCsv([record(1, { timestamp: 0, alert: 'up, "far"', size: null })])""")
    assert text == (
        "time_utc,symbol,timestamp,price,moving_average,change_pct,alert,size,run,seq,partition,offset,late,id\r\n"
        '1970-01-01 00:00:00.000 UTC,A,0,1,,,"up, ""far""",,r,,0,,false,1\r\n'
    )
    bar = "{ start: 60, open: null, high: null, low: null, close: null, volume: null, ticks: 0 }"
    assert (
        run(page, "csv", f"m.barsCsv('A', 10, [{bar}])").splitlines()[1] == "A,1970-01-01 00:01:00.000 UTC,10,60,,,,,,0"
    )


def test_the_newest_alerts_are_kept_and_known_ones_are_no_news(page: Page) -> None:
    assert script(
        page,
        "alertlist",
        """
        const list = new m.AlertList({ most: 2 })
        const alert = (id) => ({
          id, tick_id: 10 * id, symbol: 'A', text: 't', price: 1, previous_price: 2, change_pct: 3, timestamp: 4,
        })
        const noted = list.note([record(10, { alert: 'A changed by -3.10%', change_pct: null }), record(11)])
        const steps = [noted, list.add([alert(1)]), list.add([alert(3), alert(2)]), list.add([alert(1)])]
        const ids = steps.map((some) => some.map((a) => a.tickId))
        return [ids, noted[0].change, list.shown.map((a) => [a.tickId, a.id])]
        """,
    ) == [[[10], [], [20, 30], []], -3.1, [[30, 3], [20, 2]]]
