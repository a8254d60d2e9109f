"""A real JupyterLab over a folder of notebooks, and what a person does in it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import psutil
from playwright.sync_api import Locator, Page, expect

from tests.support import eventually

__all__ = ["Jupyter", "Notebook", "serving", "write_notebook"]

START_MS = 120_000  # JupyterLab and a kernel, on a machine that is busy
PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SETTINGS: dict[str, Any] = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
}


def write_notebook(path: Path, cells: Sequence[str]) -> None:
    """A notebook of code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(notebook, path)


class Jupyter:
    """A server that runs; its kernels are its children."""

    def __init__(self, url: str, token: str, pid: int, config: Path) -> None:
        self.url = url
        self.token = token
        self._pid = pid
        self._config = config

    def page_url(self, notebook: str) -> str:
        """Of a notebook in a workspace of its own, so that no page opens again what another one had open."""
        return f"{self.url}lab/workspaces/{Path(notebook).stem}/tree/{notebook}?token={self.token}"

    def set_theme(self, theme: str) -> None:
        """For pages that are opened from now on."""
        folder = self._config / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "themes.jupyterlab-settings").write_text(json.dumps({"theme": THEMES[theme]}))

    def end_kernels(self) -> None:
        """End all kernels, and wait until they and what they had started are gone."""
        left = self.processes()
        for kernel in self._ask("GET", "api/kernels"):
            self._ask("DELETE", f"api/kernels/{kernel['id']}")
        _, alive = psutil.wait_procs(left, timeout=20)
        assert [process.cmdline() for process in alive] == []

    def _ask(self, method: str, path: str) -> Any:
        request = urllib.request.Request(f"{self.url}{path}?token={self.token}", method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or b"null")

    def processes(self) -> list[psutil.Process]:
        """Everything that runs below the server: kernels, and what they have started."""
        return psutil.Process(self._pid).children(recursive=True)


@contextmanager
def serving(folder: Path, scratch: Path, **variables: str) -> Iterator[Jupyter]:
    """Run JupyterLab.

    :param folder: with the notebooks
    :param scratch: for its own files
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token, config = secrets.token_hex(8), scratch / "config"
    labconfig = config / "labconfig"
    labconfig.mkdir(parents=True, exist_ok=True)
    (labconfig / "default_setting_overrides.json").write_text(json.dumps(SETTINGS))
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_DATA_DIR": str(scratch / "data"),
        "JUPYTER_RUNTIME_DIR": str(scratch / "runtime"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        **variables,
    }
    argv = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--log-level=ERROR",
        f"--ServerApp.root_dir={folder}", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
        f"--IdentityProvider.token={token}", EXPOSE_APP,
    ]  # fmt: skip
    with (scratch / "server.log").open("wb") as log:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
    url = f"http://127.0.0.1:{port}/"
    try:
        eventually(lambda: process.poll() is not None or _answers(url, token), timeout_s=90, what="JupyterLab")
        assert process.poll() is None, (scratch / "server.log").read_text()
        yield Jupyter(url, token, process.pid, config)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _answers(url: str, token: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}api/status?token={token}", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


#: So that a test can ask the page for what it holds, drawn or not.
EXPOSE_APP = "--LabApp.expose_app_in_browser=True"
#: Counts how often a drawing of ours has changed, in ``window.marks``.
WATCH_MARKS = """
addEventListener("DOMContentLoaded", () => {
  window.marks = 0;
  const drawn = (node) => node.nodeType === 1 && (node.closest("svg") || node.querySelector("svg"));
  new MutationObserver((changes) => {
    const ours = changes.filter(({target}) => target.nodeType === 1 && target.closest(".marketlab"));
    if (ours.some(({target, addedNodes}) => target.closest("svg") || [...addedNodes].some(drawn))) window.marks += 1;
  }).observe(document, {subtree: true, childList: true, attributeFilter: ["d", "points", "transform"]});
});
"""
#: How far the notebook of a page is: cells that have not ended since it had counted so far, and errors.
STANDING = """
(since) => {
  const {content, sessionContext} = window.jupyterapp.shell.currentWidget;
  const code = [...content.model.cells].filter((cell) => cell.type === "code" && cell.sharedModel.source.trim());
  const outputs = code.flatMap((cell) => cell.outputs.toJSON());
  return {
    counted: Math.max(0, ...code.map((cell) => cell.executionCount ?? 0)),
    left: code.filter((cell) => !(cell.executionCount > since)).length,
    idle: sessionContext.session?.kernel?.status === "idle",
    errors: outputs.filter((output) => output.output_type === "error").map(({ename, evalue}) => `${ename}: ${evalue}`),
  };
}
"""
#: Makes a cell the active one and brings it into view, by its number or by what stands in it; gives its source.
SHOW = """
async (which) => {
  const {content} = window.jupyterapp.shell.currentWidget;
  const says = (cell) => cell.type === "code" && cell.sharedModel.source.includes(which);
  const number = typeof which === "number" ? which : [...content.model.cells].findIndex(says);
  if (number < 0) throw new Error(`no cell says ${which}`);
  content.activeCellIndex = number;
  await content.scrollToItem(number, "start");
  return content.activeCell.model.sharedModel.source;
}
"""


class Notebook:
    """A notebook that is open in a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.locator(f"{PANEL} .jp-Cell").first.wait_for(timeout=START_MS)
        self.idle()

    def idle(self) -> None:
        """Wait until the kernel has nothing to do."""
        expect(self.page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=START_MS)

    def menu(self, name: str, item: str) -> None:
        self.page.get_by_role("menubar").get_by_text(name, exact=True).click()
        self.page.get_by_text(item, exact=True).first.click()

    def run_all(self) -> None:
        self.menu("Run", "Run All Cells")

    def cell(self, text: str) -> Locator:
        return (
            self.page.locator(f"{PANEL} .jp-CodeCell")
            .filter(has=self.page.locator(".jp-InputArea", has_text=text))
            .first
        )

    def output(self, text: str) -> Locator:
        """The output of the cell whose source has this text."""
        return self.cell(text).locator(".jp-OutputArea").first

    def show(self, which: str | int) -> str:
        """Bring a cell into view, by a piece of its source or by its number; its source.

        JupyterLab draws only what is near the window.
        """
        return str(self.page.evaluate(SHOW, which))

    def select(self, text: str) -> None:
        """Make the cell whose source has this text the active one."""
        self.cell(text).locator(".jp-InputPrompt").click()

    def run(self, text: str) -> None:
        """Run the cell whose source has this text."""
        self.select(text)
        self.page.keyboard.press("Control+Enter")

    def retype(self, text: str, new: str) -> None:
        """Replace the source of the cell that has this text."""
        self.cell(text).locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(new)

    def interrupt(self) -> None:
        self.menu("Kernel", "Interrupt Kernel")

    def restart(self) -> None:
        self.menu("Kernel", "Restart Kernel…")
        self.page.locator(".jp-Dialog .jp-mod-accept").click()

    def standing(self, *, since: int = 0) -> dict[str, Any]:
        """How far it is.

        :param since: a cell has ended if its number is higher
        """
        found: dict[str, Any] = self.page.evaluate(STANDING, since)
        return found

    def ended(self, *, since: int = 0, timeout_s: float = 120.0) -> None:
        """Wait until every cell has been run; an error fails at once."""

        def over() -> bool:
            now = self.standing(since=since)
            assert now["errors"] == []
            return bool(now["left"] == 0 and now["idle"])

        eventually(over, timeout_s=timeout_s, what="the last cell's end")

    def bundles(self, media_type: str) -> list[Any]:
        """What the outputs have of a media type, in order."""
        cells = self.page.evaluate("jupyterapp.shell.currentWidget.content.model.toJSON().cells")
        bundles = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
        return [bundle[media_type] for bundle in bundles if media_type in bundle]

    def moves(self, what: Locator, attribute: str, *, times: int) -> None:
        """Wait until an attribute of an element has changed so often."""
        seen = {what.get_attribute(attribute)}

        def changed() -> bool:
            seen.add(what.get_attribute(attribute))
            return len(seen) > times

        eventually(changed, timeout_s=60, what=f"{times} changes of {attribute}")
