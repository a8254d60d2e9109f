"""How late news arrive by one way and by another: two histograms, live."""

from __future__ import annotations

import math
import threading
from typing import Any

from ipywidgets import HTML

from marketlab.widgets.delays_drawing import draw_delays
from marketlab.widgets.errors import WidgetError
from marketlab.widgets.live import LiveWidget
from marketlab.widgets.shapes import Drawing

__all__ = ["Delays"]


class Delays(LiveWidget):
    """A histogram of delays for each way by which news can come, on one scale.

    ::

        with Delays("polling", "WebSocket") as picture:
            picture.push(("polling", 1.2))

    :param ways: their names, from left to right
    :param most_s: right end of the scale, seconds; what took longer stands in the last bar
    :param name: a second widget of the same name closes this one
    :param hz: drawn so many times a second at the most
    :param max_seconds: it ends by itself after so long
    """

    def __init__(
        self,
        *ways: str,
        most_s: float = 2.5,
        name: str = "delays",
        hz: float = 5.0,
        max_seconds: float | None = None,
    ) -> None:
        super().__init__(name=name, hz=hz, max_seconds=max_seconds)
        self._most_s = most_s
        self._delays: dict[str, list[float]] = {way: [] for way in ways}
        self._lock = threading.Lock()
        self._svg = HTML()
        self.begin(self._svg)

    def push(self, arrival: tuple[str, float], /) -> None:
        """Add the way by which something has come, and how many seconds it took.

        :raises WidgetError: there is no such way, or it is no time
        """
        way, delay_s = arrival
        delays = self._delays.get(way)
        if delays is None or not math.isfinite(delay_s):
            raise WidgetError(
                f"one of {', '.join(self._delays)} and seconds were wanted, {arrival!r} was found",
                mend="Name the ways when you make it: Delays('polling', 'WebSocket')",
            )
        with self._lock:
            delays.append(float(delay_s))
        self.notify()

    def draw(self) -> str:
        """Bring the newest delays into view."""
        svg = self.drawing().svg()
        if self._svg.value != svg:
            self._svg.value = svg
        if not self.pushes:
            return "nothing came" if self.ended else "<b>◌</b> waiting for the first tick"
        return f"<b>{'■ ended' if self.ended else '● LIVE'}</b> · {self.pushes:,} ticks"

    def drawing(self) -> Drawing:
        """The same as a still picture."""
        return draw_delays(self._copy(), most_s=self._most_s)

    def numbers(self) -> dict[str, Any]:
        """How many came by each way, and their mean and longest delay in seconds (None: nothing came)."""
        return {
            "ways": {
                way: {
                    "ticks": len(delays),
                    "mean_s": sum(delays) / len(delays) if delays else None,
                    "slowest_s": max(delays, default=None),
                }
                for way, delays in self._copy().items()
            }
        }

    def _copy(self) -> dict[str, list[float]]:
        with self._lock:
            return {way: list(delays) for way, delays in self._delays.items()}
