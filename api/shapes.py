"""What goes over the wire, described once: the schemas of ``/openapi.json`` and of ``/docs``.

Answers are encoded from :mod:`marketlab.model` by msgspec, which is many times faster than going through these
models; a test holds every real answer against them. All fields of an answer are always there, null where unknown.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from api.config import MAX_RECORDS
from api.queries import DEFAULT_BARS, DEFAULT_LIMIT, MAX_BARS, MAX_ID, MAX_LIMIT
from api.schemas import MAX_OFFSET, MAX_PARTITION, MAX_TEXT
from marketlab.analytics import INTERVALS
from marketlab.model import MAX_PRICE, MAX_SEQ, MAX_TIMESTAMP_S, Reason

__all__ = [
    "Accepted",
    "Alert",
    "AlertQuery",
    "Answer",
    "Bar",
    "BarQuery",
    "Books",
    "DeadLetter",
    "DeadLetterQuery",
    "ExplainedAlert",
    "Health",
    "LatestQuery",
    "MomentQuery",
    "PageQuery",
    "PostedRecord",
    "Problem",
    "Readiness",
    "Record",
]

SYMBOL = r"^[A-Za-z0-9.\-/:_=]{1,32}$"

TEXT = "^[^\\u0000]*$"  # no NUL; lone surrogates cannot stand in UTF-8

Text = Annotated[str, Field(max_length=MAX_TEXT, pattern=TEXT)]
Seconds = Annotated[float, Field(gt=0, lt=MAX_TIMESTAMP_S)]
Price = Annotated[float, Field(gt=0, lt=MAX_PRICE)]
Symbol = Annotated[str, Field(pattern=SYMBOL, examples=["AAPL", "BCH/EUR"])]
#: A field or parameter that may be left out, but then is not null.
Omitted = SkipJsonSchema[None]


def _example(**fields: Any) -> dict[str, Any]:
    return {"examples": [fields]}


#: One tick through all examples: an alert at offset 207 of partition 2.
RECORD = {
    "symbol": "AAPL", "price": 221.66, "moving_average": 216.412, "alert": "⚠️ AAPL changed by 3.05%",
    "timestamp": 1730896201.25, "id": 1042, "size": None, "change_pct": 3.0497, "run": "20241106T123000-1f0a",
    "seq": 208, "partition": 2, "offset": 207, "late": False,
}  # fmt: skip

ALERT = {
    "symbol": "AAPL", "text": RECORD["alert"], "price": 221.66, "previous_price": 215.1, "change_pct": 3.0497,
    "moving_average": 216.412, "timestamp": 1730896201.25, "rule": {"window": 5, "threshold_pct": 3.0},
    "log": "kafka:__gNrO02TuCUSXfYzJqSdQ/J8JhAyXCR4W9hyKMFsOFjw", "partition": 2, "offset": 207,
    "previous_offset": 205, "window_prices": [215.0, 215.2, 215.1, 215.1, 221.66],
    "window_offsets": [198, 200, 203, 205, 207], "run": RECORD["run"], "seq": 208, "ordinal": 208, "id": 7,
    "tick_id": 1042,
}  # fmt: skip
_WINDOW = [
    {
        "offset": offset,
        "price": price,
        "price_again": price,
        "same": True,
        "raw": f'{{"symbol":"AAPL","price":{price},"timestamp":{1730896201.0 + offset}}}',
    }
    for offset, price in zip([198, 200, 203, 205, 207], [215.0, 215.2, 215.1, 215.1, 221.66], strict=True)
]
PROVENANCE = {
    "rule": ALERT["rule"], "previous": _WINDOW[3], "current": _WINDOW[4], "window": _WINDOW, "log": ALERT["log"],
    "topic": "stock-ticks", "partition": 2, "verdict": "confirmed",
    "detail": "the log still holds these ticks, and the alert comes out again",
    "recomputed": {"moving_average": 216.412, "change_pct": 3.0497, "fires": True},
}  # fmt: skip


class Answer(BaseModel):
    """Of answers: nothing stands in them that is not described."""

    model_config = ConfigDict(extra="forbid")


# --------------------------------------------------------------------------------------------- ticks


class Record(Answer):
    """One tick, with what was worked out of it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_example(**RECORD))

    symbol: str
    price: float = Field(description="In quote currency per unit.")
    moving_average: float | None = Field(description="Mean of the stream's last prices; null for a late tick.")
    alert: str | None = Field(description="The alert's text, if the tick moved the price by the threshold or more.")
    timestamp: float = Field(description="Event time, seconds since the epoch (UTC).")
    id: int = Field(description="Ascending in the order of writing, over all symbols.")
    size: float | None = Field(description="Units traded, if the source knows.")
    change_pct: float | None = Field(description="Against the stream's previous price; null for the first and if late.")
    run: str | None = Field(description="The producer's run.")
    seq: int | None = Field(description="1, 2, 3 … for each symbol within a run.")
    partition: int | None = Field(description="Where the tick stands on the log; null for one that was only posted.")
    offset: int | None
    late: bool = Field(description="Older than the newest tick of its stream: kept out of averages, alerts and bars.")


class Bar(Answer):
    """The prices of a symbol in one interval of event time."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=_example(
            start=1730896200, open=215.1, high=221.66, low=215.02, close=221.66, volume=None, ticks=24
        ),
    )

    start: int = Field(description="The left edge, which belongs to the bar; seconds since the epoch.")
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    volume: float | None = Field(description="Units traded; null if the size of one of the ticks is unknown.")
    ticks: int = Field(ge=0, description="0: nothing was traded, and the prices are null; nothing is carried forward.")


def _flat_and_placed(schema: dict[str, Any]) -> None:
    """What fields alone cannot say: the record is flat, its text is text, and who names a log names the place in it."""
    plain: dict[str, Any] = {"type": ["string", "number", "boolean", "null"], "pattern": TEXT}
    schema["additionalProperties"] = plain
    schema["propertyNames"] = {"pattern": TEXT}
    schema["properties"]["type"] = {
        **plain,
        "not": {"const": "close"},
        "description": "Closing records go to the topic.",
    }
    place = {name: {"type": "integer"} for name in ("partition", "offset")}
    schema["if"] = {"properties": {"log": {"type": "string", "minLength": 1}}, "required": ["log"]}
    schema["then"] = {"properties": place, "required": list(place)}
    schema |= _example(symbol="AAPL", price=312.45, moving_average=310.78, alert=None, timestamp=1730871025.145)


class PostedRecord(BaseModel):
    """A record that somebody worked out. Other names are ignored."""

    model_config = ConfigDict(json_schema_extra=_flat_and_placed)

    symbol: Symbol
    price: Price
    timestamp: Seconds = Field(description="Event time, seconds since the epoch; at most a day ahead of the server.")
    moving_average: Price | None = None
    alert: Text | None = None
    size: Annotated[float, Field(gt=0)] | None = None
    change_pct: float | None = None
    run: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,64}$")] | None = None
    seq: Annotated[int, Field(ge=1, le=MAX_SEQ)] | None = None
    log: Text | None = Field(
        None,
        description="The log that the tick stands on; then partition and offset must be there, and it is kept once.",
    )
    partition: Annotated[int, Field(ge=0, le=MAX_PARTITION)] | None = None
    offset: Annotated[int, Field(ge=0, le=MAX_OFFSET)] | None = None
    late: bool | None = None


class Accepted(Answer):
    """How many of the posted records were not known already."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_example(accepted=1))

    accepted: int = Field(ge=0, le=MAX_RECORDS)


# --------------------------------------------------------------------------------------------- alerts


class Rule(Answer):
    """What an alert was judged by."""

    window: int = Field(ge=1, description="Ticks in the moving average.")
    threshold_pct: float = Field(gt=0, description="One tick that moves the price by this many percent is an alert.")


class Alert(Answer):
    """A tick that moved the price by the threshold or more, with all that is needed to work it out again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_example(**ALERT))

    symbol: str
    text: str
    price: float
    previous_price: float
    change_pct: float
    moving_average: float
    timestamp: float
    rule: Rule
    log: str = Field(description="Offsets mean nothing outside their log.")
    partition: int
    offset: int
    previous_offset: int = Field(description="Of the tick it was compared with.")
    window_prices: list[float] = Field(description="Those behind the average, oldest first, this tick's own last.")
    window_offsets: list[int]
    run: str
    seq: int | None
    ordinal: int = Field(description="Arrival number within the stream.")
    id: int
    tick_id: int = Field(description="The id of its record.")


class Seen(Answer):
    """One tick behind an alert: what was stored of it, and what the log says now."""

    offset: int
    price: float
    price_again: float | None = Field(description="As read from the log just now; null: not read, gone, or no tick.")
    same: bool = Field(description="Whether the message at this place still says what was stored.")
    raw: str | Omitted | None = Field(None, description="That message, read again just now; null: not read, or gone.")
    raw_b64: Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})] | Omitted = None


class Recomputed(Answer):
    """What comes out of the prices that were read again, and the stored ones where none could be."""

    moving_average: float
    change_pct: float
    fires: bool


class Provenance(Answer):
    """The ticks behind an alert, read again from the log, and whether it comes out again."""

    rule: Rule
    previous: Seen
    current: Seen
    window: list[Seen]
    log: str
    topic: str | None = Field(description="That was read, by name; null on a tape, or if it was another one.")
    partition: int
    verdict: Literal["confirmed", "differs", "gone", "unreachable"]
    detail: str = Field(description="The verdict as a sentence.")
    recomputed: Recomputed


class ExplainedAlert(Alert):
    """An alert, and what the log says of it at this moment."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_example(**ALERT, provenance=PROVENANCE))

    provenance: Provenance


# --------------------------------------------------------------------------------------------- the account


class PartitionBook(Answer):
    """received = stored + late + duplicate + dead_lettered + control."""

    log: str
    partition: int
    received: int
    stored: int
    late: int
    duplicate: int
    dead_lettered: int
    control: int = Field(description="Closing records.")
    dead_letters: dict[str, int] = Field(description="Those that were dead-lettered, by reason.")
    next_offset: int | None = Field(description="Where reading goes on; null before the first commit.")
    balanced: bool


class GapEdge(Answer):
    """A message beside a gap."""

    offset: int
    timestamp: float | None = Field(description="Event time of its tick, seconds since the epoch.")


class Gap(Answer):
    """Sequence numbers that never arrived, both included, and between which messages that was seen."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    symbol: str
    first: int = Field(alias="from")
    to: int
    partition: int
    before: GapEdge | None = Field(description="The last message before the gap; null if there was none.")
    after: GapEdge | None = Field(description="The message that showed the gap; null if it is not known.")


class RunBook(Answer):
    """produced = stored + late + refused + lost."""

    run: str
    log: str
    state: Literal["open", "closed"]
    produced: int | None = Field(description="Null while the run is open: nobody has said yet how many there were.")
    stored: int
    late: int
    refused: int
    lost: int
    duplicate: int
    gaps: list[Gap]
    balanced: bool
    pruned_at: float | None = Field(
        description="When its ticks were removed, seconds since the epoch; null: they stand."
    )


class RunTotals(Answer):
    """Of all runs, whichever stand in the answer."""

    open: int
    closed: int
    unbalanced: int = Field(description="Runs that do not balance.")
    lost: int = Field(description="Ticks.")


class Books(Answer):
    """Where every tick went."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=_example(
            balanced=False,
            dead_letters={"bad_price": 1},
            partitions=[
                {
                    "log": ALERT["log"], "partition": 2, "received": 402, "stored": 398, "late": 2, "duplicate": 0,
                    "dead_lettered": 1, "control": 1, "dead_letters": {"bad_price": 1}, "next_offset": 402,
                    "balanced": True,
                }
            ],
            totals={"open": 0, "closed": 1, "unbalanced": 1, "lost": 2},
            runs=[
                {
                    "run": RECORD["run"], "log": ALERT["log"], "state": "closed", "produced": 403, "stored": 398,
                    "late": 2, "refused": 1, "lost": 2, "duplicate": 0,
                    "gaps": [
                        {
                            "symbol": "AAPL", "from": 31, "to": 32, "partition": 2,
                            "before": {"offset": 90, "timestamp": 1730896207.5},
                            "after": {"offset": 91, "timestamp": 1730896208.25},
                        }
                    ],
                    "balanced": False, "pruned_at": None,
                }
            ],
        ),
    )  # fmt: skip

    balanced: bool = Field(description="Every sum comes out and nothing is lost.")
    dead_letters: dict[str, int] = Field(description="Of all partitions, by reason.")
    partitions: list[PartitionBook]
    totals: RunTotals
    runs: list[RunBook] = Field(description="The last one first.")


class DeadLetter(Answer):
    """A message that was refused, whole: ``raw`` and ``key``, or ``…_b64`` where they are not UTF-8."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=_example(
            log=ALERT["log"], partition=2, offset=311, record_time=1730896260.5, reason="bad_price",
            detail="price must be above 0, was -3", run=RECORD["run"], symbol="AAPL", seq=240, id=1,
            repaired=None, resend_begun_at=None, resent_at=None,
            key="AAPL", raw='{"symbol":"AAPL","price":-3,"timestamp":1730896260.4}',
        ),
    )  # fmt: skip

    log: str
    partition: int
    offset: int
    record_time: float = Field(description="When it was sent, seconds since the epoch.")
    reason: Reason
    detail: str
    run: str
    symbol: str | None
    seq: int | None
    id: int
    repaired: str | None = Field(description="What was sent in its place; null if nothing was.")
    resend_begun_at: float | None = Field(description="When that was begun, seconds since the epoch.")
    resent_at: float | None = Field(description="When the log acknowledged it, seconds since the epoch.")
    key: str | Omitted | None = Field(None, description="The message's own; null if it had none, or none was kept.")
    key_b64: Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})] | Omitted = None
    raw: str | Omitted = None
    raw_b64: Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})] | Omitted = None


# --------------------------------------------------------------------------------------------- the server


class Health(Answer):
    """The process answers."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_example(status="ok"))

    status: Literal["ok"]


class Readiness(Answer):
    """And its database can be read."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_example(status="ready", read_only=False))

    status: Literal["ready"]
    read_only: bool


class Problem(BaseModel):
    """What was wanted, what was found, and what to do (RFC 9457)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=_example(
            type="about:blank", title="Bad Request", status=400, detail="limit must be a whole number from 1 to 1000",
            pointer="/limit",
        ),
    )  # fmt: skip

    type: Literal["about:blank"]
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    pointer: str | Omitted = Field(None, description="The field of the body (RFC 6901) or the query's parameter.")
    reason: Reason | Omitted = Field(None, description="Why the wire contract refuses a record.")
    mend: str | Omitted = Field(None, description="What to do about it.")


# --------------------------------------------------------------------------------------------- questions


class LatestQuery(BaseModel):
    """What is new."""

    since: int = Field(0, ge=0, le=MAX_ID, description="Only symbols that have a record with a larger id than this.")


class PageQuery(BaseModel):
    """A piece of a list that is ordered newest first."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Rows in the answer.")
    before: Annotated[int, Field(ge=1, le=MAX_ID)] | Omitted = Field(
        None, description="Only rows older than the one with this id."
    )


class RunQuery(BaseModel):
    """A piece of the runs of the books, the last one first."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Runs in the answer.")
    before: Annotated[str, Field(pattern=" ", examples=[f"{ALERT['log']} {RECORD['run']}"])] | Omitted = Field(
        None, description="Only runs before this one, as `Link` has it: its log, a space, and its id."
    )
    balanced: bool | Omitted = Field(None, description="Only runs that balance, or that do not.")


class AlertQuery(PageQuery):
    """Alerts, perhaps of one symbol."""

    symbol: Symbol | Omitted = Field(None, description="Only alerts of this symbol.")


class DeadLetterQuery(PageQuery):
    """Dead letters, perhaps of one reason."""

    reason: Reason | Omitted = Field(None, description="Only messages that were refused for this reason.")


class BarQuery(BaseModel):
    """Bars of one length."""

    interval: str = Field(
        next(iter(INTERVALS)), description="From edge to edge.", json_schema_extra={"enum": list(INTERVALS)}
    )
    limit: int = Field(DEFAULT_BARS, ge=1, le=MAX_BARS, description="Bars in the answer.")
    before: Annotated[float, Field(gt=0, le=MAX_TIMESTAMP_S)] | Omitted = Field(
        None, description="Only bars that start before this time, seconds since the epoch."
    )


class MomentQuery(BaseModel):
    """One tick of a symbol."""

    symbol: Annotated[Symbol, Field(description="The tick's symbol.")]
    tick: Annotated[int, Field(ge=1, le=MAX_ID, description="The id of its record.", examples=[1])]
