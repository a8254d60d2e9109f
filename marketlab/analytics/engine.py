"""Messages in, one batch for the store out: decoding, order, moving average, alerts and books of every stream.

The engine keeps the state of the streams that are alive. What it does not know it asks for (``load``), so a first
tick, a straggler after a close and a restart take the same path. States are changed in place: if their batch is not
committed, the partition must be forgotten and read again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from math import fsum

from marketlab.analytics import sequence
from marketlab.analytics.alerts import alert_text, reaches
from marketlab.model import (
    Alert,
    Batch,
    Close,
    Counts,
    DeadLetter,
    Refusal,
    Rule,
    StreamKey,
    StreamState,
    Tick,
    TickRow,
)
from marketlab.wire import decode

__all__ = ["Engine"]

#: Given the keys of streams, the states of those that the store knows.
Load = Callable[[Sequence[StreamKey]], dict[StreamKey, StreamState]]

_Streams = dict[tuple[str, str], StreamState]  # by (run, symbol), of one partition


class Engine:
    """Analyses the messages of one log.

    :param log: id of the log
    :param rule: window and threshold; a stream that was judged by another one starts with an empty window
    :param load: how to ask the store for streams
    :param max_live: streams kept in memory; beyond it, those that the last batch did not touch are dropped
    """

    def __init__(self, log: str, *, rule: Rule, load: Load, max_live: int = 20_000) -> None:
        self._log = log
        self._rule = rule
        self._load = load
        self._max_live = max_live
        self._live: dict[int, _Streams] = {}

    def batch(self) -> Batch:
        """An empty batch of this log."""
        return Batch(self._log)

    def add(
        self,
        batch: Batch,
        *,
        partition: int,
        offsets: Sequence[int],
        values: Sequence[bytes | None],
        record_times_ms: Sequence[int],
        keys: Sequence[bytes | None] = (),
    ) -> None:
        """Analyse messages of one partition, offsets ascending, and put everything into the batch.

        :param keys: kept with refused messages, so that they can be sent again to where they came from
        """
        if not offsets:
            return
        times = [time / 1000 for time in record_times_ms]
        items = [decode(value, time) for value, time in zip(values, times, strict=True)]
        names = _names(items)
        streams = self._streams(partition, names)
        counts = Counts(received=len(offsets))
        rows: list[TickRow] = []
        for offset, value, time, item in zip(offsets, values, times, items, strict=True):
            if type(item) is Tick:
                row = _accept(streams[item.run, item.symbol], item, offset, batch.alerts)
                if row is None:
                    counts.duplicate += 1
                else:
                    rows.append(row)
            elif type(item) is Close:
                _close(streams[item.run, item.symbol], item, offset)
                counts.control += 1
            elif type(item) is Refusal:
                key = keys[bisect_left(offsets, offset)] if keys else None
                batch.dead_letters.append(_dead_letter(item, value, key, self._log, partition, offset, time))
                _account(item, streams, offset)
                counts.dead_lettered += 1
        counts.late = sum(row[8] for row in rows)
        counts.stored = len(rows) - counts.late
        batch.rows += rows
        batch.streams.update((streams[name].key, streams[name]) for name in names)
        batch.next_offsets[partition] = offsets[-1] + 1
        if partition in batch.counts:
            batch.counts[partition] += counts
        else:
            batch.counts[partition] = counts

    def committed(self, batch: Batch) -> None:
        """Let go of what a committed batch has made durable and nothing will ask for soon."""
        for key, state in batch.streams.items():
            state.ranges_changed = False
            if state.closed:
                self._live[key.partition].pop((key.run, key.symbol), None)
        if sum(map(len, self._live.values())) > self._max_live:
            for streams in self._live.values():
                for name in [name for name, state in streams.items() if state.key not in batch.streams]:
                    del streams[name]

    def forget(self) -> None:
        """Drop all states: after a change of owner only the store knows them."""
        self._live.clear()

    @property
    def live(self) -> int:
        """Streams in memory."""
        return sum(map(len, self._live.values()))

    def _streams(self, partition: int, names: set[tuple[str, str]]) -> _Streams:
        """The streams of a partition, these among them."""
        streams = self._live.setdefault(partition, {})
        missing = [StreamKey(self._log, partition, run, symbol) for run, symbol in names - streams.keys()]
        if missing:
            known = self._load(missing)
            for key in missing:
                streams[key.run, key.symbol] = self._under_rule(known.get(key) or StreamState(key, self._rule))
        return streams

    def _under_rule(self, state: StreamState) -> StreamState:
        same = state.rule == self._rule
        window = self._rule.window
        state.rule = self._rule
        state.window = deque(state.window if same else (), maxlen=window)
        state.window_offsets = deque(state.window_offsets if same else (), maxlen=window)
        return state


def _names(items: Iterable[Tick | Close | Refusal]) -> set[tuple[str, str]]:
    """Run and symbol of every stream that these items belong to."""
    return {
        (item.run, item.symbol)
        for item in items
        if item.symbol is not None and (type(item) is not Refusal or item.seq is not None)
    }


def _accept(state: StreamState, tick: Tick, offset: int, alerts: list[Alert]) -> TickRow | None:
    """Give a tick its place in its stream; None if it is a duplicate."""
    price, timestamp, seq = tick.price, tick.timestamp, tick.seq
    late = timestamp < state.newest
    if seq is not None:
        if seq == state.highest_seq + 1:  # almost always
            state.highest_seq = seq
        else:
            seen = _see(state, seq, offset, timestamp)
            if seen is None and not sequence.repair(state, seq):
                state.duplicate += 1
                return None
            late = late or not seen
    ordinal = state.ordinal = state.ordinal + 1
    if late:
        state.late += 1
        return state, ordinal, price, timestamp, tick.size, None, None, None, True, seq, offset
    state.stored += 1
    state.newest = timestamp
    window = state.window
    previous, previous_offset = (window[-1], state.window_offsets[-1]) if window else (None, -1)
    window.append(price)
    state.window_offsets.append(offset)
    average = fsum(window) / len(window)
    if previous is None:
        return state, ordinal, price, timestamp, tick.size, average, None, None, False, seq, offset
    change = (price - previous) / previous * 100
    threshold = state.rule.threshold_pct
    text = None
    if (change >= threshold * 0.999 or change <= threshold * -0.999) and reaches(
        previous, price, threshold_pct=threshold
    ):
        text = alert_text(state.key.symbol, change)
        alerts.append(_alert(state, tick, text, previous, previous_offset, change, average))
    return state, ordinal, price, timestamp, tick.size, average, change, text, False, seq, offset


def _alert(
    state: StreamState, tick: Tick, text: str, previous: float, previous_offset: int, change: float, average: float
) -> Alert:
    key, offsets = state.key, tuple(state.window_offsets)
    return Alert(
        symbol=key.symbol,
        text=text,
        price=tick.price,
        previous_price=previous,
        change_pct=change,
        moving_average=average,
        timestamp=tick.timestamp,
        rule=state.rule,
        log=key.log,
        partition=key.partition,
        offset=offsets[-1],
        previous_offset=previous_offset,
        window_prices=tuple(state.window),
        window_offsets=offsets,
        run=key.run,
        seq=tick.seq,
        ordinal=state.ordinal,
    )


def _dead_letter(
    refusal: Refusal,
    value: bytes | None,
    key: bytes | None,
    log: str,
    partition: int,
    offset: int,
    record_time: float,
) -> DeadLetter:
    return DeadLetter(
        raw=value or b"",
        key=key,
        log=log,
        partition=partition,
        offset=offset,
        record_time=record_time,
        reason=refusal.reason,
        detail=refusal.detail,
        run=refusal.run,
        symbol=refusal.symbol,
        seq=refusal.seq,
    )


def _account(refusal: Refusal, streams: _Streams, offset: int) -> None:
    """A refused message whose identity can be read is accounted for in its run: it is refused, not lost."""
    if refusal.symbol is None or refusal.seq is None:
        return
    state = streams[refusal.run, refusal.symbol]
    if _see(state, refusal.seq, offset, None) is not None:
        sequence.refuse(state, refusal.seq)


def _close(state: StreamState, close: Close, offset: int) -> None:
    highest = state.highest_seq
    sequence.close(state, close.last_seq, symbols=close.symbols)
    if state.highest_seq > highest:
        sequence.note_break(state, highest + 1, close.last_seq, offset=offset, timestamp=None)


def _see(state: StreamState, seq: int, offset: int, timestamp: float | None) -> bool | None:
    """Note a number, and where it stood if it shows that others are missing."""
    highest = state.highest_seq
    seen = sequence.see(state, seq)
    if seq > highest + 1:
        sequence.note_break(state, highest + 1, seq - 1, offset=offset, timestamp=timestamp)
    return seen
