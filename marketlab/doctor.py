"""What is installed, reachable, free and wrong, each with the mend. Looks, and changes nothing."""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
from packaging.requirements import Requirement

from marketlab import __version__
from marketlab.broker import ManagedBroker
from marketlab.broker.jars import JarCache, jar_list, kafka_version
from marketlab.broker.runtime import check_platform, java, runtime_id
from marketlab.errors import MarketlabError
from marketlab.ports import StoreReader
from marketlab.settings import Settings

__all__ = ["Finding", "examine"]

DISTRIBUTION = "marketlab-pipeline"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "firefox")
NOTEBOOKS = ("jupyterlab", "ipykernel", "ipywidgets", "bqplot", "papermill")
LOW_BYTES, VERY_LOW_BYTES = 2_000_000_000, 300_000_000
CONNECT_S = 3.0
QUICK_BYTES = 500_000_000  # of a database that is looked through in a few seconds
LARGE_LOG_BYTES = 100_000_000  # the writer makes it smaller at 64 MiB if it can
SHOWN_PROBLEMS = 5
DEEP = "`marketlab doctor --deep` does."


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``state``: ``ok``, ``note`` (works without it) or ``wrong``."""

    what: str
    state: str
    found: str
    mend: str = ""

    def as_dict(self) -> dict[str, str]:
        """As ``marketlab doctor --json`` prints it."""
        return asdict(self)


def examine(
    settings: Settings, *, open_reader: Callable[[Settings], StoreReader], deep: bool = False
) -> Iterator[Finding]:
    """Look at everything, one finding a thing, in the order in which things are needed.

    :param deep: look through a database of any size; a small one always is
    """
    yield _python()
    yield from _packages()
    yield _platform()
    yield _runtime()
    yield _jars(settings)
    yield _broker(settings)
    yield _port("dashboard port", settings.port or 5000, "the next free one is taken")
    yield _home(settings.home)
    yield from _disks(settings)
    yield from _database(settings, open_reader, deep=deep)
    yield _browser()


def _python() -> Finding:
    found = f"marketlab {__version__}, Python {platform.python_version()} at {sys.executable}"
    if sys.version_info < (3, 11):  # noqa: UP036 (this is the one place that is asked)
        return Finding("python", "wrong", found, "Use Python 3.11 or newer.")
    return Finding("python", "ok", found)


def _packages() -> Iterator[Finding]:
    """Every requirement of the distribution: is it there, and new enough?"""
    try:
        stated = [Requirement(text) for text in requires(DISTRIBUTION) or ()]
    except PackageNotFoundError:
        yield Finding("packages", "wrong", "marketlab is not installed", "Run ./scripts/setup in the checkout.")
        return
    missing: list[str] = []
    wrong: list[str] = []
    notebooks: list[str] = []
    for need in stated:
        optional = need.marker is not None and not need.marker.evaluate({"extra": ""})
        if need.name == DISTRIBUTION or (need.marker and not optional and not need.marker.evaluate()):
            continue
        try:
            found = version(need.name)
        except PackageNotFoundError:
            (notebooks if optional else missing).append(need.name)
            continue
        if found not in need.specifier:
            wrong.append(f"{need.name} {found} (wanted {need.specifier})")
    mend = "Run ./scripts/setup again."
    if missing or wrong:
        yield Finding("packages", "wrong", "; ".join([*(f"no {name}" for name in missing), *wrong]), mend)
    else:
        yield Finding("packages", "ok", "all that are needed, in versions that work")
    if notebooks:
        yield Finding("notebook stack", "note", f"no {', '.join(sorted(set(notebooks)))}", mend)
    else:
        yield Finding("notebook stack", "ok", ", ".join(f"{name} {version(name)}" for name in NOTEBOOKS))


def _platform() -> Finding:
    found = f"{platform.system()} {platform.machine()}"
    try:
        check_platform()
    except MarketlabError as error:
        return Finding("platform", "wrong", error.message, error.mend or "")
    return Finding("platform", "ok", found)


def _runtime() -> Finding:
    try:
        program = java()
        found = re.search(r'JAVA_VERSION="([^"]+)"', runtime_id(program))
        return Finding("java runtime", "ok", f"Java {found[1] if found else 'of unknown version'} at {program}")
    except MarketlabError as error:
        return Finding("java runtime", "wrong", error.message, error.mend or "")


def _jars(settings: Settings) -> Finding:
    cache = JarCache(settings.cache / "kafka")
    missing = len(cache.missing())
    if missing:
        return Finding(
            "kafka's jars",
            "note",
            f"{missing} of {len(jar_list())} are not in {cache.folder}",
            "They are fetched at the first start; that needs the network, once.",
        )
    return Finding("kafka's jars", "ok", f"Kafka {kafka_version()}, {len(jar_list())} jars in {cache.folder}")


def _broker(settings: Settings) -> Finding:
    if settings.bootstrap_servers:
        return _own_kafka(settings.bootstrap_servers)
    status = ManagedBroker(settings.broker_home, cache=settings.cache, port=settings.broker_port).status()
    if status.running:
        return Finding("broker", "ok", f"runs at {status.bootstrap_servers} as process {status.pid}")
    return Finding("broker", "ok", "does not run; `marketlab up` starts it")


def _own_kafka(servers: str) -> Finding:
    for server in servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()
        except (OSError, ValueError) as error:
            return Finding(
                "broker",
                "wrong",
                f"your own Kafka at {server} cannot be reached: {error}",
                "Start it, or unset MARKETLAB_BOOTSTRAP_SERVERS to use the managed broker.",
            )
    return Finding("broker", "ok", f"your own Kafka at {servers} answers")


def _port(what: str, port: int, otherwise: str) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return Finding(what, "note", f"127.0.0.1:{port} is taken", f"Then {otherwise}.")
    return Finding(what, "ok", f"127.0.0.1:{port} is free")


def _home(home: Path) -> Finding:
    nearest = next(folder for folder in (home, *home.parents) if folder.exists())
    if not os.access(nearest, os.W_OK):
        return Finding("home", "wrong", f"{nearest} cannot be written", "Choose another one: marketlab --home DIR")
    return Finding("home", "ok", f"{home}{'' if home.exists() else ' (made at the first start)'}")


def _disks(settings: Settings) -> Iterator[Finding]:
    for what, folder in (("disk of the home", settings.home), ("disk of the cache", settings.cache)):
        nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(nearest).free
        found = f"{free / 1e9:,.1f} GB free at {nearest}"
        if free < VERY_LOW_BYTES:
            yield Finding(what, "wrong", found, "Make room; the pipeline waits while the disk is full.")
        elif free < LOW_BYTES:
            yield Finding(what, "note", found, "That is little; a million ticks take about 0.1 GB.")
        else:
            yield Finding(what, "ok", found)


def _database(settings: Settings, open_reader: Callable[[Settings], StoreReader], *, deep: bool) -> Iterator[Finding]:
    path = settings.database
    if not path.exists():
        yield Finding("database", "ok", "none yet")
        return
    size = path.stat().st_size
    try:
        with open_reader(settings) as reader:
            symbols = len(reader.latest())
            yield Finding("database", "ok", f"{path}, {size / 1e6:,.1f} MB, {symbols} symbols")
            if deep or size <= QUICK_BYTES:
                yield _soundness(list(islice(reader.problems(), SHOWN_PROBLEMS)))
            else:
                yield Finding("its contents", "note", "not looked through, for that takes a while", DEEP)
    except MarketlabError as error:
        yield Finding("database", "wrong", error.message, error.mend or "")
    yield from _write_ahead_log(path)


def _soundness(problems: list[str]) -> Finding:
    if not problems:
        return Finding("its contents", "ok", "whole, and its rows agree with its books")
    return Finding(
        "its contents",
        "wrong",
        "; ".join(problems),
        "Stop marketlab and put a backup in its place, or move it away: a new one is filled from the log again.",
    )


def _write_ahead_log(database: Path) -> Iterator[Finding]:
    """A log that grows is held by a reader that has not let go of what it saw."""
    log = database.with_name(f"{database.name}-wal")
    size = log.stat().st_size if log.exists() else 0
    if size > LARGE_LOG_BYTES:
        yield Finding(
            "write-ahead log",
            "note",
            f"{size / 1e6:,.0f} MB: a reader holds an old snapshot; open in {', '.join(_who_has(database)) or '?'}",
            "Close the cursor or end the process; at 1 GB nothing more is written until it lets go.",
        )


def _who_has(path: Path) -> Iterator[str]:
    for process in psutil.process_iter(["pid", "name"]):
        with suppress(psutil.Error):
            if any(Path(file.path) == path for file in process.open_files()):
                yield f"process {process.pid} ({process.name()})"


def _browser() -> Finding:
    wanted = os.environ.get("BROWSER")
    found = next((name for name in (wanted, *BROWSERS) if name and shutil.which(name)), None)
    if found or sys.platform in ("darwin", "win32"):
        return Finding("browser", "ok", found or "the system's")
    return Finding("browser", "note", "none found", "Open the dashboard's address in a browser on another screen.")


def summary(findings: list[Finding]) -> dict[str, Any]:
    """All findings as one JSON object; ``ok`` is false if anything is wrong."""
    return {
        "ok": all(finding.state != "wrong" for finding in findings),
        "findings": [finding.as_dict() for finding in findings],
    }
