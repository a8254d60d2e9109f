"""How a running command ends: a signal, its parent's end, or a second Ctrl-C that will not wait."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["collect_rarely", "starting", "stop_after", "stop_on_eof", "stopping"]


@contextmanager
def stopping(stop: threading.Event | None = None) -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets; a second Ctrl-C raises KeyboardInterrupt (exit 130)."""
    stop = stop or threading.Event()

    def on_signal(number: int, _: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def starting(stop: threading.Event) -> Iterator[None]:
    """Inside :func:`stopping`, while nothing has been read or sent: there is nothing to drain, so a stop ends at once.

    Otherwise it would wait until Kafka was found, or had been looked for long enough.

    :param stop: as :func:`stopping` gave it
    """

    def on_signal(*_: object) -> None:
        stop.set()
        raise SystemExit(0)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        if stop.is_set():
            raise SystemExit(0)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_on_eof(stop: threading.Event) -> None:
    """Set the event when standard input ends.

    A supervisor holds the other end. Should it be killed, with no chance to say anything, the system closes the pipe
    and its children drain and end; so no signal, no polling and no special system call is needed.
    """

    def wait() -> None:
        # Not sys.stdin: at its end the interpreter cannot take that one's lock from a thread that waits inside it.
        while os.read(0, 4096):
            pass
        stop.set()

    threading.Thread(target=wait, name="stop-on-eof", daemon=True).start()


def stop_after(seconds: float, stop: threading.Event) -> None:
    """Set the event after a while."""
    timer = threading.Timer(seconds, stop.set)
    timer.daemon = True
    timer.start()


def collect_rarely() -> None:
    """Let Python look for reference cycles a hundred times less often than it does by default.

    The producer's and the consumer's loops make a dozen objects a tick and no cycles; looking for some took a fifth
    of their time. What has no cycle is freed at once all the same, so memory stays flat (benchmarks/pipeline.py).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
