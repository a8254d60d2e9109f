"""The words of the lab: what flows, what is kept and what is counted.

Everything here is plain data. Times are seconds since the epoch (UTC) as floats, prices are in quote currency per
unit, sizes in units. ``timestamp`` is always event time; the time at which a Kafka record was sent is
``record_time``. Messages are frozen, for a replay may not depend on who touched them before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Final, NamedTuple, Self

import msgspec

__all__ = [
    "BINS",
    "RECORD_FIELDS",
    "Alert",
    "Bar",
    "Batch",
    "Break",
    "Close",
    "Counts",
    "DeadLetter",
    "Gap",
    "Position",
    "Reason",
    "Record",
    "Refusal",
    "Rule",
    "StreamKey",
    "StreamState",
    "Tick",
    "TickRow",
]

# --------------------------------------------------------------------------------------------- what flows


MAX_PRICE: Final = 1e12
MAX_TIMESTAMP_S: Final = 1e11  # the year 5138; milliseconds of any date after 1973 are larger
MAX_SEQ: Final = 2**63 - 1  # SQLite's largest integer


class Tick(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One trade or quote.

    ``symbol``: 1–32 of ``A–Z 0–9 . - / : _ =``; ``price``: finite, 0 < price < 1e12; ``timestamp``: event time,
    0 < t < 1e11; ``size``: units traded, > 0, or None; ``seq``: 1, 2, 3 … per symbol within a run, or None;
    ``run``: the producer's run id, or "" for none. The bounds hold for what is decoded (:mod:`marketlab.wire`).
    """

    symbol: str
    price: Annotated[float, msgspec.Meta(gt=0, lt=MAX_PRICE)]
    timestamp: Annotated[float, msgspec.Meta(gt=0, lt=MAX_TIMESTAMP_S)]
    size: Annotated[float, msgspec.Meta(gt=0)] | None = None
    seq: Annotated[int, msgspec.Meta(ge=1, le=MAX_SEQ)] | None = None
    run: str = ""


class Close(msgspec.Struct, frozen=True, gc=False):
    """A producer's last word on one symbol of a run: what it sent ends at ``last_seq``.

    ``symbols`` is the number of closing records of the run, if the producer said it: then a run of which one whole
    symbol was lost cannot pass for closed.
    """

    run: str
    symbol: str
    last_seq: int
    symbols: int | None = None


class Reason(StrEnum):
    """Why a message was refused: the closed set, explained here and nowhere else."""

    explanation: str

    def __new__(cls, value: str, explanation: str = "") -> Self:
        """A reason and what it means."""
        reason = str.__new__(cls, value)
        reason._value_ = value
        reason.explanation = explanation
        return reason

    EMPTY = "empty", "no value (a tombstone) or no bytes"
    TOO_LARGE = "too_large", "more than 64 KiB"
    NOT_UTF8 = "not_utf8", "the bytes are not UTF-8"
    NOT_JSON = "not_json", "not one JSON value"
    NOT_AN_OBJECT = "not_an_object", "JSON, but not an object"
    DUPLICATE_KEY = "duplicate_key", "one name twice: which one is meant cannot be known"
    NESTED = "nested", "an object or array inside; a tick is flat"
    BAD_TEXT = "bad_text", "a NUL or a lone surrogate in a string"
    NOT_FINITE = "not_finite", "NaN, an infinity, or a number too large for a float"
    MISSING_FIELD = "missing_field", "symbol, price or timestamp is not there"
    BAD_SYMBOL = "bad_symbol", "not 1–32 of the allowed characters"
    BAD_PRICE = "bad_price", "not a number, or not 0 < price < 1e12"
    BAD_TIMESTAMP = "bad_timestamp", "not a number, or not 0 < t < 1e11 seconds"
    TIMESTAMP_AHEAD = "timestamp_ahead", "more than a day ahead of the record's own time"
    BAD_SIZE = "bad_size", "not a number > 0"
    BAD_SEQ = "bad_seq", "not a whole number of 1 or more"
    BAD_RUN = "bad_run", "not 1–64 of letters, digits, . _ -"
    BAD_CLOSE = "bad_close", "a closing record without a run, a symbol or a last_seq"


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """A message that is not a tick: the reason, a sentence, and the identity as far as it can still be read."""

    reason: Reason
    detail: str
    run: str = ""
    symbol: str | None = None
    seq: int | None = None


# --------------------------------------------------------------------------------------------- what is judged


class Rule(msgspec.Struct, frozen=True):
    """The rule alerts and averages are made by.

    ``window``: ticks in the moving average, at least 1; ``threshold_pct``: alert when one tick moves the price by
    this many percent or more.
    """

    window: int = 5
    threshold_pct: float = 3.0

    def __post_init__(self) -> None:
        if self.window < 1:
            raise ValueError(f"window must be at least 1, was {self.window}")
        if not self.threshold_pct > 0:
            raise ValueError(f"threshold_pct must be above 0, was {self.threshold_pct}")


class StreamKey(NamedTuple):
    """A stream: everything of one symbol that one producer run put on one partition of one log."""

    log: str
    partition: int
    run: str
    symbol: str


#: Sequence numbers ``first`` to ``last`` (both included) that were not seen.
Gap = list[int]


class Break(msgspec.Struct, frozen=True, array_like=True):
    """Where the numbers ``first`` to ``last`` of a stream were not: between which two messages of its partition.

    ``before``: the last tick that was accepted until then, offset and event time; None for none (or none under the
    present rule). ``after``: the message that showed the break; its time is the event time of a tick, else None
    (a closing record or a refused message).
    """

    first: int
    last: int
    before_offset: int | None
    before_time: float | None
    after_offset: int
    after_time: float | None


@dataclass(slots=True)
class StreamState:
    """What must be remembered of a stream to go on with it; written with every batch that touches it.

    ``window`` and ``window_offsets`` hold the last accepted prices and their offsets, oldest first.
    ``gaps`` are disjoint and ascending, and each lies within one of ``breaks``, which says where it was found.
    ``refused`` counts sequence numbers that arrived as dead letters and not (repaired) since; ``refused_seqs`` are
    these numbers, as ranges like ``gaps``. The two are kept apart, so that they can be held against each other.
    These three lists may grow long and rarely change: whoever changes one says so in ``ranges_changed``, or a store may
    leave what it has of them as it is.
    """

    key: StreamKey
    rule: Rule
    id: int | None = None  # the store's row, None until first committed
    ordinal: int = 0  # arrivals kept (stored and late)
    stored: int = 0
    late: int = 0
    duplicate: int = 0
    refused: int = 0
    highest_seq: int = 0
    last_seq: int | None = None  # from the closing record; None: still open
    run_symbols: int | None = None  # symbols in the run, as the closing record says
    newest: float = float("-inf")
    gaps: list[Gap] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    refused_seqs: list[Gap] = field(default_factory=list)
    ranges_changed: bool = field(default=False, compare=False)  # since the last commit
    window: deque[float] = field(default_factory=deque)
    window_offsets: deque[int] = field(default_factory=deque)

    @property
    def closed(self) -> bool:
        """Whether the closing record has been read."""
        return self.last_seq is not None

    @property
    def lost(self) -> int:
        """Sequence numbers that are missing, counted from the gaps."""
        return sum(last - first + 1 for first, last in self.gaps)


#: One kept tick on its way into the store:
#: (state, ordinal, price, timestamp, size, moving_average, change_pct, alert, late, seq, offset).
#: A bare tuple, for one is made per tick; the store adds id, symbol, stream and the link to the row before.
TickRow = tuple[
    StreamState,
    int,
    float,
    float,
    float | None,
    float | None,
    float | None,
    str | None,
    bool,
    int | None,
    int | None,
]


class Alert(msgspec.Struct, frozen=True):
    """An alert with all that is needed to recompute it.

    ``window_offsets`` are the offsets of the ticks behind ``moving_average``, oldest first, this tick's own last;
    ``previous_offset`` is that of the tick it was compared with. ``id`` and ``tick_id`` are the store's, 0 before.
    """

    symbol: str
    text: str
    price: float
    previous_price: float
    change_pct: float
    moving_average: float
    timestamp: float
    rule: Rule
    log: str
    partition: int
    offset: int
    previous_offset: int
    window_prices: tuple[float, ...]
    window_offsets: tuple[int, ...]
    run: str = ""
    seq: int | None = None
    ordinal: int = 0
    id: int = 0
    tick_id: int = 0


class DeadLetter(msgspec.Struct, frozen=True):
    """A refused message, whole. ``record_time`` is the log's own time of sending; ``id`` the store's, 0 before.

    ``key``: the message's own; None if it had none, or was kept by a version that did not keep keys.

    If it was sent again: ``repaired``, the bytes that were sent in its place; ``resend_begun_at`` and ``resent_at``,
    when that was begun and when the log acknowledged it, s since the epoch. Begun and not acknowledged: it may stand
    on the log or not.
    """

    raw: bytes
    log: str
    partition: int
    offset: int
    record_time: float
    reason: Reason
    detail: str
    run: str = ""
    symbol: str | None = None
    seq: int | None = None
    id: int = 0
    repaired: bytes | None = None
    resend_begun_at: float | None = None
    resent_at: float | None = None
    key: bytes | None = None


# --------------------------------------------------------------------------------------------- what is counted

#: The bins of a partition's books, in the order in which people read them.
BINS = ("stored", "late", "duplicate", "dead_lettered", "control")


@dataclass(slots=True)
class Counts:
    """Messages received from one partition and the bins they went to."""

    received: int = 0
    stored: int = 0
    late: int = 0
    duplicate: int = 0
    dead_lettered: int = 0
    control: int = 0

    @property
    def binned(self) -> int:
        """Messages that stand in a bin; must equal ``received``."""
        return self.stored + self.late + self.duplicate + self.dead_lettered + self.control

    def __iadd__(self, other: Counts) -> Self:
        """Add another batch's counts."""
        for name in ("received", *BINS):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return {name: getattr(self, name) for name in ("received", *BINS)}


class Position(NamedTuple):
    """Who owns a partition of a log and what is to be read next.

    ``epoch`` grows with every claim; ``next_offset`` is None before the first commit of a log that was never read.
    """

    epoch: int
    next_offset: int | None


@dataclass(slots=True)
class Batch:
    """All that one commit makes durable together, of one log."""

    log: str
    next_offsets: dict[int, int] = field(default_factory=dict)  # by partition
    counts: dict[int, Counts] = field(default_factory=dict)  # by partition
    rows: list[TickRow] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    streams: dict[StreamKey, StreamState] = field(default_factory=dict)  # every stream touched

    @property
    def received(self) -> int:
        """Messages in the batch."""
        return sum(counts.received for counts in self.counts.values())


# --------------------------------------------------------------------------------------------- what is shown


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One tick as the API, the dashboard and notebooks see it: the seed's five fields first."""

    symbol: str
    price: float
    moving_average: float | None
    alert: str | None
    timestamp: float
    id: int
    size: float | None = None
    change_pct: float | None = None
    run: str | None = None
    seq: int | None = None
    partition: int | None = None
    offset: int | None = None
    late: bool = False


RECORD_FIELDS = Record.__struct_fields__


class Bar(msgspec.Struct, frozen=True, gc=False):
    """The prices of a symbol in one interval of event time.

    ``start``: the left edge, which belongs to the bar; the right one belongs to the next. ``volume``: units traded,
    None if the size of one of its ticks is unknown. A bar of no ticks has no prices: nothing is carried forward.
    """

    start: int
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    volume: float | None
    ticks: int


def to_dict(value: msgspec.Struct) -> dict[str, Any]:
    """A struct as builtins, ready for JSON."""
    result: dict[str, Any] = msgspec.to_builtins(value)
    return result


def ranges(gaps: Mapping[str, list[Gap]]) -> Iterator[str]:
    """Gaps by symbol as people read them: ``AAPL 3-7``."""
    for symbol, spans in sorted(gaps.items()):
        for first, last in spans:
            yield f"{symbol} {first}" if first == last else f"{symbol} {first}-{last}"
