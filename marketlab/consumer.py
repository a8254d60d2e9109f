"""The consumer's loop: poll raw bytes, analyse, commit in one transaction, tell the listeners.

Positions and windows come from the store, never from the log's committed offsets, so what was committed is exactly
what is gone on from. A partition is claimed when it is assigned; from then on an older owner, however late it wakes,
can write nothing. While the store is busy or full the log is paused and the same batch is tried again: nothing is
dropped to make room.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from marketlab import failpoints
from marketlab.analytics import Engine
from marketlab.deadline import Deadline
from marketlab.errors import (
    OffsetOutOfRangeError,
    StaleOwnerError,
    StoreBusyError,
    StoreFullError,
    TransportError,
)
from marketlab.model import BINS, Batch, Counts, Position, Rule, StreamKey, StreamState
from marketlab.ports import Assigned, Messages, Sink, Subscription

__all__ = ["Consumer", "Summary"]

POLL_S = 0.1  # the longest a stop waits for an idle log
RETRY_S = 0.25  # between two tries to commit while the store has no room or is locked
END_OFFSETS_S = 30.0
#: With a commit that waits for another writer's lock before it, a stop still ends within 5 s.
CLOSE_S = 2.5

T = TypeVar("T")

#: Called after a batch is durable.
Listener = Callable[[Batch], None]
#: Called with a sentence when something holds the loop up, and with None when it goes on.
Trouble = Callable[[str | None], None]


@dataclass(slots=True)
class Summary:
    """What one consumer did."""

    counts: Counts = field(default_factory=Counts)
    alerts: int = 0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, int | float]:
        """As ``marketlab consume --json`` prints it."""
        counts = self.counts.as_dict()
        return {
            "received": counts["received"],
            **{name: counts[name] for name in BINS},
            "alerts": self.alerts,
            "seconds": round(self.seconds, 3),
        }


class Consumer:
    """One member of a consumer group, writing to one store.

    :param subscribe: joins the group; called again to rejoin
    :param store: owned by the calling thread; not closed
    :param log: id of the log
    :param batch_size: messages in one commit at the most
    :param listeners: called with every batch once it is durable, in order
    """

    def __init__(
        self,
        subscribe: Callable[[], Subscription],
        store: Sink,
        *,
        log: str,
        rule: Rule,
        batch_size: int = 5000,
        listeners: Iterable[Listener] = (),
        trouble: Trouble = lambda _: None,
    ) -> None:
        self._subscribe = subscribe
        self._store = store
        self._log = log
        self._engine = Engine(log, rule=rule, load=self._load)
        self._batch_size = batch_size
        self._listeners = tuple(listeners)
        self._trouble = trouble
        self._troubled = False
        self._stop = threading.Event()
        self._positions: dict[int, Position] = {}
        self._next: dict[int, int] | None = None  # what will be read next, by owned partition; None: not assigned yet

    def run(self, stop: threading.Event, *, drain: bool = False) -> Summary:
        """Consume until ``stop`` is set; what was polled is committed before it returns.

        :param drain: end when every owned partition has reached the end that the log had at the start

        :raises OffsetOutOfRangeError: the log no longer holds what comes next
        :raises StoreError: the store cannot go on, or had no room up to the stop
        """
        summary, started = Summary(), time.monotonic()
        self._stop = stop
        self._subscription = self._join()
        try:
            until = self._subscription.end_offsets(timeout_s=END_OFFSETS_S) if drain else None
            while not stop.is_set() and not self._done(until):
                failpoints.hit("before:consumer.poll")
                polled = self._subscription.poll(timeout_s=POLL_S, max_messages=self._batch_size)
                if isinstance(polled, Assigned):
                    self._claim(polled.partitions)
                elif polled:
                    failpoints.hit("after:consumer.poll")
                    self._take(polled, summary)
        finally:
            summary.seconds = time.monotonic() - started
            with failpoints.around("consumer.leave"):
                self._subscription.close(timeout_s=CLOSE_S)
        return summary

    def _done(self, until: Mapping[int, int] | None) -> bool:
        return (
            until is not None
            and self._next is not None
            and all(offset >= until.get(partition, 0) for partition, offset in self._next.items())
        )

    def _join(self) -> Subscription:
        with failpoints.around("consumer.join"):
            return self._subscribe()

    def _claim(self, partitions: Iterable[int]) -> None:
        """Own exactly these partitions, from where the store stands."""
        self._engine.forget()
        self._next = None
        self._positions = self._patiently(lambda: self._store.claim(self._log, partitions))
        wanted = {partition: position.next_offset for partition, position in self._positions.items()}
        try:
            with failpoints.around("consumer.seek"):
                self._next = self._subscription.seek(wanted)
        except OffsetOutOfRangeError:
            raise
        except TransportError as error:
            self._say(str(error))  # the log is away; the assignment is reported again when it is back

    def _say(self, trouble: str | None) -> None:
        if trouble is not None or self._troubled:
            self._troubled = trouble is not None
            self._trouble(trouble)

    def _load(self, keys: Sequence[StreamKey]) -> dict[StreamKey, StreamState]:
        return self._patiently(lambda: self._store.load_streams(keys))

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask the store again while it is locked or full; nothing of a batch is in danger yet."""
        while True:
            try:
                answer = ask()
            except (StoreBusyError, StoreFullError) as error:
                if self._stop.is_set():  # a last try was made
                    raise
                self._say(str(error))
                self._stop.wait(RETRY_S)
            else:
                self._say(None)
                return answer

    def _take(self, messages: Messages, summary: Summary) -> None:
        failpoints.hit("before:consumer.analyse")
        batch = self._engine.batch()
        for chunk in messages.chunks:
            self._engine.add(
                batch,
                partition=chunk.partition,
                offsets=chunk.offsets,
                values=chunk.values,
                record_times_ms=chunk.record_times_ms,
                keys=chunk.keys,
            )
        failpoints.hit("after:consumer.analyse")
        if not self._commit(batch):
            return
        self._next = (self._next or {}) | batch.next_offsets
        self._engine.committed(batch)
        for counts in batch.counts.values():
            summary.counts += counts
        summary.alerts += len(batch.alerts)
        with failpoints.around("consumer.tell"):
            for listener in self._listeners:
                listener(batch)
        with failpoints.around("consumer.report"):
            self._subscription.report(self._next)

    def _commit(self, batch: Batch) -> bool:
        """Make a batch durable; False if the partitions were lost to another consumer meanwhile."""
        paused = False
        while True:
            try:
                self._positions |= self._store.commit(batch, expected=self._positions)
            except StaleOwnerError:
                # The messages are the new owner's to write. To claim them back here would only start a quarrel:
                # the group decides who owns what, so it is asked again.
                self._say("another consumer took over; joining the group again")
                self._rejoin()
                return False
            except (StoreBusyError, StoreFullError) as error:
                if self._stop.is_set():
                    raise
                if not paused:
                    self._subscription.pause()
                    paused = True
                self._say(str(error))
                if self._lost_while_waiting():
                    return False
            else:
                if paused:
                    self._subscription.resume()
                    self._say(None)
                return True

    def _rejoin(self) -> None:
        self._engine.forget()
        self._positions, self._next = {}, None
        self._subscription.close(timeout_s=CLOSE_S)
        while not self._stop.is_set():
            try:
                self._subscription = self._join()
            except OffsetOutOfRangeError:
                raise
            except TransportError as error:
                self._say(str(error))  # the log is away just now; who lost a partition need not die of it
                self._stop.wait(RETRY_S)
            else:
                return

    def _lost_while_waiting(self) -> bool:
        """Keep the membership alive for a while; True if the assignment changed."""
        deadline = Deadline(RETRY_S)
        while not deadline.passed and not self._stop.is_set():
            polled = self._subscription.poll(timeout_s=min(POLL_S, deadline.remaining_s))
            if isinstance(polled, Assigned):
                self._subscription.resume()
                self._claim(polled.partitions)
                return True
        return False
