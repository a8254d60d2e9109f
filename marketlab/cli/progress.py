"""How long work shows where it stands, on standard error: a bar in a terminal, a line for each thing done elsewhere."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from marketlab.cli.output import err

if TYPE_CHECKING:
    from marketlab.gradebook.judging import Outcome
    from marketlab.gradebook.marking import Marked
    from marketlab.gradebook.plan import Run

__all__ = ["Bar", "BatchBar", "MarkBar", "progress"]


class Bar:
    """A bar for stages with a known size, a spinner for the others; gone when the last stage is over."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def stage(self, text: str, *, total_bytes: int | None = None) -> None:
        """Begin a stage; without text the work is over."""
        self.close()
        if not text:
            return
        columns = (
            [TextColumn("{task.description}"), BarColumn(), DownloadColumn()]
            if total_bytes
            else [SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()]
        )
        self._progress = Progress(*columns, console=err, transient=True)
        self._task = self._progress.add_task(text, total=total_bytes)
        self._progress.start()

    def advance(self, n_bytes: int) -> None:
        """Move the bar."""
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task, n_bytes)

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def progress(*, quiet: bool) -> Bar | None:
    """A bar for people, nothing for programs."""
    return None if quiet or not err.is_terminal else Bar()


class BatchBar:
    """A batch of notebooks: a bar over all, one for each that plays, and a line for each that is done.

    :param quiet: no lines, for programs; bars in a terminal all the same
    """

    def __init__(self, total: int, *, quiet: bool) -> None:
        columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
        self._progress = Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
        self._all = self._progress.add_task("notebooks", total=total)
        self._playing: dict[str, TaskID] = {}
        self._lock = threading.Lock()
        self._done, self._total, self._quiet = 0, total, quiet

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()

    def __call__(self, run: Run, begun: int, cells: int, outcome: Outcome | None) -> None:
        """How a run stands."""
        with self._lock:
            label = run.label
            if label not in self._playing:
                self._playing[label] = self._progress.add_task(escape(label), total=cells)
            self._progress.update(self._playing[label], completed=max(0, begun - 1))
            if outcome is None:
                return
            self._progress.remove_task(self._playing.pop(label))
            self._progress.advance(self._all)
            self._done += 1
            if not self._quiet:
                why = f": {outcome.why}" if outcome.why else ""
                told = f"{outcome.state.glyph} {label}  {outcome.seconds:.1f} s  {outcome.state}{why}"
                err.print(f"[dim]{self._done}/{self._total}[/] {escape(told)}")


class MarkBar:
    """Submissions: a bar over all, with the one that was marked last."""

    def __init__(self, total: int) -> None:
        columns = [BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}")]
        self._progress = Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
        self._all = self._progress.add_task("", total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()

    def __call__(self, marked: Marked) -> None:
        """One more is marked."""
        self._progress.update(self._all, advance=1, description=escape(marked.submission.learner))
