"""The books as a balance, live: it tips when something is missing and rights itself when it is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ipywidgets import HTML

from marketlab.widgets.balance import Balance
from marketlab.widgets.buttons import make_button
from marketlab.widgets.errors import WidgetError
from marketlab.widgets.live import LiveWidget
from marketlab.widgets.shapes import Drawing

__all__ = ["BalanceBeam"]


class BalanceBeam(LiveWidget):
    """What was sent in one pan, what was found again of it in the other.

    ::

        with BalanceBeam(lab.balance, kill=lab.kill, start=lab.consume) as beam:
            ...

    :param read: asked for the balance before each drawing, so that nobody has to push
    :param kill: behind a button: ends the consumer
    :param start: behind a button: starts it again
    :param name: a second widget of the same name closes this one
    :param hz: drawn so many times a second at the most
    :param max_seconds: it ends by itself after so long
    """

    def __init__(
        self,
        read: Callable[[], Balance] | None = None,
        *,
        kill: Callable[[], object] | None = None,
        start: Callable[[], object] | None = None,
        name: str = "balance",
        hz: float = 3.0,
        max_seconds: float | None = None,
    ) -> None:
        pull = None if read is None else lambda: [read()]
        super().__init__(name=name, hz=hz, max_seconds=max_seconds, pull=pull)
        self._balance = Balance(sent=0)
        self._deepest = 0
        self._svg = HTML()
        buttons = [
            make_button(text, hint, press)
            for text, hint, press in (
                ("Kill the consumer", "kill -9, as a crash would", kill),
                ("Start it again", "it goes on where the database stands", start),
            )
            if press is not None
        ]
        self.begin(self._svg, buttons=buttons)

    def push(self, balance: Balance, /) -> None:
        """Show this balance.

        :raises WidgetError: it is none
        """
        if not isinstance(balance, Balance):
            raise WidgetError(f"a Balance was wanted, {balance!r} was found", mend="Balance(sent=…, kept={…})")
        self._balance = balance
        self._deepest = max(self._deepest, balance.sent - balance.found)
        self.notify()

    def draw(self) -> str:
        """Bring the newest balance into view."""
        svg = self.drawing().svg()
        if self._svg.value != svg:
            self._svg.value = svg
        apart = self._balance.sent - self._balance.found
        state = "■ ended" if self.ended else "● LIVE"
        return f"<b>{state}</b> · {f'{apart:,} apart' if apart else 'level'} · at most {self._deepest:,} apart so far"

    def drawing(self) -> Drawing:
        """The same as a still picture."""
        return self._balance.drawing()

    def numbers(self) -> dict[str, Any]:
        """The balance, and how far apart both sides ever were."""
        return self._balance.numbers() | {"deepest": self._deepest}
