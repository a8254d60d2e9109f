"""The feed of alerts, newest first; a click shows the ticks behind one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ipywidgets import HTML, Button, HBox

from marketlab.analytics.lines import decimals
from marketlab.figures import DOWN, MINUS, UP, change_text, clock_text
from marketlab.widgets.alert_memory import AlertMemory, Remembered
from marketlab.widgets.behind import Behind, draw_behind
from marketlab.widgets.buttons import make_button
from marketlab.widgets.chart_drawing import price_text
from marketlab.widgets.live import LiveWidget, Pull
from marketlab.widgets.shapes import Drawing, Path, Shape, Text

__all__ = ["AlertFeed"]

ROWS = 4
KEPT = 100
LONGEST_NAME = 10
FRESH_S = 10.0
WIDTH_PX, HEAD_PX, ROW_PX = 520, 24, 28
CHANGE, MOVE, PLACE, CLOCK = 176, 340, 420, 516


class AlertFeed(LiveWidget):
    """Alerts as they come; "Why?" beside one shows the ticks that it was made from.

    ::

        with AlertFeed() as feed:
            for tick in ticks:
                feed.push(tick)

    :param threshold_pct: named while there is no alert
    :param window: ticks in the average
    :param explain: given the tick of an alert, says what is behind it, for instance by reading the log again;
        default: what was pushed before it
    :param name: a second widget of the same name closes this one
    :param hz: drawn so many times a second at the most
    :param max_seconds: it ends by itself after so long
    :param max_ticks: it ends by itself after so many ticks
    :param pull: asked for new ticks before each drawing
    """

    def __init__(
        self,
        *,
        threshold_pct: float = 3.0,
        window: int = 5,
        explain: Callable[[Mapping[str, Any]], Behind] | None = None,
        name: str = "alerts",
        hz: float = 5.0,
        max_seconds: float | None = None,
        max_ticks: int | None = None,
        pull: Pull | None = None,
    ) -> None:
        super().__init__(name=name, hz=hz, max_seconds=max_seconds, max_pushes=max_ticks, pull=pull)
        self._memory = AlertMemory(window=window, most=KEPT)
        self._threshold_pct = threshold_pct
        self._explain = explain
        self._lock = threading.Lock()
        self._open: int | None = None  # the alert that is taken apart
        self._head = HTML()
        self._details = HTML()
        self._rows = [HTML() for _ in range(ROWS)]
        self._buttons = [self._make_button(number) for number in range(ROWS)]
        self._lines = [
            HBox([row, button]).add_class("ml-row") for row, button in zip(self._rows, self._buttons, strict=True)
        ]
        for line in self._lines:
            line.layout.display = "none"
        self.begin(self._head, *self._lines, self._details, parts=[*self._rows, *self._buttons])

    def push(self, tick: Mapping[str, Any], /) -> None:
        """Add a tick, alert or not: a dict with symbol, price and timestamp (s), and alert where it is one.

        :raises WidgetError: it is not a tick
        """
        with self._lock:
            self._memory.push(tick, now=time.monotonic())
        self.notify()

    def draw(self) -> str:
        """Bring the newest alerts into view."""
        alerts = self._newest()
        _set(self._head, _head(self._memory.total).svg())
        for number, (line, row) in enumerate(zip(self._lines, self._rows, strict=True)):
            shown = "flex" if number < len(alerts) else "none"
            if line.layout.display != shown:
                line.layout.display = shown
            if number < len(alerts):
                _set(row, _row_drawing(alerts[number]).svg())
        state = f"<b>{'■ ended' if self.ended else '● LIVE'}</b>"
        return f"{state} · {self.pushes:,} ticks · {self._says()}"

    def drawing(self) -> Drawing:
        """The same as a still picture."""
        alerts = self._newest()
        shapes: list[Shape] = [*_head(self._memory.total).shapes]
        for number, alert in enumerate(alerts):
            shapes += _row(alert, HEAD_PX + number * ROW_PX)
        if not alerts:
            shapes.append(Text(0, HEAD_PX + ROW_PX / 2, self._says(), 12, "muted"))
        height = HEAD_PX + max(1, len(alerts)) * ROW_PX
        told = ", ".join(str(alert.tick["symbol"]) + " " + change_text(alert.change_pct) for alert in alerts)
        return Drawing(WIDTH_PX, height, shapes, f"{self._memory.total:,} alerts{': ' if told else ''}{told}")

    def numbers(self) -> dict[str, Any]:
        """How many ticks and alerts came, the largest move, and the newest alerts."""
        return {
            "ticks": self.pushes,
            "alerts": self._memory.total,
            "largest_move_pct": self._memory.largest,
            "newest": [
                {"symbol": alert.tick["symbol"], "change_pct": alert.change_pct, "price": alert.tick["price"]}
                for alert in self._newest()
            ],
        }

    def why(self, place: int = 0) -> Behind | None:
        """Show what is behind an alert, or hide it again; what a click on its button does.

        :param place: 0 for the newest
        """
        alerts = self._newest()
        if place >= len(alerts):
            return None
        alert = alerts[place]
        if self._open == alert.number:
            self._open = None
            self._details.value = ""
            return None
        self._open = alert.number
        self._details.value = '<div class="ml-quiet">reading the ticks behind it again …</div>'
        try:
            behind = self._explain(alert.tick) if self._explain else alert.behind
        except Exception as error:  # noqa: BLE001 (in a callback it would vanish)
            self._details.value = Drawing(WIDTH_PX, 24, [Text(0, 12, f"✗ {error}", 12, "ink")], str(error)).svg()
            return None
        if behind is None:
            nothing = "the ticks before it were not seen here"
            self._details.value = Drawing(WIDTH_PX, 24, [Text(0, 12, nothing)], nothing).svg()
            return None
        self._details.value = draw_behind(behind).svg()
        return behind

    def _newest(self) -> list[Remembered]:
        with self._lock:
            return list(self._memory.alerts)[:ROWS]

    def _says(self) -> str:
        if self._memory.total:
            return f"the newest {ROWS} shown" if self._memory.total > ROWS else "all shown"
        none = f"none ≥ {self._threshold_pct:g} %"
        largest = self._memory.largest
        return none if largest is None else f"{none}, largest move {abs(largest):.3f} %"

    def _make_button(self, number: int) -> Button:
        return make_button("Why?", "The ticks behind this alert", lambda: self.why(number))


def _set(widget: HTML, value: str) -> None:
    if widget.value != value:
        widget.value = value


def _head(total: int) -> Drawing:
    shapes: list[Shape] = [
        Text(0, HEAD_PX / 2, "Alerts"),
        Text(WIDTH_PX - 4, HEAD_PX / 2, f"{total:,}" if total else "", anchor="end"),
        Path(((0, HEAD_PX), (WIDTH_PX, HEAD_PX)), "rule", 1),
    ]
    return Drawing(WIDTH_PX, HEAD_PX, shapes, f"{total:,} alerts")


def _row_drawing(alert: Remembered) -> Drawing:
    says = f"{alert.tick['symbol']} {change_text(alert.change_pct)}"
    return Drawing(WIDTH_PX, ROW_PX, list(_row(alert, 0)), says)


def _row(alert: Remembered, top: float) -> Iterator[Shape]:
    tick, middle = alert.tick, top + ROW_PX / 2
    fresh = time.monotonic() - alert.came_at < FRESH_S
    yield Text(0, middle, UP if alert.change_pct > 0 else DOWN, 12, "alert")
    yield Text(20, middle, str(tick["symbol"])[:LONGEST_NAME], 13, "alert" if fresh else "ink", bold=True)
    sign = "+" if alert.change_pct > 0 else MINUS
    yield Text(CHANGE, middle, f"{sign}{abs(alert.change_pct):.2f} %", 13, "alert", "end")
    price = float(tick["price"])
    places = max(decimals(price), 2 if alert.previous is None else decimals(alert.previous))
    before = "" if alert.previous is None else f"{price_text(alert.previous, places)} → "
    yield Text(MOVE, middle, f"{before}{price_text(price, places)}", 12, "muted", "end")
    if tick.get("partition") is not None and tick.get("offset") is not None:
        yield Text(PLACE, middle, f"{tick['partition']}@{tick['offset']:,}", 12, "muted", "end")
    yield Text(CLOCK, middle, clock_text(float(tick["timestamp"]))[:-4], 12, "muted", "end")
    yield Path(((0, top + ROW_PX), (WIDTH_PX, top + ROW_PX)), "rule", 1)
