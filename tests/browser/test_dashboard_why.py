"""Why did this alert fire: the panel, its verdicts, its address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from playwright.sync_api import expect

from api import ApiConfig
from marketlab.errors import TransportError
from marketlab.model import Alert
from marketlab.provenance import Explanation, explain
from marketlab.wire import encode
from tests.api_lab import LOG, NOW, ApiLab, Server, tick
from tests.browser.conftest import OpenPage
from tests.browser.dashboard import row

pytestmark = pytest.mark.browser

TICKS = [tick(price, n, seq=n + 1) for n, price in enumerate((100.0, 101.0, 100.0, 104.0))]


class Log:
    """The log as it is when somebody asks."""

    def __init__(self) -> None:
        self.values: dict[int, bytes] | None = {offset: encode(tick) for offset, tick in enumerate(TICKS)}

    def explain(self, alert: Alert) -> Explanation:
        return explain(alert, read=self._read)

    def _read(self, _: int, offsets: Iterable[int]) -> Mapping[int, bytes | None]:
        if self.values is None:
            raise TransportError("the broker does not run")
        return {offset: self.values[offset] for offset in offsets if offset in self.values}


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def lab(log: Log) -> ApiLab:
    lab = ApiLab(config=ApiConfig(poll_s=0.2, clock=lambda: NOW, explain=log.explain))
    lab.send(*TICKS)
    return lab


def test_why_shows_the_rule_the_ticks_and_that_it_comes_out_again(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.get_by_role("link", name="why did AAPL alert?").click()
    panel = page.get_by_role("dialog", name="Why did AAPL alert?")
    expect(panel.locator("#why-verdict")).to_have_text("✓ confirmed")
    expect(panel.locator("#why-change")).to_have_text("▲ AAPL +4.00 %")
    expect(panel.locator("#why-rule")).to_have_text(
        "104.00 is 4.00 % above 100.00, the price before; the rule alerts at 3 %."
    )
    rows = panel.locator("#why-ticks tr")
    expect(rows).to_have_count(4)
    expect(rows.nth(3).locator("th, td")).to_have_text(["3", "104.00", "104.00", "✓the same"])
    expect(panel.locator("#why-results tr").nth(0).locator("th, td")).to_have_text(
        ["MA(5)", "101.25", "101.25", "✓the same"]
    )
    expect(panel.locator("#why-results tr").nth(2).locator("th, td")).to_have_text(["Alert", "yes", "yes", "✓the same"])
    expect(panel.locator("#why-place dd")).to_have_text(["7 Nov 2024 17:20:03", LOG, "0", "3"])
    expect(panel.locator("#why-command")).to_have_text("marketlab explain 1")
    expect(panel.get_by_role("link", name="Open in notebook")).to_have_attribute("href", "notebook?symbol=AAPL&tick=4")
    assert page.url.endswith("#AAPL/alert/1")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page).to_have_url(server.url + "#AAPL")
    expect(page.locator(".why")).to_be_focused()


def test_an_address_leads_to_the_panel(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(7, 0, symbol="BCH/EUR", seq=1), tick(8, 1, symbol="BCH/EUR", seq=2), partition=1)
    page = open_page(server.url + "#BCH%2FEUR/alert/2")
    panel = page.get_by_role("dialog", name="Why did BCH/EUR alert?")
    expect(panel).to_be_visible()
    expect(page.locator("#symbol-name")).to_have_text("BCH/EUR")
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()
    row(page, "AAPL").click()
    expect(page.locator("#symbol-name")).to_have_text("AAPL")
    page.goto(server.url + "#AAPL/alert/1")
    expect(page.get_by_role("dialog", name="Why did AAPL alert?")).to_be_visible()


@pytest.mark.parametrize(
    ("values", "verdict", "cells"),
    [
        ("differs", "✗ differs", ["3", "104.00", "99.00", "✗another one"]),
        ("gone", "✗ gone from the log", ["3", "104.00", "–", "not known"]),
        ("unreachable", "– log not reachable", ["3", "104.00", "–", "not known"]),
    ],
)
def test_what_cannot_be_confirmed_is_called_what_it_is(
    log: Log, lab: ApiLab, server: Server, open_page: OpenPage, values: str, verdict: str, cells: list[str]
) -> None:
    known = log.values or {}
    log.values = {
        "differs": {**known, 3: encode(tick(99.0, 3, seq=4))}, "gone": {0: known[0], 1: known[1]}, "unreachable": None,
    }[values]  # fmt: skip
    page = open_page(server.url + "#AAPL/alert/1")
    expect(page.locator("#why-verdict")).to_have_text(verdict)
    expect(page.locator("#why-ticks tr").nth(3).locator("th, td")).to_have_text(cells)
    expect(page.locator("#why-detail")).not_to_be_empty()


def test_an_alert_that_is_not_there_says_so(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url + "#AAPL/alert/99", complaints=("404",))
    expect(page.locator("#why-state")).to_contain_text("Alert 99 could not be had: status 404")
    expect(page.locator("#why-account")).to_be_hidden()
