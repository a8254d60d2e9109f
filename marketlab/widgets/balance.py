"""The books as a pair of scales: what was sent on the left, what was found again of it on the right. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marketlab.widgets.chart_drawing import LETTER
from marketlab.widgets.hatching import hatch
from marketlab.widgets.shapes import Drawing, Path, Polygon, Rect, Shape, Text
from marketlab.widgets.style import STYLE

__all__ = ["Balance"]

WIDTH_PX, HEIGHT_PX = 720, 232
PIVOT, ARM = (360.0, 40.0), 200.0
LEAST_TIP, MOST_TIP = 8.0, 26.0  # how far an end moves, for one tick of many and for a tenth of all or more
TENTH = 0.1
CORD, PAN, BLOCK, STACK = 66.0, 76.0, 30.0, 32.0  # length, half widths of pan and block, height of all that was sent
FOOT, NUMBER, WORDS, LINE, NAMES = 132.0, 156.0, 176.0, 16.0, 218.0
BINS_A_LINE = 3
NAMED = 3  # of what is missing; the others are counted
FILLS = {"stored": "accent", "late": "muted", "refused": "muted", "dead-lettered": "muted"}


@dataclass(frozen=True)
class Balance:
    """Two pans that are level when nothing is missing; shows itself as a picture.

    ::

        Balance(sent=7, kept={"stored": 4, "late": 1}, missing=["AAPL 6–7"])

    :param sent: how many were sent
    :param kept: how many of them are in which bin
    :param missing: what nobody has seen, by name
    :param waiting: what is on the log and not read yet, by name
    """

    sent: int
    kept: Mapping[str, int] = field(default_factory=dict)
    missing: Sequence[str] = ()
    waiting: Sequence[str] = ()

    @property
    def found(self) -> int:
        """How many were found again."""
        return sum(self.kept.values())

    @property
    def level(self) -> bool:
        """Whether both sides weigh the same."""
        return self.sent == self.found

    @property
    def says(self) -> str:
        """What is missing, in words."""
        if self.missing:
            return f"missing {_names(self.missing)}"
        if self.waiting:
            return f"not read yet: {_names(self.waiting)}"
        if self.level:
            return "level: nothing is missing"
        return f"{abs(self.sent - self.found):,} {'too few' if self.sent > self.found else 'too many'} were found again"

    def drawing(self) -> Drawing:
        """The picture."""
        bins = [f"{count:,} {name}" for name, count in self.kept.items() if count]
        told = " + ".join(bins)
        shapes = [*self._beam(), *self._labels(bins), *self._verdict()]
        says = f"sent {self.sent:,}, found again {self.found:,}{f' = {told}' if told else ''}; {self.says}"
        return Drawing(WIDTH_PX, HEIGHT_PX, shapes, says)

    def numbers(self) -> dict[str, Any]:
        """The figures, for JSON."""
        return {
            "sent": self.sent,
            "kept": dict(self.kept),
            "missing": list(self.missing),
            "waiting": list(self.waiting),
            "level": self.level,
        }

    def _tip(self) -> float:
        """How far the left end is below the pivot; negative: above it."""
        apart = self.sent - self.found
        if not apart:
            return 0.0
        share = min(1.0, abs(apart) / max(1, self.sent) / TENTH)
        tip = LEAST_TIP + (MOST_TIP - LEAST_TIP) * share
        return tip if apart > 0 else -tip

    def _beam(self) -> Iterator[Shape]:
        (x, y), tip = PIVOT, self._tip()
        left, right = (x - ARM, y + tip), (x + ARM, y - tip)
        yield Polygon(((x, y), (x - 22, FOOT), (x + 22, FOOT)), "rule")
        yield Path(((x - 40, FOOT), (x + 40, FOOT)), "control", 2)
        for end in (left, right):
            yield Path(((end[0] - PAN, end[1] + CORD), end, (end[0] + PAN, end[1] + CORD)), "control", 1)
            yield Path(((end[0] - PAN, end[1] + CORD), (end[0] + PAN, end[1] + CORD)), "ink", 2)
        yield Path((left, right), "ink", 3)
        if self.sent:
            yield Rect(left[0] - BLOCK, left[1] + CORD - STACK - 1, 2 * BLOCK, STACK, "control")
        yield from self._found(right[0], right[1] + CORD - 1)

    def _found(self, x: float, foot: float) -> Iterator[Shape]:
        """What is in the right pan, and hatched what should be there."""
        whole = max(1, self.sent, self.found)
        for name, count in self.kept.items():
            if count:
                height = max(2.0, STACK * count / whole)
                foot -= height
                yield Rect(x - BLOCK, foot, 2 * BLOCK, height, FILLS.get(name, "control"))
        if self.sent > self.found:
            height = max(6.0, STACK * (self.sent - self.found) / whole)
            box = (x - BLOCK, x + BLOCK, foot - height, foot - 1)
            for start, end in hatch(*box, step=6):
                yield Path((start, end), "ink", 1)
            yield Rect(box[0], box[2], 2 * BLOCK, height - 1, None, "ink")

    def _labels(self, bins: Sequence[str]) -> Iterator[Shape]:
        (x, _) = PIVOT
        lines = [" + ".join(bins[n : n + BINS_A_LINE]) for n in range(0, len(bins), BINS_A_LINE)]
        for middle, count, words in ((x - ARM, self.sent, ["sent"]), (x + ARM, self.found, lines or ["found again"])):
            yield Text(middle, NUMBER, f"{count:,}", 20, "ink", "middle", bold=True)
            for number, line in enumerate(words):
                yield Text(middle, WORDS + LINE * number, f"{'+ ' if number else ''}{line}", 12, "muted", "middle")

    def _verdict(self) -> Iterator[Shape]:
        (x, _), wrong = PIVOT, bool(self.missing) or not (self.level or self.waiting)
        if not wrong:
            mark = "✓ " if self.level else ""
            yield Text(x, NAMES, f"{mark}{self.says}", 13, "ink", "middle", bold=self.level)
            return
        text = f"✗ {self.says}"
        width = len(text) * 13 * LETTER + 16
        yield Rect(x - width / 2, NAMES - 12, width, 24, "ink")
        yield Text(x, NAMES, text, 13, "surface", "middle", bold=True)

    def __repr__(self) -> str:
        return self.drawing().says

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from marketlab.widgets.live import EVIDENCE

        drawing = self.drawing()
        return {
            "text/plain": drawing.says,
            "text/html": f'{STYLE}<div class="marketlab">{drawing.svg()}</div>',
            "image/png": base64.b64encode(drawing.png()).decode(),
            EVIDENCE: {"widget": "Balance"} | self.numbers(),
        }


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"
