"""How a live widget stands in a notebook, and what it leaves there.

A widget is alive only where a front end draws it. Run by papermill, converted to HTML or looked at on a web page it
would be a blank. So what it leaves behind, under one display id, is the widget, a picture and numbers: every reader
takes what it can show. Whether anybody saw the widget cannot be asked: while cells run, and when a notebook is run as
a whole that is until the last one has, a kernel hears nothing from its front end.
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
    def picture(self) -> bytes:
        """What is to be seen now, as PNG."""

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
        """End the live part: draw all that came, stop the thread, leave picture and numbers. Again: nothing."""
        if self.ended:
            return
        self.ended = True
        self._flusher.close()
        registry.forget(self.name, self)
        if self._shown:
            self._leave(self._widget_bundle() | self._evidence())

    def close(self) -> None:
        """Finish, and let a picture take the widget's place in the notebook. Again: nothing."""
        if self.comm is None:
            return
        self.finish()
        if self._shown:
            self._leave({"text/plain": repr(self)} | self._evidence())
        for part in self._parts:
            part.close()
        super().close()

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

    def _leave(self, bundle: dict[str, Any]) -> None:
        display(bundle, raw=True, display_id=self._display_id, update=True)

    def _widget_bundle(self) -> dict[str, Any]:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"text/plain": repr(self), VIEW: view}

    def _evidence(self) -> dict[str, Any]:
        error = repr(self.error) if self.error else None
        numbers = {"widget": type(self).__name__, "name": self.name, "frames": self.frames, "error": error}
        return {"image/png": base64.b64encode(self.picture()).decode(), EVIDENCE: numbers | self.numbers()}
