"""Plays runs, so many at a time. Each has a home, a folder and an IPython of its own; all share one Kafka."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from marketlab.deadline import Deadline
from marketlab.files import write_json
from marketlab.gradebook.contents import NotebookError, read_cells
from marketlab.gradebook.family import end_family, family
from marketlab.gradebook.judging import Leavings, Outcome, judge
from marketlab.gradebook.plan import NEEDS_BROKER, Run
from marketlab.gradebook.states import State
from marketlab.gradebook.witness import deaths
from marketlab.settings import PREFIX

__all__ = ["Limits", "Watcher", "play_all"]

LOOK_S = 0.1
GRACE_S = 5.0  # for what a notebook has started to end with its kernel
LAST_WORDS = 2000

#: Told now and then how a run stands: the run, cells begun, cells in all; and its outcome when it has one.
Watcher = Callable[[Run, int, int, Outcome | None], None]


@dataclass(frozen=True)
class Limits:
    """Seconds for one cell, and for one notebook as a whole."""

    cell_s: float = 120.0
    run_s: float = 600.0


def play_all(
    runs: Sequence[Run],
    folder: Path,
    *,
    jobs: int,
    limits: Limits,
    variables: Callable[[int], Mapping[str, str]],
    stop: threading.Event,
    broken: Callable[[], str] = lambda: "",
    watcher: Watcher = lambda *_: None,
) -> list[Outcome]:
    """Play them all; in the order given, whichever ends first.

    :param folder: gets a folder for each run
    :param variables: the lab's settings for the run of that number, besides its home; none are inherited
    :param stop: ends those that play, and begins no more; what has not been played is *not reached*
    :param broken: called after a run that did not pass: a sentence if nothing can go well any more, else ``""``
    """
    hopeless: list[str] = []

    def one(number: int, run: Run) -> Outcome:
        if stop.is_set():
            return Outcome(run, State.NOT_REACHED, hopeless[0] if hopeless else "stopped before it began")
        outcome = _play(run, folder / run.key, limits, variables(number), stop, watcher)
        if not outcome.state.ok and not stop.is_set() and (why := broken()):
            hopeless.append(why)
            outcome.notes.append(why)
            stop.set()
        watcher(run, len(outcome.cells), len(outcome.cells), outcome)
        return outcome

    with ThreadPoolExecutor(jobs, thread_name_prefix="run") as pool:
        futures = [pool.submit(one, number, run) for number, run in enumerate(runs)]
        return [future.result() for future in futures]


def _play(
    run: Run, folder: Path, limits: Limits, variables: Mapping[str, str], stop: threading.Event, watcher: Watcher
) -> Outcome:
    began, rooms = time.monotonic(), _Rooms(folder)
    rooms.furnish(run, limits)
    total = sum(cell["cell_type"] == "code" for cell in run.contents.cells)
    with rooms.log.open("wb") as log:
        player = subprocess.Popen(
            [sys.executable, "-m", "marketlab.gradebook.player", str(rooms.order)],
            cwd=rooms.work,
            env=_outside() | dict(variables) | rooms.variables(),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for us to hear, and to end it in order
        )
        deadline, ended = Deadline(limits.run_s), ""
        while player.poll() is None:
            if stop.wait(LOOK_S) or deadline.passed:
                ended = "timeout" if deadline.passed else "stopped"
                break
            watcher(run, sum(event["event"] == "began" for event in rooms.events()), total, None)
        left_over = _tidy(player, rooms.home, kill=bool(ended))
    outcome = judge(run, rooms.leavings(ended), seconds=time.monotonic() - began)  # type: ignore[arg-type]
    if left_over and not ended:
        outcome.notes.append(f"{left_over} processes that it had started still ran, and were ended")
    return outcome


def _outside() -> dict[str, str]:
    """The environment without the lab's own settings: those of a run are given."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def _tidy(player: subprocess.Popen[bytes], home: Path, *, kill: bool) -> int:
    """End what is left of a run.

    :returns: how many processes did not end by themselves
    """
    grace = Deadline(0.0 if kill else GRACE_S)
    while not grace.passed and family(home):
        time.sleep(LOOK_S)
    ended = end_family(home)
    player.wait()
    if player.stdin is not None:
        player.stdin.close()
    return ended


class _Rooms:
    """Where a run keeps what: everything below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.order, self.diary, self.log = folder / "order.json", folder / "diary.jsonl", folder / "log.txt"
        self.deaths, self.target = folder / "deaths.jsonl", folder / "notebook.ipynb"
        self.work, self.home, self.ipython = folder / "work", folder / "home", folder / "ipython"

    def furnish(self, run: Run, limits: Limits) -> None:
        """Make it anew: what an earlier run has left must not count for this one."""
        shutil.rmtree(self.folder, ignore_errors=True)
        startup = self.ipython / "profile_default" / "startup"
        for room in (self.work, self.home, startup):
            room.mkdir(parents=True)
        witness = f"from marketlab.gradebook.witness import watch\nwatch({str(self.deaths)!r})\ndel watch\n"
        (startup / "00-witness.py").write_text(witness, encoding="utf-8")
        write_json(
            self.order,
            {
                "notebook": str(run.contents.path.absolute()),
                "target": str(self.target),
                "parameters": dict(run.parameters),
                "folder": str(self.work),
                "diary": str(self.diary),
                "leave_out": NEEDS_BROKER if run.on_tape else None,
                "cell_timeout_s": limits.cell_s,
            },
        )

    def variables(self) -> dict[str, str]:
        """What makes the rooms known to the processes in them."""
        return {
            f"{PREFIX}HOME": str(self.home),
            "IPYTHONDIR": str(self.ipython),
            # This environment's kernel, before another one of the same name in the user's home.
            "JUPYTER_PREFER_ENV_PATH": "1",
        }

    def events(self) -> list[dict[str, Any]]:
        """The diary so far; a last line that is still being written is left out."""
        try:
            text = self.diary.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def leavings(self, ended: Literal["", "timeout", "stopped"]) -> Leavings:
        """All that the run has left."""
        try:
            cells = read_cells(self.target)
        except NotebookError:
            cells = []
        said = self.log.read_text(encoding="utf-8", errors="replace")[-LAST_WORDS:]
        last = next((line for line in reversed(said.splitlines()) if line.strip()), "")
        return Leavings(cells, self.events(), deaths(self.deaths), ended, last)
