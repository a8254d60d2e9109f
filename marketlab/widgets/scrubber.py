"""A recording under two sliders: one moves through its time, the other one says from which move on to alert."""

from __future__ import annotations

import base64
import html
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from typing import Any

from ipywidgets import HTML, HBox, IntSlider, SelectionSlider, VBox

from marketlab.figures import clock_text
from marketlab.widgets.candle_series import Candle, CandleSeries
from marketlab.widgets.candles_drawing import candles_sentence, draw_candles
from marketlab.widgets.chart_drawing import head_shapes
from marketlab.widgets.errors import WidgetError
from marketlab.widgets.live import EVIDENCE
from marketlab.widgets.series import read_tick
from marketlab.widgets.shapes import Drawing
from marketlab.widgets.style import STYLE

__all__ = ["Scrubber"]

HEIGHT_PX = 240
THRESHOLDS_PCT = [
    float(f"{part}e{power}") for power in (-3, -2, -1, 0) for part in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
]
ROOM = 0.08  # above and below the prices, as a part of their range


class Scrubber(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Candles of a recording, the empty ones hatched, and a red triangle for each move of at least the threshold.

    ::

        Scrubber(ticks, "SYNBTC")

    :param ticks: dicts with symbol, price and timestamp (s), in order; what is late is left out
    :param symbol: whose; None: of whoever comes first
    :param seconds: length of a candle
    :param shown: candles that have room
    :param threshold_pct: where the second slider stands
    :raises WidgetError: there is no tick of that symbol
    """

    def __init__(
        self,
        ticks: Iterable[Mapping[str, Any]],
        symbol: str | None = None,
        *,
        seconds: float = 1.0,
        shown: int = 60,
        threshold_pct: float = 3.0,
    ) -> None:
        self._times: list[float] = []
        self._prices: list[float] = []
        self._changes: list[float] = []  # in percent, from the tick before; 0 for the first
        self.symbol = symbol
        for tick in ticks:
            self._take(tick)
        if not self._times:
            raise WidgetError(f"ticks of {symbol or 'some symbol'} were wanted, none was found")
        self._seconds, self._shown = seconds, shown
        self._first = math.floor(self._times[0] / seconds)  # intervals since the epoch
        self._last = math.floor(self._times[-1] / seconds)
        begin = min(self._last, self._first + shown - 1)
        self._to = IntSlider(begin, min(begin, self._first), self._last, readout=False, description="time")
        self._threshold = SelectionSlider(
            options=[(f"{pct:g} %", pct) for pct in sorted({*THRESHOLDS_PCT, threshold_pct})], value=threshold_pct,
            description="alert from",
        )  # fmt: skip
        self._svg, self._status = HTML(), HTML().add_class("ml-status")
        sliders = HBox([self._to, self._threshold]).add_class("ml-fields")
        super().__init__([HTML(STYLE, layout={"display": "none"}), sliders, self._svg, self._status])
        self.add_class("marketlab")
        for slider in (self._to, self._threshold):
            slider.observe(lambda _: self._draw(), "value")
        self._draw()

    def move(self, *, to_s: float | None = None, threshold_pct: float | None = None) -> None:
        """Put the sliders somewhere else, as by hand.

        :param to_s: the time, in seconds since the epoch, at which the newest candle ends that is shown
        :param threshold_pct: the nearest one that the slider has
        """
        if to_s is not None:
            self._to.value = max(self._to.min, min(self._to.max, math.ceil(to_s / self._seconds) - 1))
        if threshold_pct is not None:
            self._threshold.value = min(
                (pct for _, pct in self._threshold.options), key=lambda pct: abs(pct - threshold_pct)
            )

    @property
    def alerts(self) -> int:
        """Moves of at least the threshold, in the whole recording."""
        return sum(abs(change) >= self._threshold.value for change in self._changes)

    def drawing(self) -> Drawing:
        """The picture."""
        start, end = self._window()
        candles = self._candles(start, end)
        places, prices = self._places, [price for c in candles for price in (c.low, c.high)] or self._prices[:1]
        low, high = min(prices), max(prices)
        room = (high - low or high * 1e-4) * ROOM
        first, last = (bisect_left(self._times, edge) for edge in (start, end))
        marks = [
            (self._times[n], self._prices[n], self._changes[n])
            for n in range(first, last)
            if abs(self._changes[n]) >= self._threshold.value
        ]
        gaps = self._gaps(candles, start, end)
        empty = sum(round((to - since) / self._seconds) for since, to in gaps)
        says = candles_sentence(
            self.symbol or "–", candles, empty=empty, interval_s=self._seconds, places=places
        )  # fmt: skip
        ends = (candles[0].open, candles[-1].close) if candles else None
        return draw_candles(
            list(head_shapes(self.symbol or "–", ends, places)), candles, gaps, seconds=(start, end),
            limits=(low - room, high + room), interval_s=self._seconds, height=HEIGHT_PX,
            says=f"{says}; {self._found()}", alerts=marks,
        )  # fmt: skip

    def numbers(self) -> dict[str, Any]:
        """The whole recording in figures."""
        changes = [abs(change) for change in self._changes]
        return {
            "symbol": self.symbol,
            "ticks": len(self._times),
            "threshold_pct": self._threshold.value,
            "alerts": self.alerts,
            "largest_move_pct": max(changes),
        }

    def _take(self, tick: Mapping[str, Any]) -> None:
        symbol, (time_s, price, _, _) = read_tick(tick)
        self.symbol = self.symbol or symbol
        if symbol != self.symbol or tick.get("late") or (self._times and time_s < self._times[-1]):
            return
        before = self._prices[-1] if self._prices else price
        self._times.append(time_s)
        self._prices.append(price)
        self._changes.append((price - before) / before * 100)

    def _window(self) -> tuple[float, float]:
        end = (self._to.value + 1) * self._seconds
        return end - self._shown * self._seconds, end

    def _candles(self, start: float, end: float) -> list[Candle]:
        series = CandleSeries(self.symbol, seconds=self._seconds, most=self._shown)
        for n in range(bisect_left(self._times, start), bisect_left(self._times, end)):
            series.push({"symbol": self.symbol, "timestamp": self._times[n], "price": self._prices[n]})
        self._places = series.decimals
        return series.candles()

    def _gaps(self, candles: list[Candle], start: float, end: float) -> list[tuple[float, float]]:
        """Where nothing was traded, but only between the first and the last tick: what is outside nobody knows."""
        begin = max(start, self._first * self._seconds)
        end = min(end, (self._last + 1) * self._seconds)
        gaps = []
        for candle in candles:
            if candle.start > begin:
                gaps.append((begin, candle.start))
            begin = candle.start + self._seconds
        if begin < end:
            gaps.append((begin, end))
        return gaps

    def _found(self) -> str:
        threshold, largest = self._threshold.value, max(map(abs, self._changes))
        number = f"{self.alerts:,} of {len(self._times) - 1:,} moves reach {threshold:.3g} %"
        return f"{number}, the largest is {largest:.3g} %"

    def _draw(self) -> None:
        self._svg.value = self.drawing().svg()
        start, end = self._window()
        shown = bisect_right(self._times, end) - bisect_left(self._times, start)
        span = f"{clock_text(start)} to {clock_text(end)}"
        self._status.value = f"<b>{html.escape(self._found())}</b> · {span}, {shown:,} ticks"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        drawing = self.drawing()
        return bundle | {
            "text/plain": drawing.says,
            "image/png": base64.b64encode(drawing.png()).decode(),
            EVIDENCE: {"widget": "Scrubber"} | self.numbers(),
        }
