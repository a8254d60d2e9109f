"""``marketlab token``: a secret for writing to the API."""

from __future__ import annotations

import click

from marketlab.cli.output import err
from marketlab.settings import Settings
from marketlab.tokens import keep, kept, new_token

__all__ = ["token"]


@click.command(help="Make a token for POST /update and print it: for MARKETLAB_TOKEN, there and here.")
@click.pass_obj
@click.option("--write", is_flag=True, help="Keep it in the home, where `serve` and `consume` find it.")
@click.option("--show", is_flag=True, help="Print the one that the home keeps instead.")
def token(settings: Settings, *, write: bool, show: bool) -> None:
    """Make a token."""
    if show and write:
        raise click.UsageError("--show and --write exclude each other")
    if show:
        found = kept(settings.home)
        if found is None:
            raise click.ClickException(f"{settings.home} keeps no token; `marketlab token --write` makes one")
        click.echo(found)
        return
    made = new_token()
    if write:
        path = keep(settings.home, made)
        err.print(f"[dim]kept in {path}; a server that runs already has to be started again[/]")
    click.echo(made)
