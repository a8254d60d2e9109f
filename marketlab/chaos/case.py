"""What is put to the test: a fault, how often, over how many ticks, and the seed of all that is left to chance.

A case is written as ``FAULT:TIMES:TICKS:SEED``, which is all that is needed to run it again. The seed decides the
ticks, where on the log each fault strikes, how long it waits and which kind it is; how the machine divides its time
between the processes it does not decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from marketlab.errors import SettingsError
from marketlab.failpoints import FAILPOINTS

__all__ = ["FAULTS", "PROFILES", "Case", "cases"]

#: name → what is done. The failpoints follow, each as ``failpoint/NAME``.
FAULTS = {
    "consumer-kill": "kill -9 of the consumer at any moment, and a new one",
    "zombie": "SIGSTOP of the consumer; another takes over; SIGCONT",
    "rebalance": "consumers of one group join, leave and die",
    "producer-kill": "kill -9 of the producer in the middle of a run",
    "broker-kill": "kill -9 of the broker under producer and consumer, and a new start",
    "lock": "a stranger holds the database's write lock",
    "disk-full": "no file of the consumer may grow, for a while or until a kill -9",
    "clock": "event time and wall clock jump, forward and back",
    "steady": "no fault: does the consumer's memory stay flat?",
} | {f"failpoint/{name}": f"kill -9 before and after: {act}" for name, act in FAILPOINTS.items()}

_PATTERN = re.compile(r"([a-z_./-]+):(\d+):(\d+):(\d+)")


@dataclass(frozen=True, slots=True)
class Case:
    """``times``: faults; ``ticks``: of the runs under fire, in all."""

    fault: str
    times: int
    ticks: int
    seed: int

    def __str__(self) -> str:
        return f"{self.fault}:{self.times}:{self.ticks}:{self.seed}"

    @classmethod
    def parse(cls, text: str) -> Case:
        """The case that was written as ``FAULT:TIMES:TICKS:SEED``.

        :raises SettingsError: it is not one
        """
        match = _PATTERN.fullmatch(text)
        if match is None or match[1] not in FAULTS:
            raise SettingsError(
                f"a case is FAULT:TIMES:TICKS:SEED, for example consumer-kill:20:20000:7, was {text!r}",
                mend=f"FAULT is one of {', '.join(name for name in FAULTS if '/' not in name)}, failpoint/NAME.",
            )
        return cls(match[1], int(match[2]), int(match[3]), int(match[4]))


#: profile → (fault, parts, times in each part, ticks in each part). What is stopped loses no more than one part.
PROFILES: dict[str, list[tuple[str, int, int, int]]] = {
    "short": [
        ("consumer-kill", 1, 10, 20_000),
        ("zombie", 1, 3, 12_000),
        ("rebalance", 1, 4, 12_000),
        ("producer-kill", 1, 3, 12_000),
        ("broker-kill", 1, 1, 6_000),
        ("lock", 1, 3, 12_000),
        ("disk-full", 1, 3, 12_000),
        ("clock", 1, 5, 6_000),
        *((f"failpoint/{name}", 1, 2, 1_000) for name in FAILPOINTS),
    ],
    "long": [
        ("consumer-kill", 10, 100, 200_000),
        ("zombie", 10, 20, 40_000),
        ("rebalance", 5, 20, 60_000),
        ("broker-kill", 5, 20, 40_000),
        ("disk-full", 5, 20, 40_000),
        ("lock", 5, 20, 40_000),
        ("producer-kill", 5, 20, 40_000),
        ("clock", 5, 20, 40_000),
        *((f"failpoint/{name}", 1, 10, 1_000) for name in FAILPOINTS),
        ("steady", 1, 1, 10_000_000),
    ],
}


def cases(profile: str, *, seed: int, faults: frozenset[str] = frozenset()) -> Iterator[Case]:
    """The cases of a profile in their order; only of these faults, if any are named."""
    for fault, parts, times, ticks in PROFILES[profile]:
        for part in range(parts):
            if not faults or fault in faults or fault.partition("/")[0] in faults:
                yield Case(fault, times, ticks, seed + part)
