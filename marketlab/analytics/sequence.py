"""What sequence numbers tell: what is missing, what came late, what came twice."""

from __future__ import annotations

from bisect import bisect_right

from marketlab.model import Gap, StreamState

__all__ = ["close", "fill", "see"]


def fill(gaps: list[Gap], seq: int) -> bool:
    """Take one number out of the gaps.

    :returns: False if it was in none: then it had been seen before

    >>> gaps = [[3, 7]]
    >>> fill(gaps, 5), gaps
    (True, [[3, 4], [6, 7]])
    >>> fill(gaps, 5)
    False
    """
    index = bisect_right(gaps, seq, key=lambda gap: gap[0]) - 1
    if index < 0 or gaps[index][1] < seq:
        return False
    first, last = gaps[index]
    gaps[index : index + 1] = [part for part in ([first, seq - 1], [seq + 1, last]) if part[0] <= part[1]]
    return True


def see(state: StreamState, seq: int) -> bool | None:
    """Note that a number has arrived.

    :returns: True if it is the newest, False if it fills a gap, None if it was seen before
    """
    highest = state.highest_seq
    if seq > highest:
        if seq > highest + 1:
            state.gaps.append([highest + 1, seq - 1])
        state.highest_seq = seq
        return True
    return False if fill(state.gaps, seq) else None


def close(state: StreamState, last_seq: int, *, symbols: int | None) -> None:
    """Note a closing record: what is missing up to ``last_seq`` is a gap. Reading it again changes nothing."""
    if last_seq > state.highest_seq:
        state.gaps.append([state.highest_seq + 1, last_seq])
        state.highest_seq = last_seq
    state.last_seq = max(last_seq, state.last_seq or 0)
    state.run_symbols = max(symbols or 0, state.run_symbols or 0) or None
