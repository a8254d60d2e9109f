"""The one thread of a live widget: draws what has gathered, a few times a second, and never in the pusher's way.

A thread and not a task of the kernel's event loop, which stands still while a cell runs, and a cell that runs is when
there is something to see.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["Flusher"]

IDLE_S = 1.0  # without news a widget is looked at so often: what it says of its age has to stay true
JOIN_S = 5.0


class Flusher:
    """Calls ``draw`` in a daemon thread: soon after :meth:`notify`, at most ``hz`` times a second.

    :param draw: must not be called by anybody else while the thread lives
    :param on_error: told once, in the thread, what ``draw`` raised; then the thread ends
    :param on_end: told in the thread when it ends by itself; must :meth:`close`
    :param max_s: after so many seconds it ends by itself
    :param asks: whether there may be news without a :meth:`notify`, so that it has to draw all the time
    :param clock: gives seconds, only ever more of them
    :param wait: waits for an event, so many seconds at the most
    """

    def __init__(
        self,
        draw: Callable[[], None],
        *,
        name: str,
        hz: float,
        on_error: Callable[[Exception], None],
        on_end: Callable[[], None] = lambda: None,
        max_s: float | None = None,
        asks: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        self._draw = draw
        self._on_error = on_error
        self._on_end = on_end
        self._period_s = 1.0 / hz
        self._idle_s = self._period_s if asks else IDLE_S
        self._max_s = float("inf") if max_s is None else max_s
        self._clock = clock
        self._wait = wait
        self._news = threading.Event()
        self._closed = threading.Event()
        self._enough = False
        self._failed = False
        self._thread = threading.Thread(target=self.run, name=f"marketlab {name}", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def notify(self) -> None:
        """There is something new to draw."""
        self._news.set()

    def end(self) -> None:
        """Let the thread end by itself, as if its time were up; does not wait."""
        self._enough = True
        self._news.set()

    def close(self) -> None:
        """End the thread and draw once more, so that the last picture shows everything. Again: nothing."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._news.set()
        own = self._thread is threading.current_thread()
        if not own and self._thread.ident is not None:
            self._thread.join(JOIN_S)
        if not self._failed and (own or not self._thread.is_alive()):
            self._attempt()

    def run(self) -> None:
        """What the thread does."""
        end = self._clock() + self._max_s
        while not (self._closed.is_set() or self._over(end) or self._failed):
            self._wait(self._news, self._within(self._idle_s, end))
            self._news.clear()
            if self._closed.is_set():
                return  # the last picture is drawn by whoever closes
            self._attempt()
            if not self._over(end):
                self._wait(self._closed, self._within(self._period_s, end))
        if self._over(end) and not self._closed.is_set():
            self._on_end()

    def _over(self, end: float) -> bool:
        return self._enough or self._clock() >= end

    def _within(self, seconds: float, end: float) -> float:
        return max(0.0, min(seconds, end - self._clock()))

    def _attempt(self) -> None:
        try:
            self._draw()
        except Exception as error:  # noqa: BLE001 (a thread's exception would vanish: it is handed on to be shown)
            self._failed = True
            self._on_error(error)
