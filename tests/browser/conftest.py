"""A real browser for the tests of the page, and a page that may not complain."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from api import ApiConfig
from tests.api_lab import NOW, ApiLab, Server
from tests.browser.chromium import chromium, find_program
from tests.support import require

POLL_S = 0.2  # a tenth of what people get, so that tests need not wait
DEADLINE_MS = 20_000
PREFIX = "/user/x/proxy/5000"

expect.set_options(timeout=DEADLINE_MS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    require(find_program(), "no Chromium found; install one or name it in MARKETLAB_BROWSER")
    with chromium() as running:
        yield running


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens pages whose console must stay clean; what a test expects there it names in ``complaints``."""
    watched: list[tuple[list[str], tuple[str, ...]]] = []
    contexts: list[BrowserContext] = []

    def make(
        url: str,
        *,
        viewport: tuple[int, int] = (1440, 900),
        scheme: Any = "dark",
        complaints: tuple[str, ...] = (),
        before: Callable[[Page], object] = lambda page: None,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": viewport[0], "height": viewport[1]},
            color_scheme=scheme,
            timezone_id="Europe/Berlin",
        )
        contexts.append(context)
        context.set_default_timeout(DEADLINE_MS)
        page = context.new_page()
        heard: list[str] = []
        watched.append((heard, complaints))
        page.on("console", lambda message: heard.append(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => console.error(`CSP: ${e.violatedDirective}`))"
        )
        before(page)
        page.goto(url)
        return page

    yield make
    for context in contexts:
        context.close()
    for heard, complaints in watched:
        assert [text for text in heard if not any(part in text for part in complaints)] == []


@pytest.fixture
def lab() -> ApiLab:
    return ApiLab(config=ApiConfig(poll_s=POLL_S, clock=lambda: NOW))


@contextmanager
def serving(lab: ApiLab, *, port: int = 0) -> Iterator[Server]:
    with Server(lab.asgi(), port=port) as running:
        yield running


@pytest.fixture
def server(lab: ApiLab) -> Iterator[Server]:
    with serving(lab) as running:
        yield running


@pytest.fixture
def proxied(server: Server) -> Iterator[tuple[str, list[str]]]:
    """The address of the server below a prefix, and the paths that were asked for outside of it."""
    strays: list[str] = []

    class Proxy(socketserver.BaseRequestHandler):
        """One request a connection; what follows its head is handed on as it comes, so WebSockets get through."""

        def handle(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = self.request.recv(65536)
                if not piece:
                    return
                head += piece
            method, path, *lines = head.replace(b"\r\n", b" ", 1).split(b" ", 2)
            if not path.startswith(PREFIX.encode() + b"/"):
                strays.append(path.decode())
                self.request.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            head = b" ".join([method, path.removeprefix(PREFIX.encode()), *lines]).replace(
                b"HTTP/1.1 ", b"HTTP/1.1\r\n", 1
            )
            head = head.replace(b"Connection: keep-alive", b"Connection: close")
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as upstream:
                upstream.sendall(head)
                back = threading.Thread(target=_pump, args=(upstream, self.request))
                back.start()
                _pump(self.request, upstream)
                back.join(20)

    with ExitStack() as stack:
        proxy = stack.enter_context(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy))
        proxy.daemon_threads = True
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        stack.callback(thread.join, 20)
        stack.callback(proxy.shutdown)
        yield f"http://127.0.0.1:{proxy.server_address[1]}{PREFIX}/", strays


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Hand on until the source ends, then tell the target."""
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
