"""Copying a log: everything, once, in order, offsets kept."""

from __future__ import annotations

import threading

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
