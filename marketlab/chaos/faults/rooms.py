"""A store without its lock, and a store without room."""

from __future__ import annotations

import signal

from marketlab.chaos.fire import Fire
from marketlab.chaos.worker import HoldLock

__all__ = ["disk_full", "lock"]

LEAST_S, MOST_S = 0.1, 3.0  # the busy timeout of 2 s lies between


def lock(fire: Fire) -> None:
    """A stranger takes the write lock and keeps it, sometimes for longer than the consumer waits at a stretch."""
    producer, consumer = fire.produce(), fire.consume_slowly()
    for _ in fire.spread():
        stranger = fire.start("stranger", HoldLock(fire.database, fire.rng.uniform(LEAST_S, MOST_S)))
        fire.until(lambda: stranger.said("locked") or stranger.code is not None, "the stranger's lock")
        fire.struck()
        fire.until(lambda: stranger.code is not None, "the stranger to let go")
    fire.finish(consumer, producer)


def disk_full(fire: Fire) -> None:
    """No file of the consumer may grow (RLIMIT_FSIZE, so no root is needed), until there is room or it is killed.

    The write-ahead log is then what cannot be written: exactly what a full disk does to it. It has struck when the
    consumer says that there was no room.
    """
    producer, consumer = fire.produce(), fire.consume_slowly()
    for _ in fire.spread():
        fire.until(lambda: consumer.said("ready"), "the consumer to be ready")
        before = len(consumer.words)
        consumer.signal(signal.SIGUSR1)
        fire.until(
            lambda: consumer.said("trouble", "no room", since=before) or fire.at_end(),
            "a commit without room",
        )
        if consumer.said("trouble", "no room", since=before):
            fire.struck()
            fire.pause(0, 1)
            if fire.rng.random() < 0.3:
                consumer.kill()
                consumer = fire.consume_slowly()
                continue
        consumer.signal(signal.SIGUSR2)
    fire.finish(consumer, producer)
