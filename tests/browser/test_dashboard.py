"""The page in a real browser: what it shows of ticks, alerts and books, and what it says when there is nothing."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest
from playwright.sync_api import Page, Route, expect

from marketlab.model import Close
from tests.api_lab import NOW, ApiLab, Server, tick
from tests.browser.conftest import OpenPage
from tests.browser.dashboard import ALERT_DARK, alert_pixels, points, row, wait_for_points
from tests.support import eventually

pytestmark = pytest.mark.browser


# ------------------------------------------------------------------------------------- what is shown


def test_every_symbol_is_shown_with_its_figures(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1), tick(100.41, 1, seq=2))
    lab.send(tick(61837.63, 0, symbol="BTCUSDT", seq=1), tick(61800.5, 1, symbol="BTCUSDT", seq=2), partition=1)
    lab.send(tick(0.00141342, 0, symbol="SHIB", seq=1), partition=2)
    page = open_page(server.url + "dashboard")
    rows = page.locator("#watchlist-rows .row")
    expect(rows).to_have_count(3)
    expect(rows.nth(0).locator(".number")).to_have_text(["100.41", "▲ +0.41 %", "100.21"])
    expect(rows.nth(1).locator(".number")).to_have_text(["61,800.50", "▼ −0.06 %", "61,819.07"])
    expect(rows.nth(2).locator(".number")).to_have_text(["0.00141342", "–", "0.00141342"])
    expect(page.locator("#symbols")).to_have_text("3 symbols")
    expect(page.locator("#symbol-name")).to_have_text("AAPL")
    expect(page.locator("#symbol-price")).to_have_text("100.41")
    expect(page).to_have_title("AAPL 100.41 · marketlab")


def test_times_are_local_and_utc_stands_behind_them(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1))  # 2024-11-07 16:20:00 UTC
    page = open_page(server.url)
    expect(page.locator("#symbol-time")).to_have_text("7 Nov 2024 17:20:00")
    expect(page.locator("#symbol-time")).to_have_attribute("title", "2024-11-07 16:20:00.000 UTC")
    expect(page.locator("#ticks-rows time")).to_have_text("7 Nov 2024 17:20:00.000")


def test_the_chosen_symbols_history_comes_when_it_is_chosen(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(*(tick(100 + n, n, seq=n + 1) for n in range(30)))
    lab.send(*(tick(50 - n, n, symbol="BCH/EUR", seq=n + 1) for n in range(20)), partition=1)
    page = open_page(server.url)
    wait_for_points(page, 30)
    row(page, "BCH/EUR").click()
    wait_for_points(page, 20)
    price, average = points(page)
    assert price == [50 - n for n in range(20)]
    assert average[:3] == [50, 49.5, 49]
    assert average[-1] == 33
    ticks = page.locator("#ticks-rows tr")
    expect(ticks).to_have_count(20)
    expect(ticks.first.locator(".number")).to_have_text(["31.00", "▼ −3.13 %", "33.00", "1", "19", "20"])
    assert page.url.endswith("#BCH%2FEUR")
    page.reload()
    expect(page.locator("#symbol-name")).to_have_text("BCH/EUR")


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
    expect(item.locator("time")).to_have_text("7 Nov 17:20:02")
    expect(item.locator(".why")).to_have_attribute("href", "#AAPL/alert/1")
    expect(item.locator("button")).to_have_attribute("title", "⚠️ AAPL changed by -5.47%")
    expect(page.locator("#alerts-said")).to_have_text("⚠️ AAPL changed by -5.47%")
    for red in (item.locator(".mark"), item.locator(".change"), item.locator(".name")):
        expect(red).to_have_css("color", ALERT_DARK)
    symbol = row(page, "AAPL")
    expect(symbol.locator(".number").first).to_have_css("color", ALERT_DARK)
    wait_for_points(page, 3)
    assert alert_pixels(page) > 20
    page.clock.fast_forward(11_000)
    expect(symbol.locator(".number").first).not_to_have_css("color", ALERT_DARK)
    expect(item.locator(".name")).not_to_have_css("color", ALERT_DARK)
    expect(symbol.locator(".mark")).to_have_text("▼")
    expect(symbol.locator(".mark")).to_have_css("color", ALERT_DARK)
    expect(item.locator(".mark")).to_have_css("color", ALERT_DARK)


def test_alerts_that_were_there_before_are_no_news(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1), tick(110, 1, seq=2))
    page = open_page(server.url)
    expect(page.locator("#alerts-list li .mark")).to_have_text("▲")
    expect(row(page, "AAPL").locator(".mark")).to_have_text("▲")
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
    symbol = row(page, "POST")
    expect(symbol.locator(".number")).to_have_text(["312.45", "–", "310.78"])
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


def test_the_books_follow_commits_that_store_no_tick(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1), tick(101, 1, seq=2))
    page = open_page(server.url, before=lambda page: page.clock.install())
    received = page.locator("#books-table tr").first.locator("td")
    expect(received).to_have_text("2")
    page.clock.fast_forward(2000)
    lab.send(b"nonsense")
    expect(received).to_have_text("3")
    page.clock.fast_forward(2000)
    lab.send(Close("r1", "AAPL", 8, 1))
    expect(page.locator("#books-chip")).to_have_text("✗ books missing AAPL 3–8")


def test_the_books_are_asked_for_once_at_a_time_and_again_for_what_came_meanwhile(
    lab: ApiLab, server: Server, open_page: OpenPage
) -> None:
    asked: list[Route] = []

    def before(page: Page) -> None:
        page.clock.install()
        page.route(re.compile(r"/books\?"), lambda route: route.continue_() if asked else asked.append(route))

    lab.send(tick(100, 0, seq=1))
    page = open_page(server.url, before=before)
    eventually(lambda: page.evaluate("1") and asked, what="a question for the books")
    answer = asked[0].fetch()
    questions: list[str] = []
    page.on("request", lambda request: questions.append(request.url) if "/books?" in request.url else None)
    lab.send(tick(101, 1, seq=2))
    expect(page.locator("#symbol-price")).to_have_text("101.00")
    page.clock.fast_forward(3000)
    expect(page.locator("#quiet")).to_be_empty()
    assert questions == []
    asked[0].fulfill(response=answer)
    received = page.locator("#books-table tr").first.locator("td")
    expect(received).to_have_text("1")
    page.clock.fast_forward(3000)
    expect(received).to_have_text("2")


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
