"""Which partition a key belongs to: murmur2, as every Kafka client has it.

Part of the wire contract: the Java client, kafka-python and librdkafka (``partitioner=murmur2_random``) put the same
symbol on the same partition, and so do a tape and the log in memory.
"""

from __future__ import annotations

__all__ = ["Partitioner", "murmur2"]

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF

#: Keys remembered by one :class:`Partitioner`; far more symbols than a lab has, and a bound for whoever has more.
MAX_CACHED_KEYS = 100_000


def murmur2(data: bytes) -> int:
    """MurmurHash2, 32 bit, with the seed of Kafka's clients; 0 <= result < 2**32.

    Source: Austin Appleby's MurmurHash2; seed and use as in ``org.apache.kafka.common.utils.Utils.murmur2``.

    >>> murmur2(b"21") - 2**32  # Java's int is signed
    -973932308
    """
    length = len(data)
    whole = length & ~3
    value = _SEED ^ length
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * _M & _MASK
        word = (word ^ word >> 24) * _M & _MASK
        value = (value * _M & _MASK) ^ word
    if length > whole:
        value = (value ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    value = (value ^ value >> 13) * _M & _MASK
    return value ^ value >> 15


class Partitioner:
    """Partition of a key, remembered: a lab has few symbols and many ticks.

    :param partitions: number of partitions of the log, at least 1
    :raises ValueError: if partitions < 1

    >>> Partitioner(3)(b"AAPL") == Partitioner(3)(b"AAPL")
    True
    """

    def __init__(self, partitions: int) -> None:
        if partitions < 1:
            raise ValueError(f"partitions must be at least 1, was {partitions}")
        self._partitions = partitions
        self._known: dict[bytes, int] = {}

    def __call__(self, key: bytes) -> int:
        """0 <= result < partitions."""
        partition = self._known.get(key)
        if partition is None:
            if len(self._known) >= MAX_CACHED_KEYS:
                self._known.clear()
            partition = self._known[key] = (murmur2(key) & 0x7FFFFFFF) % self._partitions
        return partition
