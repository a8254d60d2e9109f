"""Commands run as a user runs them: processes of their own, in a home of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from marketlab.books import Books, balance
from marketlab.cli.digest import digests
from marketlab.store import SqliteReader
from tests.support import eventually

__all__ = ["Home", "Running"]

TIMEOUT_S = 90.0


class Running:
    """A command that runs in the background, its output kept."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._kept: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._threads = [
            threading.Thread(target=self._keep, args=(name,), daemon=True) for name in ("stdout", "stderr")
        ]
        for thread in self._threads:
            thread.start()

    def _keep(self, name: str) -> None:
        self._kept[name].extend(getattr(self.process, name))

    @property
    def out(self) -> str:
        """Standard output so far."""
        return "".join(self._kept["stdout"])

    @property
    def err(self) -> str:
        """Standard error so far."""
        return "".join(self._kept["stderr"])

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as the one JSON object that it must be."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    def child(self, command: str) -> psutil.Process:
        """The child that runs a command of marketlab, once it is there."""

        def find() -> psutil.Process | None:
            for child in psutil.Process(self.process.pid).children():
                with suppress(psutil.Error):  # it has ended meanwhile
                    line = child.cmdline()
                    if "marketlab" in line and command in line:
                        return child
            return None

        return eventually(find, what=f"a child that runs {command}")  # type: ignore[return-value]

    def wait(self, timeout_s: float = TIMEOUT_S) -> int:
        """Its exit code."""
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"still ran after {timeout_s} s\n{self.out}\n{self.err}") from None
        for thread in self._threads:
            thread.join(TIMEOUT_S)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        return code


class Home:
    """A home of a test, and the commands run in it."""

    def __init__(self, path: Path, **variables: str) -> None:
        self.path = path
        self._variables = variables

    @contextmanager
    def running(self, *arguments: str, **variables: str) -> Iterator[Running]:
        """A command in the background, ended at the end of the block if it still runs."""
        process = subprocess.Popen(
            [sys.executable, "-m", "marketlab", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "MARKETLAB_HOME": str(self.path), **self._variables, **variables},
        )
        running = Running(process)
        try:
            yield running
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            running.wait()

    def run(self, *arguments: str, expect: int = 0, **variables: str) -> Running:
        """A command to its end; its exit code is asserted."""
        with self.running(*arguments, **variables) as running:
            code = running.wait()
        assert code == expect, f"exit {code}\n{running.out}\n{running.err}"
        return running

    def json(self, *arguments: str, expect: int = 0, **variables: str) -> dict[str, Any]:
        """The JSON object that a command prints."""
        return self.run(*arguments, "--json", expect=expect, **variables).json

    def books(self) -> Books:
        """The books as they stand."""
        with SqliteReader(self.path / "marketlab.db") as reader:
            return balance(reader.partition_books(), reader.stream_books())

    def stored(self) -> int:
        """Ticks that are stored and not late."""
        return sum(book.counts.stored for book in self.books().partitions)

    def digests(self) -> dict[str, str | None]:
        """The digest of every run."""
        with SqliteReader(self.path / "marketlab.db") as reader:
            return digests(reader)
