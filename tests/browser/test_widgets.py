"""Every widget in a real JupyterLab: live in both themes, heard while a cell runs, and gone when it should be."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psutil
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.jupyter import PANEL, Jupyter, Notebook, serving, write_notebook
from tests.support import eventually

pytestmark = [pytest.mark.browser, pytest.mark.notebook]

ACCENT = {"light": "rgb(11, 102, 195)", "dark": "rgb(77, 163, 255)"}

GALLERY = """
import threading, time
from types import SimpleNamespace
from IPython.display import display
from marketlab.widgets import *

line, chart, candles = StatusLine("sent", "alerts"), LiveChart("AAPL"), Candles("AAPL", seconds=0.5)
watchlist, feed, books, lanes = Watchlist(), AlertFeed(), BooksPanel(), Lanes(1)
view = PartitionView(lanes)
panel = ControlPanel(lambda choice: (), print)
everything = [line, chart, candles, watchlist, feed, books, view, panel]
display(*everything)
"""
LIVE = """
for number in range(seconds * 20):
    price = 100.0 + number % 7 + 50 * (number > 30)
    tick = {"symbol": "AAPL", "price": price, "timestamp": time.time(), "offset": number, "partition": 0}
    tick |= {"moving_average": 101.0, "alert": "x", "change_pct": 42.0} if number == 31 else {"moving_average": 101.0}
    for widget in (chart, candles, watchlist, feed):
        widget.push(tick)
    line.push({"sent": number + 1, "alerts": int(number > 30)})
    books.push({"balanced": True, "partitions": [], "runs": [dict(run="r", state="open", produced=None, stored=number,
               late=0, refused=0, lost=0, gaps=[], balanced=True)]})
    lanes.add(SimpleNamespace(partition=0, offset=number, key="AAPL"))
    time.sleep(0.05)
"""
AFTER = """
alive = sum(thread.name.startswith("marketlab ") for thread in threading.enumerate())
print("threads", alive, "errors", [w.error for w in everything if w.error], "frames", min(w.frames for w in everything))
"""
#: Looks at the times below charts frame by frame: which were seen, and which of them not where they should be.
WATCH_TIMES = """() => {
  window.times = new Set();
  window.astray = new Set();
  const look = () => {
    for (const tick of document.querySelectorAll(".marketlab .bqplot .axis[text-anchor=middle] .tick")) {
      const text = tick.querySelector("text");
      times.add(text.textContent);
      const aside = new DOMMatrix(getComputedStyle(text).transform).e;
      if (aside || getComputedStyle(tick.querySelector("line")).display !== "none") astray.add(text.textContent);
    }
    requestAnimationFrame(look);
  };
  look();
}"""


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    folder = tmp_path_factory.mktemp("gallery")
    write_notebook(folder / "gallery.ipynb", ["seconds = 600  # how long it is live", GALLERY.strip(), LIVE, AFTER])
    with serving(folder, tmp_path_factory.mktemp("jupyter"), MARKETLAB_HOME=str(folder / "home")) as running:
        yield running


def colour(line: Locator) -> str:
    return str(line.evaluate("(line) => getComputedStyle(line).stroke"))


def button(page: Page, name: str) -> Locator:
    return page.locator(f"{PANEL} .ml-button", has_text=re.compile(f"^{re.escape(name)}$")).first


def test_every_widget_is_live_heard_while_a_cell_runs_and_gone_when_it_should_be(
    jupyter: Jupyter, open_page: OpenPage
) -> None:
    page = open_page(
        jupyter.page_url("gallery.ipynb"),
        viewport=(1280, 2400),
        scheme="light",
        complaints=("Connection lost, reconnecting",),  # JupyterLab's own word when a kernel is restarted
    )
    notebook = Notebook(page)
    notebook.run_all()

    # Everything moves, in the colours of the theme.
    body = page.locator(f"{PANEL} .stick_body").last
    chart_line = page.locator(f"{PANEL} .marketlab:has(.ml-button:text-is('Pause')):has(.bqplot) path.line").last
    page.evaluate(WATCH_TIMES)
    notebook.moves(chart_line, "d", times=3)
    notebook.moves(body, "d", times=2)
    expect(page.locator(f"{PANEL} .ml-status", has_text="● LIVE")).to_have_count(7)
    assert colour(chart_line) == ACCENT["light"]
    for box in page.locator(f"{PANEL} .marketlab").all():
        shown = box.bounding_box()
        assert shown
        assert shown["height"] <= 290  # 280 and the space around

    # Buttons are heard although the cell runs.
    button(page, "Why?").click()
    expect(page.locator(f"{PANEL} .marketlab", has_text="this tick")).to_have_count(1)
    button(page, "Pause").click()
    expect(page.locator(f"{PANEL} .ml-status", has_text=re.compile(r"⏸ [1-9]\d* behind"))).to_have_count(1)
    button(page, "Go on").click()
    button(page, "+").click()
    expect(page.locator(f"{PANEL} .ml-status", has_text="● LIVE")).to_have_count(7)
    page.locator(f"{PANEL} .bqplot path.dot, {PANEL} .bqplot .dot_grp path").last.hover(force=True)
    expect(page.locator(".bqplot_mark_tooltip", has_text=re.compile(r"\d\d:\d\d:\d\d\.\d\d\d"))).to_have_count(1)

    # A time stands below its place from the first frame on.
    before = page.evaluate("times.size")
    eventually(lambda: page.evaluate("times.size") >= before + 2, what="two more times below the charts")
    assert page.evaluate("[...astray]") == []

    # The theme changes under them.
    page.get_by_role("menubar").get_by_text("Settings", exact=True).click()
    page.get_by_text("Theme", exact=True).hover()
    page.get_by_text("JupyterLab Dark", exact=True).click()
    eventually(lambda: colour(chart_line) == ACCENT["dark"], what="the dark accent")
    notebook.moves(chart_line, "d", times=2)

    # An interrupt ends the loop; the widgets stay, and the cells can be run again from the middle.
    notebook.interrupt()
    notebook.idle()
    notebook.run("StatusLine(")
    notebook.idle()
    notebook.retype("how long it is live", "seconds = 2  # how long it is live")
    for _ in range(2):
        notebook.run_all()
        expect(notebook.output("alive = sum")).to_contain_text("threads", timeout=60_000)
        notebook.idle()
        said = notebook.output("alive = sum").inner_text()
        assert re.search(r"threads 8 errors \[\] frames [1-9]", said), said
    kernels = [process for process in jupyter.processes() if process.is_running()]

    notebook.restart()
    eventually(lambda: any(not process.is_running() for process in kernels), what="the old kernel's end")
    notebook.idle()
    assert len([p for p in jupyter.processes() if p.status() != psutil.STATUS_ZOMBIE]) == 1  # the new kernel
