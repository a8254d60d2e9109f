"""Kafka's jars: a committed list with checksums, fetched once per user, verified at every start.

A fetched jar waits in ``staging/`` until its checksum is right, then takes its place in one rename: what lies in
``jars/`` is whole. An interrupted fetch goes on where it was, jar by jar.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from marketlab.broker.locks import FileLock, held_by
from marketlab.broker.progress import Progress
from marketlab.errors import BrokerError

__all__ = ["Jar", "JarCache", "jar_list", "kafka_version"]

NETWORK_TIMEOUT_S = 15
FETCHERS = 4  # 45 small files: most of the time is spent waiting for answers
ATTEMPTS = 2

OFFLINE_MEND = (
    "Check the network (behind a proxy: HTTPS_PROXY) and try again; what is already here is kept. "
    "Without a network: --transport tape:FILE, or your own Kafka with MARKETLAB_BOOTSTRAP_SERVERS."
)


@dataclass(frozen=True, slots=True)
class Jar:
    """One row of the list; ``size`` in bytes, ``sha256`` in hex."""

    group: str
    artifact: str
    version: str
    sha256: str
    size: int

    @property
    def filename(self) -> str:
        """As Maven names it; unique in the list."""
        return f"{self.artifact}-{self.version}.jar"

    def matches(self, path: Path) -> bool:
        """Whether a file is exactly this jar."""
        try:
            if path.stat().st_size != self.size:
                return False
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


#: Brings a jar into a folder and returns where it put it; calls back with the bytes as they come.
Fetch = Callable[[Jar, Path, Callable[[int], None]], Path]


@cache
def jar_list() -> tuple[Jar, ...]:
    """The committed list, sorted by file name: the order of the class path."""
    rows = files(__package__).joinpath("jars.txt").read_text(encoding="utf-8").splitlines()
    jars = []
    for row in rows:
        if row and not row.startswith("#"):
            group, artifact, version, sha256, size = row.split()
            jars.append(Jar(group, artifact, version, sha256, int(size)))
    return tuple(sorted(jars, key=lambda jar: jar.filename))


def kafka_version() -> str:
    """Version of the managed Kafka, for example ``4.4.0``."""
    return next(jar.version for jar in jar_list() if jar.artifact.startswith("kafka_"))


class JarCache:
    """The jars of the list in a folder that all homes of a user share.

    :param folder: made when needed
    :param jars: what is wanted; default: the committed list
    :param fetch: how a jar is brought; default: through jgo, which knows the registry
    """

    def __init__(self, folder: Path, *, jars: tuple[Jar, ...] | None = None, fetch: Fetch | None = None) -> None:
        self.folder = folder
        self.jars = jar_list() if jars is None else jars
        self._fetch = fetch or fetch_with_jgo

    @property
    def paths(self) -> list[Path]:
        """Where each jar is or will be, in the order of the class path."""
        return [self.folder / "jars" / jar.filename for jar in self.jars]

    def missing(self) -> list[Jar]:
        """Jars that are not here or not whole. Reads and hashes every file: 25 to 100 ms."""
        with ThreadPoolExecutor(2) as pool:
            whole = pool.map(Jar.matches, self.jars, self.paths)
            return [jar for jar, good in zip(self.jars, whole, strict=True) if not good]

    def ensure(self, *, progress: Progress) -> list[Path]:
        """Fetch what is missing or damaged; without a network nothing needs to be missing.

        One process fetches, others wait for it: as long as it lives, for it has time limits of its own.

        :returns: the paths of all jars, each verified
        :raises BrokerError: no network, not found, another content than the list names, no space
        """
        if not self.missing():
            return self.paths
        lock = FileLock(self.folder / "lock")
        if not lock.acquire(timeout_s=0):
            progress.stage(f"Waiting for process {held_by(lock.path)}, which fetches Kafka")
            lock.acquire()
        try:
            missing = self.missing()
            if missing:
                self._check_space(missing)
                progress.stage(
                    f"Fetching Apache Kafka {kafka_version()} ({len(missing)} jars)",
                    total_bytes=sum(jar.size for jar in missing),
                )
                self._bring_all(missing, progress)
        finally:
            lock.release()
        return self.paths

    def _check_space(self, missing: list[Jar]) -> None:
        wanted = sum(jar.size for jar in missing)
        free = shutil.disk_usage(self.folder).free
        if free < wanted:
            raise BrokerError(
                f"no space left on device: Kafka's jars need {wanted / 1e6:.0f} MB in {self.folder}, "
                f"{free / 1e6:.0f} MB are free",
                mend="Free some space, or name another folder with MARKETLAB_CACHE.",
            )

    def _bring_all(self, missing: list[Jar], progress: Progress) -> None:
        staging = self.folder / "staging"
        shutil.rmtree(staging, ignore_errors=True)  # of a fetch that was killed
        bring = _Bringer(self._fetch, staging, self.folder / "jars", progress)
        with ThreadPoolExecutor(FETCHERS, thread_name_prefix="fetch-jar") as pool:
            tasks = [pool.submit(bring, jar) for jar in missing]
            try:
                for task in tasks:
                    task.result()
            except BaseException:
                bring.stop()  # the first error or Ctrl-C ends all: no waiting for 40 more time-outs
                pool.shutdown(cancel_futures=True)
                raise
        shutil.rmtree(staging, ignore_errors=True)


class _StoppedError(Exception):
    """Another jar failed, or the user gave up."""


class _Bringer:
    """Brings one jar after another, from several threads."""

    def __init__(self, fetch: Fetch, staging: Path, target: Path, progress: Progress) -> None:
        self._fetch = fetch
        self._staging = staging
        self._target = target
        self._progress = progress
        self._telling = threading.Lock()
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True

    def __call__(self, jar: Jar) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            came = 0

            def advance(n_bytes: int) -> None:
                nonlocal came
                came += n_bytes
                self._advance(n_bytes)

            with self._translated(jar):
                path = self._fetch(jar, self._staging / str(attempt), advance)
                if jar.matches(path):
                    self._advance(jar.size - came)
                    self._target.mkdir(parents=True, exist_ok=True)
                    path.replace(self._target / jar.filename)
                    return
                found = f"{path.stat().st_size} bytes"
                path.unlink()
            self._advance(-came)
        raise BrokerError(
            f"{jar.filename} should have {jar.size} bytes with sha256 {jar.sha256[:16]}…, "
            f"but {found} with another checksum came, {ATTEMPTS} times",
            mend="Something between here and the registry changes files: try from another network.",
        )

    def _advance(self, n_bytes: int) -> None:
        if self._stopped:
            raise _StoppedError
        with self._telling:
            self._progress.advance(n_bytes)

    @contextmanager
    def _translated(self, jar: Jar) -> Iterator[None]:
        from requests.exceptions import RequestException

        try:
            yield
        except RequestException as exc:
            raise BrokerError(f"Kafka's jars cannot be fetched: {_innermost(exc)}", mend=OFFLINE_MEND) from exc
        except RuntimeError as exc:  # jgo, for every answer but 200
            raise BrokerError(
                f"the registry did not give {jar.group}:{jar.artifact}:{jar.version}", mend=OFFLINE_MEND
            ) from exc
        except OSError as exc:
            full = exc.errno in {errno.ENOSPC, errno.EDQUOT}
            raise BrokerError(
                f"{jar.filename} cannot be written to {self._target}: {os.strerror(exc.errno or 0)}",
                mend=("Free some space, or name" if full else "Name") + " another folder with MARKETLAB_CACHE.",
            ) from exc


def _innermost(exc: BaseException) -> BaseException:
    """The reason within the reasons: requests and urllib3 wrap a refused connection four times."""
    wrapped = (getattr(exc, "reason", None), getattr(exc, "original_error", None), *exc.args[:1])
    inner = next((one for one in wrapped if isinstance(one, BaseException)), None)
    return exc if inner is None else _innermost(inner)


def fetch_with_jgo(jar: Jar, folder: Path, advance: Callable[[int], None]) -> Path:
    """Download one jar below a folder that holds no earlier copy of it."""
    from jgo.maven import MavenContext, PythonResolver

    @contextmanager
    def callback(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield advance

    context = MavenContext(
        resolver=PythonResolver(progress_callback=callback), repo_cache=folder, timeout=NETWORK_TIMEOUT_S
    )
    path = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    return Path(path)
