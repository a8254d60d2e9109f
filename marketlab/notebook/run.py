"""One run of the package's producer, as a notebook sees it."""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from marketlab.deadline import Deadline
from marketlab.errors import MarketlabError
from marketlab.notebook.answers import BooksAnswer, framed
from marketlab.notebook.processes import Processes

__all__ = ["Run"]

STORED_S = 30.0  # for what was sent to be stored
LOOK_S = 0.1
MOST_ALERTS = 100  # in one answer

Records = Sequence[Mapping[str, Any]]


class Run:
    """A run that goes on, or is over; shows itself as a sentence.

    ``with run:`` ends it at the end of the block, with everything stored that was sent.

    :param run: its id
    :param bounded: whether it ends by itself
    :param books: asks for the books, ``data`` for the latest records, ``alerts`` for the newest hundred alerts
    """

    def __init__(
        self,
        run: str,
        *,
        processes: Processes,
        books: Callable[[], BooksAnswer],
        data: Callable[[], Records],
        alerts: Callable[[], Records],
        bounded: bool = True,
    ) -> None:
        self.id = run
        self.bounded = bounded
        self._processes = processes
        self._books, self._data, self._alerts = books, data, alerts

    @property
    def producing(self) -> bool:
        """Whether its producer still runs."""
        return self._processes.runs("producer")

    @property
    def over(self) -> bool:
        """Whether all that was sent is stored, or nobody is there any more to do so."""
        if self.producing:
            return False
        return self._stored() or not self._processes.runs("consumer")

    @property
    def account(self) -> Mapping[str, Any]:
        """Its own books: produced, stored, late, refused, lost, state, balanced."""
        empty = {"run": self.id, "state": "open", "produced": None, "stored": 0, "late": 0, "refused": 0, "lost": 0}
        return self._books().run(self.id) or empty | {"balanced": True, "gaps": []}

    @property
    def balanced(self) -> bool:
        """Whether it is closed, and every tick of it accounted for."""
        account = self.account
        return account["state"] == "closed" and bool(account["balanced"])

    def counts(self) -> list[dict[str, int | None]]:
        """How many have passed each station, for a line of them that is live::

            lab.watch(StatusLine(pull=run.counts))

        Until the producer says how many it has made, they are counted by the numbers that it writes on them.
        ``alerts`` is None where there are more than one answer holds.
        """
        # Asked for from the far end: what is further on is then never ahead.
        alerts = [alert for alert in self._alerts() if alert["run"] == self.id]
        numbered = sum(record["seq"] for record in self._data() if record["run"] == self.id)
        account = self.account
        received = sum(account[name] for name in ("stored", "late", "refused"))
        produced = max(numbered, received) if account["produced"] is None else account["produced"]
        told = None if len(alerts) >= MOST_ALERTS else len(alerts)
        return [{"produced": produced, "received": received, "stored": account["stored"], "alerts": told}]

    def wait(self, timeout_s: float | None = None) -> Self:
        """Wait until the producer has ended by itself and everything is stored.

        :param timeout_s: for the producer; None: as long as it takes
        :raises ChildError: a child has failed; says why
        :raises MarketlabError: not all was stored in time
        """
        deadline = Deadline(timeout_s)
        while self.producing and not deadline.passed:
            self._processes.check()
            time.sleep(LOOK_S)
        self._processes.check()
        self._drain()
        return self

    def stop(self) -> Self:
        """End the producer now, and wait until what was sent is stored."""
        self._processes.stop_producing()
        self._drain()
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if kind is None and self.bounded:
            self.wait()
        else:
            self.stop()

    def _drain(self) -> None:
        deadline = Deadline(STORED_S)
        while self._processes.runs("consumer") and not self._stored():
            self._processes.check()
            if deadline.passed:
                account = self.account
                raise MarketlabError(
                    f"run {self.id} should have been stored within {STORED_S:g} s; {account['stored']:,} ticks are",
                    mend="lab.books() says where the others are; lab.doctor() what is wrong.",
                )
            time.sleep(LOOK_S)

    def _stored(self) -> bool:
        """A run that was killed before its closing records is never closed: what its books say then stands."""
        produced = self._processes.produced()
        account = self.account
        return produced == 0 or account["state"] == "closed" or produced is None

    def __repr__(self) -> str:
        account = self.account
        parts = [f"{'● ' if self.producing else ''}run {self.id}", account["state"]]
        parts.append(f"{'–' if account['produced'] is None else format(account['produced'], ',')} produced")
        parts += [f"{account[name]:,} {name}" for name in ("stored", "late", "refused", "lost") if account[name]]
        parts.append("✓ balanced" if self.balanced else "✗ lost ticks" if account["lost"] else "still open")
        return " · ".join(parts)

    def _repr_html_(self) -> str:
        return framed(f'<div style="color:var(--ml-ink)">{html.escape(repr(self))}</div>')
