"""The chart of the chosen symbol: zoom and pan, candles, and the same as a table or as a file."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.api_lab import NOW, ApiLab, Server, tick
from tests.browser.conftest import OpenPage
from tests.browser.dashboard import points, view, wait_for_points
from tests.support import eventually

pytestmark = pytest.mark.browser

FIRST = NOW - 3600


def walk(lab: ApiLab, count: int, *, first: int = 0) -> None:
    """A tick a second."""
    lab.send(*(tick(100 + (n % 7) * 0.1, n, seq=n + 1) for n in range(first, first + count)))


def span(page: Page) -> float:
    low, high = view(page)
    return high - low


# ------------------------------------------------------------------------------------------- zoom and pan


def test_zoom_by_keys_and_buttons_survives_new_ticks(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    walk(lab, 100)
    page = open_page(server.url)
    wait_for_points(page, 100)
    whole = span(page)
    live = page.get_by_role("button", name="Back to live")
    expect(live).to_be_hidden()
    page.keyboard.press("+")
    assert span(page) == pytest.approx(whole / 2, rel=0.05)
    page.get_by_role("button", name="Closer").click()
    assert span(page) == pytest.approx(whole / 4, rel=0.05)
    expect(live).to_be_visible()
    page.keyboard.press("ArrowLeft")
    seen = view(page)
    assert seen[1] < FIRST + 99
    walk(lab, 5, first=100)
    expect(page.locator("#ticks-rows tr").first.locator("time")).to_have_text("7 Nov 2024 17:21:44.000")
    assert view(page) == seen, "what is looked at stays, whatever comes"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert view(page)[1] > FIRST + 104, "the right end is live again"
    page.keyboard.press("-")
    walk(lab, 5, first=105)
    eventually(lambda: view(page)[1] > FIRST + 109, what="a view that follows")
    live.click()
    wait_for_points(page, 110)
    expect(live).to_be_hidden()
    page.keyboard.press("+")
    page.keyboard.press("0")
    wait_for_points(page, 110)


def test_zoom_by_wheel_and_pan_by_drag(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    walk(lab, 100)
    page = open_page(server.url)
    wait_for_points(page, 100)
    box = page.locator("#chart").bounding_box()
    assert box
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    before = span(page)
    page.mouse.move(*middle)
    page.mouse.wheel(0, -200)
    assert span(page) == before, "without Ctrl the wheel belongs to the page"
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    eventually(lambda: span(page) < before * 0.8, what="a closer view")
    low, high = view(page)
    page.mouse.down()
    page.mouse.move(middle[0] + 100, middle[1])
    page.mouse.up()
    moved = view(page)
    assert moved[0] < low
    assert moved[1] - moved[0] == pytest.approx(high - low)


def test_panning_back_beyond_what_is_known_asks_for_more(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    walk(lab, 700)
    page = open_page(server.url)
    wait_for_points(page, 600)
    with page.expect_response(lambda response: "before=101" in response.url):
        page.keyboard.press("ArrowLeft")

    def all_of_it() -> bool:
        page.keyboard.press("-")
        return len(points(page)[0]) == 700

    eventually(all_of_it, what="the older ticks")


def test_panning_back_over_candles_asks_for_older_ones(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(*(tick(100 + n % 2, 2 * n, seq=n + 1) for n in range(400)))  # every other second is empty
    page = open_page(server.url)
    wait_for_points(page, 400)
    page.keyboard.press("k")
    eventually(lambda: view(page)[1] - FIRST > 700 and "1 s" in checked(page), what="candles")

    def look_back() -> bool:
        page.keyboard.press("-")
        page.keyboard.press("ArrowLeft")
        return len(points(page)[0]) == 799

    eventually(look_back, what="all candles, from the first one on")


def test_the_past_stays_in_sight_while_more_ticks_come_than_are_kept(
    lab: ApiLab, server: Server, open_page: OpenPage
) -> None:
    walk(lab, 6000)
    page = open_page(server.url)
    wait_for_points(page, 600)
    note = page.locator("#chart-note")

    def farther() -> bool:
        page.keyboard.press("-")
        return len(points(page)[0]) == 5000 and "5,000 ticks are shown at the most" in note.inner_text()

    eventually(farther, what="the most that is shown")
    page.keyboard.press("t")
    expect(page.locator("#ticks-more")).to_have_text("The newest 1,000 of 5,000; CSV holds all of them.")
    expect(page.locator("#ticks-rows tr")).to_have_count(1000)
    page.keyboard.press("t")
    page.keyboard.press("+")
    page.keyboard.press("+")
    for _ in range(8):
        page.keyboard.press("ArrowLeft")
    expect(note).to_be_empty()
    seen, drawn = view(page), in_sight(page)
    assert seen[0] < FIRST + 3000
    walk(lab, 1000, first=6000)
    walk(lab, 1000, first=7000)
    expect(page.locator("#symbol-time")).to_have_text("7 Nov 2024 19:33:19")
    assert (view(page), in_sight(page)) == (seen, drawn), "what is looked at stays, however much comes"
    for _ in range(12):
        page.keyboard.press("ArrowLeft")

    def whole_left_end() -> bool:
        page.keyboard.press("ArrowLeft")
        return view(page)[0] == FIRST and in_sight(page) == list(range(int(seen[1] - seen[0]) + 1))

    eventually(whole_left_end, what="the first ticks of all")
    page.keyboard.press("0")
    eventually(lambda: in_sight(page) == list(range(7400, 8000)), what="the newest ticks")


def in_sight(page: Page) -> list[int]:
    """The ticks that the chart draws within its edges, by their number in the walk."""
    found: list[int] = page.evaluate(
        """(first) => {
          const { data, scales: { x: { min, max } } } = Chart.getChart('chart')
          return data.datasets[0].data.filter(({ x }) => x >= min && x <= max).map(({ x }) => Math.round(x - first))
        }""",
        FIRST,
    )
    return found


def test_candles_of_the_past_stay_in_sight_when_newer_ones_do_not_join_them(
    lab: ApiLab, server: Server, open_page: OpenPage
) -> None:
    walk(lab, 300)
    page = open_page(server.url)
    wait_for_points(page, 300)
    page.keyboard.press("k")
    wait_for_points(page, 80)
    page.keyboard.press("ArrowLeft")
    seen, drawn = view(page), in_sight(page)
    with page.expect_response(lambda response: "bars/" in response.url and "limit=300" in response.url):
        walk(lab, 5, first=900)
    expect(page.locator("#symbol-time")).to_have_text("7 Nov 2024 17:35:04")
    assert (view(page), in_sight(page)) == (seen, drawn)
    page.keyboard.press("0")
    eventually(lambda: view(page)[1] >= FIRST + 904, what="the newest candles")


def test_the_axis_of_several_days_names_them(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(*(tick(100 + n, -86400.0 * (19 - n), seq=n + 1) for n in range(20)))  # with a change to winter time
    lab.send(*(tick(100 + n % 2, 600.0 * n, symbol="NIGHT", seq=n + 1) for n in range(120)), partition=1)
    page = open_page(server.url + "#AAPL")
    wait_for_points(page, 20)
    labels = "Chart.getChart('chart').scales.x.ticks.map(({ label }) => label)"
    assert page.evaluate(labels) == ["23 Oct", "26 Oct", "29 Oct", "1 Nov", "4 Nov", "7 Nov"]
    page.goto(server.url + "#NIGHT")
    wait_for_points(page, 120)
    assert page.evaluate(labels) == ["20:00", "8 Nov", "04:00", "08:00", "12:00"]


def checked(page: Page) -> str:
    return page.locator("label:has([name=kind]:checked)").inner_text()


def test_y_grows_at_once_and_does_not_shrink_for_ten_seconds(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(*(tick(100 + n % 2, n, seq=n + 1) for n in range(598)))
    page = open_page(server.url)
    wait_for_points(page, 598)

    def high() -> float:
        found: float = page.evaluate("Chart.getChart('chart').scales.y.max")
        return found

    lab.send(tick(102.9, 598, seq=599))
    wait_for_points(page, 599)
    grown = high()
    assert grown > 102.9
    lab.send(*(tick(100 + n % 2, n, seq=n + 1) for n in range(599, 1300)))
    eventually(lambda: view(page)[0] > FIRST + 600, what="the peak to leave")
    assert high() == grown


# ------------------------------------------------------------------------------------------------ candles


def test_candles_are_drawn_and_an_empty_interval_is_shown_as_such(
    lab: ApiLab, server: Server, open_page: OpenPage
) -> None:
    for n, price in enumerate([100, 101, 99.5, 100.5]):
        lab.send(tick(price, n * 0.25, seq=n + 1))
    lab.send(tick(100, 3, seq=5), tick(99, 3.5, seq=6))
    page = open_page(server.url)
    wait_for_points(page, 6)
    page.get_by_text("1 s", exact=True).click()
    page.get_by_role("button", name="Table").click()
    rows = page.locator("#bars-rows tr")
    expect(rows).to_have_count(4)
    expect(rows.nth(0).locator("td")).to_have_text(["7 Nov 2024 17:20:03", "100.00", "100.00", "99.00", "99.00", "2"])
    expect(rows.nth(1).locator("td")).to_have_text(["7 Nov 2024 17:20:02", "–", "–", "–", "–", "0"])
    expect(rows.nth(3).locator("td")).to_have_text(["7 Nov 2024 17:20:00", "100.00", "101.00", "99.50", "100.50", "4"])
    page.keyboard.press("t")
    expect(page.locator("#chart")).to_be_visible()
    up, hatched, _, down = (inked(page, start) for start in range(4))
    assert up["accent"] > 0
    assert down["accent"] > up["accent"] / 2
    assert hatched["accent"] == 0
    assert hatched["rule"] > 4 * up["rule"], "hatched from top to bottom"
    lab.send(tick(105, 4, seq=7))
    eventually(lambda: len(points(page)[0]) == 5, what="a new candle")
    page.keyboard.press("k")
    eventually(lambda: len(points(page)[0]) == 1, what="one candle of 10 s")


def inked(page: Page, second: int) -> dict[str, int]:
    """Pixels of the chart in the colours of the price and of rules, within one second of time."""
    found: dict[str, int] = page.evaluate(
        """(start) => {
          const canvas = document.getElementById('chart')
          const { scales, chartArea: area } = Chart.getChart('chart')
          const left = Math.ceil(scales.x.getPixelForValue(start)) + 1
          const width = Math.floor(scales.x.getPixelForValue(start + 1)) - left - 1
          const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true })
          copy.drawImage(canvas, 0, 0)
          const { data } = copy.getImageData(left, Math.ceil(area.top), width, Math.floor(area.bottom - area.top))
          const count = { accent: 0, rule: 0 }
          for (let i = 0; i < data.length; i += 4) {
            const [red, green, blue] = data.slice(i, i + 3)
            if (blue > 200 && red < 120) count.accent += 1
            else if (Math.abs(red - 43) < 12 && Math.abs(green - 51) < 12 && Math.abs(blue - 62) < 12) count.rule += 1
          }
          return count
        }""",
        FIRST + second,
    )
    return found


# ------------------------------------------------------------------------------------------ table and file


def test_the_table_takes_the_place_of_the_canvas(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    walk(lab, 700)
    page = open_page(server.url)
    wait_for_points(page, 600)
    rows = page.locator("#ticks-rows tr")
    expect(rows).to_have_count(50)
    page.keyboard.press("t")
    expect(page.get_by_role("button", name="Table")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#chart")).to_be_hidden()
    expect(rows).to_have_count(600)
    expect(page.locator("#ticks-more")).to_be_hidden()
    page.keyboard.press("+")
    eventually(lambda: 290 < rows.count() < 310, what="half of the rows")
    page.keyboard.press("t")
    expect(page.locator("#chart")).to_be_visible()
    expect(rows).to_have_count(50)


def test_what_is_seen_is_downloaded_as_csv(lab: ApiLab, server: Server, open_page: OpenPage, tmp_path: Path) -> None:
    walk(lab, 20)
    page = open_page(server.url)
    wait_for_points(page, 20)

    def download(name: str) -> list[dict[str, str]]:
        with page.expect_download() as started:
            page.get_by_role("button", name="CSV").click()
        assert started.value.suggested_filename == name
        started.value.save_as(tmp_path / name)
        with (tmp_path / name).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    rows = download("AAPL-ticks.csv")
    assert len(rows) == 20
    assert rows[1]["time_utc"] == "2024-11-07 16:20:01.000 UTC"
    assert {name: rows[1][name] for name in ("symbol", "price", "seq", "offset", "late", "alert")} == {
        "symbol": "AAPL", "price": "100.1", "seq": "2", "offset": "1", "late": "false", "alert": "",
    }  # fmt: skip
    page.keyboard.press("+")
    assert 5 < len(download("AAPL-ticks.csv")) < 15
    page.get_by_text("10 s", exact=True).click()
    eventually(lambda: len(points(page)[0]) == 2, what="two candles")
    bars = download("AAPL-10s.csv")
    assert [(bar["open"], bar["ticks"]) for bar in bars] == [("100", "10"), ("100.3", "10")]
