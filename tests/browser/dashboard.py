"""What the tests of the dashboard do to it, and read off it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

from tests.support import eventually

__all__ = ["ALERT_DARK", "REFUSED", "alert_pixels", "blocking", "hide", "points", "row", "view", "wait_for_points"]

ALERT_DARK = "rgb(255, 107, 107)"
#: What a browser writes on the console, whatever a page does, when nobody listens or somebody hangs up.
REFUSED = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "WebSocket connection to")


def row(page: Page, symbol: str) -> Locator:
    return page.locator(f'#watchlist-rows [data-symbol="{symbol}"]')


def points(page: Page) -> list[list[float]]:
    """The chart's prices and averages."""
    found: list[list[float]] = page.evaluate(
        "Chart.getChart('chart').data.datasets.map((set) => set.data.map((point) => point.y))"
    )
    return found


def wait_for_points(page: Page, count: int) -> None:
    # Playwright's own wait would evaluate text inside the page, which the page's policy forbids.
    eventually(lambda: len(points(page)[0]) == count, what=f"a chart of {count} points")


def view(page: Page) -> tuple[float, float]:
    """The times between which the chart shows something."""
    low, high = page.evaluate("(({ min, max }) => [min, max])(Chart.getChart('chart').scales.x)")
    return low, high


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


def blocking(page: Page) -> None:
    """Let no push through, as a proxy that knows no WebSockets."""
    page.route_web_socket("**/ws", lambda socket: socket.close())


def hide(page: Page, *, hidden: bool) -> None:
    """Make the page think that nobody, or somebody, can see it."""
    page.evaluate(
        """(hidden) => {
          Object.defineProperty(document, 'hidden', { configurable: true, value: hidden })
          document.dispatchEvent(new Event('visibilitychange'))
        }""",
        hidden,
    )
