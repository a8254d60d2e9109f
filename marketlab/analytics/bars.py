"""Bars: the prices of one symbol by intervals of event time."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from math import fsum
from typing import Final

from marketlab.errors import QueryError
from marketlab.model import Bar, Tick

__all__ = ["INTERVALS", "REACH", "bars"]

#: How long a bar may be, in seconds, by the name under which it is asked for.
INTERVALS: Final = {"1s": 1, "10s": 10, "1m": 60}

REACH: Final = 50_000  # ticks that are looked at: what a busy symbol costs at the most


def bars(
    ticks: Iterable[Tick], *, interval_s: int, limit: int, before: float | None = None, reach: int = REACH
) -> list[Bar]:
    """The last ``limit`` bars of a symbol, oldest first, with nothing left out between them.

    An interval belongs to the run that wrote there last, so a bar never mixes two runs: not where a killed producer
    was started again, and not where a recording was played twice. The newest bar is that of the newest tick and still
    grows; an interval without a tick is a bar of no ticks. The bars begin at the symbol's first tick, or with the
    first interval of which all is known when ``reach`` ticks do not go back far enough.

    :param ticks: those that came in order (no late ones), newest written first; read no further than is needed
    :param interval_s: seconds from edge to edge; edges are whole multiples of it since the epoch
    :param limit: bars at the most, at least 1
    :param before: only bars that start before this time, in seconds
    :param reach: ticks that are looked at, at the most
    :raises QueryError: they are not enough for one bar

    Time O(ticks looked at), memory O(ticks in the bars). Cross-checked against pandas ``resample`` with
    ``closed="left", label="left"``.

    >>> made = bars([Tick("A", 12, 3.9), Tick("A", 9, 1.5), Tick("A", 10, 1.0)], interval_s=1, limit=9)
    >>> [(bar.start, bar.open, bar.low, bar.close, bar.ticks) for bar in made]
    [(1, 10, 9, 9, 2), (2, None, None, None, 0), (3, 12, 12, 12, 1)]
    """
    end = None if before is None else _last_start(before, interval_s)
    first: int | None = None  # start of the oldest bar that is asked for
    found: dict[int, list[Tick]] = {}  # by start, newest tick first
    looked = 0
    complete = False
    run = ""
    for tick in islice(ticks, reach):
        looked += 1
        start = _start(tick.timestamp, interval_s)
        if first is None:
            end = start if end is None else min(start, end)
            first = end - (limit - 1) * interval_s
        if start < first:
            # A run goes forward in time, so no more of it can come; records without a run may stand in any order.
            if tick.run and tick.run == run:
                complete = True
                break
        elif end is not None and start <= end:
            mine = found.setdefault(start, [])
            if not mine or mine[-1].run == tick.run:
                mine.append(tick)
                run = tick.run
    if not found or first is None or end is None:
        return []
    if not complete:
        # The symbol began here, or its ticks go on where nobody looked: then the oldest interval may lack some.
        oldest = min(found)
        first = oldest if looked < reach else oldest + interval_s
    if first > end:
        raise QueryError(
            f"a bar from {first - interval_s} on would be made of more than {reach:,} ticks, which is too many",
            pointer="/interval",
            mend="Ask for shorter bars.",
        )
    return [_bar(start, found.get(start, [])) for start in range(first, end + 1, interval_s)]


def _start(timestamp: float, interval_s: int) -> int:
    return int(timestamp // interval_s) * interval_s


def _last_start(before: float, interval_s: int) -> int:
    start = _start(before, interval_s)
    return start if start < before else start - interval_s


def _bar(start: int, ticks: list[Tick]) -> Bar:
    """A bar of ticks, newest first. Its volume is unknown if the size of one tick is."""
    if not ticks:
        return Bar(start, None, None, None, None, None, 0)
    prices = [tick.price for tick in ticks]
    sizes = [tick.size for tick in ticks if tick.size is not None]
    return Bar(
        start=start,
        open=prices[-1],
        high=max(prices),
        low=min(prices),
        close=prices[0],
        volume=fsum(sizes) if len(sizes) == len(ticks) else None,
        ticks=len(ticks),
    )
