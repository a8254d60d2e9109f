"""A verdict as a learner sees it: text where there is no front end, the lab's own look where there is one."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from marketlab.widgets.style import STYLE

__all__ = ["EXERCISE", "Card", "Table"]

#: The media type of an exercise's verdict in a notebook's outputs.
EXERCISE: Final = "application/vnd.marketlab.exercise+json"

State = Literal["pass", "not yet", "untried", "noted"]
MARKS: Final = {"pass": "✓", "not yet": "✗ not yet", "untried": "○ not yet", "noted": "◌ noted"}
CELL = "text-align:left;padding:2px 16px 2px 0;color:var(--ml-{})"


@dataclass(frozen=True)
class Table:
    """Rows below heads; ``marked`` rows stand out."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    marked: frozenset[int] = frozenset()

    def text(self) -> str:
        """In columns."""
        widths = [max(len(row[column]) for row in (self.heads, *self.rows)) for column in range(len(self.heads))]
        lines = [
            ("✗ " if number - 1 in self.marked else "  ")
            + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for number, row in enumerate((self.heads, *self.rows))
        ]
        return "\n".join(lines)

    def html(self) -> str:
        """As a table."""
        heads = "".join(f'<th style="{CELL.format("muted")};font-weight:400">{_h(head)}</th>' for head in self.heads)
        body = "".join(self._row(number, row) for number, row in enumerate(self.rows))
        table = "font-size:var(--ml-table);margin:4px 0 8px;border-collapse:collapse"
        return f'<table style="{table}"><tr style="background:none"><th></th>{heads}</tr>{body}</table>'

    def _row(self, number: int, row: Sequence[str]) -> str:
        marked = number in self.marked
        weight = ";font-weight:600" if marked else ""
        cells = "".join(f'<td style="{CELL.format("ink")}{weight}">{_h(cell)}</td>' for cell in row)
        return (
            '<tr style="background:none"><td style="padding:2px 8px 2px 0;color:var(--ml-ink)">'
            f"{'✗' if marked else ''}</td>{cells}</tr>"
        )


@dataclass(frozen=True)
class Card:
    """One verdict.

    :param says: sentences, in order
    :param table: the counter-example
    :param folded: {title: text} of what is shown when it is asked for; ``code`` of these is code
    :param facts: for JSON
    """

    exercise: str
    state: State
    title: str
    says: Sequence[str] = ()
    table: Table | None = None
    folded: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {
            "text/plain": repr(self),
            "text/html": self._html(),
            EXERCISE: {"exercise": self.exercise, "state": self.state} | self.facts,
        }

    def __repr__(self) -> str:
        parts = [f"{MARKS[self.state]} · {self.exercise} · {self.title}", *self.says[:1]]
        parts += [self.table.text()] if self.table else []
        parts += self.says[1:]
        # Where nothing can be folded only the last step of the hints is told, and no solution.
        parts += [f"{title}: {text}" for title, text in self.folded.items() if "\n" not in text][-1:]
        return "\n".join(parts)

    def _html(self) -> str:
        colour = "accent" if self.state == "pass" else "ink"
        head = (
            f'<div><b style="color:var(--ml-{colour});font-weight:600">{MARKS[self.state]}</b>'
            f'<span style="color:var(--ml-muted)"> · {_h(self.exercise)} · {_h(self.title)}</span></div>'
        )
        body = [f"<div>{_h(text)}</div>" for text in self.says]
        if self.table:
            body.insert(1, self.table.html())
        body += [_fold(title, text) for title, text in self.folded.items()]
        box = (
            "color:var(--ml-ink);font-size:var(--ml-body);line-height:20px;max-width:720px;padding:8px 0 8px 12px;"
            f"border-left:2px solid var(--ml-{colour if self.state == 'pass' else 'control'})"
        )
        return f'{STYLE}<div class="marketlab"><div style="{box}">{head}{"".join(body)}</div></div>'


def _fold(title: str, text: str) -> str:
    shown = (
        f'<pre style="margin:4px 0;color:var(--ml-ink);background:var(--ml-raised);padding:8px;'
        f'border-radius:4px;font-size:var(--ml-table)">{_h(text)}</pre>'
        if "\n" in text
        else f'<div style="margin:4px 0">{_h(text)}</div>'
    )
    summary = f'<summary style="color:var(--ml-muted);cursor:pointer">{_h(title)}</summary>'
    return f'<details style="margin-top:4px">{summary}{shown}</details>'


def _h(text: str) -> str:
    return html.escape(text)
