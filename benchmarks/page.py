"""How fast and how dear the dashboard is: a real browser over the API as a process of its own.

    python benchmarks/page.py [--seconds 20] [--json]

* painted: from the return of a commit to the end of the first frame that shows it, at 1,000 ticks/s of 100 symbols.
* main thread: its processor time as a share of a core at 4 commits a second, each with a tick of 20 symbols.
* page: bytes over the wire and milliseconds until the list stands there and keys work, without a cache.

Needs Chromium (MARKETLAB_BROWSER names another). Times hold on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, sync_playwright
from push import server
from store import LOG, PARTITIONS, Batches

from marketlab.store import SqliteStore

WARM_S = 3.0
LOADS = 5
ARGUMENTS = ["--disable-gpu", "--no-sandbox"]

#: Notes, for each pushed message, when the frame after it was over: all that the page does with it happens before.
WATCH = """
  window.painted = []
  window.WebSocket = class extends WebSocket {
    constructor(address) {
      super(address)
      this.addEventListener('message', ({ data }) => {
        const { newest_id: newest } = JSON.parse(data)
        if (newest === undefined) return
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel()
          port1.onmessage = () => window.painted.push([newest, Date.now()])
          port2.postMessage(null)
        })
      })
    }
  }
"""

#: Notes when the first row of the list had been painted.
READY = """
  new MutationObserver((_, observer) => {
    if (!document.querySelector('#watchlist-rows .row') || !document.querySelector('#symbol-name')?.textContent) return
    observer.disconnect()
    requestAnimationFrame(() => setTimeout(() => { window.readyMs = performance.now() }))
  }).observe(document, { subtree: true, childList: true })
"""


class Writer:
    """Commits batches at a rate, in a thread; ``done`` holds the newest id and the time of each commit's return."""

    def __init__(self, home: Path, *, symbols: int) -> None:
        self.done: list[tuple[int, float]] = []
        self._batches = Batches(symbols=symbols, size=symbols, alerting=0.0)
        self._store = SqliteStore(home / "marketlab.db")
        self._positions = self._store.claim(LOG, range(PARTITIONS))
        self._size = symbols
        self._newest = 0

    def commit(self) -> None:
        """One batch: a tick of every symbol."""
        self._positions |= self._store.commit(self._batches.make(), expected=self._positions)
        self._newest += self._size
        self.done.append((self._newest, time.time()))

    def run(self, *, a_second: float, seconds: float) -> threading.Thread:
        """Commit in the background for a while."""

        def work() -> None:
            began = time.monotonic()
            for number in range(round(seconds * a_second)):
                time.sleep(max(0.0, began + number / a_second - time.monotonic()))
                self.commit()

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    def close(self) -> None:
        """Let go of the database."""
        self._store.close()


def painted(browser: Browser, folder: Path, seconds: float) -> dict[str, Any]:
    """Commit to painted, ms."""
    writer = Writer(folder, symbols=100)
    writer.commit()
    with server(folder) as (_, port):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.add_init_script(WATCH)
        load(page, port)
        running = writer.run(a_second=10, seconds=WARM_S + seconds)
        while running.is_alive():
            page.wait_for_timeout(200)
        page.wait_for_timeout(1000)
        shown: list[tuple[int, float]] = page.evaluate("painted")
        page.close()
    writer.close()
    late = []
    for newest, at in writer.done[round(WARM_S * 10) :]:
        first = next((when for seen, when in shown if seen >= newest), None)
        if first is None:
            raise SystemExit(f"row {newest} was never painted")
        late.append(first - at * 1000)
    late.sort()
    return {
        "ticks_per_second": 1000, "symbols": 100, "commits": len(late), "p50_ms": round(late[len(late) // 2], 1),
        "p99_ms": round(late[int(len(late) * 0.99)], 1),
    }  # fmt: skip


def main_thread(browser: Browser, folder: Path, seconds: float) -> dict[str, Any]:
    """Share of a core, percent."""
    writer = Writer(folder, symbols=20)
    for _ in range(200):
        writer.commit()
    with server(folder) as (_, port):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        load(page, port)
        running = writer.run(a_second=4, seconds=WARM_S + seconds + 1)
        page.wait_for_timeout(WARM_S * 1000)
        before, began = main_thread_s(), time.monotonic()
        page.wait_for_timeout(seconds * 1000)
        after, ended = main_thread_s(), time.monotonic()
        running.join()
        page.close()
    writer.close()
    return {"updates_per_second": 4, "symbols": 20, "core_pct": round(100 * (after - before) / (ended - began), 1)}


def main_thread_s() -> float:
    """Processor time of the main threads of all renderers of this process's browser, s."""
    renderers = [
        child for child in psutil.Process().children(recursive=True) if "--type=renderer" in " ".join(child.cmdline())
    ]
    threads = [thread for renderer in renderers for thread in renderer.threads() if thread.id == renderer.pid]
    return sum(thread.user_time + thread.system_time for thread in threads)


def first_load(browser: Browser, folder: Path) -> dict[str, Any]:
    """Bytes and milliseconds without a cache."""
    writer = Writer(folder, symbols=20)
    for _ in range(50):
        writer.commit()
    bytes_, ready = [], []
    with server(folder) as (_, port):
        for _ in range(LOADS):
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            page = context.new_page()
            page.add_init_script(READY)
            devtools = context.new_cdp_session(page)
            devtools.send("Network.enable")
            got: list[float] = []
            devtools.on("Network.loadingFinished", lambda event, got=got: got.append(event["encodedDataLength"]))
            load(page, port)
            page.wait_for_timeout(1000)
            bytes_.append(sum(got))
            ready.append(page.evaluate("readyMs"))
            context.close()
    writer.close()
    return {
        "loads": LOADS, "transferred_bytes": round(statistics.median(bytes_)),
        "interactive_ms": round(statistics.median(ready)),
    }  # fmt: skip


def load(page: Page, port: int) -> None:
    page.goto(f"http://127.0.0.1:{port}/dashboard")
    page.locator("#watchlist-rows .row").first.wait_for()


def main() -> None:
    """Measure all three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    program = os.environ.get("MARKETLAB_BROWSER") or next(filter(None, map(shutil.which, names)), None)
    if program is None:
        sys.exit("no Chromium found; install one or name it in MARKETLAB_BROWSER")
    found = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        for name in ("painted", "main_thread", "page"):
            (Path(folder) / name).mkdir()
        found["painted"] = painted(browser, Path(folder) / "painted", given.seconds)
        found["main_thread"] = main_thread(browser, Path(folder) / "main_thread", given.seconds)
        found["page"] = first_load(browser, Path(folder) / "page")
        browser.close()
    for name, figures in {} if given.json else found.items():
        print(f"{name:12}", ", ".join(f"{key} {value:,}" for key, value in figures.items()))
    if given.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
