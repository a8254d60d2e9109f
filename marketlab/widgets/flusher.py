"""The one thread of a live widget: draws what has gathered, a few times a second, and never in the pusher's way.

A thread and not a task of the kernel's event loop, which stands still while a cell runs, and a cell that runs is when
there is something to see.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from marketlab.deadline import Deadline

__all__ = ["Flusher"]

IDLE_S = 1.0  # without news a widget is looked at so often: what it says of its age has to stay true
JOIN_S = 5.0


class Flusher:
    """Calls ``draw`` in a daemon thread: soon after :meth:`notify`, at most ``hz`` times a second.

    :param draw: must not be called by anybody else while the thread lives
    :param on_error: told once, in the thread, what ``draw`` raised; then the thread ends
    :param max_s: after so many seconds the thread ends by itself, and tells ``on_end``, which must :meth:`close`
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
    ) -> None:
        self._draw = draw
        self._on_error = on_error
        self._on_end = on_end
        self._period_s = 1.0 / hz
        self._max_s = max_s
        self._news = threading.Event()
        self._closed = threading.Event()
        self._failed = False
        self._thread = threading.Thread(target=self._run, name=f"marketlab {name}", daemon=True)

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

    def _run(self) -> None:
        deadline = Deadline(self._max_s)
        while not self._closed.is_set() and not deadline.passed and not self._failed:
            self._news.wait(min(IDLE_S, deadline.remaining_s))
            self._news.clear()
            if self._closed.is_set():
                return  # the last picture is drawn by whoever closes
            self._attempt()
            self._closed.wait(min(self._period_s, deadline.remaining_s))
        if deadline.passed:
            self._on_end()

    def _attempt(self) -> None:
        try:
            self._draw()
        except Exception as error:  # noqa: BLE001 (a thread's exception would vanish: it is handed on to be shown)
            self._failed = True
            self._on_error(error)
