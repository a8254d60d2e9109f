"""Every notebook in the JupyterLab of `marketlab lab`, before anything is solved; and one as learners treat it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from marketlab.course import copy_notebooks, originals
from marketlab.lessons.card import EXERCISE
from marketlab.widgets.live import EVIDENCE
from marketlab.widgets.verdict import VERDICT
from tests.browser.conftest import OpenPage
from tests.browser.jupyter import EXPOSE_APP, PANEL, WATCH_MARKS, Jupyter, Notebook
from tests.process.commands import Home
from tests.support import eventually

pytestmark = [pytest.mark.browser, pytest.mark.notebook, pytest.mark.broker]

#: What makes live cells short.
SHORT = {"seconds": 2, "rate": 80}
ACCENT = {"light": "rgb(11, 102, 195)", "dark": "rgb(77, 163, 255)"}
NAMES = [path.name for path in originals()]
ONE, OTHER = "02_moving_average_alerts.ipynb", "03_analytics_layer.ipynb"
LIVE = "with LiveChart("  # begins the live part of ONE

Visit = Callable[..., Notebook]


@pytest.fixture(scope="module")
def jupyter(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """`marketlab lab` on copies that a learner has already, with short live cells."""
    folder, scratch = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")
    for copy in copy_notebooks(folder):
        shorten(copy.path)
    home = Home(
        scratch / ".marketlab",
        JUPYTER_CONFIG_DIR=str(scratch / "config"),
        JUPYTER_DATA_DIR=str(scratch / "data"),
        JUPYTER_RUNTIME_DIR=str(scratch / "runtime"),
        MARKETLAB_BOOTSTRAP_SERVERS=broker,
    )
    command = ("lab", "--folder", str(folder), "--no-browser", "--port", "0", "--json", "--", EXPOSE_APP)
    with home.running(*command) as running:
        line = eventually(lambda: running.out if "\n" in running.out else None, timeout_s=90, what="the address")
        announced = json.loads(line)
        parts = urlsplit(announced["url"])
        (token,) = parse_qs(parts.query)["token"]
        yield Jupyter(f"{parts.scheme}://{parts.netloc}/", token, announced["pid"], scratch / "config")


def shorten(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if "parameters" in cell["metadata"].get("tags", ()):
            text = "".join(cell["source"])
            for name, value in SHORT.items():
                text = re.sub(rf"^{name} = [\d.]+", f"{name} = {value}", text, flags=re.MULTILINE)
            cell["source"] = text
    path.write_text(json.dumps(notebook), encoding="utf-8")


@pytest.fixture
def visit(jupyter: Jupyter, open_page: OpenPage) -> Iterator[Visit]:
    """Opens a notebook; pages and kernels are gone afterwards."""
    pages: list[Page] = []

    def go(name: str, *, theme: str = "light", complaints: tuple[str, ...] = ()) -> Notebook:
        jupyter.set_theme(theme)
        page = open_page(
            jupyter.page_url(name),
            viewport=(1280, 9000),  # JupyterLab draws only what is near the window
            scheme=theme,
            complaints=complaints,
            before=lambda page: page.add_init_script(WATCH_MARKS),
        )
        pages.append(page)
        return Notebook(page)

    yield go
    for page in pages:  # before their kernels, which they would miss
        page.close()
    jupyter.end_kernels()


def has_ended_well(notebook: Notebook) -> None:
    """Its verdicts are right, and what lived has drawn and left its evidence."""
    verdicts = notebook.bundles(VERDICT)
    assert verdicts
    assert [verdict["notebook"] for verdict in verdicts if not verdict["ok"]] == []
    for verdict in verdicts:
        said = verdict["findings"][-1]["what"]
        notebook.show(f'"{verdict["notebook"]}"')
        expect(
            notebook.page.locator(f"{PANEL} .jp-OutputArea-output:has-text('✓')", has_text=said).last
        ).to_be_visible()
    live = [bundle for bundle in notebook.bundles(EVIDENCE) if "frames" in bundle]
    assert live
    assert [bundle for bundle in live if bundle["error"] or bundle["frames"] < 3] == []


@pytest.mark.parametrize("name", NAMES)
def test_all_cells_run_with_live_pictures_and_a_verdict(name: str, visit: Visit) -> None:
    theme = "light" if name == NAMES[-1] else "dark"
    notebook = visit(name, theme=theme)
    notebook.run_all()
    notebook.ended()
    has_ended_well(notebook)
    assert notebook.page.evaluate("window.marks") >= 3
    assert not {exercise["state"] for exercise in notebook.bundles(EXERCISE)} & {"pass"}
    colours = "(all) => all.flatMap((mark) => [getComputedStyle(mark).stroke, getComputedStyle(mark).fill])"
    drawn = notebook.page.locator(f"{PANEL} .marketlab svg *").evaluate_all(colours)
    assert ACCENT[theme] in drawn
    assert ACCENT["dark" if theme == "light" else "light"] not in drawn


def test_a_learner_interrupts_goes_on_from_the_middle_runs_all_twice_and_restarts(
    visit: Visit, jupyter: Jupyter
) -> None:
    notebook = visit(ONE, complaints=("Connection lost, reconnecting",))  # JupyterLab's own word at a restart
    page = notebook.page
    notebook.run_all()
    status = page.locator(f"{PANEL} .ml-status")
    expect(status.filter(has_text="● LIVE")).to_have_count(1, timeout=60_000)
    notebook.interrupt()
    expect(notebook.output(LIVE)).to_contain_text("KeyboardInterrupt")
    expect(status.filter(has_text="■ ended")).to_have_count(1)
    notebook.idle()
    stopped = notebook.standing()
    assert stopped["left"] > 0  # what stands below has not been run

    notebook.select(LIVE)
    notebook.menu("Run", "Run Selected Cell and All Below")
    notebook.ended(timeout_s=60)
    has_ended_well(notebook)

    for _ in range(2):
        since = notebook.standing()["counted"]
        notebook.run_all()
        notebook.ended(since=since)
        has_ended_well(notebook)
    expect(status.filter(has_text="● LIVE")).to_have_count(0)
    before = jupyter.processes()
    notebook.restart()
    eventually(lambda: not any(process.is_running() for process in before), what="the old kernel's end")
    notebook.idle()
    assert len(jupyter.processes()) == 1  # the new kernel, and nothing that the old one had started


def test_two_notebooks_at_once_do_not_meet(visit: Visit) -> None:
    notebooks = [visit(name) for name in (ONE, OTHER)]
    for notebook in notebooks:
        notebook.run_all()
    for notebook in notebooks:
        notebook.ended()
        has_ended_well(notebook)
