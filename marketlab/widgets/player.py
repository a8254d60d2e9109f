"""Takes ticks from a source at their pace and hands them on, in a thread; can be paused, stepped and stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["Pace", "Player"]

Tick = Mapping[str, Any]

BEHIND_S = 1.0  # what was missed by more than this is not made up for in one burst
JOIN_S = 5.0


class Pace:
    """How far ticks lie apart; may be changed while they flow.

    :param rate: ticks a second
    :param speed: for recordings, how much faster than recorded, ``inf`` for as fast as it goes; then no ``rate``
    """

    def __init__(self, *, rate: float = 20.0, speed: float | None = None) -> None:
        self.rate = rate
        self.speed = speed

    def gap_s(self, before: Tick | None, tick: Tick | None) -> float:
        """Seconds between two ticks; the second one is None where it need not be known."""
        if self.speed is None:
            return 1.0 / self.rate
        if before is None or tick is None:
            return 0.0
        return max(0.0, float(tick["timestamp"]) - float(before["timestamp"])) / self.speed


class Player:
    """One run through a source.

    ``state`` is ``running``, ``paused``, ``ended``, ``stopped`` or ``failed``, and ``error`` says why.

    :param open_ticks: gives the source, in the thread
    :param take: called with each tick, in the thread
    :param on_change: called, in whatever thread, when the state has changed
    """

    def __init__(
        self,
        open_ticks: Callable[[], Iterable[Tick]],
        take: Callable[[Tick], object],
        *,
        pace: Pace,
        on_change: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pace = pace
        self.state = "running"
        self.error: Exception | None = None
        self.taken = 0
        self._open_ticks = open_ticks
        self._take = take
        self._on_change = on_change
        self._clock = clock
        self._steps = 0
        self._turn = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="marketlab player", daemon=True)

    def start(self, *, paused: bool = False) -> None:
        """Begin."""
        self.state = "paused" if paused else "running"
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it can still give a tick."""
        return self.state in ("running", "paused")

    def pause(self) -> None:
        """Hold the next tick back."""
        self._become("paused")

    def resume(self) -> None:
        """Go on; what was missed meanwhile is not made up for."""
        self._become("running")

    def step(self) -> None:
        """Let one tick through, and hold the next one back."""
        with self._turn:
            self._steps += 1
        self._become("paused")

    def stop(self) -> None:
        """End, and wait for the thread unless it is the one that calls."""
        self._become("stopped")
        if self._thread is not threading.current_thread() and self._thread.ident is not None:
            self._thread.join(JOIN_S)

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until it has ended; False if it has not in time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _become(self, state: str) -> None:
        with self._turn:
            if not self.alive:
                return
            self.state = state
            self._turn.notify_all()
        self._on_change()

    def _run(self) -> None:
        try:
            done = self._play()
        except Exception as error:  # noqa: BLE001 (a thread's exception would vanish: it is kept to be shown)
            self.error = error
            self._become("failed")
        else:
            self._become("ended" if done else "stopped")

    def _play(self) -> bool:
        source = iter(self._open_ticks())
        before: Tick | None = None
        due = self._clock()
        while True:
            # A simulator stamps a tick when it is asked for one, so it is asked when the tick is due; a recorded tick
            # says itself when that is.
            if self.pace.speed is None:
                due = self._until(due if before is None else due + self.pace.gap_s(before, None))
                tick = next(source, None)
            else:
                tick = next(source, None)
                if tick is not None:
                    due = self._until(due + self.pace.gap_s(before, tick))
            if not self.alive or tick is None:
                return tick is None
            self._take(tick)
            self.taken += 1
            before = tick

    def _until(self, due: float) -> float:
        """Wait until a tick may go; when it was due."""
        with self._turn:
            while self.alive:
                if self._steps:
                    self._steps -= 1
                    return self._clock()
                wait = due - self._clock()
                if self.state == "paused":
                    self._turn.wait()
                    due = self._clock()
                elif wait > 0:
                    self._turn.wait(wait)
                else:
                    return due if -wait < BEHIND_S else self._clock()
        return due
