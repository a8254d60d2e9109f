"""Between the lab's words and the columns of the tables."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Final

import msgspec

from marketlab.errors import StoreError
from marketlab.model import (
    Alert,
    DeadLetter,
    Reason,
    Record,
    Rule,
    StreamKey,
    StreamState,
    TickRow,
)

__all__ = [
    "TICK_COLUMNS",
    "Head",
    "Touched",
    "alert_from",
    "alert_values",
    "dead_letter_from",
    "dead_letter_values",
    "latest_values",
    "lay_out",
    "record_from",
    "stream_from",
    "stream_values",
]

#: In the order in which :func:`lay_out` lays them.
TICK_COLUMNS: Final = (
    "id", "symbol", "partition", "stream_id", "prev_id", "ordinal", "price", "timestamp", "size",
    "moving_average", "change_pct", "alert", "late", "seq", '"offset"',
)  # fmt: skip


@dataclass(slots=True)
class Head:
    """What must be known of a symbol's rows to add the next: the last tick and alert, and what ``latest`` carries on.

    ``largest_change_pct`` is signed; it and ``largest_id`` are of ``run``, the run last written.
    """

    tick_id: int | None = None
    alert_id: int | None = None
    first_id: int | None = None
    run: str | None = None
    largest_change_pct: float | None = None
    largest_id: int | None = None

    def move(self, change_pct: float, tick_id: int) -> None:
        """Take note of a move if it is the largest."""
        largest = self.largest_change_pct
        # Of two equal ones the earlier; within a batch they may come in any order.
        if largest is None or (abs(change_pct), -tick_id) > (abs(largest), -(self.largest_id or 0)):
            self.largest_change_pct, self.largest_id = change_pct, tick_id

    def turn_to(self, run: str | None) -> None:
        """The symbol goes on in this run; another run's largest move is past."""
        if run != self.run:
            self.run, self.largest_change_pct, self.largest_id = run, None, None


#: What a batch did to one stream, as a list, for it is unpacked once a tick:
#: [symbol, partition, head, largest |change_pct|, the id of its tick, the id of the first tick, state].
Touched = list[Any]

_encode = msgspec.json.Encoder().encode
_floats = msgspec.json.Decoder(list[float]).decode
_integers = msgspec.json.Decoder(list[int]).decode
_gaps = msgspec.json.Decoder(list[list[int]]).decode


def lay_out(
    rows: Iterable[TickRow],
    *,
    first_id: int,
    head: Callable[[str], Head],
    streams: Mapping[StreamKey, StreamState],
) -> tuple[list[Any], dict[int, Touched]]:
    """Ticks as one flat list of values, :data:`TICK_COLUMNS` of one after those of the other.

    The hottest loop of the store, 0.3 µs a tick: one tuple and one list extension, nothing kept of either.

    :param head: the head of a symbol; its ``tick_id`` is moved on to the last row
    :param streams: every stream of the batch; the ids are already set
    :returns: the values, and what was done to each stream by its id
    """
    values: list[Any] = []
    touched: dict[int, Touched] = {}
    known = touched.get
    tick_id = first_id
    for state, ordinal, price, timestamp, size, average, change, alert, late, seq, offset in rows:
        stream_id = state.id
        cell = known(stream_id)  # type: ignore[arg-type]
        if cell is None:
            cell = touched[stream_id] = _begin(state, streams, head, tick_id)  # type: ignore[index]
        symbol, partition, last, largest, _, _, _ = cell
        values += (
            tick_id, symbol, partition, stream_id, last.tick_id, ordinal, price, timestamp, size,
            average, change, alert, late, seq, offset,
        )  # fmt: skip
        last.tick_id = tick_id
        if change is not None and (change > largest or -change > largest):
            cell[3], cell[4] = abs(change), tick_id
        tick_id += 1
    return values, touched


def _begin(
    state: StreamState, streams: Mapping[StreamKey, StreamState], head: Callable[[str], Head], tick_id: int
) -> Touched:
    key = state.key
    if streams.get(key) is not state:
        raise StoreError(f"a batch must hold the state of every stream it has ticks of, {key} is missing")
    return [key.symbol, key.partition, head(key.symbol), -1.0, None, tick_id, state]


def latest_values(rows: list[TickRow], touched: Iterable[Touched], *, first_id: int) -> Iterator[tuple[Any, ...]]:
    """The new row of ``latest`` of each symbol; brings the heads up to date."""
    lasting, others = [], []  # streams that wrote the last row of their symbol, and those that did not
    for cell in touched:
        _, _, head, _, move_id, begun_id, state = cell
        if head.first_id is None or begun_id < head.first_id:
            head.first_id = begun_id
        if rows[head.tick_id - first_id][0] is state:
            head.turn_to(state.key.run or None)
            if move_id is not None:
                head.move(rows[move_id - first_id][6] or 0.0, move_id)
            lasting.append(head)
        elif move_id is not None:
            others.append(cell)
    for _, _, head, _, move_id, _, state in others:
        if (state.key.run or None) == head.run:  # the same run on another partition
            head.move(rows[move_id - first_id][6] or 0.0, move_id)
    for head in lasting:
        tick_id = head.tick_id
        state, _, price, timestamp, size, average, change, alert, late, seq, offset = rows[tick_id - first_id]
        _, partition, _, symbol = state.key
        yield (
            tick_id, symbol, price, average, alert, timestamp, size, change, head.run, seq, partition, offset, late,
            head.first_id, head.largest_change_pct, head.largest_id, head.alert_id,
        )  # fmt: skip


def stream_values(state: StreamState) -> tuple[Any, ...]:
    """What changes in the table ``streams``, in the order of its columns."""
    return (
        state.rule.window,
        state.rule.threshold_pct,
        state.ordinal,
        state.stored,
        state.late,
        state.duplicate,
        state.refused,
        state.highest_seq,
        state.last_seq,
        state.run_symbols,
        None if state.newest == -inf else state.newest,
        _text(state.gaps) if state.gaps else "[]",
        _text(list(state.window)),
        _text(list(state.window_offsets)),
    )


def stream_from(row: tuple[Any, ...]) -> StreamState:
    """A row of ``streams`` as state; windows hold as many ticks as the rule says."""
    (
        id_, log, run, symbol, partition, window, threshold_pct, ordinal, stored, late, duplicate, refused,
        highest_seq, last_seq, run_symbols, newest, gaps, prices, offsets,
    ) = row  # fmt: skip
    return StreamState(
        StreamKey(log, partition, run, symbol),
        Rule(window, threshold_pct),
        id=id_,
        ordinal=ordinal,
        stored=stored,
        late=late,
        duplicate=duplicate,
        refused=refused,
        highest_seq=highest_seq,
        last_seq=last_seq,
        run_symbols=run_symbols,
        newest=-inf if newest is None else newest,
        gaps=_gaps(gaps),
        window=deque(_floats(prices), maxlen=window),
        window_offsets=deque(_integers(offsets), maxlen=window),
    )


def alert_values(alert: Alert, id_: int, tick_id: int, stream_id: int | None, prev_id: int | None) -> tuple[Any, ...]:
    """An alert in the order of the table's columns."""
    rule = alert.rule
    return (
        id_, alert.symbol, alert.text, alert.price, alert.previous_price, alert.change_pct, alert.moving_average,
        alert.timestamp, rule.window, rule.threshold_pct, alert.partition, alert.offset, alert.previous_offset,
        _text(alert.window_prices), _text(alert.window_offsets), alert.seq, alert.ordinal, tick_id, stream_id, prev_id,
    )  # fmt: skip


def alert_from(row: tuple[Any, ...]) -> Alert:
    """A row of ``alerts`` with the log and run of its stream."""
    (
        id_, symbol, text, price, previous_price, change_pct, moving_average, timestamp, window, threshold_pct,
        partition, offset, previous_offset, prices, offsets, seq, ordinal, tick_id, log, run,
    ) = row  # fmt: skip
    return Alert(
        symbol=symbol,
        text=text,
        price=price,
        previous_price=previous_price,
        change_pct=change_pct,
        moving_average=moving_average,
        timestamp=timestamp,
        rule=Rule(window, threshold_pct),
        log=log,
        partition=partition,
        offset=offset,
        previous_offset=previous_offset,
        window_prices=tuple(_floats(prices)),
        window_offsets=tuple(_integers(offsets)),
        run=run,
        seq=seq,
        ordinal=ordinal,
        id=id_,
        tick_id=tick_id,
    )


def dead_letter_values(letter: DeadLetter) -> tuple[Any, ...]:
    """A dead letter in the order of the table's columns, without its id."""
    return (
        letter.raw, letter.log, letter.partition, letter.offset, letter.record_time,
        letter.reason.value, letter.detail, letter.run, letter.symbol, letter.seq,
    )  # fmt: skip


def dead_letter_from(row: tuple[Any, ...]) -> DeadLetter:
    """A row of ``dead_letters``."""
    id_, raw, log, partition, offset, record_time, reason, detail, run, symbol, seq = row
    return DeadLetter(raw, log, partition, offset, record_time, Reason(reason), detail, run, symbol, seq, id_)


def record_from(row: tuple[Any, ...]) -> Record:
    """The first thirteen columns of ``latest`` or ``records``, ``id`` and ``symbol`` leading."""
    (
        id_, symbol, price, moving_average, alert, timestamp, size, change_pct, run, seq, partition, offset, late,
    ) = row  # fmt: skip
    return Record(
        symbol=symbol,
        price=price,
        moving_average=moving_average,
        alert=alert,
        timestamp=timestamp,
        id=id_,
        size=size,
        change_pct=change_pct,
        run=run,
        seq=seq,
        partition=partition,
        offset=offset,
        late=bool(late),
    )


def _text(value: object) -> str:
    return _encode(value).decode()
