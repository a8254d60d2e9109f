"""How a live widget stands in a notebook, and what it leaves there.

A widget is alive only where a front end draws it and its kernel lives. Run by papermill it would be a blank, and opened
again the next day an error. So when it ends a still picture takes its place, with numbers and a verdict for whoever
grades. And where no front end has drawn it after five seconds, it says so below and shows still pictures instead
(:mod:`marketlab.widgets.unseen`).
"""

from __future__ import annotations

import base64
import html
import secrets
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Self

from IPython.display import display
from ipywidgets import HTML, HBox, VBox, Widget

from marketlab.deadline import Deadline
from marketlab.widgets import registry
from marketlab.widgets.flusher import Flusher
from marketlab.widgets.hearing import hear_while_busy
from marketlab.widgets.shapes import Drawing
from marketlab.widgets.style import STYLE
from marketlab.widgets.unseen import Unseen

__all__ = ["EVIDENCE", "LiveWidget"]

#: The media type of a widget's numbers in a notebook's outputs.
EVIDENCE: Final = "application/vnd.marketlab.evidence+json"
VIEW: Final = "application/vnd.jupyter.widget-view+json"

Pull = Callable[[], Iterable[Any]]


class LiveWidget(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """What all live widgets share: one thread that draws, a name, a picture and numbers that stay.

    ``with widget:`` shows it and finishes it at the end of the block, however that ends.

    :param name: a second widget of this name closes this one
    :param hz: drawn so many times a second at the most
    :param max_seconds: it ends by itself after so long
    :param max_pushes: it ends by itself after so many
    :param pull: asked for what is new before each drawing, in the widget's thread; what it gives is pushed
    """

    def __init__(
        self,
        *,
        name: str,
        hz: float = 5.0,
        max_seconds: float | None = None,
        max_pushes: int | None = None,
        pull: Pull | None = None,
    ) -> None:
        super().__init__(_view_count=0)  # the front end counts its views only if this is a number
        self.add_class("marketlab")
        self.name = name
        self.frames = 0
        self.pushes = 0
        self.error: Exception | None = None
        self.ended = False
        self._over = threading.Event()
        self._max_pushes = max_pushes
        self._pull = pull
        self._until: tuple[Callable[[], bool], Deadline] | None = None
        self._display_id = f"marketlab-{secrets.token_hex(8)}"
        self._shown = False
        self._unseen: Unseen | None = None
        self._parts: list[Widget] = []
        self._status = HTML().add_class("ml-status")
        self._flusher = Flusher(
            self._frame,
            name=name,
            hz=hz,
            on_error=self._fail,
            on_end=self.finish,
            max_s=max_seconds,
            asks=pull is not None,
        )

    @abstractmethod
    def push(self, item: Any, /) -> None:
        """Take something new; draws nothing, the widget does so by itself."""

    @abstractmethod
    def draw(self) -> str:
        """Bring what has gathered into view; return what the status line says, as HTML."""

    @abstractmethod
    def drawing(self) -> Drawing:
        """What is to be seen now, as a still picture."""

    @abstractmethod
    def numbers(self) -> dict[str, Any]:
        """What is to be seen now, as numbers for JSON."""

    def begin(self, *rows: Widget, parts: Sequence[Widget] = (), buttons: Sequence[Widget] = ()) -> None:
        """Put the rows above the status line and start to draw: the last thing that a constructor does.

        :param parts: what else belongs to this widget and is closed with it
        :param buttons: to the right of the status line
        """
        style = HTML(STYLE, layout={"display": "none"})
        foot = HBox([self._status, *buttons]).add_class("ml-foot")
        self.children = [style, *rows, foot]
        self._parts = [*self.children, self._status, *buttons, *parts]
        hear_while_busy(self, *self._parts)
        registry.replace(self.name, self)
        self._flusher.start()

    def notify(self, *, pushed: int = 1) -> None:
        """There is something new to draw.

        :param pushed: how much of it came from outside; 0 for a button
        """
        self.pushes += pushed
        if self._max_pushes is not None and self.pushes >= self._max_pushes:
            self._flusher.end()
        self._flusher.notify()

    def end_when(self, over: Callable[[], bool], *, within_s: float | None = None) -> None:
        """End by itself once something is over, asked after each drawing, or when the time is up.

        :param within_s: seconds from now
        """
        self._until = over, Deadline(within_s)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it has ended; False if it has not in time."""
        return self._over.wait(timeout_s)

    def finish(self) -> None:
        """End: ask for news a last time, stop the thread, leave picture and numbers in its place. Again: nothing."""
        if self.ended:
            return
        self.ended = True
        self._flusher.close()
        registry.forget(self.name, self)
        if self._unseen is not None:
            self._unseen.clear()
        if self._shown:
            display(self._still(), raw=True, display_id=self._display_id, update=True)
        for part in self._parts:
            part.close()
        super().close()
        self._over.set()

    def close(self) -> None:
        """As :meth:`finish`, but nobody is asked for news: whoever gave them may be gone."""
        self._pull = None
        self.finish()

    def __enter__(self) -> Self:
        display(self)
        return self

    def __exit__(self, *exc: object) -> None:
        self.finish()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def _ipython_display_(self, **_: Any) -> None:
        self._shown = True
        display(self._widget_bundle(), raw=True, display_id=self._display_id)
        if not self.ended:
            self._unseen = Unseen(f"{self._display_id}-unseen", now=time.monotonic())

    def _frame(self) -> None:
        pull = self._pull
        if pull is not None:
            for item in pull():
                self.push(item)
        text = self.draw()
        if self._status.value != text:
            self._status.value = text
        self.frames += 1
        if self._until is not None and (self._until[1].passed or self._until[0]()):
            self._flusher.end()
        if self._unseen is not None and not self.ended:
            self._unseen.look(bool(self._view_count), self.drawing, now=time.monotonic())

    def _fail(self, error: Exception) -> None:
        """In the widget's thread: an exception that nobody would see anywhere else."""
        self.error = error
        what = html.escape(f"{type(error).__name__}: {error}")
        self._status.value = f"<b>✗ this picture has stopped</b> · {what}"

    def _widget_bundle(self) -> dict[str, Any]:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        plain = f"{self!r}: live where widgets are drawn, and a still picture once it has ended"
        return {"text/plain": plain, VIEW: view}

    def _still(self) -> dict[str, Any]:
        drawing, error = self.drawing(), repr(self.error) if self.error else None
        numbers = {"widget": type(self).__name__, "name": self.name, "frames": self.frames, "error": error}
        status = f'<div class="ml-status"><div class="widget-html-content">{self._status.value}</div></div>'
        return {
            "text/plain": drawing.says,
            "text/html": f'{STYLE}<div class="marketlab">{drawing.svg()}{status}</div>',
            "image/png": base64.b64encode(drawing.png()).decode(),
            EVIDENCE: numbers | {"verdict": self._verdict()} | self.numbers(),
        }

    def _verdict(self) -> dict[str, Any]:
        """Whether it was alive: it drew, nothing went wrong in it, and it had something to draw."""
        wrong = [
            why
            for bad, why in (
                (self.error is not None, f"it stopped: {self.error}"),
                (not self.frames, "it drew no frame"),
                (not self.pushes, "nothing was pushed into it"),
            )
            if bad
        ]
        return {"ok": not wrong, "wrong": wrong}
