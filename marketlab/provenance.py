"""Why did this alert fire? Read its ticks again from the log, recompute, compare."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import fsum
from queue import Empty, SimpleQueue
from typing import Any

from marketlab.analytics import change_pct, reaches
from marketlab.errors import MarketlabError, TransportError
from marketlab.model import Alert, Tick, to_dict
from marketlab.ports import Transport
from marketlab.wire import examine

__all__ = ["Explainer", "Explanation", "OtherLogError", "Read", "Seen", "explain", "read_same"]

#: Given a partition and offsets, the values that the log still holds there.
Read = Callable[[int, Iterable[int]], Mapping[int, bytes | None]]

AT_ONCE = 2  # questions to the log under way in one process; a log that hangs may not hold up everybody

DETAIL = {
    "confirmed": "the log still holds these ticks, and the alert comes out again",
    "differs": "what was stored is not what the log holds, or does not follow from it",
    "gone": "the log no longer holds all of these ticks; recomputed from what was stored",
    "unreachable": "recomputed from what was stored",
}


class OtherLogError(TransportError):
    """The log at hand is not the one that the alert came from."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One tick behind an alert: what the store said of it and what the log says now.

    ``price``: as stored with the alert; ``raw``: the message at its place, read again, None if it is gone;
    ``read_again``: the price in it, None if it is no tick of this stream; ``same``: whether it says what was stored.
    """

    offset: int
    price: float
    raw: bytes | None
    read_again: float | None
    same: bool

    def as_dict(self) -> dict[str, Any]:
        """As it stands in an explanation; ``raw`` in base64 under another name where it is no text."""
        return {
            "offset": self.offset,
            "price": self.price,
            "price_again": self.read_again,
            "same": self.same,
            **_text(self.raw),
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """An alert, the ticks behind it, and whether it comes out again.

    ``verdict``: ``confirmed``, ``differs`` (the log says something else), ``gone`` (the log no longer holds all of the
    ticks, or is not the one that the alert came from) or ``unreachable`` (it cannot be read now). With the last two
    the stored prices stand in for those that were not read. ``detail``: the verdict as a sentence. ``topic``: that was
    read; None on a tape, or if it was another one.
    """

    alert: Alert
    ticks: tuple[Seen, ...]
    previous: Seen
    recomputed_average: float
    recomputed_change_pct: float
    fires: bool
    verdict: str
    detail: str
    topic: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As ``GET /alerts/<id>`` and ``marketlab explain --json`` give it."""
        return {
            "rule": to_dict(self.alert.rule),
            "previous": self.previous.as_dict(),
            "current": self.ticks[-1].as_dict(),
            "window": [tick.as_dict() for tick in self.ticks],
            "log": self.alert.log,
            "topic": self.topic,
            "partition": self.alert.partition,
            "verdict": self.verdict,
            "detail": self.detail,
            "recomputed": {
                "moving_average": self.recomputed_average,
                "change_pct": self.recomputed_change_pct,
                "fires": self.fires,
            },
        }


def explain(alert: Alert, *, read: Read, topic: str | None = None) -> Explanation:
    """Explain an alert.

    :param read: reads the log that the alert came from; it may raise any of our errors instead
    :param topic: that is read
    """
    values: Mapping[int, bytes | None] = {}
    away, why = "", ""
    try:
        values = read(alert.partition, sorted({*alert.window_offsets, alert.previous_offset}))
    except OtherLogError as error:
        away, why = "gone", error.message
    except MarketlabError as error:
        away, why = "unreachable", error.message

    def seen(offset: int, price: float) -> Seen:
        raw = values.get(offset)
        item = examine(raw, float("inf"))
        if not isinstance(item, Tick) or (item.symbol, item.run) != (alert.symbol, alert.run):
            return Seen(offset, price, raw, None, same=False)
        own = offset != alert.offset or (item.timestamp, item.seq) == (alert.timestamp, alert.seq)
        return Seen(offset, price, raw, item.price, same=own and item.price == price)

    ticks = tuple(map(seen, alert.window_offsets, alert.window_prices))
    previous = seen(alert.previous_offset, alert.previous_price)
    prices = [tick.price if tick.read_again is None else tick.read_again for tick in ticks]
    before = previous.price if previous.read_again is None else previous.read_again
    average = fsum(prices) / len(prices)
    change = change_pct(before, prices[-1])
    fires = reaches(before, prices[-1], threshold_pct=alert.rule.threshold_pct)
    everything = (*ticks, previous)
    follows = fires and average == alert.moving_average and change == alert.change_pct
    if not follows or any(tick.raw is not None and not tick.same for tick in everything):
        verdict = "differs"
    elif any(tick.raw is None for tick in everything):
        verdict = away or "gone"
    else:
        verdict = "confirmed"
    detail = f"{why}; {DETAIL['unreachable']}" if why and verdict == away else DETAIL[verdict]
    return Explanation(
        alert, ticks, previous, average, change, fires, verdict, detail, None if away == "gone" else topic
    )


def _text(raw: bytes | None) -> dict[str, str | None]:
    try:
        return {"raw": None if raw is None else raw.decode()}
    except UnicodeDecodeError:
        return {"raw_b64": base64.b64encode(raw or b"").decode("ascii")}


def read_same(
    log: Transport, log_id: str, partition: int, offsets: Iterable[int], *, timeout_s: float
) -> Mapping[int, bytes | None]:
    """Values of a log, if it is the one that is meant.

    :raises OtherLogError: it is another one
    :raises TransportError: it cannot be reached, or not all was read in time
    """
    if log.log_id != log_id:
        raise OtherLogError(f"the alert came from {log_id}, this log is {log.log_id}")
    return log.read(partition, offsets, timeout_s=timeout_s)


class Explainer:
    """Explains alerts by a log that may be away or hang: bounded in time, each question in a thread of its own.

    For any number of threads; two of them are served at once, and whoever comes in between is told so.

    :param open_log: opens the log as it can be had now, or raises one of our errors
    :param timeout_s: for one explanation
    :param topic: of the log, by name
    """

    def __init__(
        self, open_log: Callable[[], AbstractContextManager[Transport]], *, timeout_s: float, topic: str | None = None
    ) -> None:
        self._open_log = open_log
        self._topic = topic
        self._timeout_s = timeout_s
        self._places = threading.BoundedSemaphore(AT_ONCE)

    def __call__(self, alert: Alert) -> Explanation:
        """Explain an alert, within the time."""
        return explain(
            alert, read=lambda partition, offsets: self._read(alert.log, partition, offsets), topic=self._topic
        )

    def _read(self, log_id: str, partition: int, offsets: Iterable[int]) -> Mapping[int, bytes | None]:
        if not self._places.acquire(blocking=False):
            raise TransportError("the log is being read for others at this moment")
        answer: SimpleQueue[Mapping[int, bytes | None] | Exception] = SimpleQueue()

        def work() -> None:
            try:
                with self._open_log() as log:
                    answer.put(read_same(log, log_id, partition, offsets, timeout_s=self._timeout_s))
            except Exception as error:  # noqa: BLE001 (raised again where it is waited for)
                answer.put(error)
            finally:
                self._places.release()

        # Not waited for at the end of the process, for it may hang in a connection.
        threading.Thread(target=work, name="explain", daemon=True).start()
        try:
            found = answer.get(timeout=self._timeout_s)
        except Empty:
            raise TransportError(f"the log did not answer within {self._timeout_s:g} s") from None
        if isinstance(found, Exception):
            raise found
        return found
