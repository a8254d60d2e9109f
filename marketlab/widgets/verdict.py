"""What a notebook found beside what it should have found."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from marketlab.errors import MarketlabError
from marketlab.widgets.style import STYLE

__all__ = ["VERDICT", "NotYetError", "Verdict"]

#: The media type of a verdict in a notebook's outputs.
VERDICT: Final = "application/vnd.marketlab.verdict+json"


class NotYetError(MarketlabError):
    """A notebook did not find what it should have found."""

    exit_code = 1


@dataclass(frozen=True)
class Verdict:
    """What was seen and what was wanted, by what it is; shows itself as a short table.

    :param name: of the notebook
    :param findings: {what it is: (seen, wanted)}
    """

    name: str
    findings: Mapping[str, tuple[Any, Any]]

    @property
    def ok(self) -> bool:
        """Whether everything is as it should be."""
        return all(seen == wanted for seen, wanted in self.findings.values())

    def check(self) -> None:
        """Raise unless everything is as it should be.

        :raises NotYetError: names what is not
        """
        wrong = [f"{what}: {wanted!r} was wanted, {seen!r} was found" for what, (seen, wanted) in self._rows(ok=False)]
        if wrong:
            raise NotYetError("; ".join(wrong), mend="Run the notebook from the top: Run > Restart Kernel and Run All.")

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        rows = [
            {"what": what, "ok": seen == wanted, "seen": seen, "wanted": wanted}
            for what, (seen, wanted) in self.findings.items()
        ]
        return {"notebook": self.name, "ok": self.ok, "findings": rows}

    def _rows(self, *, ok: bool) -> list[tuple[str, tuple[Any, Any]]]:
        return [(what, pair) for what, pair in self.findings.items() if (pair[0] == pair[1]) is ok]

    def __repr__(self) -> str:
        return "\n".join(
            f"✓ {what}: {seen}" if seen == wanted else f"✗ not yet: {what}: {wanted} was wanted, {seen} was found"
            for what, (seen, wanted) in self.findings.items()
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        rows = []
        for what, (seen, wanted) in self.findings.items():
            right = seen == wanted
            mark = "✓" if right else "✗ not yet"
            told = f"{seen}" if right else f"{wanted} was wanted, {seen} was found"
            style = "color:var(--ml-accent);font-weight:600" if right else "color:var(--ml-ink);font-weight:600"
            rows.append(
                f'<tr style="background:none"><td style="{style};text-align:left">{mark}</td>'
                f'<td style="text-align:left;color:var(--ml-ink)">{html.escape(what)}</td>'
                f'<td style="text-align:left;color:var(--ml-muted)">{html.escape(told)}</td></tr>'
            )
        table = f'<table style="font-size:var(--ml-table);margin:0">{"".join(rows)}</table>'
        return {
            "text/plain": repr(self),
            "text/html": f'{STYLE}<div class="marketlab">{table}</div>',
            VERDICT: self.as_dict(),
        }
