"""Copying a log: everything, once, in order, offsets kept."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

from marketlab.errors import OffsetOutOfRangeError
from marketlab.ports import Chunk
from marketlab.recorder import record
from marketlab.testing.memory_log import MemoryLog


def test_a_log_is_copied_whole() -> None:
    log = MemoryLog()
    for number in range(50):
        log.append(number % 3, b"%d" % number, key=b"k", record_time_ms=number, headers=[("h", b"v")])
    chunks: list[Chunk] = []
    assert record(log.subscribe("copy"), chunks.append, threading.Event(), drain=True) == 50
    seen = {
        (chunk.partition, offset): (value, key, time, list(headers))
        for chunk in chunks
        for offset, value, key, time, headers in zip(
            chunk.offsets, chunk.values, chunk.keys, chunk.record_times_ms, chunk.headers, strict=True
        )
    }
    assert seen == {(n % 3, n // 3): (b"%d" % n, b"k", n, [("h", b"v")]) for n in range(50)}


def test_an_empty_log_makes_an_empty_copy() -> None:
    assert record(MemoryLog().subscribe("copy"), lambda _: None, threading.Event(), drain=True) == 0


def test_without_drain_it_goes_on_until_it_is_stopped() -> None:
    log, stop, written = MemoryLog(), threading.Event(), list[int]()

    def write(chunk: Chunk) -> None:
        written.append(len(chunk))
        if sum(written) < 3:
            log.append(1, b"more")
        else:
            stop.set()

    log.append(0, b"first")
    assert record(log.subscribe("copy"), write, stop, drain=False) == 3


def test_it_goes_on_where_it_stands_after_every_rejoin() -> None:
    log, stop, copied = MemoryLog(), threading.Event(), list[tuple[int, int]]()

    def write(chunk: Chunk) -> None:
        copied.extend((chunk.partition, offset) for offset in chunk.offsets)
        if len(copied) < 12:
            log.append(len(copied) % 3, b"more")
            log.rebalance("copy")
        else:
            stop.set()

    for partition in range(3):
        log.append(partition, b"first")
    assert record(log.subscribe("copy"), write, stop, drain=False) == 12
    assert sorted(copied) == [(partition, offset) for partition in range(3) for offset in range(4)]


def test_a_log_that_is_away_at_a_rejoin_is_waited_for() -> None:
    log, stop, copied = MemoryLog(partitions=1), threading.Event(), list[int]()
    subscription = log.subscribe("copy")
    seek = subscription.seek

    def away_once(offsets: Mapping[int, int | None]) -> dict[int, int]:
        if copied == [0]:
            copied.append(-1)
            log.stop()
            try:
                return seek(offsets)
            finally:
                log.start()
        return seek(offsets)

    def write(chunk: Chunk) -> None:
        copied.extend(chunk.offsets)
        log.append(0, b"more")
        log.rebalance("copy")
        if len(copied) > 3:
            stop.set()

    subscription.seek = away_once  # type: ignore[method-assign]
    log.append(0, b"first")
    assert record(subscription, write, stop, drain=False) == 3
    assert copied == [0, -1, 1, 2]


def test_what_the_log_no_longer_holds_ends_it() -> None:
    log = MemoryLog(partitions=1)

    def write(chunk: Chunk) -> None:
        log.append(0, b"lost")
        log.append(0, b"kept")
        log.trim(0, 2)
        log.rebalance("copy")

    log.append(0, b"first")
    with pytest.raises(OffsetOutOfRangeError):
        record(log.subscribe("copy"), write, threading.Event(), drain=False)
