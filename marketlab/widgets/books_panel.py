"""The books, live: balanced, or what is missing by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ipywidgets import HTML

from marketlab.books import Books
from marketlab.widgets.books_drawing import draw_books
from marketlab.widgets.errors import WidgetError
from marketlab.widgets.live import LiveWidget
from marketlab.widgets.shapes import Drawing

__all__ = ["BooksPanel"]

EMPTY: dict[str, Any] = {"balanced": True, "partitions": [], "runs": []}


class BooksPanel(LiveWidget):
    """Two beams, what the newest run has produced and what was found again of it; a difference is named.

    ::

        panel = BooksPanel()
        panel.push(balance(reader.partition_books(), reader.stream_books()))

    :param read: asked for the books before each drawing, so that nobody has to push
    :param name: a second widget of the same name closes this one
    :param hz: drawn so many times a second at the most
    :param max_seconds: it ends by itself after so long
    """

    def __init__(
        self,
        read: Callable[[], Books | Mapping[str, Any]] | None = None,
        *,
        name: str = "books",
        hz: float = 2.0,
        max_seconds: float | None = None,
    ) -> None:
        pull = None if read is None else lambda: [read()]
        super().__init__(name=name, hz=hz, max_seconds=max_seconds, pull=pull)
        self._books: Mapping[str, Any] = EMPTY
        self._svg = HTML()
        self.begin(self._svg)

    def push(self, books: Books | Mapping[str, Any], /) -> None:
        """Show these books.

        :param books: as ``marketlab.books.balance`` makes them, or as ``GET /books`` gives them
        :raises WidgetError: they are no books
        """
        found: object = books.as_dict() if isinstance(books, Books) else books
        if not (isinstance(found, Mapping) and found.keys() >= EMPTY.keys()):
            raise WidgetError(
                f"books with {', '.join(EMPTY)} were wanted, {found!r} was found",
                mend="Push what `balance(…)` or `GET /books` gives.",
            )
        self._books = found
        self.notify()

    def draw(self) -> str:
        """Bring the newest books into view."""
        svg = self.drawing().svg()
        if self._svg.value != svg:
            self._svg.value = svg
        runs = self._books["runs"]
        still = sum(run["state"] == "open" for run in runs)
        state = "■ ended" if self.ended else "● LIVE"
        return f"<b>{state}</b> · runs: {still:,} open, {len(runs) - still:,} closed"

    def drawing(self) -> Drawing:
        """The same as a still picture."""
        return draw_books(self._books)

    def numbers(self) -> dict[str, Any]:
        """The books."""
        return {"books": dict(self._books)}
