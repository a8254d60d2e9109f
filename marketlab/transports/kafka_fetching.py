"""How messages are fetched from Kafka, with a group and without one."""

from __future__ import annotations

from typing import Any

from marketlab.ports import Chunk

__all__ = ["FETCH_OPTIONS", "chunk", "to_ms"]

#: What reads fast: large fetches, and no metrics kept for nobody. Measured in benchmarks/transports.py; fetches of
#: 8 MB read no faster than these and take 80 MB more, for what is fetched is held several times over as objects.
FETCH_OPTIONS = {
    "fetch_max_bytes": 6 * 1024 * 1024,
    "max_partition_fetch_bytes": 2 * 1024 * 1024,
    # How long the broker holds a fetch when there is nothing: a seek or a question has to wait for it.
    "fetch_max_wait_ms": 100,
    "metrics_enabled": False,
    "enable_auto_commit": False,
    "auto_offset_reset": "none",
    "allow_auto_create_topics": False,
}


def chunk(partition: int, records: list[Any]) -> Chunk:
    """The columns of kafka-python's records, which are tuples."""
    _, _, _, offsets, times, _, keys, values, headers, *_ = zip(*records, strict=True)
    return Chunk(partition=partition, offsets=offsets, values=values, record_times_ms=times, keys=keys, headers=headers)


def to_ms(seconds: float) -> int:
    """Seconds as kafka-python wants them."""
    return max(0, round(seconds * 1000))
