"""The JVM's ahead-of-time cache: classes loaded and linked once, mapped from a file ever after.

A cache is only good for the jars, the runtime and the flags that it was trained with. The JVM ignores a wrong one
without a word, so the name of the file says what it belongs to, and any change trains a new one.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from marketlab.broker.runtime import FLAGS, runtime_id

__all__ = ["AotCache"]

UNUSED_S = 30 * 24 * 3600  # a cache that nobody used for so long belongs to a runtime that is gone
QUIET = "-Xlog:aot*=off"


class AotCache:
    """Where the cache for these jars and this runtime is, and whether it is there.

    :param folder: of all caches; made when one is trained
    :param java: the runtime's program
    :param class_path: as the broker will be given it
    """

    def __init__(self, folder: Path, *, java: Path, class_path: Sequence[Path]) -> None:
        parts = [runtime_id(java), *FLAGS]
        for path in class_path:
            stat = path.stat()
            parts.append(f"{path} {stat.st_size} {int(stat.st_mtime)}")  # what the JVM compares
        key = hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self.folder = folder
        self.path = folder / f"{key}.aot"
        #: Why training failed here; it is not tried again by itself.
        self.failed = folder / f"{key}.failed"
        #: Held by the one process that trains.
        self.lock = folder / "lock"

    @property
    def ready(self) -> bool:
        """Whether it has been trained."""
        return self.path.is_file()

    def use(self) -> list[str]:
        """Flags that make a start use it; none when it is not there."""
        if not self.ready:
            return []
        os.utime(self.path)  # the JVM does not look at the cache's own time; ``sweep`` does
        return [f"-XX:AOTCache={self.path}", QUIET]

    def train(self, draft: Path) -> list[str]:
        """Flags that make a JVM write a cache when it ends."""
        return [f"-XX:AOTCacheOutput={draft}", QUIET]

    def sweep(self) -> None:
        """Remove caches that nobody uses any more."""
        for path in self.folder.glob("*.aot"):
            if path != self.path and time.time() - path.stat().st_mtime > UNUSED_S:
                path.unlink(missing_ok=True)
