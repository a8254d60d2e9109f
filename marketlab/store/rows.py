"""Between the lab's words and the columns of the tables."""

from __future__ import annotations

from collections import deque
from math import inf
from typing import Any

import msgspec

from marketlab.books import StreamBook
from marketlab.model import (
    Alert,
    Break,
    DeadLetter,
    Reason,
    Record,
    Rule,
    StreamKey,
    StreamState,
)

__all__ = [
    "alert_from",
    "alert_values",
    "dead_letter_from",
    "dead_letter_values",
    "range_values",
    "record_from",
    "stream_book_from",
    "stream_from",
    "stream_values",
]

_encode = msgspec.json.Encoder().encode
_floats = msgspec.json.Decoder(list[float]).decode
_integers = msgspec.json.Decoder(list[int]).decode
_gaps = msgspec.json.Decoder(list[list[int]]).decode
_breaks = msgspec.json.Decoder(list[Break]).decode
_book_gaps = msgspec.json.Decoder(tuple[tuple[int, int], ...]).decode
_book_breaks = msgspec.json.Decoder(tuple[Break, ...]).decode
_NOTHING = "[]"


def stream_values(state: StreamState) -> tuple[Any, ...]:
    """What changes in the table ``streams`` with every batch."""
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
        _text(list(state.window)),
        _text(list(state.window_offsets)),
    )


def range_values(state: StreamState) -> tuple[str, str, str]:
    """What changes there only when a number is missing, refused, or comes after all.

    Each is written whole: 20,000 gaps are 1.3 MB, and the commit that opens one more takes some 10 ms instead of 0.1.
    """
    return _text(state.gaps), _text(state.refused_seqs), _text(state.breaks)


def stream_from(row: tuple[Any, ...]) -> StreamState:
    """A row of ``streams`` as state; windows hold as many ticks as the rule says."""
    (
        id_, log, run, symbol, partition, window, threshold_pct, ordinal, stored, late, duplicate, refused,
        highest_seq, last_seq, run_symbols, newest, prices, offsets, gaps, refused_seqs, breaks,
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
        breaks=_breaks(breaks),
        refused_seqs=_gaps(refused_seqs),
        window=deque(_floats(prices), maxlen=window),
        window_offsets=deque(_integers(offsets), maxlen=window),
    )


def stream_book_from(row: tuple[Any, ...]) -> StreamBook:
    """The account of a stream."""
    (
        log, partition, run, symbol, produced, stored, late, duplicate, refused, gaps, run_symbols, breaks, pruned_at,
    ) = row  # fmt: skip
    return StreamBook(
        log, partition, run, symbol, produced, stored, late, duplicate, refused,
        () if gaps == _NOTHING else _book_gaps(gaps),
        run_symbols,
        () if breaks == _NOTHING else _book_breaks(breaks),
        pruned_at,
    )  # fmt: skip


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
        letter.reason.value, letter.detail, letter.run, letter.symbol, letter.seq, letter.key,
    )  # fmt: skip


def dead_letter_from(row: tuple[Any, ...]) -> DeadLetter:
    """A row of ``dead_letters``."""
    (
        id_, raw, log, partition, offset, record_time, reason, detail, run, symbol, seq, key,
        repaired, resend_begun_at, resent_at,
    ) = row  # fmt: skip
    return DeadLetter(
        raw, log, partition, offset, record_time, Reason(reason), detail, run, symbol, seq, id_,
        repaired, resend_begun_at, resent_at, key,
    )  # fmt: skip


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
