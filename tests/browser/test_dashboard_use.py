"""How the page is used: keys, themes, small screens, a prefix, and by people who do not see it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Page, expect

from tests.api_lab import ApiLab, Server, tick
from tests.browser.conftest import OpenPage
from tests.browser.dashboard import blocking, row, wait_for_points

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


# ---------------------------------------------------------------------------------------------- keys


def test_everything_is_reached_by_tab(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1), tick(110, 1, seq=2), tick(120, 2, seq=3))
    lab.send(tick(100, 0, symbol="MSFT", seq=1), partition=1)
    page = open_page(server.url)
    expect(page.locator("#alerts-list li")).to_have_count(2)
    expect(page.locator("#books-chip")).to_be_visible()
    wait_for_points(page, 3)
    reached = []
    for _ in range(21):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            "(({ id, className, dataset, value, textContent }) => "
            "id || dataset.symbol && `${className} ${dataset.symbol}`.trim() || value || textContent)"
            "(document.activeElement)"
        )
        reached.append(focus)
        seen = "(node) => getComputedStyle(node.matches('[type=radio]') ? node.nextElementSibling : node).outlineStyle"
        if focus != "filter":  # its whole line is underlined instead
            assert page.evaluate(f"({seen})(document.activeElement)") == "solid", reached
    assert reached == [
        "books-chip", "pause", "theme", "help-open", "filter", "Symbol", "Last", "Change", "MA(5)", "row AAPL",
        "line", "zoom-out", "zoom-in", "as-table", "csv", "notebook", "ticks", "AAPL", "why?", "AAPL", "why?",
    ]  # fmt: skip


def test_the_keys_are_listed_and_can_be_turned_off(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1))
    page = open_page(server.url)
    expect(page.locator("#symbol-price")).to_have_text("100.00")
    page.keyboard.press("?")
    panel = page.get_by_role("dialog", name="Keyboard")
    expect(panel).to_be_visible()
    shown = panel.locator("kbd").all_inner_texts()
    assert {"/", "Space", "+", "−", "0", "←", "→", "T", "?"} <= set(shown)
    page.keyboard.press("t")
    expect(page.locator("#chart")).to_be_visible()
    panel.get_by_label("Keys of one character are on").uncheck()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    page.keyboard.press("t")
    page.keyboard.press("Space")
    expect(page.locator("#chart")).to_be_visible()
    expect(page.locator("#held")).to_be_hidden()
    page.reload()
    expect(page.locator("#symbol-price")).to_have_text("100.00")
    page.keyboard.press("t")
    expect(page.locator("#chart")).to_be_visible()


def test_a_press_on_a_kind_of_chart_leaves_the_keys_to_the_page(
    lab: ApiLab, server: Server, open_page: OpenPage
) -> None:
    lab.send(*(tick(100 + n % 3, n, seq=n + 1) for n in range(30)))
    page = open_page(server.url)
    wait_for_points(page, 30)
    page.get_by_text("10 s", exact=True).click()
    wait_for_points(page, 3)
    page.keyboard.press("t")
    expect(page.get_by_role("button", name="Table")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Space")
    expect(page.locator("#held")).to_be_visible()
    page.keyboard.press("k")
    kind = page.locator("[name=kind]:checked")
    expect(kind).to_have_value("1m")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_text("10 s", exact=True).click()
    page.keyboard.press("ArrowLeft")
    expect(kind).to_have_value("1s")


# -------------------------------------------------------------------------------------------- themes


def test_the_theme_follows_the_system_until_a_person_chooses(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    light, dark = "rgb(246, 247, 249)", "rgb(14, 17, 22)"
    lab.send(tick(100, 0, seq=1))
    page = open_page(server.url, scheme="light")
    background = page.locator("html")
    expect(background).to_have_css("background-color", light)
    page.emulate_media(color_scheme="dark")
    expect(background).to_have_css("background-color", dark)
    page.get_by_role("button", name="Theme: system").click()
    expect(background).to_have_css("background-color", light)
    page.reload()
    expect(background).to_have_css("background-color", light)
    page.get_by_role("button", name="Theme: light").click()
    expect(background).to_have_css("background-color", dark)
    page.get_by_role("button", name="Theme: dark").click()
    expect(background).to_have_css("background-color", dark)
    page.emulate_media(color_scheme="light")
    expect(background).to_have_css("background-color", light)


def test_nothing_moves_for_those_who_want_it_so(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    expect(page.locator("#empty")).to_have_css("animation-name", "appear")
    page.emulate_media(reduced_motion="reduce")
    expect(page.locator("#empty")).to_have_css("animation-name", "none")


# --------------------------------------------------------------------------------------------- sizes


@pytest.mark.parametrize("viewport", [(390, 844), (320, 640), (820, 1180), (1024, 700), (1440, 900)])
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
    expect(page.get_by_role("button", name="Theme: system")).to_be_visible()
    expect(page.locator("#books-chip")).to_be_visible()
    assert chart is not None
    assert chart["width"] > 180
    assert chart["height"] > 120
    cut = page.evaluate(
        """() => [...document.querySelectorAll('button, dd, dt, .number, .count, h2, #link, th')]
          .filter((node) => node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).display !== 'inline')
          .filter((node) => !node.closest('.said') && node.checkVisibility())
          .map((node) => node.id || node.textContent)"""
    )
    assert cut == []
    over = page.evaluate(
        """() => {
          const boxes = [...document.querySelectorAll('.bar :is(#link, .figures, button, .chip)')]
            .map((node) => node.getBoundingClientRect())
          return boxes.filter((a, index) => boxes.slice(index + 1).some(
            (b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)).length
        }"""
    )
    assert over == 0, "nothing in the bar lies over another thing"


def test_a_phone_has_one_column_and_rows_for_thumbs(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1), tick(110, 1, seq=2))
    page = open_page(server.url, viewport=(390, 844))
    wait_for_points(page, 2)
    boxes = [page.locator(part).bounding_box() for part in ("#chart", ".watchlist", ".alerts", "#books", ".ticks")]
    tops = [box["y"] for box in boxes if box]
    assert len(tops) == len(boxes)
    assert tops == sorted(tops), "one below the other"
    first = page.locator("#watchlist-rows .row").first.bounding_box()
    assert first is not None
    assert first["height"] >= 44
    page.locator(".why").click()
    panel = page.get_by_role("dialog")
    box = panel.bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, 390)


# -------------------------------------------------------------------------------------------- a prefix


def test_the_page_works_below_a_prefix(lab: ApiLab, proxied: tuple[str, list[str]], open_page: OpenPage) -> None:
    url, strays = proxied
    lab.send(tick(7, 0, symbol="BCH/EUR", seq=1), tick(8, 1, symbol="BCH/EUR", seq=2))
    for address in (url, url + "dashboard"):
        page = open_page(address)
        wait_for_points(page, 2)
        expect(page.locator("#link")).to_have_text("● LIVE")
        expect(page.locator("#books-chip")).to_be_visible()
        expect(page.locator("#alerts-list li")).to_have_count(1)
    lab.send(tick(8.01, 2, symbol="BCH/EUR", seq=3))
    wait_for_points(page, 3)
    page.get_by_text("10 s", exact=True).click()
    page.get_by_role("button", name="Table").click()
    expect(page.locator("#bars-rows tr")).to_have_count(1)
    page.locator(".why").click()
    expect(page.locator("#why-verdict")).not_to_be_empty()
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
    assert 50_000 < transferred < 300_000


# ------------------------------------------------------------------------------- without seeing the page


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong, a line each."""
    found = page.evaluate(AXE + "; axe.run()")
    return [f"{rule['id']}: {node['html']}" for rule in found["violations"] for node in rule["nodes"]]


def press(*keys: str) -> Callable[[Page], None]:
    def do(page: Page) -> None:
        for key in keys:
            page.keyboard.press(key)

    return do


def open_why(page: Page) -> None:
    page.locator(".why").first.click()
    expect(page.locator("#why-account")).to_be_visible()


def find_nothing(page: Page) -> None:
    page.get_by_role("searchbox").fill("zz")
    expect(page.locator("#watchlist-none")).to_be_visible()


#: How to get into a state and out again.
STATES = {
    "live": (press(), press()),
    "table": (press("t"), press("t")),
    "candles": (press("k"), press("k", "k", "k")),
    "paused and zoomed": (press("Space", "+"), press("0", "Space")),
    "keys": (press("?"), press("Escape")),
    "why": (open_why, press("Escape")),
    "nothing found": (find_nothing, press("Escape")),
}


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1440), ("light", 390)])
def test_axe_finds_nothing_in_any_state(
    lab: ApiLab, server: Server, open_page: OpenPage, scheme: str, width: int
) -> None:
    lab.send(tick(100, 0, seq=1), tick(110, 1, seq=2), tick(111, 5, seq=9), tick(90, 2, seq=3))
    lab.send(tick(7, 0, symbol="MSFT", seq=1), partition=1)
    still: Callable[[Page], object] = lambda page: page.emulate_media(reduced_motion="reduce")  # noqa: E731
    page = open_page(server.url, viewport=(width, 900), scheme=scheme, before=still)
    wait_for_points(page, 3)
    expect(page.locator("#books-chip")).to_be_visible()
    found = {}
    for name, (enter, leave) in STATES.items():
        enter(page)
        found[name] = violations(page)
        leave(page)
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_axe_finds_nothing_on_an_empty_or_a_lost_page(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    expect(page.locator("#empty")).to_be_visible()
    assert violations(page) == []
    lost = open_page(server.url, before=blocking, complaints=("500",))
    lost.route("**/data", lambda route: route.fulfill(status=500, body="{}", content_type="application/json"))
    expect(lost.locator("#trouble")).to_be_visible()
    assert violations(lost) == []


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1440), ("light", 390)])
def test_axe_finds_nothing_on_the_description_of_the_api(
    server: Server, open_page: OpenPage, scheme: str, width: int
) -> None:
    page = open_page(server.url, viewport=(width, 900), scheme=scheme)
    page.keyboard.press("?")
    page.get_by_role("link", name="The API behind this page").click()
    expect(page.get_by_role("heading", name="GET /data", exact=True)).to_be_visible()
    assert violations(page) == []


def test_a_change_of_state_and_an_alert_are_said_and_ticks_are_not(
    lab: ApiLab, server: Server, open_page: OpenPage
) -> None:
    lab.send(tick(100, 0, seq=1))
    page = open_page(server.url)
    wait_for_points(page, 1)
    page.evaluate(
        """() => {
          window.said = []
          for (const region of document.querySelectorAll('[role=status], [role=log], [role=alert], [aria-live]')) {
            new MutationObserver(() => window.said.push(region.textContent.trim())).observe(
              region, { childList: true, characterData: true, subtree: true })
          }
        }"""
    )
    for n in range(1, 6):
        lab.send(tick(100 + n / 100, n, seq=n + 1))
    wait_for_points(page, 6)
    assert page.evaluate("said") == []
    lab.send(tick(110, 6, seq=7))
    expect(page.locator("#alerts-said")).to_have_text("⚠️ AAPL changed by 9.95%")
    lab.send(tick(120, 7, seq=8), tick(130, 8, seq=9))
    expect(page.locator("#alerts-said")).to_have_text("2 alerts, the last: ⚠️ AAPL changed by 8.33%")
    page.keyboard.press("Space")
    expect(page.locator("#link-said")).to_have_text("Paused")
    assert len(page.evaluate("said")) == 3
    expect(row(page, "AAPL").locator(".mark")).to_have_attribute("aria-label", "⚠️ AAPL changed by 8.33%")
