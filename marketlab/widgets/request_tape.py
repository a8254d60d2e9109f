"""Requests to an API, one line each: what was asked, what the status was, how long it took, and what came back."""

from __future__ import annotations

import base64
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from marketlab.widgets.shapes import Drawing, Rect, Shape, Text
from marketlab.widgets.style import STYLE

__all__ = ["Request", "RequestTape"]

ROW, HEAD, WIDTH = 24, 22, 860
ASKED, STATUS, TOOK, BAR, BODY = 44, 236, 320, 330, 414  # where the columns begin; TOOK is where one ends
BAR_PX = 72
ASKED_CHARS, BODY_CHARS = 28, 66


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``status`` is None if nobody answered; ``ms``: milliseconds until the body was read."""

    number: int
    asked: str
    status: int | None
    ms: float
    body: str

    @property
    def ok(self) -> bool:
        """Whether the answer was a yes."""
        return self.status is not None and self.status < 400


class RequestTape:
    """What was asked and answered; shows itself as a still picture of this moment.

    ::

        tape = RequestTape()
        tape.add("GET", "/data", status=200, ms=1.9, body="[]")
        tape

    :param rows: in the picture, the newest
    """

    def __init__(self, *, rows: int = 8) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._newest: deque[Request] = deque(maxlen=rows)
        self._statuses: Counter[int | None] = Counter()
        self._lock = threading.Lock()

    def add(self, method: str, path: str, *, status: int | None, ms: float, body: str = "") -> None:
        """Put a request at the end.

        :param status: None if nobody answered
        :param ms: milliseconds that it took
        :param body: what came back; without an answer, why there is none
        """
        with self._lock:
            self._statuses[status] += 1
            number = self._statuses.total()
            self._newest.append(Request(number, f"{method} {path}", status, ms, " ".join(body.split())))
        self.on_change()

    def drawing(self) -> Drawing:
        """The picture of this moment: the newest requests, the last one at the bottom."""
        with self._lock:
            shown = list(self._newest)
        slowest = max((request.ms for request in shown), default=0.0) or 1.0
        shapes: list[Shape] = [
            Text(0, HEAD / 2 - 2, "#"),
            Text(ASKED, HEAD / 2 - 2, "asked"),
            Text(STATUS, HEAD / 2 - 2, "status"),
            Text(TOOK, HEAD / 2 - 2, "ms", anchor="end"),
            Text(BODY, HEAD / 2 - 2, "answer"),
        ]
        for row, request in enumerate(shown):
            shapes += _row(HEAD + row * ROW, request, slowest)
        if not shown:
            shapes.append(Text(ASKED, HEAD + ROW / 2, "nothing was asked yet", 13))
        said = "; ".join(f"{r.asked} {r.status or 'no answer'} in {r.ms:.0f} ms" for r in shown)
        return Drawing(WIDTH, HEAD + ROW * max(1, len(shown)) + 2, shapes, f"requests: {said or 'none yet'}")

    def numbers(self) -> dict[str, Any]:
        """How many requests there were, and how many got which status; ``none``: nobody answered."""
        with self._lock:
            statuses = {str(status or "none"): count for status, count in self._statuses.items()}
            return {"requests": self._statuses.total(), "statuses": statuses}

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from marketlab.widgets.live import EVIDENCE

        drawing = self.drawing()
        return {
            "text/plain": drawing.says,
            "text/html": f'{STYLE}<div class="marketlab">{drawing.svg()}</div>',
            "image/png": base64.b64encode(drawing.png()).decode(),
            EVIDENCE: {"widget": "RequestTape"} | self.numbers(),
        }


def _row(top: float, request: Request, slowest: float) -> Iterator[Shape]:
    middle = top + ROW / 2
    status = "✗ none" if request.status is None else f"{'✓' if request.ok else '✗'} {request.status}"
    yield Rect(0, top, WIDTH, 1, "rule")
    yield Text(0, middle, f"{request.number:,}")
    yield Text(ASKED, middle, _cut(request.asked, ASKED_CHARS), 13, "ink")
    yield Text(STATUS, middle, status, 13, "accent" if request.ok else "ink", bold=True)
    yield Text(TOOK, middle, f"{request.ms:.1f}", 13, "ink", "end")
    yield Rect(BAR, middle - 4, max(1.0, BAR_PX * request.ms / slowest), 8, "accent" if request.ok else "control")
    yield Text(BODY, middle, _cut(request.body, BODY_CHARS))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
