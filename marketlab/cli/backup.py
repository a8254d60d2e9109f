"""``marketlab backup FILE``: a verified copy of the database."""

from __future__ import annotations

from pathlib import Path

import click

from marketlab.cli.options import json_option
from marketlab.cli.output import err, out, print_json
from marketlab.settings import Settings
from marketlab.wiring import back_up

__all__ = ["backup"]


@click.command(
    help="Copy the database to FILE while everything runs: one commit of it, compact, checked before it gets its "
    "name. To go back to it, stop marketlab and put it in the place of marketlab.db."
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
@json_option
def backup(settings: Settings, *, file: Path, as_json: bool) -> None:
    """A verified copy of the database."""
    if not as_json and err.is_terminal:
        with err.status("copying and checking"):
            made = back_up(settings, file)
    else:
        made = back_up(settings, file)
    if as_json:
        print_json(made.as_dict())
        return
    out.print(
        f"{made.ticks:,} ticks, {made.bytes / 1e6:,.1f} MB in {made.file}: sound, and its rows agree with its books"
    )
    err.print(f"[dim]to go back to it: stop marketlab, then put it in the place of {settings.database}[/]")
