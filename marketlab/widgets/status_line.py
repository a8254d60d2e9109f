"""The pipeline in one line: its stations, and how many have passed each."""

from __future__ import annotations

import html
import time
from collections.abc import Mapping
from typing import Any

from ipywidgets import HTML

from marketlab.widgets.chart_drawing import LETTER
from marketlab.widgets.errors import WidgetError
from marketlab.widgets.live import LiveWidget, Pull
from marketlab.widgets.shapes import Drawing, Shape, Text

__all__ = ["StatusLine"]

STATIONS = ("produced", "received", "stored", "alerts")
QUIET_S = 5.0
COLUMN_PX, HEIGHT_PX = 132, 44


class StatusLine(LiveWidget):
    """Counts at the stations of a pipeline, and whether anything moves.

    ::

        with StatusLine("sent", "stored") as line:
            line.push({"sent": 412, "stored": 410})

    :param stations: their names, in the order in which things pass
    :param name: a second widget of the same name closes this one
    :param hz: drawn so many times a second at the most
    :param max_seconds: it ends by itself after so long
    :param pull: asked for new counts before each drawing
    """

    def __init__(
        self,
        *stations: str,
        name: str = "status",
        hz: float = 5.0,
        max_seconds: float | None = None,
        pull: Pull | None = None,
    ) -> None:
        super().__init__(name=name, hz=hz, max_seconds=max_seconds, pull=pull)
        self._counts: dict[str, int | None] = dict.fromkeys(stations or STATIONS)
        self._note = ""
        self._moved_at = time.monotonic()
        self._svg = HTML()
        self.begin(self._svg)

    def push(self, counts: Mapping[str, int | None], /) -> None:
        """Set the counts of some or all stations; None for what is not known.

        :raises WidgetError: there is no such station
        """
        unknown = [name for name in counts if name not in self._counts]
        if unknown:
            raise WidgetError(
                f"counts of {', '.join(self._counts)} were wanted, {', '.join(map(str, unknown))} was found",
                mend=f"StatusLine({', '.join(map(repr, [*self._counts, *unknown]))})",
            )
        new = self._counts | dict(counts)
        if new != self._counts:
            self._counts, self._moved_at = new, time.monotonic()
            self.notify()

    def say(self, text: str) -> None:
        """Put a sentence behind the state, until the next one."""
        self._note = text
        self.notify(pushed=0)

    def draw(self) -> str:
        """Bring the newest counts into view."""
        svg = self.drawing().svg()
        if self._svg.value != svg:
            self._svg.value = svg
        idle = time.monotonic() - self._moved_at
        if self.ended:
            state = "<b>■ ended</b>"
        elif all(count is None for count in self._counts.values()):
            state = "<b>◌</b> nothing has come yet"
        elif idle >= QUIET_S:
            state = f"<b>◌ QUIET {idle:.0f} s</b> · nothing moves"
        else:
            state = "<b>● LIVE</b>"
        return f"{state} · {html.escape(self._note)}" if self._note else state

    def drawing(self) -> Drawing:
        """The same as a still picture."""
        shapes: list[Shape] = []
        for number, (name, count) in enumerate(self._counts.items()):
            x = number * COLUMN_PX
            text = "–" if count is None else f"{count:,}"
            shapes.append(Text(x, 14, text, 20, "ink", bold=True))
            shapes.append(Text(x, 36, name))
            if number + 1 < len(self._counts):
                shapes.append(Text(max(x + 88, x + len(text) * 20 * LETTER + 8), 14, "→", 14, "muted"))
        told = ", ".join(f"{name} {'–' if count is None else f'{count:,}'}" for name, count in self._counts.items())
        return Drawing(COLUMN_PX * len(self._counts), HEIGHT_PX, shapes, told)

    def numbers(self) -> dict[str, Any]:
        """The counts."""
        return {"counts": dict(self._counts)}
