"""How long commits take: measured around the sink, left in the home, read by whoever shows it.

The consumer and the API are two processes. The time of a commit is known only after it, so it cannot be part of it;
it goes into a small file that is replaced at most once a second (docs/decisions/0015).
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from marketlab.files import write_json
from marketlab.model import Batch, Position, StreamKey, StreamState
from marketlab.ports import Sink

__all__ = ["BOUNDS_S", "CommitTimes", "TimedSink", "read_commit_times"]

#: Upper edges of the histogram's buckets: around a commit of ten ticks and one of 5,000, up to a disk that hangs.
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

WRITE_S = 1.0  # at least, between two writes of the file


class CommitTimes(msgspec.Struct, forbid_unknown_fields=True):
    """A histogram of one consumer's commits since it was started.

    ``counts``: commits by bucket, one more than there are ``bounds_s``: the last holds all that took longer.
    """

    consumer: str
    sink: str
    bounds_s: Sequence[float] = BOUNDS_S
    counts: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    sum_s: float = 0.0

    def observe(self, seconds: float) -> None:
        """One more commit."""
        self.counts[bisect_left(self.bounds_s, seconds)] += 1
        self.sum_s += seconds


class TimedSink(Sink):
    """A sink that says how long it took to make batches durable. A commit that failed is none.

    :param sink: closed with this one
    :param path: where the times are left; they stay there after the end
    """

    def __init__(self, sink: Sink, path: Path, *, consumer: str, kind: str) -> None:
        self._sink, self._path = sink, path
        self._times = CommitTimes(consumer, kind)
        self._written_at = float("-inf")

    def claim(self, log: str, partitions: Iterable[int]) -> dict[int, Position]:
        """As the sink does."""
        return self._sink.claim(log, partitions)

    def load_streams(self, keys: Sequence[StreamKey]) -> dict[StreamKey, StreamState]:
        """As the sink does."""
        return self._sink.load_streams(keys)

    def commit(self, batch: Batch, *, expected: Mapping[int, Position]) -> dict[int, Position]:
        """As the sink does, and take the time."""
        began = time.perf_counter()
        positions = self._sink.commit(batch, expected=expected)
        ended = time.perf_counter()
        self._times.observe(ended - began)
        if ended - self._written_at >= WRITE_S:
            self._written_at = ended
            self._write()
        return positions

    def close(self) -> None:
        """Leave the last times, and close the sink. Idempotent."""
        self._write()
        self._sink.close()

    def _write(self) -> None:
        with suppress(OSError):  # a full disk is the store's to tell of
            write_json(self._path, msgspec.to_builtins(self._times))


def read_commit_times(folder: Path) -> list[CommitTimes]:
    """What the consumers of a home have left; a file that is none of theirs is passed over."""
    found = []
    for path in sorted(folder.glob("commits-*.json")):
        with suppress(OSError, msgspec.DecodeError):
            times = msgspec.json.decode(path.read_bytes(), type=CommitTimes)
            if len(times.counts) == len(times.bounds_s) + 1:
                found.append(times)
    return found
