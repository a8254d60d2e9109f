"""The list of symbols: filter, order, keyboard, and thousands of rows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.api_lab import ApiLab, Server, tick
from tests.browser.conftest import OpenPage
from tests.browser.dashboard import hide, row
from tests.support import eventually

pytestmark = pytest.mark.browser


def three(lab: ApiLab) -> None:
    """AAPL 100 +1 %, MSFT 300 −1 %, TSLA 200 without a change."""
    lab.send(tick(99.01, 0, seq=1), tick(100, 1, seq=2))
    lab.send(tick(303.03, 0, symbol="MSFT", seq=1), tick(300, 1, symbol="MSFT", seq=2), partition=1)
    lab.send(tick(200, 0, symbol="TSLA", seq=1), partition=2)


def listed(page: Page) -> list[str]:
    return page.locator("#watchlist-rows .name").all_inner_texts()


def test_the_filter_is_reached_by_slash_and_left_by_escape(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    three(lab)
    page = open_page(server.url)
    expect(page.locator("#watchlist-rows .row")).to_have_count(3)
    page.keyboard.press("/")
    box = page.get_by_role("searchbox", name="Filter symbols")
    expect(box).to_be_focused()
    page.keyboard.type("s")
    expect(page.locator("#watchlist-rows .row")).to_have_count(2)
    assert listed(page) == ["MSFT", "TSLA"]
    page.keyboard.press("ArrowDown")
    expect(page.locator("#symbol-name")).to_have_text("MSFT")
    expect(row(page, "MSFT")).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.type("zz?")
    expect(page.locator("#watchlist-none")).to_have_text("No symbol holds “zz?”.")
    page.keyboard.press("Escape")
    expect(page.locator("#watchlist-rows .row")).to_have_count(3)
    expect(page.locator("#watchlist-none")).to_be_hidden()
    expect(box).not_to_be_focused()


def test_every_column_sorts_and_the_order_is_remembered(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    three(lab)
    page = open_page(server.url)
    expect(page.locator("#watchlist-rows .row")).to_have_count(3)

    def heads() -> list[str | None]:
        columns = page.locator("[data-column]").all()
        return [column.get_attribute("aria-sort") for column in columns]

    assert heads() == ["ascending", "none", "none", "none"]
    for name, order in [
        ("Symbol", ["TSLA", "MSFT", "AAPL"]), ("Last", ["MSFT", "TSLA", "AAPL"]), ("Last", ["AAPL", "TSLA", "MSFT"]),
        ("MA(5)", ["MSFT", "TSLA", "AAPL"]), ("Change", ["AAPL", "MSFT", "TSLA"]), ("Change", ["MSFT", "AAPL", "TSLA"]),
    ]:  # fmt: skip
        page.locator("#watchlist-head").get_by_role("button", name=name).click()
        eventually(lambda order=order: listed(page) == order, what=f"the order {order} by {name}")
    assert heads() == ["none", "none", "ascending", "none"], "what is unknown stays at the end"
    page.reload()
    eventually(lambda: listed(page) == ["MSFT", "AAPL", "TSLA"], what="the remembered order")
    assert heads() == ["none", "none", "ascending", "none"]


def test_prices_that_were_missed_are_asked_for_and_drawn(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    def line(page: Page) -> str:
        drawn: str = row(page, "AAPL").locator("canvas").evaluate("(canvas) => canvas.toDataURL()")
        return drawn

    lab.send(*(tick(100, n, seq=n + 1) for n in range(40)))
    lab.send(tick(7, 0, symbol="ZZZ", seq=1), partition=1)
    asked: list[str] = []
    page = open_page(
        server.url + "#ZZZ",
        before=lambda page: page.on("requestfinished", lambda request: asked.append(request.url)),
    )
    eventually(lambda: line(page) and any("data/AAPL?limit=40" in url for url in asked), what="the past")
    hide(page, hidden=True)
    lab.send(*(tick(150 - n, 40 + n, seq=41 + n) for n in range(50)))
    with page.expect_response(lambda response: "data/AAPL?limit=40" in response.url):
        hide(page, hidden=False)
    fresh = open_page(server.url + "#ZZZ")
    eventually(lambda: line(page) == line(fresh), what="the line of somebody who was never away")


def test_arrows_move_the_selection(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    three(lab)
    page = open_page(server.url)
    name, selected = page.locator("#symbol-name"), page.locator('#watchlist-rows [aria-selected="true"]')
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
    expect(page.locator("#symbol-price")).to_have_text("200.00")


def test_of_five_thousand_symbols_only_those_in_sight_exist(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    names = [f"S{n:04}" for n in range(5000)]
    lab.send(*(tick(100 + n, 0, symbol=name, seq=1) for n, name in enumerate(names)))
    page = open_page(server.url)
    rows = page.locator("#watchlist-rows .row")
    expect(rows.first).to_contain_text("S0000")
    expect(page.locator("#symbols")).to_have_text("5,000 symbols")
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", "5001")
    assert rows.count() < 50
    page.locator("#watchlist").evaluate("(list) => { list.scrollTop = 2500 * 28 }")
    expect(row(page, "S2500")).to_be_visible()
    expect(row(page, "S2500")).to_have_attribute("aria-rowindex", "2502")
    assert rows.count() < 50
    row(page, "S2503").click()
    expect(page.locator("#symbol-name")).to_have_text("S2503")
    page.keyboard.press("End")
    expect(row(page, "S4999")).to_be_focused()
    page.keyboard.press("PageUp")
    expect(page.locator("#symbol-name")).not_to_have_text("S4999")
    lab.send(tick(7, 1, symbol=names[4998], seq=2))
    expect(row(page, "S4998").locator(".number").first).to_have_text("7.00")
    assert sorted(listed(page)) == listed(page), "in the document as on the screen"
