"""Notebook 01 in a real JupyterLab: the marks move, people see it in both themes, and an interrupt leaves nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.process.commands import Home
from tests.support import eventually

pytestmark = [pytest.mark.browser, pytest.mark.notebook, pytest.mark.broker]

START_MS = 120_000  # JupyterLab and a kernel, on a machine that is busy
RUN_MS = 150_000
NOTEBOOK = ".jp-NotebookPanel:not(.lm-mod-hidden)"
FIRST_CELLS = 4  # of code, up to the first live chart, after the one with the parameters
ACCENT = {"light": "rgb(11, 102, 195)", "dark": "rgb(77, 163, 255)"}

Lab = Callable[..., Page]


@pytest.fixture
def lab(tmp_path: Path, broker: str, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Opens notebook 01 with `marketlab lab`; its console must stay clean."""
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "jupyter" / "config"
    home = Home(
        tmp_path / ".marketlab",
        JUPYTER_CONFIG_DIR=str(config),
        JUPYTER_DATA_DIR=str(tmp_path / "jupyter" / "data"),
        JUPYTER_RUNTIME_DIR=str(tmp_path / "jupyter" / "runtime"),
        MARKETLAB_BOOTSTRAP_SERVERS=broker,
    )
    pages: list[Page] = []
    with home.running("lab", "--no-browser", "--port", "0", "--json") as running:

        def open_lab(*, theme: str = "light") -> Page:
            settings = config / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
            settings.mkdir(parents=True, exist_ok=True)
            name = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}[theme]
            (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": name}))
            line = eventually(lambda: running.out if "\n" in running.out else None, timeout_s=90, what="the address")
            page = open_page(json.loads(line)["url"], viewport=(1280, 900), scheme=theme)
            pages.append(page)
            page.locator(f"{NOTEBOOK} .jp-Cell").first.wait_for(timeout=START_MS)
            expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=START_MS)
            return page

        yield open_lab
        for page in pages:  # before the server goes, which it would miss
            page.close()


def run_all(page: Page) -> None:
    page.get_by_role("menubar").get_by_text("Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()


def run_first_cells(page: Page) -> None:
    """As a learner does: Shift+Enter from the top."""
    page.locator(f"{NOTEBOOK} .jp-Cell").first.click()
    page.keyboard.press("Escape")
    code = 0
    kinds = "(panel) => [...document.querySelectorAll(`${panel} .jp-Cell`)].map((cell) => cell.className)"
    for kind in page.evaluate(kinds, NOTEBOOK):
        page.keyboard.press("Shift+Enter")
        code += "jp-CodeCell" in kind
        if code == FIRST_CELLS + 1:
            return


def chart(page: Page) -> Locator:
    return page.locator(".marketlab:has(.bqplot)").first


def path_of(page: Page) -> str:
    """The line that is drawn."""
    return chart(page).locator("path.line").last.get_attribute("d") or ""


def colour_of(page: Page) -> str:
    """The colour that the line has in this theme."""
    return str(chart(page).locator("path.line").last.evaluate("(line) => getComputedStyle(line).stroke"))


def moves(page: Page, times: int) -> None:
    """Wait until the line that is drawn has changed so many times."""
    seen = {path_of(page)}

    def changed() -> bool:
        seen.add(path_of(page))
        return len(seen) > times

    eventually(changed, timeout_s=60, what=f"{times} changes of the line")


def bring_into_view(page: Page, what: Locator) -> None:
    """A notebook draws only what is near the window."""
    panel = f"{NOTEBOOK} .jp-WindowedPanel-outer"
    page.evaluate("(panel) => { document.querySelector(panel).scrollTop = 1e9 }", panel)
    what.wait_for(timeout=START_MS)
    what.scroll_into_view_if_needed()


def test_all_cells_run_and_the_marks_of_the_first_chart_move(lab: Lab) -> None:
    page = lab()
    run_all(page)
    chart(page).wait_for(state="attached", timeout=START_MS)
    moves(page, 5)
    assert colour_of(page) == ACCENT["light"]
    box = chart(page).bounding_box()
    assert box is not None
    assert box["height"] <= 280

    verdict = page.locator(".jp-OutputArea-output:has-text('shares of 1, 2, 3, 4 readers')").last
    eventually(lambda: execution_count(page) >= last_cell(page), timeout_s=RUN_MS / 1000, what="the last cell's end")
    bring_into_view(page, verdict)
    assert verdict.inner_text().count("✓") == 7
    assert "✗" not in verdict.inner_text()


def execution_count(page: Page) -> int:
    """The highest number of a cell that has ended."""
    prompts = page.locator(f"{NOTEBOOK} .jp-InputPrompt").all_inner_texts()
    return max((int(match[1]) for text in prompts if (match := re.fullmatch(r"\[(\d+)\]:", text))), default=0)


def last_cell(page: Page) -> int:
    """How many cells of code there are."""
    return int(page.evaluate("(p) => document.querySelectorAll(`${p} .jp-CodeCell`).length", NOTEBOOK))


def test_an_interrupt_ends_the_chart_and_the_cell_can_be_run_again(lab: Lab) -> None:
    page = lab(theme="dark")
    run_first_cells(page)
    chart(page).wait_for(timeout=START_MS)
    moves(page, 2)
    assert colour_of(page) == ACCENT["dark"]
    page.get_by_role("menubar").get_by_text("Kernel", exact=True).click()
    page.get_by_text("Interrupt Kernel", exact=True).click()
    # A still picture in the same colours has taken the widget's place.
    still = page.locator(f"{NOTEBOOK} .jp-OutputArea-output:has-text('■ ended')").first
    still.wait_for(timeout=START_MS)
    assert still.locator("polyline").last.evaluate("(line) => getComputedStyle(line).stroke") == ACCENT["dark"]
    assert chart(page).count() == 0
    expect(page.locator(f"{NOTEBOOK} .jp-OutputArea-output:has-text('KeyboardInterrupt')").first).to_be_visible()
    # Again, and there is one chart, not two.
    page.locator(f"{NOTEBOOK} .jp-CodeCell:has-text('LiveChart')").first.locator(".jp-InputPrompt").click()
    page.keyboard.press("Shift+Enter")
    expect(chart(page)).to_contain_text("● LIVE", timeout=START_MS)
    moves(page, 2)
    assert page.locator(".marketlab:has(.bqplot)").count() == 1
