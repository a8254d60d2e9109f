"""How fast notebook widgets are: from the kernel to the painted picture, in a real JupyterLab.

One chart with 1,000 points, then eight at once, pushed to 20 times a second and drawn 5 times a second. The delay runs
from the moment a chart's thread begins to draw to the frame in which the browser shows it; both clocks are this
machine's. A page that falls behind has a queue that grows: the last third of the pictures then comes later than the
first.

    .venv/bin/python benchmarks/widgets.py [--seconds 20] [--browser PROGRAM]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median, quantiles

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.browser.jupyter import PANEL, Notebook, serving, write_notebook

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

BEGIN = """
import json, time
from IPython.display import display
from marketlab.widgets import LiveChart

drawn = {}
class Timed(LiveChart):
    def draw(self):
        began = time.time()
        text = super().draw()
        drawn.setdefault(self.name, []).append((self._plot.x.max, began))
        return text
"""
RUN = """
def bench(many, seconds):
    drawn.clear()
    charts = [Timed("AAPL", name=f"bench {number}") for number in range(many)]
    now = time.time()
    for chart in charts:
        for number in range(1000):
            chart.push({"symbol": "AAPL", "price": 100 + number % 17, "timestamp": now - 50 + number / 20,
                        "moving_average": 104.0})
        display(chart)
    end = now + seconds
    while time.time() < end:
        for chart in charts:
            chart.push({"symbol": "AAPL", "price": 100 + time.time() % 17, "timestamp": time.time(),
                        "moving_average": 104.0})
        time.sleep(0.05)  # the pace of the ticks
    for chart in charts:
        chart._flusher._closed.set()  # it stops, and its picture stays to be looked at
    time.sleep(2)  # for the browser to paint the last frames
    print("DRAWN" + json.dumps(drawn))
"""
#: Notes when each chart's line changes, in the frame after it was painted. The line's last place tells which it is.
WATCH = """() => {
  window.painted = []
  const last = new Map()
  const look = () => {
    document.querySelectorAll('.marketlab .bqplot').forEach((figure, chart) => {
      const line = [...figure.querySelectorAll('path.line')].pop()?.getAttribute('d')
      if (line && line !== last.get(chart)) {
        last.set(chart, line)
        const channel = new MessageChannel()  // after the paint of this frame
        channel.port1.onmessage = () => window.painted.push([chart, performance.timeOrigin + performance.now()])
        channel.port2.postMessage(0)
      }
    })
    requestAnimationFrame(look)
  }
  look()
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each is live")
    parser.add_argument("--browser", help="program; default: a Chromium that is installed")
    options = parser.parse_args()
    program = options.browser or next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for charts in (1, 8):
            # A server each: JupyterLab would open the notebook of the first one again.
            with tempfile.TemporaryDirectory() as scratch:
                folder = Path(scratch, "notebooks")
                folder.mkdir()
                write_notebook(folder / "bench.ipynb", [BEGIN, RUN, f"bench({charts}, {options.seconds})"])
                with serving(folder, Path(scratch), MARKETLAB_HOME=str(Path(scratch, "home"))) as jupyter:
                    page = browser.new_page(viewport={"width": 1280, "height": 320 * charts + 700})
                    page.goto(jupyter.page_url("bench.ipynb"))
                    measure(page, charts, seconds=options.seconds)
                    page.close()
        browser.close()
    load = os.getloadavg()[0]
    print(f"machine: {os.cpu_count()} cores, load {load:.1f} at the end")


def measure(page: Page, charts: int, *, seconds: float) -> None:
    notebook = Notebook(page)
    page.evaluate(WATCH)
    notebook.run_all()
    told = notebook.page.locator(f"{PANEL} .jp-OutputArea-output pre", has_text="DRAWN{").last
    told.wait_for(state="attached", timeout=(seconds + 120) * 1000)
    text = told.text_content() or ""
    drawn: dict[str, list[list[float]]] = json.loads(text.partition("DRAWN")[2])
    painted: list[list[float]] = page.evaluate("window.painted")
    timed: list[tuple[float, float]] = []  # when a picture was begun, and how long it took to be seen
    for number, name in enumerate(sorted(drawn)):
        shown = sorted(at / 1000 for chart, at in painted if chart == number)
        moments = distinct(drawn[name], since=shown[0] if shown else float("inf"))
        timed += [(began, found - began) for began, found in pairs(moments, shown)]
    delays = [delay for _, delay in sorted(timed)]
    middle, worst = (quantiles(delays, n=100)[at] * 1000 for at in (49, 94))
    early, late = (median(part) * 1000 for part in (delays[: len(delays) // 3], delays[-len(delays) // 3 :]))
    print(
        f"{charts} chart{'s' if charts > 1 else ''} of 1,000 points, 5 Hz: kernel to paint p50 {middle:.0f} ms, "
        f"p95 {worst:.0f} ms; {len(delays) / charts / seconds:.1f} pictures a second a chart; "
        f"p50 of the first third {early:.0f} ms, of the last {late:.0f} ms"
    )


def distinct(moments: list[list[float]], *, since: float) -> list[float]:
    """When a picture that was a new one was begun."""
    found: list[float] = []
    last = None
    for edge, began in moments:
        if edge != last and began >= since:
            found.append(began)
        last = edge
    return found


def pairs(drawn: list[float], painted: list[float]) -> list[tuple[float, float]]:
    """Each picture that was drawn with the first one painted after it."""
    found = []
    for began in drawn:
        after = next((at for at in painted if at >= began), None)
        if after is not None:
            found.append((began, after))
    return found


if __name__ == "__main__":
    main()
