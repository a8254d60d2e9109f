"""``marketlab books``: the account of every tick."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from marketlab.books import Books, Missing, PartitionBook, RunBook
from marketlab.cli.options import json_option
from marketlab.cli.output import out, print_json, table
from marketlab.cli.running import stopping
from marketlab.model import BINS
from marketlab.ports import StoreReader
from marketlab.settings import Settings
from marketlab.wiring import open_reader

__all__ = ["books"]

SHOWN_RUNS = 20
SHOWN_GAPS = 20
LOOK_S = 0.2  # between two looks for a commit
FRAME_LINES = 18  # of what is no run, at the most, while it is watched


@click.command(
    help="The account of every tick: what was received and stored, what is late, refused or lost. "
    "Exit 1 when it does not balance."
)
@click.pass_obj
@json_option
@click.option("--run", help="Only this run.")
@click.option("--watch", is_flag=True, help="Show it anew after every commit, until Ctrl-C; exit 1 as it stands then.")
def books(settings: Settings, *, as_json: bool, run: str | None, watch: bool) -> None:
    """The account of every tick."""
    empty = f"no ticks yet in {settings.database}; run `marketlab up`"
    with open_reader(settings) as reader:
        if watch:
            account = _watch(reader, run, as_json=as_json, empty=empty)
        else:
            account = reader.books(run=run)
            if as_json:
                print_json(account.as_dict())
            else:
                out.print(_page(account, empty=empty))
    sys.exit(0 if account.balanced else 1)


def _watch(reader: StoreReader, run: str | None, *, as_json: bool, empty: str) -> Books:
    """Show the account whenever it has changed, until a signal; the last one that was shown."""
    if as_json:
        return _follow(reader, run, lambda account: print_json(account.as_dict()))
    if not out.is_terminal:
        return _follow(reader, run, lambda account: out.print(_page(account, empty=empty), end="\n\n"))
    with Live(console=out, auto_refresh=False, vertical_overflow="crop") as live:
        room = max(3, out.height - FRAME_LINES)
        return _follow(
            reader,
            run,
            lambda account: live.update(_page(account, empty=empty, max_runs=room, max_gaps=1), refresh=True),
        )


def _follow(reader: StoreReader, run: str | None, show: Callable[[Books], None]) -> Books:
    seen, account = None, Books([], [])
    with stopping() as stop:
        while True:
            version = reader.changes()
            if version != seen:
                seen, account = version, reader.books(run=run)
                show(account)
            if stop.wait(LOOK_S):
                return account


# --------------------------------------------------------------------------------------------- for people


def _page(account: Books, *, empty: str, max_runs: int = SHOWN_RUNS, max_gaps: int = SHOWN_GAPS) -> RenderableType:
    if not account.partitions:
        return Text(empty)
    return Group(*_parts(account, max_runs, max_gaps))


def _parts(account: Books, max_runs: int, max_gaps: int) -> Iterator[RenderableType]:
    logs = [list(group) for _, group in groupby(account.partitions, key=lambda book: book.log)]
    for partitions in logs:
        yield _received(partitions, title="received" if len(logs) == 1 else f"received from {partitions[0].log}")
    if account.reasons:
        yield Text("dead letters: " + ", ".join(f"{count:,} {reason}" for reason, count in account.reasons.items()))
    # Those that do not balance are never left out for lack of room.
    newest = account.runs[-max_runs:]
    shown = [run for run in account.runs[: -len(newest) or None] if not run.balanced][-max_runs:] + newest
    yield Text()
    yield _produced(shown)
    if len(account.runs) > len(shown):
        yield Text(f"… and {len(account.runs) - len(shown):,} earlier runs that balance (--json shows all)", "dim")
    yield from _missing(account.runs, max_gaps)
    yield Text()
    yield Text("balanced") if account.balanced else Text("NOT BALANCED", "bold red")


def _received(partitions: Iterable[PartitionBook], *, title: str) -> RenderableType:
    rows = table("partition", "#received", *(f"#{name.replace('_', '-')}" for name in BINS), "", title=title)
    for partition in partitions:
        counts = partition.counts.as_dict()
        rows.add_row(
            str(partition.partition),
            f"{counts['received']:,}",
            *(f"{counts[name]:,}" for name in BINS),
            "" if partition.balanced else "[bold red]does not add up[/]",
        )
    return rows


def _produced(runs: Iterable[RunBook]) -> RenderableType:
    rows = table("run", "state", "#produced", "#stored", "#late", "#refused", "#lost", "#duplicate", title="produced")
    for run in runs:
        figures = (run.stored, run.late, run.refused, run.lost, run.duplicate)
        rows.add_row(
            run.run or "(no run)",
            "pruned" if run.pruned_at is not None else run.state,
            "–" if run.produced is None else f"{run.produced:,}",
            *(f"{count:,}" for count in figures),
            style="" if run.balanced else "bold red",
        )
    return rows


def _missing(runs: Iterable[RunBook], max_gaps: int) -> Iterator[RenderableType]:
    """What is missing, and where to look for it; runs that do not add up though nothing is missing."""
    gaps = [(run, missing) for run in runs for missing in run.missing]
    if gaps:
        yield Text()
        yield Text("missing", "bold")
    for run, missing in gaps[:max_gaps]:
        name = str(missing.first) if missing.count == 1 else f"{missing.first}-{missing.last}"
        yield Text(f"{missing.symbol} {name} of run {run.run or '(no run)'}", "bold red")
        yield Text(f"  {run.log}, partition {missing.partition}{_where(missing)}")
    if len(gaps) > max_gaps:
        yield Text(f"… and {len(gaps) - max_gaps:,} more (--json shows all)", "dim")
    for run in runs:
        if not run.balanced and not run.lost:
            yield Text(f"run {run.run or '(no run)'} does not add up", "bold red")


def _where(missing: Missing) -> str:
    found = missing.found
    if found is None:
        return ""
    what = _at(found.after_time) or " (no tick)"
    after = f"offset {found.after_offset}{what}"
    if found.before_offset is None:
        return f"\n  before {after}; nothing before it"
    return f"\n  between offset {found.before_offset}{_at(found.before_time)} and {after}"


def _at(timestamp: float | None) -> str:
    if timestamp is None:
        return ""
    return f" ({datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + "Z)"
