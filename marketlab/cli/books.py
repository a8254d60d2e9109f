"""``marketlab books``: the account of every tick."""

from __future__ import annotations

import sys

import click

from marketlab.books import Books, balance
from marketlab.cli.options import json_option
from marketlab.cli.output import out, print_json, table
from marketlab.model import BINS, ranges
from marketlab.settings import Settings
from marketlab.wiring import open_reader

__all__ = ["books"]

SHOWN_RUNS = 20


@click.command(
    help="The account of every tick: what was received and stored, what is late, refused or lost. "
    "Exit 1 when it does not balance."
)
@click.pass_obj
@json_option
@click.option("--run", help="Only this run.")
def books(settings: Settings, *, as_json: bool, run: str | None) -> None:
    """The account of every tick."""
    with open_reader(settings) as reader:
        account = balance(reader.partition_books(), reader.stream_books(run=run))
    if as_json:
        print_json(account.as_dict())
    else:
        _show(account, settings)
    sys.exit(0 if account.balanced else 1)


def _show(account: Books, settings: Settings) -> None:
    if not account.partitions:
        out.print(f"no ticks yet in {settings.database}; run `marketlab up`")
        return
    partitions = table("partition", "#received", *(f"#{name.replace('_', '-')}" for name in BINS), "", title="received")
    for partition in account.partitions:
        counts = partition.counts.as_dict()
        partitions.add_row(
            str(partition.partition),
            f"{counts['received']:,}",
            *(f"{counts[name]:,}" for name in BINS),
            "" if partition.balanced else "does not add up",
        )
    out.print(partitions)
    runs = table(
        "run", "state", "#produced", "#stored", "#late", "#refused", "#lost", "#duplicate", "", title="\nproduced"
    )
    for run in account.runs[-SHOWN_RUNS:]:
        lost = ", ".join(ranges(run.gaps))
        runs.add_row(
            run.run or "(no run)",
            run.state,
            "–" if run.produced is None else f"{run.produced:,}",
            *(f"{n:,}" for n in (run.stored, run.late, run.refused, run.lost, run.duplicate)),
            f"missing {lost}" if lost else "" if run.balanced else "does not add up",
        )
    out.print(runs)
    if len(account.runs) > SHOWN_RUNS:
        out.print(f"… and {len(account.runs) - SHOWN_RUNS:,} earlier runs (--json shows all)")
    out.print("\nbalanced" if account.balanced else "\n[bold red]NOT BALANCED[/]")
