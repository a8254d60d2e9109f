"""``marketlab notebooks grade``: mark what learners have handed in."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from marketlab.cli.options import Duration, json_option
from marketlab.cli.output import err, out, print_json, table
from marketlab.cli.progress import MarkBar
from marketlab.cli.running import stopping

if TYPE_CHECKING:
    from marketlab.gradebook.marks import Marks

__all__ = ["grade"]

DEFAULT_FOLDER = Path("marks")
MOST_SHOWN = 10  # misconceptions in a terminal; the files hold all


@click.command(
    help="Mark what learners have handed in. FOLDER: a folder of notebooks for each learner, or a notebook for each. "
    "Functions and predictions are taken from the source of the cells, never from stored outputs, and judged in a "
    "fresh process and folder with limits on time and memory. That holds accidents back; it is no sandbox: a "
    "learner's code runs as you. Of strangers mark only in a container or virtual machine that you can throw away."
)
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--roster", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CSV with the columns learner and name: who has handed in nothing gets a row, too.",
)  # fmt: skip
@click.option("--only", metavar="ID,…", help="Only these exercises, or those of a milestone: m2,m3.candle.")
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Learners at the same time.")
@click.option("--answer-timeout", type=Duration(), default=20.0, help="For one answer.  [default: 20s]")
@click.option("--memory", type=click.IntRange(min=256), default=1000, show_default=True, help="For one process, MB.")
@click.option(
    "--to", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT_FOLDER, show_default=True,
    help="Folder of marks.html, marks.csv, misconceptions.csv and marks.json.",
)  # fmt: skip
@json_option
def grade(
    *,
    folder: Path,
    roster: Path | None,
    only: str | None,
    jobs: int,
    answer_timeout: float,
    memory: int,
    to: Path,
    as_json: bool,
) -> None:
    """Mark what learners have handed in."""
    from marketlab.gradebook.marking import MarkingLimits, mark_all
    from marketlab.gradebook.marks import JSON_NAME, Marks, write_marks
    from marketlab.gradebook.report import prepare
    from marketlab.gradebook.submissions import read_roster, read_submission, submissions

    titles = _exercises(only)
    learners = submissions(folder, read_roster(roster) if roster else None)
    to = to.absolute()
    if to.is_relative_to(folder.absolute()):
        raise click.UsageError(f"--to {to} lies in the submissions, and would be taken for one; name another folder")
    prepare(to, JSON_NAME)
    if not as_json:
        err.print("[dim]Limits on time and memory hold accidents back; this is no sandbox.[/]")
    began, started = datetime.now(UTC), time.monotonic()
    with stopping() as stop, MarkBar(len(learners)) as show:
        marked = mark_all(
            [partial(read_submission, learner, name, paths) for learner, (name, paths) in learners.items()],
            list(titles),
            jobs=jobs,
            limits=MarkingLimits(answer_s=answer_timeout, memory_bytes=memory * 1_000_000),
            stop=stop,
            watcher=show,
        )
    marks = Marks(marked, titles, began, time.monotonic() - started)
    page, *_ = write_marks(marks, to)
    if as_json:
        print_json(marks.as_dict())
    else:
        _show_marks(marks)
        out.print(f"marks  {escape(str(page))}")
    if len(marked) < len(learners):
        err.print(f"[yellow]![/] stopped: {len(marked)} of {len(learners)} are marked")
        sys.exit(1)


def _exercises(only: str | None) -> dict[str, str]:
    """{exercise: what it is about}, of all or of those that were asked for."""
    from marketlab.lessons import catalogue

    titles = {name: item.title for name, item in catalogue.in_order().items()}
    if only is None:
        return titles
    wanted = [part.strip() for part in only.split(",") if part.strip()]
    unknown = [part for part in wanted if not any(name == part or name.startswith(f"{part}.") for name in titles)]
    if unknown or not wanted:
        named = ", ".join(unknown) or repr(only)
        raise click.UsageError(f"--only: no exercise is called {named}; there are {', '.join(titles)}")
    return {
        name: title
        for name, title in titles.items()
        if any(name == part or name.startswith(f"{part}.") for part in wanted)
    }


def _show_marks(marks: Marks) -> None:
    rows = table("learner", "name", "#passed", "#of", "notes")
    for marked in marks.marked:
        learner = marked.submission
        notes = "; ".join(learner.notes)
        rows.add_row(
            escape(learner.learner), escape(learner.name), str(marked.passed), str(len(marked.marks)), escape(notes)
        )
    out.print(rows)
    met = table("#met", "exercise", "misconception")
    for exercise, name, who in marks.misconceptions[:MOST_SHOWN]:
        met.add_row(str(len(who)), exercise, escape(name))
    if met.row_count:
        out.print(met)
