"""Copy a log to a tape, message by message, offsets and times kept."""

from __future__ import annotations

import threading
from collections.abc import Callable

from marketlab.errors import OffsetOutOfRangeError, TransportError
from marketlab.ports import Assigned, Chunk, Subscription

__all__ = ["record"]

POLL_S = 0.1


def record(
    subscription: Subscription,
    write: Callable[[Chunk], None],
    stop: threading.Event,
    *,
    drain: bool,
    on_progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Write every message of the log, from the oldest on, each once: after a rebalance from where it stands.

    :param write: takes the messages of one partition, in offset order
    :param drain: end at the end offsets seen at the start instead of at ``stop``
    :returns: messages written
    :raises OffsetOutOfRangeError: the log no longer holds what comes next
    """
    try:
        ends = subscription.end_offsets(timeout_s=30.0) if drain else {}
        reached: dict[int, int] | None = None
        written = 0
        while not stop.is_set():
            if drain and reached is not None and all(reached.get(p, 0) >= end for p, end in ends.items()):
                break
            polled = subscription.poll(timeout_s=POLL_S)
            if isinstance(polled, Assigned):
                known = reached or {}
                try:
                    reached = known | subscription.seek({p: known.get(p) for p in polled.partitions})
                except OffsetOutOfRangeError:
                    raise
                except TransportError:
                    pass  # the log is away; the assignment is reported again when it is back
                continue
            for chunk in polled.chunks:
                write(chunk)
                written += len(chunk)
                reached = (reached or {}) | {chunk.partition: chunk.offsets[-1] + 1}
            on_progress(written)
        return written
    finally:
        subscription.close(timeout_s=5.0)
