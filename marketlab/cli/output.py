"""What commands print: JSON on standard output and nothing else there, or tables and lines for people."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from marketlab.errors import MarketlabError

__all__ = ["err", "fail", "harmless", "out", "print_json", "table"]

WIDE = 250
NARROW = 90  # columns stand one space apart instead of two

#: For results.
out = Console(highlight=False, soft_wrap=True)
if not out.is_terminal:  # a file or a pipe has no width that a table would have to fit into
    out.width = WIDE
#: For progress, notes and errors.
err = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def fail(error: MarketlabError) -> None:
    """An error for people: what was wanted and found, then what to do."""
    err.print(f"[bold red]error[/] {escape(error.message)}")
    if error.mend:
        err.print(f"      {escape(error.mend)}")


def harmless(text: str) -> str:
    """Text without what a terminal would obey."""
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text)


def table(*columns: str, title: str | None = None) -> Table:
    """An empty table in the house style; a column whose name begins with ``#`` holds numbers."""
    result = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 1) if out.width > NARROW else (0, 1, 0, 0),
        header_style="dim",
    )
    for column in columns:
        result.add_column(
            column.removeprefix("#"), justify="right" if column.startswith("#") else "left", overflow="fold"
        )
    return result
