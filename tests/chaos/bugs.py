"""Deliberate faults, each as small as a slip of the pen would be. The name says what somebody did wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from marketlab import failpoints
from marketlab.analytics import engine, sequence
from marketlab.books import RunBook
from marketlab.consumer import Consumer
from marketlab.errors import StaleOwnerError, StoreBusyError, StoreFullError
from marketlab.model import Batch, Counts, Position, StreamKey, StreamState
from marketlab.producer import Producer
from marketlab.store import SqliteStore, chain, writer
from marketlab.store import statements as sql
from marketlab.store.rows import range_values
from marketlab.testing.memory_clients import MemoryPublisher, MemorySubscription

__all__ = ["BUGS"]

Plant = Callable[[pytest.MonkeyPatch], None]
BUGS: dict[str, Plant] = {}


def bug(plant: Plant) -> Plant:
    """Add a bug to the list."""
    BUGS[plant.__name__] = plant
    return plant


# --------------------------------------------------------------------------------------------- the commit


def _without_rows(batch: Batch) -> Batch:
    return Batch(batch.log, next_offsets=batch.next_offsets, counts=batch.counts)


@bug
def offsets_committed_first(patch: pytest.MonkeyPatch) -> None:
    """Two transactions: positions and books, then the rows."""
    commit = SqliteStore.commit

    def in_two(self: SqliteStore, batch: Batch, *, expected: Mapping[int, Position]) -> dict[int, Position]:
        moved = commit(self, _without_rows(batch), expected=expected)
        counts, batch.counts = batch.counts, {}
        try:
            commit(self, batch, expected=moved)
        finally:
            batch.counts = counts
        return moved

    patch.setattr(SqliteStore, "commit", in_two)


@bug
def rows_committed_first(patch: pytest.MonkeyPatch) -> None:
    """Two transactions: the rows, then the positions that say they were read."""

    def in_two(self: SqliteStore, batch: Batch, *, expected: Mapping[int, Position]) -> dict[int, Position]:
        positions = writer._moved(batch, expected)
        fresh = [state for state in batch.streams.values() if state.id is None]
        with self._transaction("store.commit") as connection:
            for state in fresh:
                known = connection.execute(
                    sql.STREAM, (state.key.log, state.key.run, state.key.symbol, state.key.partition)
                ).fetchone()
                state.id = known[0] if known else None
            writer._add_streams(connection, [state for state in fresh if state.id is None])
            self._write(connection, batch)
        with self._transaction("store.commit") as connection:
            for partition, position in positions.items():
                writer._move(connection, batch, partition, expected[partition], position)
        return positions

    patch.setattr(SqliteStore, "commit", in_two)


@bug
def epoch_ignored(patch: pytest.MonkeyPatch) -> None:
    """The position is compared, its owner is not."""
    patch.setattr(sql, "MOVE", sql.MOVE.replace("AND epoch = ?", "AND ? IS NOT NULL"))


@bug
def position_ignored(patch: pytest.MonkeyPatch) -> None:
    """The owner is compared, its position is not."""
    patch.setattr(sql, "MOVE", sql.MOVE.replace("AND next_offset IS ?", "AND (? IS NULL OR TRUE)"))


@bug
def swap_not_checked(patch: pytest.MonkeyPatch) -> None:
    """Compare and swap, and nobody looks whether anything was swapped."""
    move = writer._move

    def unchecked(*given: Any) -> None:
        with suppress(StaleOwnerError):
            move(*given)

    patch.setattr(writer, "_move", unchecked)


@bug
def epoch_not_raised(patch: pytest.MonkeyPatch) -> None:
    """A claim that leaves the older owner in his rights."""
    patch.setattr(sql, "CLAIM", sql.CLAIM.replace("epoch = epoch + 1", "epoch = epoch"))


@bug
def half_a_transaction_committed(patch: pytest.MonkeyPatch) -> None:
    """COMMIT in the place where ROLLBACK belongs."""

    @contextmanager
    def committing(self: SqliteStore, point: str | None, *, kind: str = "IMMEDIATE") -> Any:
        self._writing.execute(f"BEGIN {kind}")
        try:
            yield self._writing
            if point:
                failpoints.hit(f"before:{point}")
        finally:
            self._writing.execute("COMMIT")
        if point:
            failpoints.hit(f"after:{point}")

    patch.setattr(SqliteStore, "_transaction", committing)


@bug
def insert_or_replace(patch: pytest.MonkeyPatch) -> None:
    """Ids are remembered across other writers' commits, and a clash replaces the other's row."""
    for name in ("_one", "_many"):
        patch.setattr(sql.INSERT_TICKS, name, getattr(sql.INSERT_TICKS, name).replace("INSERT", "INSERT OR REPLACE"))
    begin = chain.Chain.begin

    def once(self: chain.Chain) -> None:
        if not self.next_tick_id:
            begin(self)

    patch.setattr(chain.Chain, "begin", once)


@bug
def gaps_not_stored(patch: pytest.MonkeyPatch) -> None:
    """What is missing is remembered in memory only."""

    def forgetful(state: StreamState) -> tuple[str, ...]:
        return "[]", *range_values(state)[1:]

    patch.setattr(writer, "range_values", forgetful)


@bug
def dead_letters_dropped(patch: pytest.MonkeyPatch) -> None:
    """A refused message is counted and thrown away."""
    patch.setattr(sql, "INSERT_DEAD_LETTERS", lambda *_: None)


# --------------------------------------------------------------------------------------------- the loop


@bug
def window_not_restored(patch: pytest.MonkeyPatch) -> None:
    """After a restart the window begins empty."""
    load = SqliteStore.load_streams

    def empty(self: SqliteStore, keys: Sequence[StreamKey]) -> dict[StreamKey, StreamState]:
        known = load(self, keys)
        for state in known.values():
            state.window.clear()
            state.window_offsets.clear()
        return known

    patch.setattr(SqliteStore, "load_streams", empty)


@bug
def cache_kept_after_a_rebalance(patch: pytest.MonkeyPatch) -> None:
    """States of before are gone on with."""
    patch.setattr(engine.Engine, "forget", lambda self: None)


@bug
def no_claim_after_a_rebalance(patch: pytest.MonkeyPatch) -> None:
    """Whoever owned a partition before goes on from where he was."""
    claim = Consumer._claim

    def once(self: Consumer, partitions: Iterable[int]) -> None:
        if not self._positions:
            claim(self, partitions)
        else:
            self._next = self._subscription.seek({p: self._positions[p].next_offset for p in partitions})

    patch.setattr(Consumer, "_claim", once)


def _end_is(patch: pytest.MonkeyPatch, by: int) -> None:
    add = engine.Engine.add

    def off(self: engine.Engine, batch: Batch, *, partition: int, offsets: Sequence[int], **columns: Any) -> None:
        add(self, batch, partition=partition, offsets=offsets, **columns)
        if offsets and offsets[-1] + by > (offsets[0] if by == 0 else -1):
            batch.next_offsets[partition] += by - 1

    patch.setattr(engine.Engine, "add", off)


@bug
def position_is_the_last_offset(patch: pytest.MonkeyPatch) -> None:
    """The offset that was read last in the place of the next one."""
    _end_is(patch, 0)


@bug
def position_is_one_too_far(patch: pytest.MonkeyPatch) -> None:
    """One message of each batch is never read."""
    begin = MemorySubscription.seek

    def further(self: MemorySubscription, offsets: Mapping[int, int | None]) -> dict[int, int]:
        ends = self.end_offsets(timeout_s=1)
        return begin(self, {p: o if o is None else min(o + 1, ends[p]) for p, o in offsets.items()})

    patch.setattr(MemorySubscription, "seek", further)


@bug
def positions_from_the_log(patch: pytest.MonkeyPatch) -> None:
    """Reported before the commit, and read from where the report says."""
    begin, take = MemorySubscription.seek, Consumer._commit

    def from_the_log(self: MemorySubscription, offsets: Mapping[int, int | None]) -> dict[int, int]:
        committed = self._log.group(self.group).committed
        return begin(self, {partition: committed.get(partition, offset) for partition, offset in offsets.items()})

    def report_first(self: Consumer, batch: Batch) -> bool:
        self._subscription.report(batch.next_offsets)
        return take(self, batch)

    patch.setattr(MemorySubscription, "seek", from_the_log)
    patch.setattr(Consumer, "_commit", report_first)


@bug
def trouble_swallowed(patch: pytest.MonkeyPatch) -> None:
    """A batch that cannot be stored just now is let go."""

    def commit(self: Consumer, batch: Batch) -> bool:
        try:
            self._positions |= self._store.commit(batch, expected=self._positions)
        except (StoreBusyError, StoreFullError):
            return True
        except StaleOwnerError:
            self._rejoin()
            return False
        return True

    patch.setattr(Consumer, "_commit", commit)


@bug
def zombie_claims_and_writes(patch: pytest.MonkeyPatch) -> None:
    """Whoever finds that another took over takes it back, and writes what he holds."""
    commit = SqliteStore.commit

    def insist(self: SqliteStore, batch: Batch, *, expected: Mapping[int, Position]) -> dict[int, Position]:
        try:
            return commit(self, batch, expected=expected)
        except StaleOwnerError:
            claimed = self.claim(batch.log, batch.next_offsets)
            fresh = {p: Position(at.epoch, at.next_offset) for p, at in claimed.items()}
            batch.next_offsets = {p: max(o, fresh[p].next_offset or 0) for p, o in batch.next_offsets.items()}
            known = self.load_streams(list(batch.streams))
            for key, state in batch.streams.items():
                state.id = known[key].id if key in known else None
            return commit(self, batch, expected=fresh)

    patch.setattr(SqliteStore, "commit", insist)


@bug
def analysed_again_on_a_retry(patch: pytest.MonkeyPatch) -> None:
    """A batch that has to wait is counted again by the states that it has changed already."""
    commit = SqliteStore.commit

    def again(self: SqliteStore, batch: Batch, *, expected: Mapping[int, Position]) -> dict[int, Position]:
        try:
            return commit(self, batch, expected=expected)
        except (StoreBusyError, StoreFullError):
            for state in batch.streams.values():
                state.ordinal += 1
                state.window.extend(list(state.window)[-1:])
            raise

    patch.setattr(SqliteStore, "commit", again)


@bug
def assignment_ignored_while_waiting(patch: pytest.MonkeyPatch) -> None:
    """While the store has no room, what the group decides is not heard."""

    def deaf(self: Consumer) -> bool:
        self._subscription.poll(timeout_s=0)
        return False

    patch.setattr(Consumer, "_lost_while_waiting", deaf)


@bug
def listeners_hear_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    """What is told was not durable yet: here the teller is the only one who counts."""
    commit = SqliteStore.commit

    def late(self: SqliteStore, batch: Batch, *, expected: Mapping[int, Position]) -> dict[int, Position]:
        held, self.__dict__["held"] = self.__dict__.get("held"), (batch, expected)
        positions = writer._moved(batch, expected)
        if held is not None:
            commit(self, held[0], expected=held[1])
        return positions

    patch.setattr(SqliteStore, "commit", late)


# --------------------------------------------------------------------------------------------- the analysis


@bug
def running_sum(patch: pytest.MonkeyPatch) -> None:
    """A carried sum in the place of one that is made afresh: 1e11 leaves its rounding behind."""
    sums: dict[int, tuple[list[float], float]] = {}

    def carried(window: Any) -> float:
        before, total = sums.get(id(window), ([], 0.0))
        now = list(window)
        total += now[-1] - (before[0] if len(before) == len(now) else 0.0)
        sums[id(window)] = (now, total)
        return total

    patch.setattr(engine, "fsum", carried)


@bug
def late_ticks_in_the_window(patch: pytest.MonkeyPatch) -> None:
    """The order of arrival taken for the order of time."""
    accept = engine._accept

    def timeless(state: StreamState, tick: Any, *rest: Any) -> Any:
        state.newest = float("-inf")
        return accept(state, tick, *rest)

    patch.setattr(engine, "_accept", timeless)


@bug
def duplicates_stored(patch: pytest.MonkeyPatch) -> None:
    """A sequence number that was seen before passes for late."""
    see = sequence.see
    patch.setattr(sequence, "see", lambda state, seq: bool(see(state, seq)))


@bug
def equal_ticks_taken_for_duplicates(patch: pytest.MonkeyPatch) -> None:
    """Without a sequence nothing tells that they are not two."""
    accept, last = engine._accept, {}

    def merging(state: StreamState, tick: Any, *rest: Any) -> Any:
        same = last.get(state.key) == tick
        last[state.key] = tick
        return None if same and tick.seq is None else accept(state, tick, *rest)

    patch.setattr(engine, "_accept", merging)


@bug
def refused_taken_for_lost(patch: pytest.MonkeyPatch) -> None:
    """A refused message whose identity can be read is not accounted for."""
    patch.setattr(engine, "_account", lambda *_: None)


@bug
def lost_is_the_remainder(patch: pytest.MonkeyPatch) -> None:
    """A sum that cannot fail: whatever is not there is called lost."""

    def remainder(self: RunBook) -> int:
        return max(0, (self.produced or 0) - self.stored - self.late - self.refused)

    patch.setattr(RunBook, "lost", property(remainder))


@bug
def books_count_what_was_received_as_binned(patch: pytest.MonkeyPatch) -> None:
    """Bins that are not counted one by one always add up."""
    patch.setattr(Counts, "binned", property(lambda self: self.received))
    add = engine.Engine.add

    def careless(self: engine.Engine, batch: Batch, *, partition: int, **columns: Any) -> None:
        add(self, batch, partition=partition, **columns)
        batch.counts[partition].received += 1

    patch.setattr(engine.Engine, "add", careless)


# --------------------------------------------------------------------------------------------- the producer


@bug
def producer_not_flushed(patch: pytest.MonkeyPatch) -> None:
    """Closed with messages still on their way."""
    patch.setattr(MemoryPublisher, "flush", lambda self, *, timeout_s: None)


@bug
def failed_sends_swallowed(patch: pytest.MonkeyPatch) -> None:
    """What the log refused is nobody's business."""
    noting = Producer._noting_deliveries

    @contextmanager
    def silent(self: Producer) -> Any:
        with noting(self):
            yield
        self.summary.failed.clear()

    patch.setattr(Producer, "_noting_deliveries", silent)


@bug
def run_not_closed_after_a_failure(patch: pytest.MonkeyPatch) -> None:
    """Whoever failed to send does not say how much there was to send."""
    close = Producer._send_closings

    def only_if_well(self: Producer) -> None:
        if not self.summary.failed:
            close(self)

    patch.setattr(Producer, "_send_closings", only_if_well)
