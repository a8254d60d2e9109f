"""The lanes of a topic, live."""

from __future__ import annotations

import html
from typing import Any

from ipywidgets import HTML

from marketlab.widgets.lanes import Lanes, Located
from marketlab.widgets.live import LiveWidget, Pull
from marketlab.widgets.shapes import Drawing

__all__ = ["PartitionView"]


class PartitionView(LiveWidget):
    """Draws :class:`Lanes` anew whenever they change, and says how far each reader is behind.

    ::

        with PartitionView(lanes):
            for message in messages:
                lanes.add(message)

    :param name: a second view of the same name closes this one
    :param hz: drawn so many times a second at the most
    :param max_seconds: it ends by itself after so long
    :param pull: asked for new messages before each drawing
    """

    def __init__(
        self,
        lanes: Lanes,
        *,
        name: str = "partitions",
        hz: float = 5.0,
        max_seconds: float | None = None,
        pull: Pull | None = None,
    ) -> None:
        super().__init__(name=name, hz=hz, max_seconds=max_seconds, pull=pull)
        self.lanes = lanes
        self._svg = HTML()
        lanes.on_change = self.notify
        self.begin(self._svg)

    def push(self, message: Located, /) -> None:
        """Put a message where it lies; as ``lanes.add``."""
        self.lanes.add(message)

    def draw(self) -> str:
        """Bring the newest state into view."""
        svg = self.lanes.drawing().svg()
        if self._svg.value != svg:
            self._svg.value = svg
        known = self.lanes.numbers()
        total = sum(lane["messages"] for lane in known["partitions"])
        told = [f"<b>{'■ ended' if self.ended else '● LIVE'}</b>", f"{total:,} messages"]
        told += [f"{html.escape(r['name'])} {r['lag']:,} behind" for r in known["readers"] if r["positions"]]
        return " · ".join(told)

    def drawing(self) -> Drawing:
        """The same as a still picture."""
        return self.lanes.drawing()

    def numbers(self) -> dict[str, Any]:
        """What the lanes know."""
        return self.lanes.numbers()
