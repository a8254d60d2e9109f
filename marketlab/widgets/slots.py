"""A moving average as a window that slides: which prices stand in it after each tick, and which have fallen out."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

from marketlab.analytics.lines import price_text
from marketlab.analytics.moving_average import MovingAverage
from marketlab.widgets.shapes import Drawing, Rect, Shape, Text
from marketlab.widgets.style import STYLE

__all__ = ["Slots"]

MOST = 9  # ticks in the picture, the newest
LEFT, SLOT, GAP, ROW, HEAD = 64, 62, 4, 30, 22
SLOT_HEIGHT = 24
MEAN_PX = 96


class Slots:
    """A line a tick: its window as boxes, the newest price filled, and the mean behind it.

    ::

        Slots([100, 102, 107])

    :param prices: of one symbol, oldest first
    :param window: slots
    """

    def __init__(self, prices: Sequence[float], *, window: int = 5) -> None:
        average = MovingAverage(window)
        self.prices = [float(price) for price in prices]
        self.window = window
        self.averages = [average.update(price) for price in self.prices]

    def drawing(self) -> Drawing:
        """The picture."""
        first = max(0, len(self.prices) - MOST)
        shown = range(first, len(self.prices))
        columns = range(max(0, first - self.window + 1), max(len(self.prices), self.window))
        shapes = [shape for row, tick in enumerate(shown) for shape in self._row(row, tick, columns)]
        mean = LEFT + len(columns) * (SLOT + GAP) + 12
        shapes.append(Text(mean, HEAD / 2 - 2, f"MA({self.window})", 12, "muted"))
        said = "; ".join(f"tick {tick + 1}: mean {self.averages[tick]:.2f}" for tick in shown)
        return Drawing(mean + MEAN_PX, HEAD + ROW * len(shown), shapes, f"window of {self.window} prices; {said}")

    def _row(self, row: int, tick: int, columns: range) -> Iterator[Shape]:
        top = HEAD + row * ROW
        middle = top + SLOT_HEIGHT / 2
        yield Text(0, middle, f"tick {tick + 1}", 12, "muted")
        for column in range(max(tick - self.window + 1, 0), max(tick + 1, self.window)):
            x = LEFT + (column - columns.start) * (SLOT + GAP)
            if column > tick:  # a slot that nothing stands in yet
                yield Rect(x, top, SLOT, SLOT_HEIGHT, None, "control")
                continue
            newest = column == tick
            yield Rect(x, top, SLOT, SLOT_HEIGHT, "accent" if newest else "raised", "accent" if newest else "rule")
            text = price_text(self.prices[column])
            yield Text(x + SLOT / 2, middle, text, 12, "on-fill" if newest else "ink", "middle")
        mean = LEFT + len(columns) * (SLOT + GAP) + 12
        yield Text(mean, middle, f"{self.averages[tick]:,.2f}", 13, "ink", "start", bold=True)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from marketlab.widgets.live import EVIDENCE

        drawing = self.drawing()
        return {
            "text/plain": drawing.says,
            "text/html": f'{STYLE}<div class="marketlab">{drawing.svg()}</div>',
            "image/png": base64.b64encode(drawing.png()).decode(),
            EVIDENCE: {"widget": "Slots", "prices": self.prices, "averages": self.averages},
        }
