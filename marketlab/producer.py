"""The producer's loop: take ticks from a source at their pace, stamp run and sequence, send, and close the run.

Every send is checked. When the run ends, however it ends, a closing record per symbol says how many ticks there
were, so that the books can tell what is lost from what was never made.
"""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from marketlab import failpoints
from marketlab.deadline import Deadline
from marketlab.errors import DeliveryError, TransportError
from marketlab.model import Close, Tick
from marketlab.ports import Publisher
from marketlab.wire import encode, encode_close

__all__ = ["Pace", "Producer", "Summary", "new_run"]

FLUSH_S = 30.0  # for the last acknowledgements; a broker that restarts needs some of it
BEHIND_S = 1.0  # after a sleep of the machine the missed ticks are not made up for in one burst


def new_run() -> str:
    """A run id that no other producer has: time first, so that runs sort by their start."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"


class Pace:
    """When the next tick is due, on the monotonic clock; ``-inf`` is at once.

    :param rate: ticks a second, 0 for as fast as it goes
    :param speed: for recordings, how much faster than recorded, ``inf`` for as fast as it goes; then no ``rate``
    """

    def __init__(self, *, rate: float = 0.0, speed: float | None = None) -> None:
        self.recorded = speed is not None and speed != math.inf
        self._rate = rate
        self._speed = speed or math.inf
        self._origin: float | None = None  # when the first tick was due
        self._first = 0.0  # its timestamp
        self._count = 0

    def next_due_s(self) -> float:
        """When the next tick is due by the rate."""
        if not self._rate:
            return -math.inf
        elapsed = self._count / self._rate
        self._count += 1
        return self._due(elapsed)

    def due_s(self, tick: Tick) -> float:
        """When a recorded tick is due."""
        if self._origin is None:
            self._first = tick.timestamp
        return self._due((tick.timestamp - self._first) / self._speed)

    def _due(self, elapsed: float) -> float:
        now = time.monotonic()
        if self._origin is None:
            self._origin = now
        due = self._origin + elapsed
        if now - due > BEHIND_S:
            self._origin += now - due
            due = now
        return due


@dataclass(slots=True)
class Summary:
    """What one producer run did.

    ``failed`` names what was never acknowledged: symbol, sequence (0 for the closing record) and the reason.
    """

    run: str
    produced: int = 0
    seconds: float = 0.0
    skipped: dict[str, int] = field(default_factory=dict)
    failed: list[tuple[str, int, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """As ``marketlab produce --json`` prints it."""
        result: dict[str, object] = {
            "run": self.run,
            "produced": self.produced,
            "seconds": round(self.seconds, 3),
            "skipped": self.skipped,
        }
        if self.failed:
            result["failed"] = [{"symbol": s, "seq": q, "reason": r} for s, q, r in self.failed]
        return result


class Producer:
    """One run of one producer.

    :param publisher: the log; closed by :meth:`run`
    :param on_sent: called with every tick once it was handed over
    """

    def __init__(
        self,
        publisher: Publisher,
        *,
        run: str | None = None,
        on_sent: Callable[[Tick], None] | None = None,
    ) -> None:
        self._publisher = publisher
        self._on_sent = on_sent
        self._last_seq: Counter[str] = Counter()
        self._trouble: TransportError | None = None
        self._named: set[tuple[str, int]] = set()  # those of summary.failed
        self.summary = Summary(run or new_run())

    def run(
        self,
        ticks: Iterable[Tick],
        stop: threading.Event,
        *,
        pace: Pace,
        max_ticks: int | None = None,
        max_s: float | None = None,
    ) -> Summary:
        """Send until the source ends, ``max_ticks`` are sent, ``max_s`` are over or ``stop`` is set; close the run.

        Returns when the log has acknowledged everything.

        :raises DeliveryError: some of it was not; ``summary.failed`` names each tick
        :raises TransportError: the log cannot be reached; what was sent is acknowledged, but the run is not closed
        """
        summary, started = self.summary, time.monotonic()
        self._publisher.heed(stop)
        try:
            try:
                with self._noting():
                    self._send_all(ticks, stop, pace=pace, max_ticks=max_ticks, deadline=Deadline(max_s))
            finally:  # a source that breaks off has still sent what it sent
                if summary.failed:
                    # What waits behind a message that was given up is given up soon, and a closing record with it.
                    with self._noting():
                        self._publisher.flush(timeout_s=FLUSH_S)
                with self._noting(), failpoints.around("producer.close"):
                    self._send_closings()
                with self._noting(), failpoints.around("producer.flush"):
                    self._publisher.flush(timeout_s=FLUSH_S)
        finally:
            summary.produced = self._last_seq.total()
            summary.seconds = time.monotonic() - started
            self._publisher.close(timeout_s=2.0)
        if summary.failed:
            raise _not_acknowledged(summary) from self._trouble
        if self._trouble:
            raise self._trouble
        return summary

    def _send_all(
        self,
        ticks: Iterable[Tick],
        stop: threading.Event,
        *,
        pace: Pace,
        max_ticks: int | None,
        deadline: Deadline,
    ) -> None:
        run, last_seq, publisher, on_sent = self.summary.run, self._last_seq, self._publisher, self._on_sent
        hit = failpoints.hit
        for tick in islice(_paced(ticks, pace, stop, deadline), max_ticks):
            seq = last_seq[tick.symbol] + 1
            stamped = Tick(tick.symbol, tick.price, tick.timestamp, tick.size, seq, run)
            hit("before:producer.send")
            publisher.send(encode(stamped), key=tick.symbol.encode(), tag=(tick.symbol, seq))
            last_seq[tick.symbol] = seq
            hit("after:producer.send")
            if on_sent is not None:
                on_sent(stamped)

    def _send_closings(self) -> None:
        symbols = len(self._last_seq)
        for symbol, seq in self._last_seq.items():
            record = encode_close(Close(self.summary.run, symbol, seq, symbols))
            taken = False
            while not taken:  # a send that reports earlier failures has not taken its own message
                with self._noting_deliveries():
                    self._publisher.send(record, key=symbol.encode(), tag=(symbol, 0))
                    taken = True

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Keep what goes wrong with the log until everything was tried."""
        try:
            with self._noting_deliveries():
                yield
        except TransportError as error:
            self._trouble = self._trouble or error

    @contextmanager
    def _noting_deliveries(self) -> Iterator[None]:
        try:
            yield
        except DeliveryError as error:
            for tag, reason in error.failures:
                symbol, seq = tag if isinstance(tag, tuple) else (str(tag), 0)
                if (symbol, seq) not in self._named:  # one that is late is named by every flush
                    self._named.add((symbol, seq))
                    self.summary.failed.append((symbol, seq, reason))


def _not_acknowledged(summary: Summary) -> DeliveryError:
    ticks = sum(seq > 0 for _, seq, _ in summary.failed)
    closings = len(summary.failed) - ticks
    symbol, seq, reason = summary.failed[0]
    return DeliveryError(
        f"{ticks} of {summary.produced} ticks"
        + (f" and {closings} closing records" if closings else "")
        + f" were not acknowledged, the first is {f'{symbol} {seq}' if seq else f'the closing record of {symbol}'}: "
        + reason,
        failures=[((symbol, seq), reason) for symbol, seq, reason in summary.failed],
        mend="`marketlab books` shows what arrived all the same; is the broker up? `marketlab broker status`",
    )


def _paced(ticks: Iterable[Tick], pace: Pace, stop: threading.Event, deadline: Deadline) -> Iterator[Tick]:
    """Ticks, each not before it is due; ends early when there is a reason to."""
    source = iter(ticks)
    while not stop.is_set() and not deadline.passed:
        # A simulator stamps a tick when it is asked for one, so it is asked when the tick is due; a recorded tick
        # says itself when that is.
        if not pace.recorded and not _wait_until(pace.next_due_s(), stop, deadline):
            return
        tick = next(source, None)
        if tick is None or (pace.recorded and not _wait_until(pace.due_s(tick), stop, deadline)):
            return
        yield tick


def _wait_until(due: float, stop: threading.Event, deadline: Deadline) -> bool:
    """Wait for a moment on the monotonic clock; False if there is a reason to end instead."""
    while (wait := due - time.monotonic()) > 0:
        if stop.wait(min(wait, deadline.remaining_s)) or deadline.passed:
            return False
    return True
