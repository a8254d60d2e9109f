"""``marketlab serve``, which is also ``python -m api``: the API and the dashboard of a home."""

from __future__ import annotations

import errno
import ipaddress
import logging
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import click

from api import ApiConfig, create_asgi
from api.config import LOOPBACK_NAMES
from api.cors import allowed_origins
from api.listening import listen, most_files
from api.serving import Server
from marketlab.cli.options import json_option, transport_option
from marketlab.cli.output import err, out, print_json
from marketlab.cli.running import stop_on_eof, stopping
from marketlab.errors import MarketlabError, SettingsError
from marketlab.ports import PostedTick, Store
from marketlab.settings import Settings
from marketlab.wiring import api_token, commit_times, group_lag, open_explainer, open_reader, open_store, rule

__all__ = ["ListenError", "main", "serve"]

DEFAULT_PORT = 5000
NEXT_PORTS = 50  # how many are tried after the default one, then any


class ListenError(MarketlabError):
    """The address or port cannot be listened on."""


@click.command(help="The API and the dashboard, on 127.0.0.1 unless told otherwise.")
@click.pass_obj
@click.option("--host", help="Address to listen on (MARKETLAB_HOST).  [default: 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port to listen on, 0 for any (MARKETLAB_PORT).  [default: 5000, or the next free one]",
)
@click.option("--read-only", is_flag=True, help="Refuse POST /update; beyond this machine this or a token is needed.")
@click.option(
    "--allow-host",
    "allowed",
    multiple=True,
    metavar="NAME",
    help="A further name that requests may be addressed to, e.g. that of a reverse proxy; can be repeated.",
)
@click.option(
    "--cors-origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="Another origin whose pages may use the API, e.g. https://lab.example; can be repeated "
    "(MARKETLAB_CORS_ORIGINS).",
)
@transport_option
@click.option("--open", "open_page", is_flag=True, help="Open the dashboard in the browser.")
@json_option
@click.option("--until-eof", is_flag=True, hidden=True)
def serve(
    settings: Settings,
    *,
    host: str | None,
    port: int | None,
    read_only: bool,
    allowed: Sequence[str],
    origins: Sequence[str],
    transport: str,
    open_page: bool,
    as_json: bool,
    until_eof: bool,
) -> None:
    """The API and the dashboard."""
    host = settings.host if host is None else host
    loopback = _is_loopback(host)
    token = api_token(settings)
    if not (loopback or read_only or token):
        raise SettingsError(
            f"listening on {host} would let everybody who can reach it write",
            mend="Add `--read-only`, or make a token for writing first: `marketlab token --write`.",
        )
    # The library's warnings and the tracebacks of failed requests; standard output is for results.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # A broker that is away is no trouble here: the lag is unknown.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    config = ApiConfig(
        hosts=LOOPBACK_NAMES | {name.lower() for name in (host, *allowed)},
        any_address=not loopback,
        token=None if read_only else token,
        cors_origins=allowed_origins(origins or (settings.cors_origins or "").split(","), read_only=read_only),
        rule=rule(settings),
        home=str(settings.home) if loopback else None,
        max_clients=min(ApiConfig().max_clients, most_files() * 3 // 4),  # the rest is for requests
        hidden=None if loopback else str(settings.home),
        explain=open_explainer(settings, transport),
    )
    with (
        stopping() as stop,
        _listen(host, settings.port if port is None else port, as_json=as_json) as listener,
        open_reader(settings) as reader,
        open_reader(settings) as watch,
        group_lag(settings) as lag,
        _writer(settings, read_only=read_only) as post,
    ):
        app = create_asgi(
            config, reader=reader, post=post, watch=watch, lag=lag, commits=lambda: commit_times(settings)
        )
        url = _url(host, listener)

        def announce() -> None:
            _announce(url, as_json=as_json, read_only=read_only)
            if open_page:
                threading.Thread(target=_open, args=(url + "dashboard",), daemon=True).start()

        server = Server(app, announce)
        if until_eof:
            stop_on_eof(stop)
        threading.Thread(target=server.exit_on, args=(stop,), name="serve-stop", daemon=True).start()
        server.run(sockets=[listener])


def main() -> None:
    """``python -m api …`` is ``marketlab serve …``."""
    from marketlab.cli import main as marketlab

    sys.argv.insert(1, "serve")
    marketlab()


# --------------------------------------------------------------------------------------------- what is posted


@contextmanager
def _writer(settings: Settings, *, read_only: bool) -> Iterator[Callable[[Sequence[PostedTick]], int] | None]:
    """What keeps posted records, or None. The store lives in one thread, and is only made by the first POST."""
    if read_only:
        yield None
        return
    opened: list[Store] = []

    def keep(ticks: Sequence[PostedTick]) -> int:
        if not opened:
            opened.append(open_store(settings))
        return opened[0].post(ticks)

    with ThreadPoolExecutor(1, thread_name_prefix="store") as thread:
        try:
            yield lambda ticks: thread.submit(keep, ticks).result()
        finally:
            thread.submit(lambda: [store.close() for store in opened]).result()


# --------------------------------------------------------------------------------------------- the address


@contextmanager
def _listen(host: str, port: int | None, *, as_json: bool) -> Iterator[socket.socket]:
    """A socket that listens: on the port that was asked for, or on the default one or the next that is free."""
    listener = _bind(host, port) if port is not None else _bind_next(host)
    with listener:
        found = listener.getsockname()[1]
        if port is None and found != DEFAULT_PORT and not as_json:
            err.print(f"[dim]port {DEFAULT_PORT} is taken, {found} is used instead[/]")
        yield listener


def _bind(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ListenError(
                f"port {port} on {host} was wanted, another program listens there",
                mend="Stop that program, choose another `--port`, or leave `--port` out for the next free one.",
            ) from error
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise ListenError(
            f"cannot listen on {host} port {port}: {reason}",
            mend="Choose an address of this machine and a port above 1023.",
        ) from error


def _bind_next(host: str) -> socket.socket:
    for port in range(DEFAULT_PORT, DEFAULT_PORT + NEXT_PORTS):
        try:
            return _bind(host, port)
        except ListenError as error:
            if not (isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE):
                raise
    return _bind(host, 0)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _url(host: str, listener: socket.socket) -> str:
    """An address that works in a browser on this machine."""
    try:
        everywhere = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        everywhere = False
    name = "127.0.0.1" if everywhere else f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}/"


def _announce(url: str, *, as_json: bool, read_only: bool) -> None:
    page = url + "dashboard"
    if as_json:
        print_json({"url": url, "dashboard_url": page, "pid": os.getpid(), "read_only": read_only})
        return
    out.print(f"dashboard {page}")
    out.print(f"data      {url}data" + ("  (read-only)" if read_only else ""))
    err.print("[dim]Ctrl-C stops it[/]")


def _open(page: str) -> None:
    if not webbrowser.open(page):
        err.print(f"[dim]no browser could be opened; the page is {page}[/]")
