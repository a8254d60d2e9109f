"""Marks submissions: each in a fresh process and folder, with a limit on the time of every answer."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from marketlab.deadline import Deadline
from marketlab.gradebook.family import end_family
from marketlab.gradebook.states import State
from marketlab.gradebook.submissions import Given, Submission

__all__ = ["Mark", "Marked", "MarkingLimits", "mark", "mark_all"]

START_S = 60.0  # for the process to come up, on a busy machine
LONGEST_LINE = 100_000
LONGEST = 300
STATES: Final = {
    "pass": State.PASS,
    "not yet": State.FAIL,
    "untried": State.NOT_REACHED,
    "error": State.ERROR,
}


@dataclass(frozen=True)
class MarkingLimits:
    """For one answer, and for the process that judges them."""

    answer_s: float = 20.0
    memory_bytes: int = 1_000_000_000


@dataclass(frozen=True)
class Mark:
    """What one learner's answer to one exercise was. ``not reached``: there is none."""

    exercise: str
    state: State
    misconception: str | None = None
    says: str = ""


@dataclass(frozen=True)
class Marked:
    """One learner's marks, in the order of the course."""

    submission: Submission
    marks: Sequence[Mark]

    @property
    def passed(self) -> int:
        """How many passed."""
        return sum(mark.state is State.PASS for mark in self.marks)


def mark_all(
    readers: Sequence[Callable[[], Submission]],
    exercises: Sequence[str],
    *,
    jobs: int,
    limits: MarkingLimits,
    stop: threading.Event,
    watcher: Callable[[Marked], None] = lambda _: None,
) -> list[Marked]:
    """Mark them all, so many at a time; in the order given.

    :param readers: each gives a submission; read when it is its turn
    :param stop: begin no more; those that are marked are given
    """

    def one(read: Callable[[], Submission]) -> Marked | None:
        if stop.is_set():
            return None
        marked = mark(read(), exercises, limits=limits)
        watcher(marked)
        return marked

    with ThreadPoolExecutor(jobs, thread_name_prefix="mark") as pool:
        futures = [pool.submit(one, read) for read in readers]
        return [marked for future in futures if (marked := future.result()) is not None]


def mark(submission: Submission, exercises: Sequence[str], *, limits: MarkingLimits) -> Marked:
    """Mark one submission."""
    marks = {name: _without_running(submission.given.get(name), name) for name in exercises}
    waiting = [submission.given[name] for name, found in marks.items() if found is None]
    while waiting:
        # Whatever ends the process is the verdict on the answer that it was at; the others get another process.
        done = _in_a_process(waiting, limits)
        marks.update({found.exercise: found for found in done})
        waiting = waiting[len(done) :]
    submission.notes.extend(f"no exercise is called {name}" for name in submission.given if name not in exercises)
    return Marked(submission, [found for found in marks.values() if found is not None])


def _without_running(given: Given | None, name: str) -> Mark | None:
    if given is None:
        return Mark(name, State.NOT_REACHED)
    if given.wrong:
        return Mark(name, State.ERROR, says=_short(given.wrong))
    if given.kind == "observe":
        return Mark(name, State.NOT_APPLICABLE, says=_short(f"{given.source}; what was seen there is not known here"))
    return None


def _in_a_process(waiting: Sequence[Given], limits: MarkingLimits) -> list[Mark]:
    """The marks of the first answers, at least one."""
    with tempfile.TemporaryDirectory(prefix="marking-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [sys.executable, "-I", "-m", "marketlab.gradebook.marker"],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return _listen(process, waiting, limits)
        finally:
            process.kill()
            end_family(Path(folder))
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def _listen(process: subprocess.Popen[bytes], waiting: Sequence[Given], limits: MarkingLimits) -> list[Mark]:
    assert process.stdin is not None  # noqa: S101 (both are pipes)
    assert process.stdout is not None  # noqa: S101
    job = {
        "memory_bytes": limits.memory_bytes,
        "given": [{"exercise": item.exercise, "source": item.source, "function": item.function} for item in waiting],
    }
    with contextlib.suppress(BrokenPipeError):  # it has ended already, which is seen below
        process.stdin.write(json.dumps(job).encode())
        process.stdin.close()
    lines, marks = _Lines(process.stdout), list[Mark]()
    with contextlib.suppress(TimeoutError):
        lines.next(START_S)  # it is ready; from here on the time is the answers'
    for given in waiting:
        try:
            line = lines.next(limits.answer_s)
        except TimeoutError:
            return [*marks, Mark(given.exercise, State.TIMEOUT, says=f"no verdict within {limits.answer_s:g} s")]
        if line is None:
            return [*marks, Mark(given.exercise, State.ERROR, says=_ended(process))]
        found = _mark(given.exercise, line)
        if found is None:
            return [*marks, Mark(given.exercise, State.ERROR, says="its process said what is no verdict")]
        marks.append(found)
    return marks


class _Lines:
    """Lines of a pipe, each within a time and a length."""

    def __init__(self, pipe: Any) -> None:
        self._descriptor, self._kept = pipe.fileno(), b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._descriptor, selectors.EVENT_READ)

    def next(self, timeout_s: float) -> bytes | None:
        """The next line, or None at the end.

        :raises TimeoutError: it does not come in time
        """
        deadline = Deadline(timeout_s)
        while b"\n" not in self._kept and len(self._kept) <= LONGEST_LINE:
            if not self._selector.select(deadline.remaining_s):
                raise TimeoutError
            part = os.read(self._descriptor, 1 << 16)
            if not part:
                return None
            self._kept += part
        line, _, self._kept = self._kept.partition(b"\n")
        return line


def _mark(exercise: str, line: bytes) -> Mark | None:
    """What a line says, or None if it is no verdict on this exercise."""
    try:
        found = json.loads(line)
        state = STATES[found["state"]]
        misconception = found.get("misconception")
        if found["exercise"] != exercise or not isinstance(misconception, str | None):
            return None
        return Mark(exercise, state, _short(misconception) if misconception else None, _short(str(found["says"])))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _ended(process: subprocess.Popen[bytes]) -> str:
    try:
        code = process.wait(START_S)
    except subprocess.TimeoutExpired:
        return "its process has closed its output and runs on"
    return f"its process was ended by signal {-code}" if code < 0 else f"its process ended by itself, with code {code}"


def _environment(folder: str) -> dict[str, str]:
    """Little, and nothing of the teacher's: a home of its own, and no threads that would cost address space."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ}
    one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return kept | one_thread | {"HOME": folder, "TMPDIR": folder, "MARKETLAB_HOME": folder}


def _short(text: str) -> str:
    text = "".join(char if char.isprintable() else " " for char in text).strip()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
