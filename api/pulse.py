"""The status of the pipeline as every message carries it: rate, delay, lag, books."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from api.messages import Status
from marketlab.errors import MarketlabError
from marketlab.model import Record
from marketlab.ports import StoreReader

__all__ = ["Lag", "Pulse"]

RATE_S = 5.0  # over which ticks are counted
LEAST_S = 1.0  # a rate over less would jump
LIVE_S = 3600.0  # an event time further back, or in the future, is not of today's clock
BOOKS_S = 1.0  # at least, between two looks at the books
BOOKS_SHARE = 0.05  # of the time, at most, that goes into them


class Lag(Protocol):
    """Messages on the log that are not stored yet, by partition; None: unknown."""

    def __call__(self, *, wait_s: float = 0.0) -> Mapping[int, int] | None:
        """Answer at once, or after ``wait_s`` at the most if there is no answer yet."""


class Pulse:
    """Puts together the status. For one thread.

    :param clock: seconds since the epoch, that ticks' event times are compared with
    :param monotonic: seconds, for intervals
    :param lag: None where nobody can tell
    :param told: words a message as it may go to the clients
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        lag: Lag | None = None,
        told: Callable[[str], str] = str,
    ) -> None:
        self._clock, self._monotonic, self._lag, self._told = clock, monotonic, lag, told
        self._database: str | None = None
        self._version = 0
        self._error: MarketlabError | None = None
        self.rest()

    def rest(self) -> None:
        """Forget all, for it will be old when it is asked for again."""
        self._seen: deque[tuple[float, int]] = deque()  # (when, newest id), oldest first
        self._delay_ms: float | None = None
        self._balanced: bool | None = None
        self._books_changed, self._next_books = False, 0.0

    def begin(self, last: Record | None) -> None:
        """Another database, or the first: count from here."""
        self.rest()
        self._seen.append((self._monotonic(), last.id if last else 0))

    def note(self, rows: Sequence[Record]) -> None:
        """New rows, about to be pushed. Their ids are consecutive over all symbols, so the last one counts them."""
        self._seen.append((self._monotonic(), rows[-1].id))
        delay_s = self._clock() - max(row.timestamp for row in rows)
        self._delay_ms = round(delay_s * 1000, 1) if 0 <= delay_s <= LIVE_S else None

    def make_up_books(self, reader: StoreReader, *, changed: bool) -> None:
        """Make up the books if they changed, now or before; if that is too soon, a later call does it."""
        self._books_changed |= changed
        began = self._monotonic()
        if self._books_changed and began >= self._next_books:
            self._books_changed = False
            self._balanced = reader.books().balanced
            ended = self._monotonic()
            self._next_books = max(began + BOOKS_S, ended + (ended - began) / BOOKS_SHARE)

    def see(self, database: str | None, version: int) -> None:
        """The store can be read, and this is what it holds now."""
        self._database, self._version, self._error = database, version, None

    def fail(self, error: MarketlabError) -> None:
        """Nothing can be read."""
        self._error = error

    @property
    def failing(self) -> bool:
        """Whether nothing can be read at present."""
        return self._error is not None

    def status(self, *, clients: int) -> Status:
        """As it is now."""
        lag = self._lag() if self._lag else None
        return Status(
            at=self._clock(),
            ticks_per_second=round(self._rate(), 1),
            group_lag=None if lag is None else sum(lag.values()),
            delay_ms=self._delay_ms,
            balanced=self._balanced,
            clients=clients,
            database=self._database,
            version=self._version,
            error=self._told(self._error.message) if self._error else None,
            mend=self._told(self._error.mend) if self._error and self._error.mend else None,
        )

    def _rate(self) -> float:
        seen, now = self._seen, self._monotonic()
        while len(seen) > 1 and seen[1][0] <= now - RATE_S:
            seen.popleft()
        if not seen:
            return 0.0
        (when, first_id), (_, last_id) = seen[0], seen[-1]
        return (last_id - first_id) / min(max(now - when, LEAST_S), RATE_S)
