"""Messages through the engine into a store, as a consumer puts them there."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from marketlab.analytics import Engine
from marketlab.model import Batch, Close, Position, Rule, Tick
from marketlab.ports import Store
from marketlab.wire import encode, encode_close

__all__ = ["LOG", "NOW_MS", "Feed", "tick", "ticks"]

LOG = "tape:t"
NOW_MS = 1_731_000_000_000

Message = Tick | Close | bytes


class Feed:
    """The owner of some partitions of a log, which goes on from where the store stands.

    :param partitions: claimed at once
    """

    def __init__(
        self, store: Store, *, log: str = LOG, partitions: Iterable[int] = (0, 1, 2), rule: Rule | None = None
    ) -> None:
        self.store = store
        self.log = log
        self.rule = rule or Rule()
        self.claim(partitions)

    def claim(self, partitions: Iterable[int] = (0, 1, 2)) -> None:
        """Become the owner and forget every state, as after a rebalance."""
        self.engine = Engine(self.log, rule=self.rule, load=self.store.load_streams)
        self.positions: dict[int, Position] = self.store.claim(self.log, partitions)

    def batch(self, *messages: Message, partition: int = 0, into: Batch | None = None) -> Batch:
        """A batch of these messages, at the next offsets of the partition; not committed."""
        batch = into or self.engine.batch()
        first = batch.next_offsets.get(partition, self.positions[partition].next_offset or 0)
        self.engine.add(
            batch,
            partition=partition,
            offsets=range(first, first + len(messages)),
            values=[_raw(message) for message in messages],
            record_times_ms=[NOW_MS] * len(messages),
        )
        return batch

    def commit(self, batch: Batch) -> Batch:
        """Commit, and go on from there."""
        self.positions |= self.store.commit(batch, expected=self.positions)
        self.engine.committed(batch)
        return batch

    def __call__(self, *messages: Message, partition: int = 0) -> Batch:
        """Commit one batch of these messages."""
        return self.commit(self.batch(*messages, partition=partition))


def tick(price: float, t: float = 1.0, *, seq: int | None = None, symbol: str = "AAPL", run: str = "r") -> Tick:
    """A tick, with as little said as possible."""
    return Tick(symbol, price, t, seq=seq, run=run)


def ticks(*prices: float, symbol: str = "AAPL", run: str = "r", first_seq: int = 1) -> list[Tick]:
    """Ticks of one stream, a second apart, numbered."""
    return [
        Tick(symbol, price, float(seq), seq=seq, run=run) for seq, price in zip(count(first_seq), prices, strict=False)
    ]


def _raw(message: Message) -> bytes:
    if isinstance(message, bytes):
        return message
    return encode(message) if isinstance(message, Tick) else encode_close(message)
