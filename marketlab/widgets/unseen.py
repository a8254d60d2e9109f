"""What stands below a widget that no front end draws: a sentence and a still picture, made anew now and then.

A front end counts its views of a widget, if it is asked to, and tells the kernel. While cells run the kernel may not
hear it; so only time counts in which it could have. Where none has drawn the widget after five such seconds the
widgets' extension is missing, or the page is older than the kernel.
"""

from __future__ import annotations

import asyncio
import base64
import html
from collections.abc import Callable
from typing import Final

from IPython.display import display

from marketlab.widgets.shapes import Drawing

__all__ = ["AFTER_S", "Unseen"]

AFTER_S: Final = 5.0
EVERY_S: Final = 2.0
NOTE: Final = (
    "No front end has drawn the live picture for 5 s, so here is a still one, made anew every 2 s. In JupyterLab: "
    "reload the page; if that does not help, marketlab doctor says what is missing."
)


class Ear:
    """Tells whether the kernel listens: whether its event loop turns. Without a loop it always does."""

    def __init__(self) -> None:
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
        self._answered = False
        self._asked = False

    def listens(self) -> bool:
        """Whether the loop has turned since the last question; asks it again."""
        answered = self._answered or self._loop is None
        if self._loop is not None and (answered or not self._asked) and not self._loop.is_closed():
            self._answered, self._asked = False, True
            self._loop.call_soon_threadsafe(self._answer)
        return answered

    def _answer(self) -> None:
        self._answered = True


class Unseen:
    """Watches whether a widget has a view.

    :param display_id: of the output below the widget
    :param now: when the widget was shown, seconds of a monotonic clock
    :param listens: whether the kernel could hear its front end since it was last asked
    """

    def __init__(self, display_id: str, *, now: float, listens: Callable[[], bool] | None = None) -> None:
        self._display_id = display_id
        self._listens = listens or Ear().listens
        self._looked = now
        self._unseen_s = 0.0
        self._seen = False
        self.told = False
        # A place has to be made while the cell runs: from a thread one can only fill it.
        display({"text/plain": ""}, raw=True, display_id=display_id)

    def look(self, seen: bool, drawing: Callable[[], Drawing], *, now: float) -> None:
        """Say so if nobody has seen the widget in time, and take it back once somebody does."""
        elapsed, self._looked = now - self._looked, now
        if seen or self._seen:
            self._seen = True
            self.clear()
            return
        # Not listening even once: what was said may lie unread behind other cells, so the time begins again.
        self._unseen_s = self._unseen_s + elapsed if self._listens() else 0.0
        if self._unseen_s >= AFTER_S:
            self._unseen_s = AFTER_S - EVERY_S
            self.told = True
            still = drawing()
            bundle = {
                "text/plain": f"{NOTE}\n{still.says}",
                "text/html": f'<p>{html.escape(NOTE)}</p><img alt="{html.escape(still.says)}" width="{still.width}" '
                f'src="data:image/png;base64,{base64.b64encode(still.png()).decode()}">',
            }
            display(bundle, raw=True, display_id=self._display_id, update=True)

    def clear(self) -> None:
        """Take back what was said."""
        if self.told:
            self.told = False
            display({"text/plain": ""}, raw=True, display_id=self._display_id, update=True)
