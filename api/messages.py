"""What ``/ws`` says, server to client only: JSON texts told apart by ``type``.

A client that sees a ``seq`` which is not that of its last message, or one more, has missed something and asks again by
``GET``. A ``snapshot`` takes the place of all that a client knows, whenever it comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import msgspec

from marketlab.model import Alert, Record

__all__ = ["Audience", "Delta", "Heartbeat", "Push", "Snapshot", "Status"]


class Status(msgspec.Struct, frozen=True):
    """How the pipeline is doing.

    ``at``: the server's clock, seconds since the epoch; ``ticks_per_second``: rows stored, over the last 5 s;
    ``group_lag``: messages on the log that are not stored yet, None if unknown; ``delay_ms``: from a tick's event time
    to its push, of the newest tick pushed, None where event time is not of today's clock; ``balanced``: None until the
    books were made up; ``clients``: connections to ``/ws``; ``database``: which one it is, None while there is none:
    ids of another one mean nothing in this; ``version``: another number after every commit, ticks or not, so that
    what was asked for by ``GET`` can be known to be old; ``error``: why nothing new can be read, else None; ``mend``:
    what can be done about that.
    """

    at: float
    ticks_per_second: float
    group_lag: int | None
    delay_ms: float | None
    balanced: bool | None
    clients: int
    database: str | None
    version: int
    error: str | None = None
    mend: str | None = None


class Snapshot(msgspec.Struct, frozen=True, tag_field="type", tag="snapshot"):
    """All that a page begins with: the latest record of every symbol, and alerts newest first, at most 50."""

    seq: int
    newest_id: int
    data: Sequence[Record]
    alerts: Sequence[Alert]
    status: Status


class Delta(msgspec.Struct, frozen=True, tag_field="type", tag="delta"):
    """What was written after ``after_id`` up to ``newest_id``, both in id order.

    ``complete`` is false when more was written than one message carries: then ``ticks`` holds the newest of every
    symbol that has something new, and ``alerts`` the newest ones.
    """

    seq: int
    after_id: int
    newest_id: int
    complete: bool
    ticks: Sequence[Record]
    alerts: Sequence[Alert]
    status: Status


class Heartbeat(msgspec.Struct, frozen=True, tag_field="type", tag="status"):
    """A second without news; ``seq`` is that of the last delta."""

    seq: int
    status: Status


class Audience(Enum):
    """Whom a message is for."""

    FOLLOWING = "clients that have had their snapshot"
    JOINING = "clients that wait for their snapshot"
    EVERYBODY = "both, in place of whatever they have not taken yet"
    IDLE = "whoever has nothing else to take; it is never missed"


class Push(msgspec.Struct, frozen=True):
    """One encoded message and whom it is for."""

    audience: Audience
    text: str
