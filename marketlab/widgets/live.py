"""How a live widget stands in a notebook, and what it leaves there.

A widget is alive only where a front end draws it and its kernel lives. Run by papermill it would be a blank, and opened
again the next day an error. So when it ends a still picture takes its place, with numbers for whoever grades.

Whether anybody has seen the widget cannot be asked: while cells run, and when a notebook is run as a whole that is
until the last one has, a kernel hears nothing from its front end.
"""

from __future__ import annotations

import base64
import html
import secrets
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Final, Self

from IPython.display import display
from ipywidgets import HTML, VBox, Widget

from marketlab.widgets import registry
from marketlab.widgets.flusher import Flusher
from marketlab.widgets.shapes import Drawing
from marketlab.widgets.style import STYLE

__all__ = ["EVIDENCE", "LiveWidget"]

#: The media type of a widget's numbers in a notebook's outputs.
EVIDENCE: Final = "application/vnd.marketlab.evidence+json"
VIEW: Final = "application/vnd.jupyter.widget-view+json"


class LiveWidget(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """What all live widgets share: one thread that draws, a name, a picture and numbers that stay.

    ``with widget:`` shows it and finishes it at the end of the block, however that ends.

    :param name: a second widget of this name closes this one
    :param hz: drawn so many times a second at the most
    :param max_seconds: it ends by itself after so long
    """

    def __init__(self, *, name: str, hz: float, max_seconds: float | None) -> None:
        super().__init__()
        self.add_class("marketlab")
        self.name = name
        self.frames = 0
        self.error: Exception | None = None
        self.ended = False
        self._display_id = f"marketlab-{secrets.token_hex(8)}"
        self._shown = False
        self._parts: list[Widget] = []
        self._status = HTML().add_class("ml-status")
        self._flusher = Flusher(
            self._frame, name=name, hz=hz, on_error=self._fail, on_end=self.finish, max_s=max_seconds
        )

    @abstractmethod
    def draw(self) -> str:
        """Bring what has gathered into view; return what the status line says, as HTML."""

    @abstractmethod
    def drawing(self) -> Drawing:
        """What is to be seen now, as a still picture."""

    @abstractmethod
    def numbers(self) -> dict[str, Any]:
        """What is to be seen now, as numbers for JSON."""

    def begin(self, *rows: Widget, parts: Sequence[Widget] = ()) -> None:
        """Put the rows above the status line and start to draw: the last thing that a constructor does.

        :param parts: what else belongs to this widget and is closed with it
        """
        style = HTML(STYLE, layout={"display": "none"})
        self.children = [style, *rows, self._status]
        self._parts = [*self.children, *parts]
        registry.replace(self.name, self)
        self._flusher.start()

    def notify(self) -> None:
        """There is something new to draw."""
        self._flusher.notify()

    def finish(self) -> None:
        """End: draw all that came, stop the thread, leave picture and numbers in the widget's place. Again: nothing."""
        if self.ended:
            return
        self.ended = True
        self._flusher.close()
        registry.forget(self.name, self)
        if self._shown:
            display(self._still(), raw=True, display_id=self._display_id, update=True)
        for part in self._parts:
            part.close()
        super().close()

    def close(self) -> None:
        """As :meth:`finish`."""
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

    def _frame(self) -> None:
        text = self.draw()
        if self._status.value != text:
            self._status.value = text
        self.frames += 1

    def _fail(self, error: Exception) -> None:
        """In the widget's thread: an exception that nobody would see anywhere else."""
        self.error = error
        what = html.escape(f"{type(error).__name__}: {error}")
        self._status.value = f"<b>✗ this picture has stopped</b> · {what}"

    def _widget_bundle(self) -> dict[str, Any]:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"text/plain": repr(self), VIEW: view}

    def _still(self) -> dict[str, Any]:
        drawing, error = self.drawing(), repr(self.error) if self.error else None
        numbers = {"widget": type(self).__name__, "name": self.name, "frames": self.frames, "error": error}
        status = f'<div class="ml-status"><div class="widget-html-content">{self._status.value}</div></div>'
        return {
            "text/plain": drawing.says,
            "text/html": f'{STYLE}<div class="marketlab">{drawing.svg()}{status}</div>',
            "image/png": base64.b64encode(drawing.png()).decode(),
            EVIDENCE: numbers | self.numbers(),
        }
