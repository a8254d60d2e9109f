"""How long a newcomer waits: from typing the README's first line to a living page in a browser.

    python benchmarks/first_line.py            # warm: everything is installed
    python benchmarks/first_line.py --cold     # a clean clone, empty caches: needs a network

The page counts as living when a real Chromium shows a price, and then shows another one.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
WAIT_MS = 600_000


def measure(clone: Path, environment: dict[str, str]) -> None:
    """Type the line, watch the page, print the three moments."""
    line = re.search(r"^\./scripts/setup && (.*) up$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert line is not None, "the README's first line has another form"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("MARKETLAB_BROWSER") or shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page()
        started = time.monotonic()
        up = subprocess.Popen(
            f"./scripts/setup && exec {line[1]} up --port 0",
            shell=True,
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert up.stderr is not None
            url = next(text.split()[-1] for text in up.stderr if text.startswith("dashboard"))
            threading.Thread(target=up.stderr.read, daemon=True).start()
            told = time.monotonic() - started
            page.goto(url)
            newest = page.locator("#ticks-rows tr").first
            expect(newest).to_be_visible(timeout=WAIT_MS)
            shown, text = time.monotonic() - started, newest.inner_text()
            expect(newest).not_to_have_text(text, use_inner_text=True, timeout=WAIT_MS)
            again = time.monotonic() - started
            print(f"address {told:.1f} s, first price on the page {shown:.1f} s, the next {again:.1f} s")
        finally:
            up.terminate()
            up.wait()
            browser.close()


def main() -> None:
    """Measure in a clean clone, or in this checkout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cold", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        environment = {**os.environ, "MARKETLAB_HOME": str(folder / "home")}
        clone = ROOT
        if given.cold:
            clone = folder / "clone"
            subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
            for variable in ("MARKETLAB_CACHE", "UV_CACHE_DIR", "PIP_CACHE_DIR"):
                environment[variable] = str(folder / variable.lower())
        measure(clone, environment)
        if not given.cold:
            measure(clone, environment)  # a second time, with the home's data in place


if __name__ == "__main__":
    main()
