"""A page of its own in the lab's look: one file, no script, nothing from elsewhere, in dark, light and on paper."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from marketlab.gradebook.states import State
from marketlab.look import tokens

__all__ = ["bar", "chip", "escape", "page", "plural", "table"]

BAR_PX: Final = 96
_STYLESHEET: Final = Path(__file__).with_name("page.css")


def page(title: str, body: Iterable[str]) -> str:
    """A whole page. What is in the body is escaped already."""
    light, dark = tokens("light"), tokens("dark")
    changed = {name: value for name, value in dark.items() if value != light[name]}
    style = (
        f":root{{color-scheme:light dark;{_declare(light)}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{_declare(changed)}}}}}"
        f"@media print{{:root{{{_declare({name: light[name] for name in changed})}}}}}"
        + _STYLESHEET.read_text(encoding="utf-8")
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of escaped cells.

    A head that begins with ``#`` is one of numbers, with ``!`` one that is not broken, with ``^`` a narrow one that
    stands upright, with ``@`` one that stays when the others are scrolled,
    with ``=`` one that takes what room is left.
    """
    marks = {"#": "n", "!": "s", "^": "v", "@": "k", "=": "f"}
    classes = [f' class="{marks.get(head[:1], "w")}"' for head in heads]
    top = "".join(
        f'<th scope="col"{cls}><span>{escape(head.lstrip("#!^@="))}</span></th>'
        for head, cls in zip(heads, classes, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(f"<td{cls}>{cell}</td>" for cell, cls in zip(row, classes, strict=True)) + "</tr>\n"
        for row in rows
    )
    return f'<div class="wide"><table>\n<thead><tr>{top}</tr></thead>\n<tbody>\n{body}</tbody></table></div>'


def chip(state: State, text: str = "") -> str:
    """A state: a glyph and a word, that can be read without any colour."""
    kind = "good" if state is State.PASS else "bad" if state.glyph == "✗" else "quiet"
    return f'<span class="{kind}">{state.glyph} {escape(text or state)}</span>'


def bar(share: float) -> str:
    """A length from 0 to 1."""
    width = min(1.0, share) * BAR_PX
    return (
        f'<svg class="bar" width="{BAR_PX}" height="8" role="presentation"><rect width="{width:.1f}" height="8"/></svg>'
    )


def plural(count: int, one: str, many: str = "") -> str:
    """``1 run``, ``2 runs``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def escape(text: object) -> str:
    """A text as HTML; what no page may hold is left out."""
    return html.escape("".join(char for char in str(text) if char.isprintable() or char in "\n\t"))


def _declare(values: dict[str, str]) -> str:
    return "".join(f"--ml-{name}:{value};" for name, value in values.items())
