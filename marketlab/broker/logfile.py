"""The end of a log file, and what is added to it."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

__all__ = ["follow", "tail"]

LOOK_S = 0.2


def tail(path: Path, *, lines: int) -> list[str]:
    """The last lines, without their ends; none when there is no file."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, maxlen=lines)]
    except FileNotFoundError:
        return []


def follow(path: Path, *, lines: int) -> Iterator[str]:
    """The last lines, then each new one as it comes, for ever; through rotation, and before there is a file."""
    while not path.exists():
        time.sleep(LOOK_S)
    while True:
        with path.open(encoding="utf-8", errors="replace") as file:
            yield from (line.rstrip("\n") for line in deque(file, maxlen=lines))
            part = ""
            while True:
                part += file.readline()
                if part.endswith("\n"):
                    yield part.rstrip("\n")
                    part = ""
                elif _is_file(path, file.fileno()):
                    time.sleep(LOOK_S)
                else:
                    break
        lines = 1_000_000  # the new file was begun while we looked: all of it is new


def _is_file(path: Path, fd: int) -> bool:
    """Whether a name still stands for the open file; a moment without that name counts, too."""
    try:
        return os.path.samestat(path.stat(), os.fstat(fd))
    except FileNotFoundError:
        return True
