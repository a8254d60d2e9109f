"""Small things about files that several rooms need."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

__all__ = ["Slot", "home_id", "read_json", "take_slot", "write_json"]


def write_json(path: Path, value: Any) -> None:
    """Replace a file by JSON at once: a reader sees the old text or the new, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(json.dumps(value), encoding="utf-8")
    scratch.replace(path)


def read_json(path: Path) -> Any:
    """What a file holds, or None if it is not there or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def home_id(home: Path) -> str:
    """Eight hexadecimal digits that tell this home from every other, made once."""
    path = home / "id"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(secrets.token_hex(4))
    except FileExistsError:
        pass
    return path.read_text(encoding="utf-8") or "00000000"


class Slot:
    """The lowest free number among the processes of one kind in a home, held by a file lock while the process lives."""

    def __init__(self, number: int, lock: FileLock) -> None:
        self.number = number
        self._lock = lock

    def release(self) -> None:
        """Give the number back. The system does so too when the process dies."""
        self._lock.release()


def take_slot(folder: Path, kind: str) -> Slot:
    """Take the lowest free number, from 0.

    :param folder: where the lock files stand; made if missing
    """
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    while True:
        lock = FileLock(folder / f"{kind}-{number}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            number += 1
        else:
            return Slot(number, lock)
