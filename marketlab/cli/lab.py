"""``marketlab lab``: JupyterLab on a learner's own copy of the notebooks."""

from __future__ import annotations

import os
import signal
import sys
import threading
import webbrowser
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click
from rich.markup import escape

from marketlab.cli.needs import need
from marketlab.cli.options import json_option
from marketlab.cli.output import err, out, print_json
from marketlab.course import FOLDER, copy_notebooks, reset_notebook
from marketlab.errors import MarketlabError
from marketlab.files import write_json
from marketlab.settings import PREFIX, Settings
from marketlab.wiring import kafka

__all__ = ["lab"]

STOP_S = 5.0

#: What JupyterLab would otherwise ask a newcomer before there is anything to see. The learner's own settings win.
LAB_SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


@click.command(
    help=f"JupyterLab on your own copy of the milestone notebooks, in {FOLDER}: it is never written over.",
    context_settings={"ignore_unknown_options": True},
)
@click.pass_obj
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), help=f"Where the copy lies.  [default: {FOLDER}]"
)
@click.option(
    "--reset", metavar="NN", help="Begin this notebook afresh, for instance 01; what you have is kept beside it."
)
@click.option("--port", type=click.IntRange(0, 65535), help="To listen on.  [default: 8888, or the next free one]")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@json_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- JUPYTER'S OWN OPTIONS]")
def lab(
    settings: Settings,
    *,
    folder: Path | None,
    reset: str | None,
    port: int | None,
    no_browser: bool,
    as_json: bool,
    arguments: tuple[str, ...],
) -> None:
    """JupyterLab on a learner's own copy of the notebooks."""
    need("jupyterlab", "ipykernel", "ipywidgets", "bqplot", "matplotlib", "pandas", extra="notebooks")
    folder = (folder or _default_folder()).absolute()
    opened = None
    if reset:
        opened, kept = reset_notebook(folder, reset)
        if kept:
            err.print(f"{opened.name} begins afresh; what you had is {kept.name}")
    copies = copy_notebooks(folder)
    for copy in copies:
        if copy.outdated:
            err.print(
                f"[dim]{copy.path.name} has a newer version; yours is left as it is "
                f"(marketlab lab --reset {copy.path.name[:2]} takes the new one and keeps yours)[/]"
            )
    opened = opened or copies[0].path
    page = f"lab/tree/{opened.name}"
    running = _running(folder)
    if running:
        _announce(f"{running['url']}{page}", running["token"], folder, as_json=as_json, pid=running["pid"])
        if not no_browser:
            webbrowser.open(_with_token(f"{running['url']}{page}", running["token"]))
        return
    _prepare(settings)
    argv = [
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.ip=127.0.0.1",
        "--log-level=ERROR",
        "--LabApp.log_level=ERROR",
        f"--LabApp.default_url=/{page}",
        *([f"--ServerApp.port={port}"] if port is not None else []),
        *(["--no-browser"] if no_browser else []),
        *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
        *arguments,
    ]
    with _Broker(settings):
        _serve(argv, page, folder, as_json=as_json)


def _default_folder() -> Path:
    """Beside where the learner stands; once inside, that folder itself."""
    here = Path.cwd()
    return here if here.name == FOLDER else here / FOLDER


def _prepare(settings: Settings) -> None:
    """What JupyterLab and the kernels that it starts inherit."""
    settings.home.mkdir(parents=True, exist_ok=True)
    jupyter = settings.home / "jupyter"
    write_json(jupyter / "labconfig" / "default_setting_overrides.json", LAB_SETTINGS)
    paths = [str(jupyter), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(paths)
    # This environment's kernel, before another one of the same name in the user's home.
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    # The notebooks lie a folder deeper than this command was run, and shall find the same home.
    os.environ[PREFIX + "HOME"] = str(settings.home)


def _serve(argv: list[str], page: str, folder: Path, *, as_json: bool) -> None:
    from jupyterlab.labapp import LabApp

    server = LabApp.initialize_server(argv=argv)  # from here on the port is ours
    address, identity = f"{server.connection_url}{page}", server.identity_provider
    identity.token_generated = False  # or Jupyter would print the address too, among other things

    def announce() -> None:
        _announce(address, identity.token, folder, as_json=as_json, pid=os.getpid())

    server.io_loop.add_callback(announce)  # once it answers
    if not sys.stdin.isatty():
        # There is nobody who could confirm it, and Jupyter would leave its kernels behind.
        signal.signal(signal.SIGINT, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    server.start()


def _running(folder: Path) -> dict[str, Any] | None:
    """A server of this user that already serves the folder."""
    from jupyter_server.serverapp import list_running_servers

    return next((info for info in list_running_servers() if Path(info["root_dir"]) == folder), None)


def _announce(address: str, token: str, folder: Path, *, as_json: bool, pid: int) -> None:
    url = _with_token(address, token)
    if as_json:
        print_json({"url": url, "folder": str(folder), "pid": pid})
        return
    out.print(f"notebooks  {escape(str(folder))}")
    out.print(f"JupyterLab {escape(url)}")
    if pid == os.getpid():
        err.print("[dim]Ctrl-C, twice, stops it[/]")
    else:
        err.print(f"[dim]it was running already, as process {pid}[/]")


def _with_token(address: str, token: str) -> str:
    return f"{address}?{urlencode({'token': token})}" if token else address


class _Broker:
    """The managed broker, started while JupyterLab loads, and held until it ends: kernels come and go.

    A notebook that needs it finds it, or says itself why it cannot be had.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lease = ExitStack()
        self._thread = threading.Thread(target=self._start, name="broker", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exc: object) -> None:
        self._thread.join(STOP_S)
        if not self._thread.is_alive():  # else it is being fetched; then it ends with this process
            self._lease.close()

    def _start(self) -> None:
        try:
            self._lease.enter_context(kafka(self._settings))
        except MarketlabError as error:
            err.print(f"[yellow]![/] {escape(error.message)}")
            err.print(f"  [dim]{escape(error.mend or '')}[/]")
