"""What a lab answers: plain lists and dicts of Python that show themselves as tables and sentences."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from marketlab.analytics import price_text
from marketlab.doctor import Finding
from marketlab.figures import change_text, clock_text
from marketlab.provenance import Explanation
from marketlab.widgets.behind import Behind, BehindTick, draw_behind
from marketlab.widgets.books_drawing import draw_books
from marketlab.widgets.style import STYLE

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BooksAnswer", "Findings", "Reason", "Table", "behind", "framed"]

MOST_ROWS = 20
_FORMATS: dict[str, Callable[[Any], str]] = {
    "timestamp": clock_text,
    "price": price_text,
    "previous_price": price_text,
    "moving_average": lambda value: f"{value:,.2f}",
    "change_pct": change_text,
}
_LEFT = {"symbol", "text", "what", "found", "alert"}


class Table(list[dict[str, Any]]):
    """A list of dicts; a notebook shows it as a table.

    >>> table = Table([{"symbol": "AAPL", "price": 215.67}], columns=["symbol", "price"])
    >>> table[0]["price"]
    215.67
    >>> print(table)
    symbol  price
    AAPL    215.67

    :param columns: those that are shown, in order; all are kept
    :param nothing: what is said when there are no rows
    """

    def __init__(
        self, rows: Iterable[Mapping[str, Any]], *, columns: Sequence[str], nothing: str = "nothing yet"
    ) -> None:
        super().__init__(dict(row) for row in rows)
        self._columns = list(columns)
        self._nothing = nothing

    def frame(self) -> pd.DataFrame:
        """All of it as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(list(self))

    def __repr__(self) -> str:
        if not self:
            return self._nothing
        rows = [self._columns, *([_text(name, row.get(name)) for name in self._columns] for row in self[:MOST_ROWS])]
        widths = [max(len(row[n]) for row in rows) for n in range(len(self._columns))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([*lines, *self._more()])

    __str__ = __repr__

    def _repr_html_(self) -> str:
        if not self:
            return framed(f'<span class="ml-quiet">{html.escape(self._nothing)}</span>')
        head = "".join(f"<th{_align(name)}>{html.escape(name.replace('_', ' '))}</th>" for name in self._columns)
        rows = "".join(
            "<tr>"
            + "".join(f"<td{_align(n)}>{html.escape(_text(n, row.get(n)))}</td>" for n in self._columns)
            + "</tr>"
            for row in self[:MOST_ROWS]
        )
        more = "".join(f'<div class="ml-quiet">{text}</div>' for text in self._more())
        return framed(f'<table class="ml-table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}')

    def _more(self) -> list[str]:
        return [f"… and {len(self) - MOST_ROWS:,} more rows"] if len(self) > MOST_ROWS else []


class BooksAnswer(dict[str, Any]):
    """The books as ``GET /books`` gives them; a notebook shows the two beams."""

    @property
    def balanced(self) -> bool:
        """Whether they balance."""
        return bool(self["balanced"])

    def run(self, run: str) -> dict[str, Any] | None:
        """The account of one run."""
        return next((book for book in self["runs"] if book["run"] == run), None)

    def __repr__(self) -> str:
        return draw_books(self).says

    def _repr_html_(self) -> str:
        return framed(draw_books(self).svg())


class Reason:
    """Why an alert fired. ``explanation`` has every figure."""

    def __init__(self, explanation: Explanation) -> None:
        self.explanation = explanation

    @property
    def verdict(self) -> str:
        """``confirmed``, ``differs``, ``gone`` or ``unreachable``."""
        return self.explanation.verdict

    def __repr__(self) -> str:
        return draw_behind(behind(self.explanation)).says

    def _repr_html_(self) -> str:
        return framed(draw_behind(behind(self.explanation)).svg())


class Findings(list[Finding]):
    """What ``doctor`` found; a notebook shows it as a table."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(finding.state != "wrong" for finding in self)

    def __repr__(self) -> str:
        return "\n".join(
            f"{_mark(finding)} {finding.what}: {finding.found}{' – ' + finding.mend if finding.mend else ''}"
            for finding in self
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{_mark(finding)}</td><td>{html.escape(finding.what)}</td><td>{html.escape(finding.found)}"
            + (f'<div class="ml-quiet">{html.escape(finding.mend)}</div>' if finding.mend else "")
            + "</td></tr>"
            for finding in self
        )
        return framed(f'<table class="ml-table ml-left"><tbody>{rows}</tbody></table>')


def behind(explanation: Explanation) -> Behind:
    """What is behind an alert, as the feed of alerts shows it."""
    alert, last = explanation.alert, len(explanation.ticks) - 1
    return Behind(
        symbol=alert.symbol,
        previous=BehindTick(
            "the tick before", explanation.previous.offset, explanation.previous.price, explanation.previous.read_again
        ),
        ticks=[
            BehindTick("this tick" if n == last else f"{last - n} before", seen.offset, seen.price, seen.read_again)
            for n, seen in enumerate(explanation.ticks)
        ],
        moving_average=explanation.recomputed_average,
        change_pct=explanation.recomputed_change_pct,
        says=f"{explanation.detail[:1].upper()}{explanation.detail[1:]}.",
    )


def framed(body: str) -> str:
    """HTML in the one visual language."""
    return f'{STYLE}<div class="marketlab">{body}</div>'


def _text(name: str, value: Any) -> str:
    if value is None:
        return "–"
    return _FORMATS[name](value) if name in _FORMATS else str(value)


def _align(name: str) -> str:
    return ' class="ml-left"' if name in _LEFT else ""


def _mark(finding: Finding) -> str:
    return {"ok": "✓", "note": "·", "wrong": "✗"}[finding.state]
