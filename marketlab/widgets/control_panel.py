"""The panel that lets ticks flow: which source, how fast, start, pause, step, stop."""

from __future__ import annotations

import html
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ipywidgets import HTML, Dropdown, HBox, Text

from marketlab.widgets.buttons import make_button
from marketlab.widgets.live import LiveWidget
from marketlab.widgets.player import Pace, Player
from marketlab.widgets.shapes import Drawing, Shape
from marketlab.widgets.shapes import Text as TextShape

__all__ = ["Choice", "ControlPanel"]

RATES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
SPEEDS = (1.0, 10.0, 100.0, math.inf)
RECENT = 20  # ticks whose pace is told


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen when Start was pressed; no symbols: those of the source."""

    source: str
    symbols: tuple[str, ...] = ()

    @property
    def recorded(self) -> bool:
        """Whether the source is a recording, whose pace is its own."""
        return self.source.startswith("replay:")


class ControlPanel(LiveWidget):
    """Takes ticks from a source and hands each to the functions that want it.

    ::

        panel = ControlPanel(open_ticks, chart.push, send)
        panel

    :param open_ticks: given a :class:`Choice`, the ticks, as dicts; it need not pace them
    :param takers: each is called with every tick, in the panel's thread; what one raises is shown and stops the flow
    :param sources: to choose from; those that begin with ``replay:`` have a pace of their own, times a speed
    :param symbols: of the simulator, to begin with
    :param rate: ticks a second, to begin with
    :param speed: of a recording, to begin with
    :param name: a second panel of the same name closes this one
    :param max_seconds: it ends by itself after so long
    :param max_ticks: it ends by itself after so many ticks
    """

    def __init__(
        self,
        open_ticks: Callable[[Choice], Iterable[Mapping[str, Any]]],
        *takers: Callable[[Mapping[str, Any]], object],
        sources: Sequence[str] = ("simulator",),
        symbols: Sequence[str] = (),
        rate: float = 20.0,
        speed: float = 1.0,
        name: str = "panel",
        hz: float = 5.0,
        max_seconds: float | None = None,
        max_ticks: int | None = None,
    ) -> None:
        super().__init__(name=name, hz=hz, max_seconds=max_seconds, max_pushes=max_ticks)
        self._open_ticks = open_ticks
        self._takers = takers
        self._player: Player | None = None
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._source = Dropdown(options=list(sources), description="Source")
        self._symbols = Text(value=",".join(symbols), placeholder="all", description="Symbols")
        self._rate = Dropdown(
            options=[(f"{value:g}/s", value) for value in sorted({*RATES, rate})], value=rate, description="Rate"
        )
        self._speed = Dropdown(
            options=[("max" if value == math.inf else f"{value:g} ×", value) for value in sorted({*SPEEDS, speed})],
            value=speed,
            description="Speed",
        )
        self._buttons = {
            "start": make_button("Start", "Let ticks flow", self.start),
            "pause": make_button("Pause", "Hold the next tick back", self.pause),
            "step": make_button("Step", "One tick, and no more", self.step),
            "stop": make_button("Stop", "End this run", self.stop),
        }
        fields = [self._source, self._symbols, self._rate, self._speed]
        for field in fields:
            field.add_class("ml-field")
            field.observe(self._chosen, "value")
        self._enable()
        self._error = HTML().add_class("ml-quiet")
        self.begin(HBox(fields).add_class("ml-fields"), self._error, parts=fields, buttons=list(self._buttons.values()))

    def push(self, tick: Mapping[str, Any], /) -> None:
        """Hand a tick to all who want it."""
        self._recent.append(time.monotonic())
        for take in self._takers:
            take(tick)
        self.notify()

    @property
    def state(self) -> str:
        """``ready``, or how its run stands: ``running``, ``paused``, ``ended``, ``stopped``, ``failed``."""
        return self._player.state if self._player else "ready"

    @property
    def choice(self) -> Choice:
        """What is chosen."""
        names = tuple(name.strip().upper() for name in self._symbols.value.split(",") if name.strip())
        return Choice(self._source.value, names)

    def start(self) -> None:
        """Begin, or go on after a pause."""
        if self._player is not None and self._player.alive:
            self._player.resume()
        else:
            self._begin(paused=False)

    def pause(self) -> None:
        """Hold the next tick back."""
        if self._player is not None:
            self._player.pause()

    def step(self) -> None:
        """Let one tick through."""
        if self._player is None or not self._player.alive:
            self._begin(paused=True)
        if self._player is not None:
            self._player.step()

    def stop(self) -> None:
        """End the run; Start begins a new one."""
        if self._player is not None:
            self._player.stop()

    def play(self, seconds: float | None = None) -> None:
        """Start, wait until the source has ended or the seconds are over, and stop: what a notebook does by itself."""
        self.start()
        try:
            if self._player is not None:
                self._player.join(seconds)
        finally:
            self.stop()

    def finish(self) -> None:
        """End, and stop what flows."""
        self.stop()
        super().finish()

    def draw(self) -> str:
        """Bring the state into view."""
        self._enable()
        error = self._player.error if self._player else self.error
        told = "" if error is None else f"✗ {type(error).__name__}: {error}"
        if self._error.value != html.escape(told):
            self._error.value = html.escape(told)
        return f"<b>{self._state_words()}</b> · {self.pushes:,} ticks{self._pace_words()}"

    def drawing(self) -> Drawing:
        """The same as a still picture."""
        choice = self.choice
        pace = f"{self._speed.value:g} ×" if choice.recorded else f"{self._rate.value:g}/s"
        columns = (
            ("Source", choice.source),
            ("Symbols", ", ".join(choice.symbols) or "all"),
            ("Speed" if choice.recorded else "Rate", pace),
            ("Ticks", f"{self.pushes:,}"),
        )
        shapes: list[Shape] = []
        for number, (label, value) in enumerate(columns):
            shapes.append(TextShape(number * 160, 10, label))
            shapes.append(TextShape(number * 160, 30, value[:22], 13, "ink"))
        told = ", ".join(f"{label.lower()} {value}" for label, value in columns)
        return Drawing(640, 42, shapes, f"{self.state}: {told}")

    def numbers(self) -> dict[str, Any]:
        """What was chosen and what came of it."""
        choice, error = self.choice, self._player.error if self._player else None
        return {
            "source": choice.source,
            "symbols": list(choice.symbols),
            "state": self.state,
            "ticks": self.pushes,
            "failure": repr(error) if error else None,
        }

    def _begin(self, *, paused: bool) -> None:
        if self.ended:
            return
        choice = self.choice
        self._recent.clear()
        pace = Pace(speed=self._speed.value) if choice.recorded else Pace(rate=self._rate.value)
        # Opened by the player, so that a source that cannot be opened is shown as one that fails.
        self._player = Player(
            lambda: self._open_ticks(choice), self.push, pace=pace, on_change=lambda: self.notify(pushed=0)
        )
        self._player.start(paused=paused)
        self.notify(pushed=0)

    def _chosen(self, _: object) -> None:
        """The pace can be changed while ticks flow, the rest at the next start."""
        if self._player is not None:
            if self._player.pace.speed is None:
                self._player.pace.rate = self._rate.value
            else:
                self._player.pace.speed = self._speed.value
        self._enable()

    def _enable(self) -> None:
        flowing = self._player is not None and self._player.alive
        running = self.state == "running"
        wanted = {
            self._source: flowing,
            self._symbols: flowing or self.choice.recorded,
            self._rate: self.choice.recorded,
            self._speed: not self.choice.recorded,
            self._buttons["start"]: running,
            self._buttons["pause"]: not running,
            self._buttons["step"]: running,
            self._buttons["stop"]: not flowing,
        }
        for widget, disabled in wanted.items():
            if widget.disabled != disabled:
                widget.disabled = disabled

    def _state_words(self) -> str:
        if self.ended:
            return "■ ended"
        return {
            "ready": "◌ ready",
            "running": "● LIVE",
            "paused": "⏸ paused",
            "ended": "■ the source has ended",
            "stopped": "■ stopped",
            "failed": "✗ stopped by an error",
        }[self.state]

    def _pace_words(self) -> str:
        if self.state != "running" or len(self._recent) < 2:
            return ""
        elapsed = self._recent[-1] - self._recent[0]
        return f" · {(len(self._recent) - 1) / elapsed:,.0f}/s" if elapsed else ""
