"""The lanes of a topic, live."""

from __future__ import annotations

from typing import Any

from ipywidgets import HTML

from marketlab.widgets.lanes import Lanes
from marketlab.widgets.live import LiveWidget
from marketlab.widgets.shapes import Drawing

__all__ = ["PartitionView"]


class PartitionView(LiveWidget):
    """Draws :class:`Lanes` anew whenever they change.

    ::

        with PartitionView(lanes):
            for message in messages:
                lanes.add(message)

    :param name: a second view of the same name closes this one
    :param hz: drawn so many times a second at the most
    :param max_seconds: it ends by itself after so long
    """

    def __init__(
        self, lanes: Lanes, *, name: str = "partitions", hz: float = 5.0, max_seconds: float | None = None
    ) -> None:
        super().__init__(name=name, hz=hz, max_seconds=max_seconds)
        self.lanes = lanes
        self._svg = HTML()
        lanes.on_change = self.notify
        self.begin(self._svg)

    def draw(self) -> str:
        """Bring the newest state into view."""
        svg = self.lanes.drawing().svg()
        if self._svg.value != svg:
            self._svg.value = svg
        lanes = self.lanes.numbers()["partitions"]
        total = sum(lane["messages"] for lane in lanes)
        return f"<b>{'■ ended' if self.ended else '● LIVE'}</b> · {total:,} messages"

    def drawing(self) -> Drawing:
        """The same as a still picture."""
        return self.lanes.drawing()

    def numbers(self) -> dict[str, Any]:
        """What the lanes know."""
        return self.lanes.numbers()
