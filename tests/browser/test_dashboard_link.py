"""How the page stands with its server: pushed to, asking, reconnecting, stale, hidden; and paused by a person."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from api import ApiConfig
from marketlab.errors import StoreError
from marketlab.testing.memory_store import MemoryStore
from tests.api_lab import NOW, ApiLab, Server, tick
from tests.browser.conftest import OpenPage, serving
from tests.browser.dashboard import REFUSED, blocking, hide, points, row, wait_for_points
from tests.support import eventually

pytestmark = pytest.mark.browser

POLLS = 3
LIVE, POLLING, RECONNECTING = "● LIVE", "◐ POLLING 0.2 s", re.compile(r"^↻ RECONNECTING [1-9]\d*$")


def link(page: Page) -> object:
    return page.locator("#link")


def wait_for_polls(page: Page, count: int = POLLS) -> list[int]:
    """Let the page ask for /data this many times; the statuses of the answers."""
    statuses = []
    for _ in range(count):
        with page.expect_response(lambda response: response.url.endswith("/data")) as answered:
            pass
        statuses.append(answered.value.status)
    return statuses


# ------------------------------------------------------------------------------------------------ pushed


def test_ticks_are_pushed_and_not_asked_for(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1), tick(101, 1, seq=2))
    lab.send(tick(7, 0, symbol="MSFT", seq=1), partition=1)
    asked: list[str] = []
    page = open_page(server.url, before=lambda page: page.on("request", lambda request: asked.append(request.url)))
    expect(link(page)).to_have_text(LIVE)
    wait_for_points(page, 2)
    # The small line's past is asked for last; evaluating lets what the page asked arrive here.
    eventually(lambda: page.evaluate("true") and any("/data/MSFT?" in url for url in asked))
    asked.clear()
    lab.send(tick(8, 1, symbol="MSFT", seq=2), partition=1)
    expect(row(page, "MSFT").locator(".number").first).to_have_text("8.00")
    assert points(page)[0] == [100, 101], "the tick of another symbol adds no point"
    lab.send(tick(101, 2, seq=3), tick(102, 3, seq=4), tick(103, 4, seq=5))
    wait_for_points(page, 5)
    assert points(page)[0] == [100, 101, 101, 102, 103], "none is left out"
    assert not [url for url in asked if "/data" in url]


def test_the_bar_shows_rate_and_lags_and_says_when_one_is_unknown(open_page: OpenPage) -> None:
    lab = ApiLab(config=ApiConfig(clock=lambda: NOW - 3600 + 1.5))
    lab.send(tick(100, 0, seq=1))
    with serving(lab) as server:
        page = open_page(server.url, complaints=REFUSED)
        expect(page.locator("#rate")).to_have_text("0")
        expect(page.locator("#group-lag")).to_have_text("–")
        lab.send(tick(101, 1, seq=2))
        expect(page.locator("#rate")).not_to_have_text("0")


def test_a_gap_in_the_sequence_is_filled_by_asking(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lost: list[int] = []

    def losing(socket: WebSocketRoute) -> None:
        upstream = socket.connect_to_server()

        def hand_on(message: str | bytes) -> None:
            said = json.loads(message)
            if said["type"] == "delta" and not lost:
                lost.append(said["seq"])
            else:
                socket.send(message)

        upstream.on_message(hand_on)

    lab.send(tick(100, 0, seq=1), tick(7, 0, symbol="MSFT", seq=1))
    page = open_page(server.url, before=lambda page: page.route_web_socket("**/ws", losing))
    wait_for_points(page, 1)
    lab.send(tick(101, 1, seq=2), tick(120, 2, seq=3), tick(8, 1, symbol="MSFT", seq=2))
    eventually(lambda: page.evaluate("1") and lost, what="a lost delta")  # asking lets Playwright hand on
    lab.send(tick(121, 3, seq=4))
    wait_for_points(page, 4)
    assert points(page)[0] == [100, 101, 120, 121]
    expect(page.locator("#alerts-list li")).to_have_count(2)
    expect(row(page, "MSFT").locator(".number").first).to_have_text("8.00")


def test_a_silent_connection_is_given_up(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    sockets: list[WebSocketRoute] = []

    def first_is_silent(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        if len(sockets) > 1:
            socket.connect_to_server()

    def before(page: Page) -> None:
        page.clock.install()
        page.route_web_socket("**/ws", first_is_silent)

    lab.send(tick(100, 0, seq=1))
    page = open_page(server.url, before=before)
    eventually(lambda: sockets, what="a connection")
    page.clock.fast_forward(6000)
    expect(link(page)).to_have_text(LIVE)
    wait_for_points(page, 1)
    assert len(sockets) == 2


# ------------------------------------------------------------------------------------------------ asking


def test_where_no_push_gets_through_the_page_asks_and_says_so(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    blocked = True

    def door(socket: WebSocketRoute) -> None:
        socket.close() if blocked else socket.connect_to_server()

    lab.send(tick(100, 0, seq=1), tick(101, 1, seq=2))
    page = open_page(server.url, before=lambda page: page.route_web_socket("**/ws", door))
    expect(link(page)).to_have_text(POLLING)
    wait_for_points(page, 2)
    assert set(wait_for_polls(page)) <= {200, 304}
    assert wait_for_polls(page) == [304] * POLLS, "an idle question costs nothing"
    expect(page.locator("#lag")).to_have_text("–")
    lab.send(tick(110, 2, seq=3), tick(111, 3, seq=4))
    wait_for_points(page, 4)
    assert points(page)[0] == [100, 101, 110, 111], "between two questions none is left out"
    expect(page.locator("#alerts-list li")).to_have_count(1)
    blocked = False
    expect(link(page)).to_have_text(LIVE)
    lab.send(tick(112, 4, seq=5))
    wait_for_points(page, 5)


def test_a_page_that_asks_says_so_once_however_often_a_push_is_tried(
    lab: ApiLab, server: Server, open_page: OpenPage
) -> None:
    tries: list[WebSocketRoute] = []

    def door(socket: WebSocketRoute) -> None:
        tries.append(socket)
        socket.close()

    def before(page: Page) -> None:
        page.route_web_socket("**/ws", door)
        page.add_init_script(
            """addEventListener('DOMContentLoaded', () => {
              window.seen = []
              for (const id of ['link', 'link-said']) {
                const element = document.getElementById(id)
                new MutationObserver(() => seen.push(element.textContent)).observe(element, { childList: true })
              }
            })"""
        )

    lab.send(tick(100, 0, seq=1))
    page = open_page(server.url, before=before)
    expect(link(page)).to_have_text(POLLING)
    begun = len(tries)
    eventually(lambda: page.evaluate("1") and len(tries) >= begun + 3, what="three more tries")
    wait_for_polls(page)
    assert page.evaluate("seen") == ["↻ CONNECTING", POLLING, "Polling"]


def test_people_are_asked_for_two_seconds_of_patience(open_page: OpenPage) -> None:
    lab = ApiLab()
    lab.send(tick(100, 0, seq=1))
    with serving(lab) as server:
        page = open_page(server.url, before=blocking, complaints=REFUSED)
        expect(link(page)).to_have_text("◐ POLLING 2 s")
        expect(page.locator("#age")).to_be_empty()


def test_a_quiet_market_is_told_from_a_broken_link(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1))
    page = open_page(server.url, before=lambda page: page.clock.install())
    expect(page.locator("#symbol-price")).to_have_text("100.00")
    expect(page.locator("#quiet")).to_be_empty()
    page.clock.run_for(9_000)
    expect(page.locator("#quiet")).to_have_text(re.compile(r"^no ticks for \d+ s, link fine$"))
    lab.send(tick(101, 1, seq=2))
    expect(page.locator("#quiet")).to_be_empty()


def test_a_server_that_hangs_makes_the_page_stale(lab: ApiLab, server: Server, open_page: OpenPage) -> None:
    held: list[Route] = []
    hangs = False

    def before(page: Page) -> None:
        page.clock.install()
        blocking(page)
        page.route("**/data", lambda route: held.append(route) if hangs else route.continue_())

    lab.send(tick(100, 0, seq=1))
    page = open_page(server.url, before=before)
    wait_for_points(page, 1)
    hangs = True
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


# ------------------------------------------------------------------------------------------------ lost


def test_a_lost_server_is_named_with_its_mend_and_found_again(lab: ApiLab, open_page: OpenPage) -> None:
    lab.send(tick(100, 0, seq=1))
    with serving(lab) as server:
        page = open_page(server.url, complaints=REFUSED)
        wait_for_points(page, 1)
    expect(link(page)).to_have_text(RECONNECTING)
    trouble = page.locator("#trouble")
    expect(trouble).to_be_visible()
    expect(page.locator("#trouble-wanted")).to_have_text(server.url + "data")
    expect(page.locator("#trouble-found")).to_have_text("no answer: the server cannot be reached")
    expect(trouble.locator("code")).to_have_text("marketlab up")
    expect(page.locator("#symbol-price")).to_have_text("100.00")
    lab.send(tick(101, 1, seq=2))
    with serving(lab, port=server.port):
        expect(link(page)).to_have_text(LIVE)
        expect(trouble).to_be_hidden()
        wait_for_points(page, 2)
        lab.send(tick(102, 2, seq=3))
        wait_for_points(page, 3)


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
        expect(row(page, "AAPL").locator(".mark")).to_be_empty()


@pytest.mark.parametrize("way", ["pushed", "asked"])
def test_another_database_that_is_larger_begins_afresh_too(lab: ApiLab, open_page: OpenPage, way: str) -> None:
    lab.send(*(tick(100 * 1.05**n, n, seq=n + 1) for n in range(6)))
    with serving(lab) as server:
        before = blocking if way == "asked" else lambda page: None
        page = open_page(server.url, complaints=REFUSED, before=before)
        wait_for_points(page, 6)
        expect(page.locator("#alerts-list li")).to_have_count(5)
    other = ApiLab(config=ApiConfig(poll_s=0.2, clock=lambda: NOW))
    other.send(*(tick(50 + n, n, seq=n + 1, run="r2") for n in range(2)))
    other.send(*(tick(7, n, symbol="MSFT", seq=n + 1, run="r2") for n in range(40)), partition=1)
    with serving(other, port=server.port):
        expect(row(page, "AAPL").locator(".number").first).to_have_text("51.00")
        wait_for_points(page, 2)
        assert points(page)[0] == [50, 51]
        expect(page.locator("#alerts-list li")).to_have_count(0)


def test_a_server_that_never_could_read_shows_neither_live_nor_empty(
    lab: ApiLab, server: Server, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> object:
        raise StoreError("marketlab.db is damaged", mend="Move it away.")

    lab.send(tick(100, 0, seq=1))
    with monkeypatch.context() as failing:
        failing.setattr(MemoryStore, "changes", fail)
        page = open_page(server.url, complaints=("503",))
        expect(link(page)).to_have_text("✗ UNREADABLE")
        expect(page.locator("#trouble-found")).to_have_text("marketlab.db is damaged")
        expect(page.locator("#trouble-mend")).to_have_text("Move it away.")
        expect(page.locator("#trouble code")).to_be_hidden()
        expect(page.locator("#empty")).to_be_hidden()
    expect(link(page)).to_have_text(LIVE)
    expect(page.locator("#trouble")).to_be_hidden()
    expect(page.locator("#symbol-price")).to_have_text("100.00")


def test_a_server_that_cannot_read_is_quoted_with_its_own_mend(
    lab: ApiLab, server: Server, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.send(tick(100, 0, seq=1))
    page = open_page(server.url, complaints=("503",), before=blocking)
    wait_for_points(page, 1)

    def fail() -> object:
        raise StoreError("marketlab.db is damaged", mend="Move it away.")

    with monkeypatch.context() as failing:
        failing.setattr(lab.store, "changes", fail)
        expect(page.locator("#trouble-found")).to_have_text("status 503: marketlab.db is damaged")
        expect(page.locator("#trouble-mend")).to_have_text("Move it away.")
        expect(page.locator("#trouble code")).to_be_hidden()
    expect(page.locator("#trouble")).to_be_hidden()


def test_a_hidden_page_hangs_up_and_catches_up_when_it_is_seen(
    lab: ApiLab, server: Server, open_page: OpenPage
) -> None:
    sockets: list[str] = []
    ended: list[str] = []

    def watch(page: Page) -> None:
        page.clock.install()

        def opened(socket: object) -> None:
            sockets.append("open")
            socket.on("close", lambda _: ended.append("close"))  # type: ignore[attr-defined]

        page.on("websocket", opened)

    lab.send(tick(100, 0, seq=1))
    page = open_page(server.url, before=watch)
    wait_for_points(page, 1)
    hide(page, hidden=True)
    eventually(lambda: page.evaluate("1") and ended, what="an end of the connection")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    lab.send(tick(101, 1, seq=2))
    page.clock.fast_forward(60_000)
    assert asked == []
    assert sockets == ["open"]
    hide(page, hidden=False)
    wait_for_points(page, 2)
    expect(link(page)).to_have_text(LIVE)
    expect(page.locator("#age")).to_be_empty()


# ------------------------------------------------------------------------------------------------ paused


@pytest.mark.parametrize("way", ["pushed", "asked"])
def test_a_pause_holds_everything_and_loses_nothing(lab: ApiLab, server: Server, open_page: OpenPage, way: str) -> None:
    lab.send(tick(100, 0, seq=1), tick(101, 1, seq=2))
    lab.send(tick(7, 0, symbol="MSFT", seq=1), partition=1)
    page = open_page(server.url, before=blocking if way == "asked" else lambda page: None)
    wait_for_points(page, 2)
    page.keyboard.press("Space")
    held = page.locator("#held")
    expect(held).to_have_text("0 behind")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    for n in range(2, 12):
        lab.send(tick(120 + n, n, seq=n + 1))
    lab.send(tick(7.01, 1, symbol="MSFT", seq=2), partition=1)
    expect(held).to_have_text("11 behind")
    expect(page.locator("#symbol-price")).to_have_text("101.00")
    expect(page.locator("#alerts-list li")).to_have_count(0)
    expect(row(page, "MSFT").locator(".number").first).to_have_text("7.00")
    row(page, "MSFT").click()
    wait_for_points(page, 1)
    assert points(page)[0] == [7], "what is chosen now is shown as it was then"
    row(page, "AAPL").click()
    wait_for_points(page, 2)
    page.get_by_role("button", name="Resume").click()
    wait_for_points(page, 12)
    assert points(page)[0] == [100, 101, *(120 + n for n in range(2, 12))]
    expect(row(page, "MSFT").locator(".number").first).to_have_text("7.01")
    expect(page.locator("#alerts-list li")).to_have_count(1)
    expect(held).to_be_hidden()


def test_an_answer_that_comes_after_the_pause_shows_what_was_there_before(
    lab: ApiLab, server: Server, open_page: OpenPage
) -> None:
    lab.send(tick(100, 0, seq=1), tick(101, 1, seq=2))
    page = open_page(server.url, before=blocking)
    wait_for_points(page, 2)
    held: list[Route] = []
    page.route("**/data/AAPL?limit=100", lambda route: route.continue_() if held else held.append(route))
    lab.send(tick(102, 2, seq=3))
    eventually(lambda: page.evaluate("1") and held, what="a question for the new tick")
    page.keyboard.press("Space")
    lab.send(tick(103, 3, seq=4))
    expect(page.locator("#held")).to_have_text("1 behind")
    held[0].continue_()
    wait_for_points(page, 3)
    assert points(page)[0] == [100, 101, 102]


def test_a_pause_asks_for_nothing_and_going_on_for_each_thing_once(
    lab: ApiLab, server: Server, open_page: OpenPage
) -> None:
    def before(page: Page) -> None:
        page.clock.install()
        blocking(page)

    lab.send(tick(100, 0, seq=1))
    page = open_page(server.url, before=before)
    received = page.locator("#books-table tr").first.locator("td")
    expect(received).to_have_text("1")
    lab.send(tick(101, 1, seq=2))
    wait_for_points(page, 2)
    page.keyboard.press("Space")
    expect(page.locator("#held")).to_have_text("0 behind")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(server.url)))
    page.clock.fast_forward(3000)
    for n in range(2, 8):
        lab.send(tick(100 + n, n, seq=n + 1))
        expect(page.locator("#held")).to_have_text(f"{n - 1} behind")
    assert set(asked) == {"data"}
    asked.clear()
    page.keyboard.press("Space")
    wait_for_points(page, 8)
    page.clock.fast_forward(3000)
    expect(received).to_have_text("8")
    pages = [path for path in asked if path.startswith("data/AAPL")]
    assert "data/AAPL?limit=100" in pages
    assert len(pages) == len(set(pages))


def test_the_question_for_a_symbol_that_was_left_holds_nothing_up(
    lab: ApiLab, server: Server, open_page: OpenPage
) -> None:
    lab.send(tick(100, 0, seq=1))
    lab.send(tick(7, 0, symbol="MSFT", seq=1), tick(8, 1, symbol="MSFT", seq=2), partition=1)
    page = open_page(server.url, before=lambda page: page.route("**/data/AAPL?limit=600", lambda _: None))
    expect(page.locator("#symbol-name")).to_have_text("AAPL")
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/data/AAPL?limit=600")):
        row(page, "MSFT").click()
    wait_for_points(page, 2)
    assert points(page)[0] == [7, 8]
    expect(page.locator("#symbol-name")).to_have_text("MSFT")
    expect(link(page)).to_have_text(LIVE)
