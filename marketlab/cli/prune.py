"""``marketlab prune --keep 7d``: remove old runs, keep their accounts."""

from __future__ import annotations

import time
from contextlib import ExitStack

import click

from marketlab.cli.options import Duration, json_option
from marketlab.cli.output import err, out, print_json
from marketlab.cli.progress import progress
from marketlab.settings import Settings
from marketlab.wiring import prune as prune_database
from marketlab.wiring import prune_log

__all__ = ["prune"]


@click.command(
    help="Remove the ticks and alerts of runs of which nothing was written for so long, dead letters sent before, and "
    "the managed broker's messages from before. Books, positions and counts stay; the digest of a pruned run can no "
    "longer be made. Works beside a running pipeline."
)
@click.pass_obj
@json_option
@click.option("--keep", "keep_s", type=Duration(), required=True, help="What is younger stays, e.g. 7d or 12h.")
@click.option("--log/--no-log", default=True, help="Also the managed broker's messages.  [default: log]")
@click.option("--dry-run", is_flag=True, help="Count what would go and remove nothing.")
def prune(settings: Settings, *, as_json: bool, keep_s: float, log: bool, dry_run: bool) -> None:
    """Remove old runs."""
    before = time.time() - keep_s
    messages = None
    if not settings.database.exists():
        raise click.UsageError(f"there is no database at {settings.database}; `marketlab up` makes one")
    with ExitStack() as stack:
        quiet = as_json or not err.is_terminal
        status = None if quiet else stack.enter_context(err.status("pruning"))
        pruned = prune_database(
            settings, before_s=before, dry_run=dry_run, say=lambda text: status.update(text) if status else None
        )
    if log:
        messages = prune_log(settings, before_s=before, dry_run=dry_run, progress=progress(quiet=as_json))
    if as_json:
        print_json({**pruned.as_dict(), "log_messages": messages, "before": before, "dry_run": dry_run})
        return
    verb = "would go" if dry_run else "removed"
    out.print(
        f"{verb}: {pruned.ticks:,} ticks and {pruned.alerts:,} alerts of {pruned.runs:,} runs, "
        f"{pruned.dead_letters:,} dead letters"
        + ("" if messages is None else f", {messages:,} messages of the broker's log")
    )
    if pruned.ticks and not dry_run:
        err.print(
            f"[dim]{pruned.free_bytes / 1e6:,.1f} MB inside {settings.database} are free for what comes; "
            "a backup is a compact copy[/]"
        )
