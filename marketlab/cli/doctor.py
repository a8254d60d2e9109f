"""``marketlab doctor``: what is wrong, and the mend."""

from __future__ import annotations

import sys

import click
from rich.markup import escape

from marketlab.cli.options import json_option
from marketlab.cli.output import out, print_json
from marketlab.doctor import examine, summary
from marketlab.settings import Settings
from marketlab.wiring import open_reader

__all__ = ["doctor"]

GLYPHS = {"ok": "✓", "note": "[yellow]·[/]", "wrong": "[bold red]✗[/]"}


@click.command(help="What is installed, reachable, free and wrong, with the mend. Exit 1 if anything is wrong.")
@click.pass_obj
@json_option
@click.option("--deep", is_flag=True, help="Look through the database however large it is.")
def doctor(settings: Settings, *, as_json: bool, deep: bool) -> None:
    """What is wrong, and the mend."""
    findings = []
    for finding in examine(settings, open_reader=open_reader, deep=deep):
        findings.append(finding)
        if not as_json:
            out.print(f"{GLYPHS[finding.state]} {finding.what:<17} {escape(finding.found)}")
            if finding.mend:
                out.print(f"{'':<20}[dim]{escape(finding.mend)}[/]")
    result = summary(findings)
    if as_json:
        print_json(result)
    sys.exit(0 if result["ok"] else 1)
