"""Records that came by HTTP: rows that stand outside the books."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

from marketlab.ports import PostedTick
from marketlab.store import statements as sql
from marketlab.store.chain import Chain

__all__ = ["post"]


def post(connection: apsw.Connection, chain: Chain, ticks: Sequence[PostedTick]) -> int:
    """Write what is new of these ticks, inside a transaction.

    :returns: rows written
    """
    chain.begin()
    written = [(tick_id, tick) for tick in ticks if (tick_id := _insert(connection, chain, tick))]
    last = {tick.symbol: (tick_id, tick) for tick_id, tick in written}  # of several of a symbol, the last one stays
    connection.executemany(sql.REPLACE_LATEST, (_latest(chain, *item) for item in last.values()))
    return len(written)


def _insert(connection: apsw.Connection, chain: Chain, tick: PostedTick) -> int | None:
    """Write one tick and move the head of its symbol; None if its place in a log is known."""
    tick_id = chain.next_tick_id
    log, partition, offset = _place(tick)
    if not connection.execute(sql.POSTED, (tick_id, tick.run, log, partition, offset)).fetchall():
        return None
    head = chain.head(tick.symbol)
    connection.execute(
        sql.POSTED_TICK,
        (
            tick_id, tick.symbol, tick.price, tick.moving_average, tick.alert, tick.timestamp, tick.size,
            tick.change_pct, tick.seq, partition, offset, tick.late, head.tick_id,
        ),
    )  # fmt: skip
    head.tick_id = tick_id
    head.first_id = head.first_id or tick_id
    head.turn_to(tick.run or None)
    if tick.change_pct is not None:
        head.move(tick.change_pct, tick_id)
    chain.next_tick_id += 1
    return tick_id


def _latest(chain: Chain, tick_id: int, tick: PostedTick) -> tuple[Any, ...]:
    head = chain.head(tick.symbol)
    _, partition, offset = _place(tick)
    return (
        tick_id, tick.symbol, tick.price, tick.moving_average, tick.alert, tick.timestamp, tick.size,
        tick.change_pct, head.run, tick.seq, partition, offset, tick.late,
        head.first_id, head.largest_change_pct, head.largest_id, head.alert_id,
    )  # fmt: skip


def _place(tick: PostedTick) -> tuple[str | None, int | None, int | None]:
    """Where a tick stands in a log: wholly named or not at all, for an offset means nothing outside its log."""
    if tick.log is None or tick.partition is None or tick.offset is None:
        return None, None, None
    return tick.log, tick.partition, tick.offset
