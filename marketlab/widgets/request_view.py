"""The requests to an API, live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ipywidgets import HTML

from marketlab.widgets.live import LiveWidget
from marketlab.widgets.request_tape import RequestTape
from marketlab.widgets.shapes import Drawing

__all__ = ["RequestView"]


class RequestView(LiveWidget):
    """Draws a :class:`RequestTape` anew whenever something is asked, and counts the answers.

    ::

        with RequestView(tape):
            tape.add("GET", "/data", status=200, ms=1.9, body="[]")

    :param name: a second view of the same name closes this one
    :param hz: drawn so many times a second at the most
    :param max_seconds: it ends by itself after so long
    """

    def __init__(
        self, tape: RequestTape, *, name: str = "requests", hz: float = 5.0, max_seconds: float | None = None
    ) -> None:
        super().__init__(name=name, hz=hz, max_seconds=max_seconds)
        self.tape = tape
        self._svg = HTML()
        tape.on_change = self.notify
        self.begin(self._svg)

    def push(self, request: Mapping[str, Any], /) -> None:
        """Put a request at the end; as ``tape.add``."""
        self.tape.add(**request)

    def draw(self) -> str:
        """Bring the newest requests into view."""
        svg = self.drawing().svg()
        if self._svg.value != svg:
            self._svg.value = svg
        known = self.tape.numbers()
        told = [f"<b>{'■ ended' if self.ended else '● LIVE'}</b>", f"{known['requests']:,} requests"]
        told += [
            f"{count:,} without an answer" if status == "none" else f"{count:,} × {status}"
            for status, count in sorted(known["statuses"].items())
        ]
        return " · ".join(told)

    def drawing(self) -> Drawing:
        """The same as a still picture."""
        return self.tape.drawing()

    def numbers(self) -> dict[str, Any]:
        """Requests, by status."""
        return self.tape.numbers()
