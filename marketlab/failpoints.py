"""Named places at which a test may end the process, to prove that dying there loses nothing.

A failpoint costs one attribute look-up while disarmed. It is armed only by ``MARKETLAB_FAILPOINT``, for example
``before:store.commit`` or ``after:store.commit:3`` (the third time): then the process kills itself with SIGKILL,
as a power cut would, with nothing flushed and nothing said.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from marketlab.errors import SettingsError

__all__ = ["FAILPOINTS", "arm", "around", "hit"]

#: name → what is done there. ``before`` and ``after`` are the two sides of the named act.
FAILPOINTS = {
    "producer.send": "one tick is handed to the transport",
    "producer.close": "the closing records are handed to the transport",
    "producer.flush": "the last acknowledgements are waited for",
    "consumer.join": "the consumer group is joined",
    "consumer.seek": "reading begins where the store stands",
    "consumer.poll": "messages are taken from the log",
    "consumer.analyse": "a batch is decoded and analysed",
    "consumer.tell": "the listeners hear of a committed batch",
    "consumer.report": "the log hears how far the store is",
    "consumer.leave": "the consumer group is left",
    "store.prepare": "the tables are made, or found to be there",
    "store.claim": "COMMIT of a claim on partitions",
    "store.commit": "COMMIT of the one transaction",
    "store.post": "COMMIT of records that were POSTed",
    "store.begin_resend": "COMMIT of dead letters that are taken for sending again",
    "store.end_resend": "COMMIT of the log's word that they were sent",
    "store.prune": "COMMIT of one of many steps of a prune",
    "store.checkpoint": "the write-ahead log is copied into the database",
    "broker.format": "an empty data folder is formatted for Kafka",
    "broker.launch": "the JVM is started",
    "broker.remember": "what runs where is written down",
    "broker.stop": "the JVM is ended",
}

_armed: str | None = None
_countdown = 0


def arm(spec: str | None) -> None:
    """Arm one failpoint, or disarm with None.

    :param spec: ``before|after:NAME[:N]``
    :raises SettingsError: if there is no such failpoint
    """
    global _armed, _countdown
    if spec is None:
        _armed, _countdown = None, 0
        return
    side, _, rest = spec.partition(":")
    name, _, count = rest.partition(":")
    if side not in ("before", "after") or name not in FAILPOINTS or not (count or "1").isdigit():
        raise SettingsError(
            f"failpoint must be before|after:NAME[:N] with NAME one of {', '.join(FAILPOINTS)}, was {spec!r}",
            mend="Unset MARKETLAB_FAILPOINT; it is for tests.",
        )
    _armed, _countdown = f"{side}:{name}", int(count or 1)


def hit(point: str) -> None:
    """Die here if this is the armed point and its turn has come.

    :param point: ``before:NAME`` or ``after:NAME``
    """
    global _countdown  # noqa: PLW0603
    if _armed == point:
        _countdown -= 1
        if _countdown <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def around(point: str) -> Iterator[None]:
    """Both sides of an act; the second only if it succeeds. For acts of which there are few: :func:`hit` is quicker.

    :param point: ``NAME``
    """
    hit(f"before:{point}")
    yield
    hit(f"after:{point}")
