"""How long work shows where it stands: a bar on standard error while the managed broker is fetched and started."""

from __future__ import annotations

from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from marketlab.cli.output import err

__all__ = ["Bar", "progress"]


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
