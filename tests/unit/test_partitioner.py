"""murmur2 as Kafka's Java client has it, and the partition that follows from it."""

from __future__ import annotations

import random

import pytest
from kafka.partitioner.default import murmur2 as kafka_python_murmur2

from marketlab import partitioner
from marketlab.partitioner import Partitioner, murmur2


@pytest.mark.parametrize(
    ("key", "java"),
    # The vectors of org.apache.kafka.common.utils.UtilsTest.testMurmur2.
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_is_javas(key: bytes, java: int) -> None:
    assert murmur2(key) == java % 2**32
    assert Partitioner(7)(key) == (java & 0x7FFFFFFF) % 7


def test_murmur2_is_kafka_pythons_for_every_length_and_byte() -> None:
    seeded = random.Random(20261123)
    for length in range(70):
        for _ in range(20):
            key = seeded.randbytes(length)
            assert murmur2(key) == kafka_python_murmur2(key)


def test_a_partition_is_the_same_when_it_is_remembered_and_when_it_was_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(partitioner, "MAX_CACHED_KEYS", 3)
    partition_of = Partitioner(5)
    keys = [b"%d" % number for number in range(10)]
    first = [partition_of(key) for key in keys]
    assert [partition_of(key) for key in keys] == first
    assert set(first) <= set(range(5))
    assert len(set(first)) > 1


def test_a_log_has_a_partition() -> None:
    with pytest.raises(ValueError, match="at least 1, was 0"):
        Partitioner(0)
