"""Copy a log to a tape, message by message, offsets and times kept."""

from __future__ import annotations

import threading
from collections.abc import Callable

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
    """Write every message of the log, from the oldest on.

    :param write: takes the messages of one partition, in offset order
    :param drain: end at the end offsets seen at the start instead of at ``stop``
    :returns: messages written
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
                reached = subscription.seek(dict.fromkeys(polled.partitions))
                continue
            for chunk in polled.chunks:
                write(chunk)
                written += len(chunk)
                reached = (reached or {}) | {chunk.partition: chunk.offsets[-1] + 1}
            on_progress(written)
        return written
    finally:
        subscription.close(timeout_s=5.0)
