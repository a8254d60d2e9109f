"""Cases one after the other, each to its verdict, whatever becomes of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from marketlab.chaos.case import Case
from marketlab.chaos.faults import fault_of
from marketlab.chaos.fire import Fire, StuckError
from marketlab.chaos.ground import Ground
from marketlab.chaos.result import Result, this_code
from marketlab.errors import MarketlabError

__all__ = ["run", "run_all"]


def run(ground: Ground, case: Case, *, profile: str) -> Result:
    """One case, to its verdict."""
    started, began = datetime.now(UTC), time.monotonic()
    with Fire(ground, case) as fire:
        try:
            fault_of(case.fault)(fire)
        except (StuckError, MarketlabError) as error:
            fire.account.problems.append(f"{type(error).__name__}: {error}")
        return Result(
            profile=profile,
            case=str(case),
            fault=case.fault,
            times=fire.faults,
            messages=fire.messages,
            lost=fire.account.lost,
            doubled=fire.account.doubled,
            refused=fire.refused,
            seconds=round(time.monotonic() - began, 3),
            started=started.isoformat(timespec="seconds"),
            recoveries_s=[round(seconds, 3) for seconds in fire.recoveries],
            problems=fire.account.problems,
            note=fire.note,
            code=this_code(),
        )


def run_all(
    ground: Ground, cases: Iterable[Case], stop: threading.Event, *, profile: str, each: Callable[[Result], None]
) -> Iterator[Result]:
    """Cases until they end or ``stop`` is set; what was under way then is left and counts for nothing."""
    for case in cases:
        if stop.is_set():
            return
        result = run(ground, case, profile=profile)
        if stop.is_set():
            return
        each(result)
        yield result
