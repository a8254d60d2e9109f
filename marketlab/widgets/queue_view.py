"""A writer at work, live: rows read, rows durable, the queue between them, and a button that kills it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from ipywidgets import HTML

from marketlab.widgets.buttons import make_button
from marketlab.widgets.errors import WidgetError
from marketlab.widgets.live import LiveWidget
from marketlab.widgets.queue_drawing import Moment, draw_queue
from marketlab.widgets.shapes import Drawing

__all__ = ["QueueView"]

MOST = 600  # moments that are kept: 30 s at 20 a second


class QueueView(LiveWidget):
    """Two stairs, and what lies between them would be lost if the power went out now.

    ::

        with QueueView(kill=process.kill) as view:
            view.push({"read": 120, "durable": 100})

    :param kill: what the button does; without it there is none
    :param name: a second view of the same name closes this one
    :param hz: drawn so many times a second at the most
    :param max_seconds: it ends by itself after so long
    :param clock: seconds that only go forward
    """

    def __init__(
        self,
        *,
        kill: Callable[[], object] | None = None,
        name: str = "queue",
        hz: float = 5.0,
        max_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name=name, hz=hz, max_seconds=max_seconds)
        self._clock = clock
        self._lock = threading.Lock()
        self._moments: deque[Moment] = deque(maxlen=MOST)
        self._kills: list[float] = []
        self._longest = 0
        self._svg = HTML()
        button = [make_button("kill -9", "end the writer as a crash would", kill)] if kill else []
        self.begin(self._svg, buttons=button)

    def push(self, counts: Mapping[str, int], /) -> None:
        """Say how many rows were read and how many of these are durable: ``{"read": 120, "durable": 100}``.

        :raises WidgetError: one of the counts is missing
        """
        try:
            read, durable = counts["read"], counts["durable"]
        except KeyError as missing:
            raise WidgetError(f"counts of read and durable were wanted, {missing} is missing") from None
        with self._lock:
            self._moments.append(Moment(self._clock(), read, durable))
            self._longest = max(self._longest, read - durable)
        self.notify()

    def killed(self, durable: int) -> None:
        """Mark the moment: the writer is no more, and what waited in its memory neither.

        :param durable: rows that the database has now
        """
        with self._lock:
            now = self._clock()
            if self._moments:  # a commit may have come after the last that was heard
                self._moments.append(Moment(now, max(self._moments[-1].read, durable), durable))
            self._moments.append(Moment(now, durable, durable))
            self._kills.append(now)
        self.notify(pushed=0)

    def draw(self) -> str:
        """Bring the newest state into view."""
        svg = self.drawing().svg()
        if self._svg.value != svg:
            self._svg.value = svg
        with self._lock:
            last = self._moments[-1] if self._moments else None
            kills, longest = len(self._kills), self._longest
        if last is None:
            return "<b>◌</b> nothing was read yet"
        told = [f"<b>{'■ ended' if self.ended else '● LIVE'}</b>", f"{last.read - last.durable:,} in the queue"]
        return " · ".join([*told, f"{longest:,} at the most", f"killed {kills} {'time' if kills == 1 else 'times'}"])

    def drawing(self) -> Drawing:
        """The same as a still picture."""
        with self._lock:
            return draw_queue([*self._moments], [*self._kills])

    def numbers(self) -> dict[str, Any]:
        """The last counts, how long the queue was at the most, and how often the writer was killed."""
        with self._lock:
            last = self._moments[-1] if self._moments else Moment(0.0, 0, 0)
            return {"read": last.read, "durable": last.durable, "longest": self._longest, "kills": len(self._kills)}
