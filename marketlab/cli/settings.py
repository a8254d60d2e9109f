"""``marketlab settings``: every setting, its value and its meaning."""

from __future__ import annotations

import click

from marketlab.cli.options import json_option
from marketlab.cli.output import out, print_json
from marketlab.settings import PREFIX, Settings

__all__ = ["settings"]


@click.command(help="Every setting: name, value, meaning.")
@click.pass_obj
@json_option
def settings(settings: Settings, *, as_json: bool) -> None:
    """List every setting."""
    values = settings.model_dump(mode="json")
    if as_json:
        print_json(values)
        return
    for name, field in type(settings).model_fields.items():
        changed = "[bold]" if name in settings.model_fields_set else ""
        value = values[name]
        out.print(f"{changed}{PREFIX}{name.upper()}{'[/]' if changed else ''} = {'–' if value is None else value}")
        out.print(f"    [dim]{field.description}[/]")
