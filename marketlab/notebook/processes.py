"""The package's producer, consumer and API as children of a notebook's kernel.

They are held by a pipe (docs/decisions/0006): however the kernel ends, by a restart or by ``kill -9``, they drain and
end. They run in sessions of their own, so that an interrupt of a cell does not reach them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from marketlab.deadline import Deadline
from marketlab.errors import MarketlabError
from marketlab.supervisor import Child, death

__all__ = ["ChildError", "Processes", "ask", "options"]

START_S, STOP_S = 30.0, 5.0
POLL_S = 0.05


class ChildError(MarketlabError):
    """A child of the lab did not do what it was started for; its own words follow."""


class Processes:
    """Up to one producer, one consumer and one API.

    :param home: folder that they work in
    :param variables: of their environment, besides the kernel's own
    :param transport: ``kafka`` or ``tape:FILE``
    """

    def __init__(self, home: Path, *, variables: Mapping[str, str], transport: str) -> None:
        self._home = home
        self._variables = variables
        self._transport = transport
        self._children: dict[str, Child] = {}

    def start(self, name: str, *arguments: str, variables: Mapping[str, str] | None = None) -> Child:
        """Start ``producer``, ``consumer`` or ``API``; one that runs is left as it is.

        :param variables: of its environment, besides those that all of them have
        :raises ChildError: it has ended by itself before, with an error
        """
        child = self._children.get(name)
        if child is not None and child.code is None:
            return child
        if child is not None:
            child.close()
        command = {"producer": "produce", "consumer": "consume", "API": "serve"}[name]
        # Nobody else may be served by it: any free port, and nothing can be posted.
        more = ["--port", "0", "--read-only"] if name == "API" else ["--transport", self._transport]
        log = self._home / "logs" / f"{name.lower()}.log"
        child = Child(
            name,
            [command, *more, *arguments],
            home=self._home,
            log=log,
            variables={**self._variables, **(variables or {})},
        )
        child.start()
        self._children[name] = child
        return child

    def api_url(self) -> str:
        """Address of the API, with a slash at the end; it is started if it does not run.

        :raises ChildError: it does not come up
        """
        child, deadline = self.start("API"), Deadline(START_S)
        while not (url := child.printed().get("url")):
            self.check("API")
            if child.code is not None or deadline.passed:
                raise ChildError(f"the API did not come up: {child.said() or 'it said nothing'}")
            time.sleep(POLL_S)
        return str(url)

    def runs(self, name: str) -> bool:
        """Whether a child runs."""
        child = self._children.get(name)
        return child is not None and child.code is None

    def pids(self) -> dict[str, int]:
        """Process ids of those that run, by name."""
        return {name: child.pid for name, child in self._children.items() if child.pid is not None}

    def check(self, *names: str) -> None:
        """Look whether children have failed.

        :raises ChildError: one has, with what it said
        """
        for name in names or tuple(self._children):
            child = self._children.get(name)
            if child is not None and child.code is not None and child.code > 0:
                raise ChildError(
                    f"the {name} ended with {death(child.code)}: {child.said() or 'it said nothing'}",
                    mend=f"Its words stand in {self._home / 'logs'}",
                )

    def kill(self, name: str) -> bool:
        """End a child with ``kill -9``; False if it does not run."""
        child = self._children.get(name)
        if child is None or child.code is not None:
            return False
        child.close()
        return True

    def stop(self, *names: str) -> None:
        """Let children drain and end, in this order; those that do not in time are ended."""
        deadline = Deadline(STOP_S)
        for name in names or ("producer", "consumer", "API"):
            child = self._children.pop(name, None)
            if child is not None:
                child.terminate()
                child.wait(deadline)
                child.close()

    def stop_producing(self) -> None:
        """Let the producer close its run and end; what it has printed can still be asked for."""
        child = self._children.get("producer")
        if child is not None:
            child.terminate()
            child.wait(Deadline(STOP_S))

    def produced(self) -> int | None:
        """Ticks that the producer says to have sent; None while it runs, or if it died."""
        child = self._children.get("producer")
        count = child.printed().get("produced") if child is not None and child.code is not None else None
        return int(count) if count is not None else None


def ask(*arguments: str, home: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    """What a command of marketlab prints as JSON; waits for it.

    :raises ChildError: it printed none
    """
    argv = [sys.executable, "-m", "marketlab", "--home", str(home), *arguments, "--json"]
    done = subprocess.run(
        argv, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    try:
        found = json.loads(done.stdout)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ChildError(
            f"marketlab {' '.join(arguments)} said nothing: {done.stderr.strip() or death(done.returncode)}"
        )
    return found


def options(**given: object) -> Sequence[str]:
    """Arguments of a command out of keyword arguments: ``seed=24`` becomes ``--seed 24``, None is left out."""
    parts: list[str] = []
    for name, value in given.items():
        if value is not None:
            parts += [f"--{name.removesuffix('_').replace('_', '-')}", str(value)]
    return parts
