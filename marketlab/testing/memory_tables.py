"""What is durable in the store's twin, as far as memory goes: its tables."""

from __future__ import annotations

import secrets
import threading
from collections import Counter, deque
from copy import deepcopy
from dataclasses import dataclass, field, replace

import msgspec

from marketlab.books import StreamBook
from marketlab.digest import DigestRow
from marketlab.model import Alert, Batch, Counts, DeadLetter, Position, Record, StreamKey, StreamState
from marketlab.ports import PostedTick

__all__ = ["Kept", "Tables", "book", "copy_state", "digest_row", "posted_record", "problems", "write_ticks"]


@dataclass(slots=True)
class Kept:
    """A record with what only the books and the digest ask for."""

    record: Record
    stream: StreamKey | None = None
    ordinal: int = 0


@dataclass
class Tables:
    """What is durable, as far as memory goes; shared by all stores opened on it."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    identity: str = field(default_factory=lambda: secrets.token_hex(8))
    changes: int = 0
    positions: dict[tuple[str, int], Position] = field(default_factory=dict)
    counts: dict[tuple[str, int], Counts] = field(default_factory=dict)
    reasons: dict[tuple[str, int], Counter[str]] = field(default_factory=dict)
    streams: dict[StreamKey, StreamState] = field(default_factory=dict)
    rules: dict[tuple[str, str], set[tuple[int, float]]] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)  # the record of id n stands at n - 1
    by_symbol: dict[str, list[Record]] = field(default_factory=dict)
    largest: dict[str, tuple[str | None, Record | None]] = field(default_factory=dict)  # run and record by symbol
    alerts: list[Alert] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    posted: set[tuple[str, int, int]] = field(default_factory=set)

    def keep(self, record: Record, stream: StreamKey | None = None, ordinal: int = 0) -> Record:
        """Add a record; its id follows from the order."""
        record = msgspec.structs.replace(record, id=len(self.kept) + 1)
        self.kept.append(Kept(record, stream, ordinal))
        self.by_symbol.setdefault(record.symbol, []).append(record)
        return record

    def note_moves(self, records: list[Record]) -> None:
        """Bring ``largest`` up to date with the records of one commit; the run that wrote last is the present one."""
        for symbol in {record.symbol for record in records}:
            mine = [record for record in records if record.symbol == symbol]
            present = mine[-1].run
            run, largest = self.largest.get(symbol, (present, None))
            candidates = [] if run != present or largest is None else [largest]
            candidates += [record for record in mine if record.run == present and record.change_pct is not None]
            largest = max(candidates, key=lambda record: abs(record.change_pct or 0), default=None)
            self.largest[symbol] = (present, largest)


def write_ticks(database: Tables, batch: Batch) -> dict[tuple[int, int | None], int]:
    """Keep the rows; their ids by (partition, offset)."""
    ids, written = {}, []
    for state, ordinal, price, timestamp, size, average, change, alert, late, seq, offset in batch.rows:
        key = state.key
        record = Record(
            symbol=key.symbol,
            price=price,
            moving_average=average,
            alert=alert,
            timestamp=timestamp,
            id=0,
            size=size,
            change_pct=change,
            run=key.run or None,
            seq=seq,
            partition=key.partition,
            offset=offset,
            late=late,
        )
        written.append(database.keep(record, key, ordinal))
        ids[key.partition, offset] = written[-1].id
        rules = database.rules.setdefault((batch.log, key.run), set())
        rules.add((state.rule.window, state.rule.threshold_pct))
    database.note_moves(written)
    return ids


def posted_record(tick: PostedTick, partition: int | None, offset: int | None) -> Record:
    """A record that came by HTTP."""
    return Record(
        symbol=tick.symbol,
        price=tick.price,
        moving_average=tick.moving_average,
        alert=tick.alert,
        timestamp=tick.timestamp,
        id=0,
        size=tick.size,
        change_pct=tick.change_pct,
        run=tick.run or None,
        seq=tick.seq,
        partition=partition,
        offset=offset,
        late=tick.late,
    )


def copy_state(state: StreamState) -> StreamState:
    """A copy that nobody else changes, as it would come from the disk."""
    window = state.rule.window
    return replace(
        state,
        gaps=deepcopy(state.gaps),
        breaks=list(state.breaks),
        refused_seqs=deepcopy(state.refused_seqs),
        window=deque(state.window, maxlen=window),
        window_offsets=deque(state.window_offsets, maxlen=window),
    )


def book(state: StreamState) -> StreamBook:
    """The account of a stream."""
    key = state.key
    return StreamBook(
        log=key.log,
        partition=key.partition,
        run=key.run,
        symbol=key.symbol,
        produced=state.last_seq,
        stored=state.stored,
        late=state.late,
        duplicate=state.duplicate,
        refused=state.refused,
        gaps=tuple((first, last) for first, last in state.gaps),
        run_symbols=state.run_symbols,
        breaks=tuple(state.breaks),
    )


def digest_row(kept: Kept) -> DigestRow:
    """What of a record goes into the digest."""
    record = kept.record
    return (
        record.symbol, kept.ordinal, record.price, record.timestamp, record.size, record.moving_average, record.alert,
        record.late,
    )  # fmt: skip


def problems(database: Tables) -> list[str]:
    """Rows that their account does not have."""
    found = []
    kept = Counter((row.stream, row.record.late) for row in database.kept)
    for key, state in database.streams.items():
        if (kept[key, False], kept[key, True]) != (state.stored, state.late):
            found.append(f"stream {key} has other rows than its account says")
        if sum(last - first + 1 for first, last in state.refused_seqs) != state.refused:
            found.append(f"stream {key} names other refused numbers than its account says")
    letters = Counter((letter.log, letter.partition, letter.reason.value) for letter in database.dead_letters)
    counted = Counter(
        {(*place, reason): n for place, reasons in database.reasons.items() for reason, n in reasons.items()}
    )
    if letters != counted:
        found.append("there are other dead letters than were counted")
    return found
