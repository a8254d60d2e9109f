"""What sequence numbers tell: what is missing, what came late, what came twice."""

from __future__ import annotations

from bisect import bisect_right

from marketlab.model import Break, Gap, StreamState

__all__ = ["close", "fill", "include", "note_break", "refuse", "repair", "see"]


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


def include(seqs: list[Gap], seq: int) -> None:
    """Put one number, which is in none of them, into ranges.

    >>> seqs = [[1, 2], [7, 7]]
    >>> include(seqs, 3), include(seqs, 5), seqs
    (None, None, [[1, 3], [5, 5], [7, 7]])
    """
    index = bisect_right(seqs, seq, key=lambda gap: gap[0])
    if index and seqs[index - 1][1] == seq - 1:
        seqs[index - 1][1] = seq
    else:
        seqs.insert(index, [seq, seq])


def see(state: StreamState, seq: int) -> bool | None:
    """Note that a number has arrived.

    :returns: True if it is the newest, False if it fills a gap, None if it was seen before
    """
    highest = state.highest_seq
    if seq > highest:
        if seq > highest + 1:
            state.gaps.append([highest + 1, seq - 1])
            state.ranges_changed = True
        state.highest_seq = seq
        return True
    if not fill(state.gaps, seq):
        return None
    state.ranges_changed = True
    _mend_break(state, seq)
    return False


def close(state: StreamState, last_seq: int, *, symbols: int | None) -> None:
    """Note a closing record: what is missing up to ``last_seq`` is a gap. Reading it again changes nothing."""
    if last_seq > state.highest_seq:
        state.gaps.append([state.highest_seq + 1, last_seq])
        state.ranges_changed = True
        state.highest_seq = last_seq
    state.last_seq = max(last_seq, state.last_seq or 0)
    state.run_symbols = max(symbols or 0, state.run_symbols or 0) or None


def note_break(state: StreamState, first: int, last: int, *, offset: int, timestamp: float | None) -> None:
    """Note where a gap was found, before the message that showed it is given its place.

    :param offset: of that message; ``timestamp`` is its event time if it is a tick
    """
    before_offset = before_time = None
    if state.window_offsets:
        before_offset, before_time = state.window_offsets[-1], state.newest
    state.breaks.append(Break(first, last, before_offset, before_time, offset, timestamp))
    state.ranges_changed = True


def refuse(state: StreamState, seq: int) -> None:
    """Note that a number, which was not seen before, has arrived in a message that is refused."""
    state.refused += 1
    include(state.refused_seqs, seq)
    state.ranges_changed = True


def repair(state: StreamState, seq: int) -> bool:
    """Note that a number, which was seen before, has arrived in a tick.

    :returns: whether it was refused then: the message was repaired and sent again
    """
    if not fill(state.refused_seqs, seq):
        return False
    state.refused -= 1
    state.ranges_changed = True
    return True


def _mend_break(state: StreamState, seq: int) -> None:
    """Forget a break of which nothing is missing any more."""
    index = bisect_right(state.breaks, seq, key=lambda found: found.first) - 1
    if index < 0 or state.breaks[index].last < seq:
        return
    found = state.breaks[index]
    next_gap = bisect_right(state.gaps, found.last, key=lambda gap: gap[0]) - 1
    if next_gap < 0 or state.gaps[next_gap][1] < found.first:
        del state.breaks[index]
