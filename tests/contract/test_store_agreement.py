"""SQLite and its twin are told the same things by chance and must answer alike."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from marketlab.digest import digest
from marketlab.errors import MarketlabError
from marketlab.model import Batch, Close, Rule, Tick
from marketlab.ports import PostedTick, Store
from marketlab.store import SqliteStore
from marketlab.testing.memory_store import MemoryStore
from tests.store_feed import LOG, Feed

SYMBOLS = st.sampled_from(["A", "B", "C/D"])
RUNS = st.sampled_from(["", "r", "s"])
PRICES = st.sampled_from([1.0, 1.02, 1.03, 2.0, 100.0, 0.1 + 0.2])
SEQS = st.none() | st.integers(1, 9)
MESSAGES = st.one_of(
    st.builds(Tick, SYMBOLS, PRICES, st.sampled_from([1.0, 2.0, 3.0]), st.none() | st.just(2.5), SEQS, RUNS),
    st.builds(Close, RUNS.filter(bool), SYMBOLS, st.integers(0, 12), st.none() | st.integers(1, 3)),
    st.sampled_from([b"", b"?", b"\xff", b'{"symbol":"A","price":0,"timestamp":1,"seq":4,"run":"r"}']),
)
POSTED = st.builds(
    PostedTick,
    SYMBOLS,
    PRICES,
    st.just(1.0),
    change_pct=st.none() | st.sampled_from([-3.5, 2.0, 50.0]),
    run=RUNS,
    log=st.sampled_from([None, LOG]),
    partition=st.sampled_from([None, 0]),
    offset=st.none() | st.integers(0, 3),
    late=st.booleans(),
)


class Pair:
    """One feed on each of two databases, told the same."""

    def __init__(self, *stores: Store) -> None:
        self.stores = stores
        self.feeds = [Feed(store) for store in stores]

    def each(self, act: Callable[[Feed], Any]) -> None:
        """Do it on both; both fail or neither, and with the same type of error."""
        outcomes: list[Any] = []
        for feed in self.feeds:
            try:
                outcomes.append(act(feed))
            except MarketlabError as error:
                outcomes.append(type(error))
        assert outcomes[0] == outcomes[1]


class Agreement(RuleBasedStateMachine):
    """Two consumers and the API on one database, twice."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "marketlab.db"
        memory = MemoryStore()
        self.pairs = [Pair(SqliteStore(path), memory), Pair(SqliteStore(path), MemoryStore(beside=memory))]

    @rule(who=st.integers(0, 1), partition=st.integers(0, 1), messages=st.lists(MESSAGES, max_size=12))
    def consume(self, who: int, partition: int, messages: list[Any]) -> None:
        def act(feed: Feed) -> dict[int, int]:
            try:
                return feed(*messages, partition=partition).next_offsets
            except MarketlabError:
                feed.claim()  # as the consumer does: its states are void
                raise

        self.pairs[who].each(act)

    @rule(who=st.integers(0, 1), messages=st.lists(MESSAGES, max_size=8), more=st.lists(MESSAGES, max_size=8))
    def consume_two_partitions_at_once(self, who: int, messages: list[Any], more: list[Any]) -> None:
        def act(feed: Feed) -> dict[int, int]:
            batch: Batch = feed.batch(*messages, partition=1)
            feed.batch(*more, partition=0, into=batch)
            try:
                return feed.commit(batch).next_offsets
            except MarketlabError:
                feed.claim()
                raise

        self.pairs[who].each(act)

    @rule(who=st.integers(0, 1), window=st.sampled_from([1, 5]))
    def take_over(self, who: int, window: int) -> None:
        def act(feed: Feed) -> object:
            feed.rule = Rule(window=window)
            feed.claim()
            return feed.positions

        self.pairs[who].each(act)

    @rule(who=st.integers(0, 1), posted=st.lists(POSTED, max_size=5))
    def post(self, who: int, posted: list[PostedTick]) -> None:
        self.pairs[who].each(lambda feed: feed.store.post(posted))

    @invariant()
    def all_answer_alike(self) -> None:
        if not hasattr(self, "pairs"):
            return
        (sqlite, memory), (beside, _) = self.pairs[0].stores, self.pairs[1].stores
        assert answers(sqlite) == answers(memory)
        assert beside.latest() == memory.latest()

    def teardown(self) -> None:
        if hasattr(self, "pairs"):
            for pair in self.pairs:
                for store in pair.stores:
                    store.close()
            self.folder.cleanup()


def answers(store: Store) -> list[Any]:
    """What a store says to every question."""
    latest = store.latest()
    digests = [
        digest(store.digest_rows(run, log=LOG), rules=store.rules(run, log=LOG)) for run in ("", "r", "s", "never")
    ]
    move = store.largest_move()
    return [
        latest,
        [store.latest(since=id_) for id_ in (-1, 1, 4, 99)],
        [store.history(record.symbol, limit=1000) for record in latest],
        [store.history(record.symbol, limit=2, before=before) for record in latest for before in (2, 5, 9)],
        [list(store.ticks(record.symbol)) for record in latest],
        [store.records_after(id_, limit=limit) for id_, limit in ((-1, 2), (0, 1000), (1, 3), (99, 1))],
        store.alerts(limit=1000),
        [store.alerts_after(id_, limit=limit) for id_, limit in ((-1, 2), (0, 1000), (1, 1), (99, 1))],
        [store.alerts(limit=3, symbol=record.symbol, before=before) for record in latest for before in (None, 2, 5)],
        store.dead_letters(limit=1000),
        store.dead_letter_counts(),
        store.partition_books(),
        list(store.stream_books()),
        digests,
        move and move.id,
    ]


TestAgreement = Agreement.TestCase
TestAgreement.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
