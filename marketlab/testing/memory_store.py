"""The store's twin in memory: the same promises, no file, and it fails when a test says so."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeVar

import msgspec

from marketlab.books import PartitionBook, StreamBook
from marketlab.digest import DigestRow
from marketlab.errors import NotFoundError, QueryError, StaleOwnerError, StoreError
from marketlab.model import Alert, Batch, Counts, DeadLetter, Position, Record, Rule, StreamKey, StreamState, Tick
from marketlab.ports import PostedTick, Store
from marketlab.testing.memory_tables import Tables, book, copy_state, digest_row, posted_record, problems, write_ticks

__all__ = ["MemoryStore"]

_Row = TypeVar("_Row", Record, Alert, DeadLetter)


class MemoryStore(Store):
    """A store in memory. Any number of them may stand on one database, each as if in a process of its own.

    :param beside: another store, whose database is shared; None for a new one
    """

    def __init__(self, *, beside: MemoryStore | None = None) -> None:
        self._database: Tables = beside._database if beside else Tables()
        self._failures: deque[StoreError] = deque()
        self._closed = False

    def fail(self, error: StoreError, *, times: int = 1) -> None:
        """Let the next claims, commits or posts of this store fail, writing nothing: ``StoreFullError("…")``."""
        self._failures.extend([error] * times)

    # ------------------------------------------------------------------------------------------ writing

    def claim(self, log: str, partitions: Iterable[int]) -> dict[int, Position]:
        """Become the owner of partitions."""
        with self._writing() as database:
            claimed = {}
            for partition in partitions:
                epoch, next_offset = database.positions.get((log, partition), (0, None))
                claimed[partition] = database.positions[log, partition] = Position(epoch + 1, next_offset)
                database.counts.setdefault((log, partition), Counts())
                database.reasons.setdefault((log, partition), Counter())
            return claimed

    def load_streams(self, keys: Sequence[StreamKey]) -> dict[StreamKey, StreamState]:
        """The state of those of the streams that are known."""
        with self._reading() as database:
            return {key: copy_state(database.streams[key]) for key in keys if key in database.streams}

    def commit(self, batch: Batch, *, expected: Mapping[int, Position]) -> dict[int, Position]:
        """Write a batch and the next offsets, or nothing at all."""
        _check(batch, expected)
        if not batch.next_offsets:
            return {}
        with self._writing() as database:
            for partition in batch.next_offsets:
                found = database.positions.get((batch.log, partition))
                if found != expected[partition]:
                    raise StaleOwnerError(
                        f"partition {partition} of {batch.log} must be at {expected[partition]}, was {found}"
                    )
            for key, state in batch.streams.items():
                if state.id is None and key in database.streams:
                    raise StoreError(f"{key} must be loaded before it is gone on with, it is in the store already")
            # Nothing fails from here on, so there is nothing to take back.
            for state in batch.streams.values():
                state.id = state.id or len(database.streams) + 1
                database.streams[state.key] = copy_state(state)
            ticks = write_ticks(database, batch)
            for alert in batch.alerts:
                tick_id = ticks[alert.partition, alert.offset]
                database.alerts.append(msgspec.structs.replace(alert, id=len(database.alerts) + 1, tick_id=tick_id))
            for letter in batch.dead_letters:
                database.dead_letters.append(msgspec.structs.replace(letter, id=len(database.dead_letters) + 1))
                database.reasons[batch.log, letter.partition][letter.reason.value] += 1
            for partition, counts in batch.counts.items():
                database.counts[batch.log, partition] += counts
            positions = {
                partition: Position(expected[partition].epoch, offset)
                for partition, offset in batch.next_offsets.items()
            }
            database.positions |= {(batch.log, partition): position for partition, position in positions.items()}
            return positions

    def post(self, ticks: Sequence[PostedTick]) -> int:
        """Keep records that came by HTTP, each one row, once for each place in a log."""
        written = 0
        with self._writing() as database:
            for tick in ticks:
                partition, offset = tick.partition, tick.offset
                if tick.log is None or partition is None or offset is None:
                    partition = offset = None
                elif (tick.log, partition, offset) in database.posted:
                    continue
                else:
                    database.posted.add((tick.log, partition, offset))
                database.note_moves([database.keep(posted_record(tick, partition, offset))])
                written += 1
        return written

    def begin_resend(self, letters: Iterable[tuple[DeadLetter, bytes]]) -> frozenset[int]:
        """Take dead letters for sending again, those that still stand as they were read."""
        with self._writing() as database:
            asked = [(_one(database.dead_letters, read.id, "dead letter"), read, value) for read, value in letters]
            taken = [(found, value) for found, read, value in asked if _sent(found) == _sent(read)]
            for letter, value in taken:
                now = max(time.time(), (letter.resend_begun_at or 0.0) + 0.001)
                database.dead_letters[letter.id - 1] = msgspec.structs.replace(
                    letter, repaired=value, resend_begun_at=now, resent_at=None
                )
            return frozenset(letter.id for letter, _ in taken)

    def end_resend(self, ids: Iterable[int]) -> None:
        """Note that the log has acknowledged them."""
        with self._writing() as database:
            for letter in [_one(database.dead_letters, id_, "dead letter") for id_ in ids]:
                database.dead_letters[letter.id - 1] = msgspec.structs.replace(letter, resent_at=time.time())

    # ------------------------------------------------------------------------------------------ reading

    def latest(self, *, since: int = 0) -> list[Record]:
        """The last written record of every symbol, by symbol."""
        with self._reading() as database:
            latest = [records[-1] for _, records in sorted(database.by_symbol.items())]
            return [record for record in latest if record.id > since]

    def history(self, symbol: str, *, limit: int, before: int | None = None) -> list[Record]:
        """Records of a symbol, newest written first."""
        with self._reading() as database:
            _at_least_one(limit)
            if symbol not in database.by_symbol:
                raise NotFoundError(f"symbol {symbol!r} was never seen")
            return _page(database.by_symbol[symbol], limit, before)

    def ticks(self, symbol: str) -> Iterator[Tick]:
        """A symbol's ticks that came in order, newest written first, one by one."""
        with self._reading() as database:
            if symbol not in database.by_symbol:
                raise NotFoundError(f"symbol {symbol!r} was never seen")
            records = [record for record in reversed(database.by_symbol[symbol]) if not record.late]
            return iter([Tick(r.symbol, r.price, r.timestamp, r.size, r.seq, r.run or "") for r in records])

    def records_after(self, id: int, *, limit: int) -> list[Record]:  # noqa: A002
        """Records of all symbols written after the one with this id, in the order of writing."""
        with self._reading() as database:
            _at_least_one(limit)
            first = max(id, 0)  # the record of id n stands at n - 1
            return [kept.record for kept in database.kept[first : first + limit]]

    def alerts(self, *, limit: int, before: int | None = None, symbol: str | None = None) -> list[Alert]:
        """Alerts, newest first."""
        with self._reading() as database:
            _at_least_one(limit)
            return _page([alert for alert in database.alerts if symbol in (None, alert.symbol)], limit, before)

    def alerts_after(self, id: int, *, limit: int) -> list[Alert]:  # noqa: A002
        """Alerts of all symbols after the one with this id, oldest first."""
        with self._reading() as database:
            _at_least_one(limit)
            first = max(id, 0)
            return database.alerts[first : first + limit]

    def alert(self, id: int) -> Alert:  # noqa: A002
        """One alert."""
        with self._reading() as database:
            return _one(database.alerts, id, "alert")

    def largest_move(self) -> Record | None:
        """The record with the largest |change_pct| since each symbol's present run began, or None before any."""
        with self._reading() as database:
            moves = [record for _, (_, record) in sorted(database.largest.items()) if record is not None]
            return max(moves, key=lambda record: abs(record.change_pct or 0), default=None)

    def dead_letters(self, *, limit: int, before: int | None = None, reason: str | None = None) -> list[DeadLetter]:
        """Dead letters, newest first."""
        with self._reading() as database:
            _at_least_one(limit)
            return _page([letter for letter in database.dead_letters if reason in (None, letter.reason)], limit, before)

    def dead_letter(self, id: int) -> DeadLetter:  # noqa: A002
        """One dead letter."""
        with self._reading() as database:
            return _one(database.dead_letters, id, "dead letter")

    def dead_letter_counts(self) -> dict[str, int]:
        """Dead letters by reason."""
        with self._reading() as database:
            return dict(sorted(Counter(letter.reason.value for letter in database.dead_letters).items()))

    def partition_books(self) -> list[PartitionBook]:
        """The books of every partition that was ever claimed, by log and partition."""
        with self._reading() as database:
            return [
                PartitionBook(*key, replace(counts), database.positions[key].next_offset, dict(database.reasons[key]))
                for key, counts in sorted(database.counts.items())
            ]

    def stream_books(self, *, run: str | None = None) -> Iterator[StreamBook]:
        """The account of every stream (of one run), by log, run and symbol."""
        with self._reading() as database:
            states = [state for key, state in database.streams.items() if run in (None, key.run)]
            states.sort(key=lambda state: (state.key.log, state.key.run, state.key.symbol, state.key.partition))
            return iter([book(state) for state in states])

    def digest_rows(self, run: str, *, log: str) -> Iterator[DigestRow]:
        """Kept ticks of a run on a log, sorted by symbol and ordinal."""
        with self._reading() as database:
            kept = [(kept.stream, kept) for kept in database.kept if kept.stream is not None]
            mine = [(key, kept) for key, kept in kept if (key.log, key.run) == (log, run)]
            mine.sort(key=lambda item: (item[0].symbol, item[1].ordinal, item[0].partition))
            return iter([digest_row(kept) for _, kept in mine])

    def rules(self, run: str, *, log: str) -> list[Rule]:
        """The rules that the run was judged by."""
        with self._reading() as database:
            return [Rule(window, threshold) for window, threshold in sorted(database.rules.get((log, run), ()))]

    def problems(self) -> Iterator[str]:
        """What is wrong, a sentence each."""
        with self._reading() as database:
            return iter(problems(database))

    def identity(self) -> str | None:
        """Which database this is: those beside have the same."""
        with self._reading() as database:
            return database.identity

    def changes(self) -> int:
        """A number that is another one after every commit by anybody."""
        with self._reading() as database:
            return database.changes

    def close(self) -> None:
        """Close; the database stays for those beside."""
        self._closed = True

    # ------------------------------------------------------------------------------------------ how it is asked

    def _reading(self) -> _Locked:
        if self._closed:
            raise StoreError("the store was closed")
        return _Locked(self._database)

    def _writing(self) -> _Locked:
        locked = self._reading()
        if self._failures:
            raise self._failures.popleft()
        locked.writes = True
        return locked


class _Locked:
    """The database, for one caller at a time; counts a change if what was written was not taken back."""

    def __init__(self, database: Tables) -> None:
        self._database = database
        self.writes = False

    def __enter__(self) -> Tables:
        self._database.lock.acquire()
        return self._database

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: object) -> None:
        if self.writes and kind is None:
            self._database.changes += 1
        self._database.lock.release()


def _check(batch: Batch, expected: Mapping[int, Position]) -> None:
    """Refuse what is not whole, as the database does."""
    for partition, next_offset in batch.next_offsets.items():
        if partition not in expected:
            raise StaleOwnerError(f"partition {partition} of {batch.log} must be claimed before it is written")
        before = expected[partition].next_offset
        if before is not None and next_offset < before:
            raise StoreError(f"partition {partition} of {batch.log} must go on from {before}, was {next_offset}")
    partitions = batch.counts.keys() | {key.partition for key in batch.streams}
    if partitions - batch.next_offsets.keys() or {key.log for key in batch.streams} - {batch.log}:
        raise StoreError(f"a batch of {batch.log} must name the next offset of every partition it holds something of")
    ticks = set()
    for row in batch.rows:
        state = row[0]
        if batch.streams.get(state.key) is not state:
            raise StoreError(f"a batch must hold the state of every stream it has ticks of, {state.key} is missing")
        if row[7] is not None:
            ticks.add((state.key.partition, row[10]))
    for alert in batch.alerts:
        if (alert.partition, alert.offset) not in ticks:
            raise StoreError(f"a batch must hold the tick of every alert, that of {alert.text!r} is missing")


def _at_least_one(limit: int) -> None:
    if limit < 1:
        raise QueryError(f"limit must be at least 1, was {limit}", pointer="/limit")


def _page(items: Sequence[_Row], limit: int, before: int | None) -> list[_Row]:
    """The newest first; ids ascend."""
    newest_first = (item for item in reversed(items) if before is None or item.id < before)
    return list(islice(newest_first, min(limit, len(items))))


def _sent(letter: DeadLetter) -> tuple[float | None, float | None]:
    return letter.resend_begun_at, letter.resent_at


def _one(items: Sequence[_Row], id_: int, what: str) -> _Row:
    if not 1 <= id_ <= len(items):
        raise NotFoundError(f"there is no {what} {id_}")
    return items[id_ - 1]
