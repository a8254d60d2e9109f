"""Named places at which a test may end the process, to prove that dying there loses nothing.

A failpoint costs one attribute look-up while disarmed. It is armed only by ``MARKETLAB_FAILPOINT``, for example
``before:store.commit`` or ``after:store.commit:3`` (the third time): then the process kills itself with SIGKILL,
as a power cut would, with nothing flushed and nothing said.
"""

from __future__ import annotations

import os
import signal

from marketlab.errors import SettingsError

__all__ = ["FAILPOINTS", "arm", "hit"]

#: name → where it stands. ``before`` and ``after`` are the two sides of the named act.
FAILPOINTS = {
    "producer.send": "one tick is handed to the transport",
    "producer.close": "the closing records are sent",
    "consumer.poll": "messages are taken from the log",
    "consumer.analyse": "a batch is decoded and analysed",
    "store.commit": "COMMIT of the one transaction",
    "store.claim": "a partition is claimed",
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
