"""A process of the pipeline, held from outside: told to end, killed, stopped, and listened to."""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from marketlab.chaos import worker

__all__ = ["Hand"]

CONTEXT: Any = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["marketlab.chaos.worker", "marketlab.cli", "kafka", "marketlab.transports.kafka_subscription",
     "marketlab.transports.kafka_publisher"]
)  # fmt: skip
JOIN_S = 10.0


class Hand:
    """One process, from its start to its end.

    :param name: its output goes to the file of this name
    :param failpoint: armed in it
    """

    def __init__(self, name: str, task: worker.Task, *, folder: Path, failpoint: str | None = None) -> None:
        self.name = name
        self.task = task
        self.output = folder / f"{name}.log"
        self.words: list[tuple[str, str]] = []
        self._pipe, theirs = CONTEXT.Pipe(duplex=False)
        self._process = CONTEXT.Process(
            target=worker.main, args=(task, theirs, str(self.output), failpoint), name=name, daemon=True
        )
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """Process id."""
        return int(self._process.pid)

    @property
    def code(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        code: int | None = self._process.exitcode
        return code

    def listen(self) -> None:
        """Take what it has said to :attr:`words`. A kill may end it in the middle of a word."""
        with suppress(EOFError, OSError, ValueError):
            while self._pipe.poll():
                self.words.append(self._pipe.recv())

    def said(self, kind: str, text: str = "", *, since: int = 0) -> int:
        """How often it has said a word of this kind with this text in it.

        :param since: words before this one do not count
        """
        self.listen()
        return sum(word == kind and text in rest for word, rest in self.words[since:])

    @property
    def error(self) -> str:
        """What it ended with, in its own words."""
        self.listen()
        return next((text for kind, text in self.words if kind == "error"), "it said nothing")

    def signal(self, number: int) -> None:
        """Send it a signal, if it still lives."""
        if self.code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """``kill -9``, and wait for its end."""
        self.signal(signal.SIGKILL)
        self._process.join(JOIN_S)

    def end(self) -> None:
        """Ask it to drain and end, wait, and kill it if it does not within 10 s."""
        self.signal(signal.SIGTERM)
        self._process.join(JOIN_S)
        self.kill()

    def close(self) -> None:
        """End it for good and let go of it."""
        self.kill()
        self.listen()
        self._pipe.close()
        self._process.close()
