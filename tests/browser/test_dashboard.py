"""The page in a real browser: what it shows, when it adds a point, and what it says when nothing comes."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest
from playwright.sync_api import Page, Route, expect

from api import ApiConfig
from marketlab.errors import StoreError
from marketlab.model import Close
from tests.api_lab import NOW, ApiLab, Server, tick
from tests.browser.conftest import OpenPage, serving
from tests.support import eventually

pytestmark = pytest.mark.browser

ALERT_DARK = "rgb(255, 107, 107)"
MOUNTING_POLLS = 3
REFUSED = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE")


def row(page: Page, symbol: str) -> object:
    return page.locator(f'#watchlist-rows tr[data-symbol="{symbol}"]')


def points(page: Page) -> list[list[float]]:
    found: list[list[float]] = page.evaluate(
        "Chart.getChart('chart').data.datasets.map((set) => set.data.map((point) => point.y))"
    )
    return found


def wait_for_points(page: Page, count: int) -> None:
    # Playwright's own wait would evaluate text inside the page, which the page's policy forbids.
    eventually(lambda: len(points(page)[0]) == count, what=f"a chart of {count} points")


def wait_for_polls(page: Page, count: int = MOUNTING_POLLS) -> list[int]:
    """Let the page ask for /data this many times; the statuses of the answers."""
    statuses = []
    for _ in range(count):
        with page.expect_response(lambda response: response.url.endswith("/data")) as answered:
            pass
        statuses.append(answered.value.status)
    return statuses


def alert_pixels(page: Page) -> int:
    """Pixels of the chart in the colour of the alarm."""
    found: int = page.evaluate(
        """() => {
          const canvas = document.getElementById('chart')
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
          let count = 0
          for (let i = 0; i < data.length; i += 4) {
            if (data[i] === 255 && data[i + 1] === 107 && data[i + 2] === 107) count += 1
          }
          return count
        }"""
    )
    return found


# ------------------------------------------------------------------------------------- what is shown


def test_every_symbol_is_shown_with_its_figures(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1), tick(100.41, 1, seq=2))
    lab.send(tick(61837.63, 0, symbol="BTCUSDT", seq=1), tick(61800.5, 1, symbol="BTCUSDT", seq=2), partition=1)
    lab.send(tick(0.00141342, 0, symbol="SHIB", seq=1), partition=2)
    page = open_page(server.url + "dashboard")
    rows = page.locator("#watchlist-rows tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0).locator("td.number")).to_have_text(["100.41", "▲ +0.41 %", "100.21"])
    expect(rows.nth(1).locator("td.number")).to_have_text(["61,800.50", "▼ −0.06 %", "61,819.07"])
    expect(rows.nth(2).locator("td.number")).to_have_text(["0.00141342", "–", "0.00141342"])
    expect(page.locator("#symbols")).to_have_text("3 symbols")
    expect(page.locator("#symbol-name")).to_have_text("AAPL")
    expect(page.locator("#symbol-price")).to_have_text("100.41")
    expect(page).to_have_title("AAPL 100.41 · marketlab")


def test_times_are_local_and_utc_stands_behind_them(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1))  # 2024-11-07 16:20:00 UTC
    page = open_page(server.url)
    expect(page.locator("#symbol-time")).to_have_text("7 Nov 2024 17:20:00")
    expect(page.locator("#symbol-time")).to_have_attribute("title", "2024-11-07 16:20:00.000 UTC")
    expect(page.locator("#ticks-rows time")).to_have_text("17:20:00.000")


def test_the_chosen_symbols_history_comes_when_it_is_chosen(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(*(tick(100 + n, n, seq=n + 1) for n in range(30)))
    lab.send(*(tick(50 - n, n, symbol="BCH/EUR", seq=n + 1) for n in range(20)), partition=1)
    page = open_page(server.url)
    wait_for_points(page, 30)
    page.locator('tr[data-symbol="BCH/EUR"]').click()
    wait_for_points(page, 20)
    price, average = points(page)
    assert price == [50 - n for n in range(20)]
    assert average[:3] == [50, 49.5, 49]
    assert average[-1] == 33
    ticks = page.locator("#ticks-rows tr")
    expect(ticks).to_have_count(20)
    expect(ticks.first.locator("td.number")).to_have_text(["31.00", "▼ −3.13 %", "33.00", "1", "19", "20"])
    assert page.url.endswith("#BCH%2FEUR")
    page.reload()
    expect(page.locator("#symbol-name")).to_have_text("BCH/EUR")


def test_no_point_is_added_without_a_new_tick(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1), tick(101, 1, seq=2))
    lab.send(tick(7, 0, symbol="MSFT", seq=1), partition=1)
    page = open_page(server.url)
    wait_for_points(page, 2)
    assert set(wait_for_polls(page)) <= {200, 304}
    assert wait_for_polls(page) == [304] * MOUNTING_POLLS, "an idle question costs nothing"
    assert points(page)[0] == [100, 101]
    lab.send(tick(8, 1, symbol="MSFT", seq=2), partition=1)
    expect(page.locator('tr[data-symbol="MSFT"] td.number').first).to_have_text("8.00")
    assert points(page)[0] == [100, 101], "the tick of another symbol adds none"
    lab.send(tick(101, 2, seq=3), tick(102, 3, seq=4), tick(103, 4, seq=5))
    wait_for_points(page, 5)
    assert points(page)[0] == [100, 101, 101, 102, 103], "and between two questions none is left out"


def test_late_ticks_stand_in_the_table_and_not_in_the_line(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1), tick(101, 5, seq=3), tick(90, 1, seq=2))
    page = open_page(server.url)
    wait_for_points(page, 2)
    expect(page.locator("#ticks-rows tr")).to_have_count(3)
    expect(page.locator("#ticks-rows .late")).to_have_count(1)


def test_a_new_run_begins_a_new_line(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 50, seq=1), tick(101, 51, seq=2))
    page = open_page(server.url)
    wait_for_points(page, 2)
    lab.send(tick(300, 0, seq=1, run="r2"))
    wait_for_points(page, 1)
    assert points(page)[0] == [300]


# --------------------------------------------------------------------------------------------- alerts


def test_an_alert_is_red_with_a_glyph_wherever_it_shows(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1), tick(100.5, 1, seq=2))
    page = open_page(
        server.url,
        before=lambda page: page.clock.install(),
        complaints=("willReadFrequently",),  # of this test's own reading of pixels
    )
    expect(page.locator("#alerts-none")).to_have_text("none ≥ 3 %, largest move 0.50 %")
    assert alert_pixels(page) == 0
    lab.send(tick(95, 2, seq=3))
    item = page.locator("#alerts-list li")
    expect(item).to_have_count(1)
    expect(page.locator("#alerts-none")).to_be_hidden()
    expect(item.locator(".mark")).to_have_text("▼")
    expect(item.locator(".change")).to_have_text("−5.47 %")
    expect(item.locator(".from-to")).to_have_text("100.50 → 95.00")
    expect(item.locator(".place")).to_have_text("0@2")
    expect(item.locator("button")).to_have_attribute("title", "⚠️ AAPL changed by -5.47%")
    expect(page.locator("#alerts-said")).to_have_text("⚠️ AAPL changed by -5.47%")
    for red in (item.locator(".mark"), item.locator(".change"), item.locator(".name")):
        expect(red).to_have_css("color", ALERT_DARK)
    symbol = page.locator('tr[data-symbol="AAPL"]')
    expect(symbol.locator("td.number").first).to_have_css("color", ALERT_DARK)
    wait_for_points(page, 3)
    assert alert_pixels(page) > 20
    page.clock.fast_forward(11_000)
    expect(symbol.locator("td.number").first).not_to_have_css("color", ALERT_DARK)
    expect(item.locator(".name")).not_to_have_css("color", ALERT_DARK)
    expect(symbol.locator(".mark")).to_have_text("▼")
    expect(symbol.locator(".mark")).to_have_css("color", ALERT_DARK)
    expect(item.locator(".mark")).to_have_css("color", ALERT_DARK)


def test_alerts_that_were_there_before_are_no_news(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1), tick(110, 1, seq=2))
    page = open_page(server.url)
    expect(page.locator("#alerts-list li .mark")).to_have_text("▲")
    expect(page.locator('tr[data-symbol="AAPL"] .mark')).to_have_text("▲")
    expect(page.locator(".fresh")).to_have_count(0)
    expect(page.locator("#alerts-said")).to_be_empty()


def test_an_alert_leads_to_its_symbol(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1))
    lab.send(tick(100, 0, symbol="MSFT", seq=1), tick(110, 1, symbol="MSFT", seq=2), partition=1)
    page = open_page(server.url)
    expect(page.locator("#symbol-name")).to_have_text("AAPL")
    page.locator("#alerts-list button").click()
    expect(page.locator("#symbol-name")).to_have_text("MSFT")


def test_a_posted_record_shows_with_its_alert(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1))
    page = open_page(server.url)
    expect(page.locator("#symbol-price")).to_have_text("100.00")
    record = {"symbol": "POST", "price": 312.45, "moving_average": 310.78, "timestamp": NOW}
    body = json.dumps({**record, "alert": "⚠️ POST changed by -3.10% <img src=x>"}).encode()
    request = urllib.request.Request(server.url + "update", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as response:
        assert json.loads(response.read()) == {"accepted": 1}
    symbol = page.locator('tr[data-symbol="POST"]')
    expect(symbol.locator("td.number")).to_have_text(["312.45", "–", "310.78"])
    expect(symbol.locator(".mark")).to_have_text("▼")
    expect(symbol.locator(".mark")).to_have_css("color", ALERT_DARK)
    expect(page.locator("#alerts-list .change")).to_have_text("−3.10 %")
    expect(page.locator("img")).to_have_count(0)


# ---------------------------------------------------------------------------------------------- books


def test_the_books_chip_says_balanced_or_what_is_missing(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1), tick(101, 1, seq=2))
    page = open_page(server.url)
    chip = page.locator("#books-chip")
    expect(chip).to_have_text("✓ books balanced")
    expect(page.locator("#books-state")).to_have_text("1 run open")
    lab.send(tick(102, 2, seq=8), b"nonsense", Close("r1", "AAPL", 8, 1))
    expect(page.locator("#books-verdict")).to_have_text("missing AAPL 3–7")
    expect(chip).to_have_css("background-color", "rgb(230, 234, 240)")
    expect(page.locator("#books-state")).to_have_text("1 run closed")
    figures = page.locator("#books-table tr").all_inner_texts()
    assert [re.split(r"\s+", text) for text in figures] == [
        ["received", "5"], ["stored", "3"], ["late", "0"], ["duplicate", "0"], ["dead-lettered", "1"],
        ["control", "1"], ["lost", "5"],
    ]  # fmt: skip


# --------------------------------------------------------------------------------------------- states


def test_an_empty_page_says_what_to_run_and_fills_by_itself(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url + "dashboard")
    expect(page.locator("#empty")).to_contain_text("No ticks are stored yet")
    expect(page.locator("#empty code")).to_have_text("marketlab up")
    expect(page.locator("#market")).to_be_hidden()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "marketlab up"
    lab.send(tick(100, 0, seq=1))
    expect(page.locator("#symbol-price")).to_have_text("100.00")
    expect(page.locator("#empty")).to_be_hidden()


def test_the_link_is_called_what_it_is(open_page: OpenPage) -> None:
    lab = ApiLab()
    lab.send(tick(100, 0, seq=1))
    with serving(lab) as server:
        page = open_page(server.url)
        expect(page.locator("#link")).to_have_text("◐ POLLING 2 s")
        expect(page.locator("#age")).to_be_empty()


def test_a_quiet_market_is_told_from_a_broken_link(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1))
    page = open_page(server.url, before=lambda page: page.clock.install())
    expect(page.locator("#symbol-price")).to_have_text("100.00")
    expect(page.locator("#quiet")).to_be_empty()
    page.clock.fast_forward(9_000)
    expect(page.locator("#quiet")).to_have_text(re.compile(r"^no ticks for \d+ s, link fine$"))
    expect(page.locator("#link")).to_contain_text("POLLING")
    lab.send(tick(101, 1, seq=2))
    expect(page.locator("#quiet")).to_be_empty()


def test_a_server_that_hangs_makes_the_page_stale(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1))
    page = open_page(server.url, before=lambda page: page.clock.install())
    wait_for_points(page, 1)
    held: list[Route] = []
    hangs = True
    page.route("**/data", lambda route: held.append(route) if hangs else route.continue_())
    with page.expect_request("**/data"):
        pass
    page.clock.fast_forward(12_000)
    expect(page.locator("#age")).to_have_text(re.compile(r"^◌ STALE 1\d s$"))
    expect(page.locator("#chart")).to_have_css("opacity", "0.55")
    expect(page.locator("#quiet")).to_be_empty()
    hangs = False
    held.pop().continue_()
    expect(page.locator("#age")).to_be_empty()
    expect(page.locator("#chart")).to_have_css("opacity", "1")


def test_a_lost_server_is_named_with_its_mend_and_found_again(lab: ApiLab, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1))
    with serving(lab) as server:
        page = open_page(server.url, complaints=REFUSED)
        wait_for_points(page, 1)
    expect(page.locator("#link")).to_have_text(re.compile(r"^↻ RECONNECTING [1-9]\d*$"))
    trouble = page.locator("#trouble")
    expect(trouble).to_be_visible()
    expect(page.locator("#trouble-wanted")).to_have_text(server.url + "data")
    expect(page.locator("#trouble-found")).to_have_text("no answer: the server cannot be reached")
    expect(trouble.locator("code")).to_have_text("marketlab up")
    expect(page.locator("#symbol-price")).to_have_text("100.00")
    lab.send(tick(101, 1, seq=2))
    with serving(lab, port=server.port):
        expect(page.locator("#link")).to_contain_text("POLLING")
        expect(trouble).to_be_hidden()
        wait_for_points(page, 2)


def test_another_database_behind_the_address_begins_afresh(lab: ApiLab, open_page: OpenPage) -> None:
    lab.send(*(tick(100 * 1.05**n, n, seq=n + 1) for n in range(6)))
    with serving(lab) as server:
        page = open_page(server.url, complaints=REFUSED)
        wait_for_points(page, 6)
        expect(page.locator("#alerts-list li")).to_have_count(5)
    wiped = ApiLab(config=ApiConfig(poll_s=0.2, clock=lambda: NOW))
    wiped.send(tick(7, 0, seq=1), tick(7.01, 1, seq=2))
    with serving(wiped, port=server.port):
        wait_for_points(page, 2)
        assert points(page)[0] == [7, 7.01]
        expect(page.locator("#alerts-list li")).to_have_count(0)
        expect(page.locator('tr[data-symbol="AAPL"] .mark')).to_be_empty()


def test_a_failing_server_is_quoted_with_its_own_mend(
    lab: ApiLab, server: Server, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.send(tick(100, 0, seq=1))
    page = open_page(server.url, complaints=("503",))
    wait_for_points(page, 1)

    def fail() -> object:
        raise StoreError("marketlab.db is damaged", mend="Move it away.")

    with monkeypatch.context() as failing:
        failing.setattr(lab.store, "changes", fail)
        expect(page.locator("#trouble-found")).to_have_text("status 503: marketlab.db is damaged")
        expect(page.locator("#trouble-mend")).to_have_text("Move it away.")
        expect(page.locator("#trouble code")).to_be_hidden()
    expect(page.locator("#trouble")).to_be_hidden()


def test_a_hidden_page_asks_nothing_and_catches_up_when_it_is_seen(
    lab: ApiLab, server: Server, open_page: OpenPage
) -> None:
    hide = "(hidden) => { Object.defineProperty(document, 'hidden', { configurable: true, value: hidden });"
    hide += "document.dispatchEvent(new Event('visibilitychange')) }"
    lab.send(tick(100, 0, seq=1))
    page = open_page(server.url, before=lambda page: page.clock.install())
    wait_for_polls(page)
    page.evaluate(hide, True)
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    lab.send(tick(101, 1, seq=2))
    page.clock.fast_forward(60_000)
    assert asked == []
    page.evaluate(hide, False)
    wait_for_points(page, 2)


def test_the_question_for_a_symbol_that_was_left_holds_nothing_up(
    lab: ApiLab, server: Server, open_page: OpenPage
) -> None:
    lab.send(tick(100, 0, seq=1))
    lab.send(tick(7, 0, symbol="MSFT", seq=1), tick(8, 1, symbol="MSFT", seq=2), partition=1)
    page = open_page(server.url, before=lambda page: page.route("**/data/AAPL?limit=600", lambda _: None))
    expect(page.locator("#symbol-name")).to_have_text("AAPL")
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/data/AAPL?limit=600")):
        page.locator('tr[data-symbol="MSFT"]').click()
    wait_for_points(page, 2)
    assert points(page)[0] == [7, 8]
    expect(page.locator("#symbol-name")).to_have_text("MSFT")
    expect(page.locator("#link")).to_contain_text("POLLING")


# ------------------------------------------------------------------------------------- how it is used


def test_arrows_move_the_selection(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    for partition, symbol in enumerate(["AAPL", "MSFT", "TSLA"]):
        lab.send(tick(100 + partition, 0, symbol=symbol, seq=1), partition=partition)
    page = open_page(server.url)
    name, selected = page.locator("#symbol-name"), page.locator('tr[aria-selected="true"]')
    expect(name).to_have_text("AAPL")
    for key, symbol in [
        ("ArrowUp", "AAPL"), ("ArrowDown", "MSFT"), ("ArrowDown", "TSLA"), ("ArrowDown", "TSLA"),
        ("ArrowUp", "MSFT"), ("Home", "AAPL"), ("End", "TSLA"),
    ]:  # fmt: skip
        page.keyboard.press(key)
        expect(name).to_have_text(symbol)
        expect(selected).to_have_count(1)
        expect(selected).to_have_attribute("data-symbol", symbol)
    expect(selected).to_be_focused()
    expect(selected).to_have_css("outline-style", "solid")
    expect(page.locator("#symbol-price")).to_have_text("102.00")


def test_everything_is_reached_by_tab(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1), tick(110, 1, seq=2), tick(120, 2, seq=3))
    lab.send(tick(100, 0, symbol="MSFT", seq=1), partition=1)
    page = open_page(server.url)
    expect(page.locator("#alerts-list li")).to_have_count(2)
    wait_for_points(page, 3)
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className || 'alert'"))
        if reached[-1] == "alert" and page.evaluate("document.activeElement.tagName") == "TR":
            reached[-1] = "row"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", reached
    assert reached == ["books-chip", "theme", "row", "ticks", "alert", "alert"]


def test_the_theme_follows_the_system_until_a_person_chooses(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1))
    page = open_page(server.url, scheme="light")
    background = page.locator("html")
    expect(background).to_have_css("background-color", "rgb(246, 247, 249)")
    page.emulate_media(color_scheme="dark")
    expect(background).to_have_css("background-color", "rgb(14, 17, 22)")
    page.get_by_role("button", name="Light theme").click()
    expect(background).to_have_css("background-color", "rgb(246, 247, 249)")
    page.reload()
    expect(background).to_have_css("background-color", "rgb(246, 247, 249)")
    expect(page.get_by_role("button", name="Dark theme")).to_be_visible()


@pytest.mark.parametrize("viewport", [(390, 844), (320, 640), (1024, 700), (1440, 900)])
def test_nothing_is_cut_off_at_any_width(
    lab: ApiLab, server: Server, open_page: OpenPage, viewport: tuple[int, int]
) -> None:
    lab.send(tick(100, 0, seq=1), tick(110, 1, seq=2))
    lab.send(tick(0.00141342, 0, symbol="SHIBUSDT", seq=1), partition=1)
    page = open_page(server.url, viewport=viewport)
    wait_for_points(page, 2)
    expect(page.locator("#alerts-list li")).to_have_count(1)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0
    chart = page.locator("#chart").bounding_box()
    assert chart is not None
    assert chart["width"] > 180
    assert chart["height"] > 120


def test_a_phone_has_one_column_and_rows_for_thumbs(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1), tick(110, 1, seq=2))
    page = open_page(server.url, viewport=(390, 844))
    wait_for_points(page, 2)
    boxes = [page.locator(part).bounding_box() for part in ("#chart", ".watchlist", ".alerts", "#books", ".ticks")]
    tops = [box["y"] for box in boxes if box]
    assert len(tops) == len(boxes)
    assert tops == sorted(tops), "one below the other"
    first = page.locator("#watchlist-rows tr").first.bounding_box()
    assert first is not None
    assert first["height"] >= 44


def test_the_page_works_below_a_prefix(lab: ApiLab, proxied: tuple[str, list[str]], open_page: OpenPage) -> None:
    url, strays = proxied
    lab.send(tick(7, 0, symbol="BCH/EUR", seq=1), tick(8, 1, symbol="BCH/EUR", seq=2))
    for address in (url, url + "dashboard"):
        page = open_page(address)
        wait_for_points(page, 2)
        expect(page.locator("#books-chip")).to_be_visible()
        expect(page.locator("#alerts-list li")).to_have_count(1)
    assert strays == []


def test_the_page_is_small_and_asks_only_its_own_server(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1), tick(101, 1, seq=2))
    loaded: list[str] = []
    page = open_page(server.url, before=lambda page: page.on("request", lambda request: loaded.append(request.url)))
    wait_for_points(page, 2)
    assert all(address.startswith(server.url) for address in loaded)
    transferred = page.evaluate(
        "performance.getEntriesByType('resource').reduce((sum, entry) => sum + entry.transferSize, 0)"
    )
    assert 80_000 < transferred < 200_000, "most of it compressed"
