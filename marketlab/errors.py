"""Everything that marketlab raises on purpose.

::

    MarketlabError
    ├─ SettingsError              stop at start (exit 2)
    ├─ QueryError                 a client's fault: 4xx with a pointer
    │  └─ NotFoundError           404
    ├─ SourceError                the file or simulator cannot give ticks (exit 2)
    ├─ BrokerError                the managed broker cannot be had (exit 3)
    ├─ TransportError             retriable unless its type says otherwise (exit 3)
    │  ├─ OffsetOutOfRangeError   the log no longer holds what the store wants next, or is another one
    │  ├─ DeliveryError           messages that the log did not acknowledge
    │  └─ TapeError               not a tape, or a damaged one
    ├─ StoreError                 (exit 3)
    │  ├─ StaleOwnerError         drop the batch, claim again
    │  ├─ StoreBusyError          another writer holds the lock: pause and retry
    │  └─ StoreFullError          no room: pause the partitions and retry
    └─ HomeInUseError             a second ``up`` in one home (exit 3)

A bad record is data and never raises: it becomes a dead letter (:mod:`marketlab.wire`). A bad world raises.
Every message names the thing, what was wanted, what was found, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "BrokerError",
    "DeliveryError",
    "HomeInUseError",
    "MarketlabError",
    "NotFoundError",
    "OffsetOutOfRangeError",
    "PrunedError",
    "QueryError",
    "SettingsError",
    "SourceError",
    "StaleOwnerError",
    "StoreBusyError",
    "StoreError",
    "StoreFullError",
    "TapeError",
    "TransportError",
]


class MarketlabError(Exception):
    """Base of all errors that marketlab raises on purpose.

    :param message: what was wanted and what was found
    :param mend: what the reader can do about it, a sentence or a command
    """

    exit_code = 3

    def __init__(self, message: str, *, mend: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.message}\n{self.mend}" if self.mend else self.message

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of a traceback; IPython asks for it by this name."""
        return [f"{type(self).__name__}: {self}"]


class SettingsError(MarketlabError):
    """A setting or an argument has a value that cannot be meant."""

    exit_code = 2


class QueryError(MarketlabError):
    """A question to the store or the API that has no meaning; ``pointer`` names the field (RFC 6901)."""

    exit_code = 2

    def __init__(self, message: str, *, pointer: str = "", mend: str | None = None) -> None:
        super().__init__(message, mend=mend)
        self.pointer = pointer


class NotFoundError(QueryError):
    """What was asked for by name is not in the store."""


class SourceError(MarketlabError):
    """A source cannot give ticks: no such file, not understood, or more must be said about it."""

    exit_code = 2


class BrokerError(MarketlabError):
    """The managed broker cannot be installed, started, reached or stopped."""


class TransportError(MarketlabError):
    """The log of messages cannot be reached or read."""


class OffsetOutOfRangeError(TransportError):
    """The store wants an offset that the log does not hold, or the log is another one; never reset silently."""


class DeliveryError(TransportError):
    """Messages that were handed over but not acknowledged.

    :param failures: one ``(tag, reason)`` a message, ``tag`` as given to ``Publisher.send``
    """

    def __init__(self, message: str, *, failures: Sequence[tuple[object, str]], mend: str | None = None) -> None:
        super().__init__(message, mend=mend)
        self.failures = tuple(failures)


class TapeError(TransportError):
    """A file is not a tape, or is damaged; names file and line."""


class StoreError(MarketlabError):
    """The database cannot be opened, read or written."""


class StaleOwnerError(StoreError):
    """Another consumer owns the partition or moved its position; nothing was written."""


class StoreBusyError(StoreError):
    """Another writer held the lock for too long; nothing was written, the same commit may be tried again."""


class StoreFullError(StoreError):
    """The disk is full; nothing was written, the same commit may be tried again."""


class PrunedError(StoreError):
    """What was asked for was removed by `marketlab prune`; only its account is left."""

    exit_code = 1


class HomeInUseError(MarketlabError):
    """Another ``marketlab up`` runs in this home."""
