"""What runs in the processes that are killed: the pipeline's own loops, with as little around them as there can be.

They are forked from a process that has imported everything (``multiprocessing``'s fork server), so that one is at
work in well under a second and a thousand kills do not take a day.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import apsw

from marketlab import failpoints
from marketlab.broker import ManagedBroker
from marketlab.consumer import Consumer
from marketlab.dead_letters import check, mend, oldest_first, send
from marketlab.errors import DeliveryError, MarketlabError
from marketlab.model import Batch, Position, Rule, Tick
from marketlab.ports import PostedTick, Publisher
from marketlab.producer import Pace, Producer
from marketlab.sources import Simulator, simulated_clock
from marketlab.store import SqliteStore, pruning, wal
from marketlab.transports import KafkaConfig, KafkaTransport

__all__ = ["Consume", "HoldLock", "Post", "Produce", "Prune", "Resend", "StepClock", "UseBroker", "main"]

SMALL_WAL_PAGES = 40  # so that runs of a few thousand ticks meet checkpoints too
SMALL_CHUNK = 100  # rows, so that a prune of a few hundred ticks has many steps
PRICE = re.compile(rb'"price":([0-9.e+-]+)')
DAY_S = 86_400.0

_true_time = time.time  # before a StepClock takes its place

#: Says one word to whoever watches: a kind and a sentence.
Say = Callable[[str, str], None]


def main(task: Task, pipe: Connection, output: str, failpoint: str | None) -> None:
    """Do a task in this process; what it prints goes to a file, what it says through the pipe."""
    file = os.open(output, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(file, 1)
    os.dup2(file, 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    failpoints.arm(failpoint)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        task.run(stop, lambda kind, text: pipe.send((kind, text)))
    except MarketlabError as error:
        pipe.send(("error", f"{type(error).__name__}: {error.message}"))
        os._exit(error.exit_code)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consume:
    """The consumer, from a topic into a database; ends at SIGTERM, or with ``drain`` at the end of the log.

    ``hold_s``: for which each batch is held before its commit.
    SIGUSR1: from now on no file of this process may grow, as on a full disk; SIGUSR2: there is room again.
    """

    kafka: KafkaConfig
    database: Path
    group: str
    instance_id: str | None = None
    batch_size: int = 500
    hold_s: float = 0.0
    drain: bool = False
    clock_seed: int | None = None

    def run(self, stop: threading.Event, say: Say) -> None:
        """Consume until the end."""
        wal.CHECKPOINT_PAGES = SMALL_WAL_PAGES  # type: ignore[misc]
        if self.clock_seed is not None:
            time.time = StepClock(self.clock_seed, every_s=0.2)
        for number, room in ((signal.SIGUSR1, 1), (signal.SIGUSR2, None)):
            signal.signal(number, lambda *_, room=room: _limit_files(room))
        with closing(_HoldingStore(self.database)) as store, KafkaTransport(self.kafka) as log:
            store.hold_s = self.hold_s
            say("ready", "")
            consumer = Consumer(
                lambda: log.subscribe(self.group, instance_id=self.instance_id),
                store,
                log=log.log_id,
                rule=Rule(),
                batch_size=self.batch_size,
                trouble=lambda text: say("trouble", text or ""),
            )
            consumer.run(stop, drain=self.drain)


class _HoldingStore(SqliteStore):
    """Holds every batch for a while before it is committed."""

    hold_s = 0.0

    def commit(self, batch: Batch, *, expected: Mapping[int, Position]) -> dict[int, Position]:
        time.sleep(self.hold_s)
        return super().commit(batch, expected=expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Produce:
    """The producer: runs of equal ticks, one after the other.

    :param rate: ticks a second, 0 for as fast as it goes
    :param steps: how often the event time jumps in a run
    :param spoil: of so many ticks one has its price in quotes, so that it is refused and can be mended; 0: none
    """

    kafka: KafkaConfig
    runs: tuple[str, ...]
    ticks: int
    seed: int
    rate: float = 0.0
    clock_seed: int | None = None
    steps: int = 0
    spoil: int = 0

    def run(self, stop: threading.Event, say: Say) -> None:
        """Send every run."""
        if self.clock_seed is not None:
            time.time = StepClock(self.clock_seed, every_s=0.2)
        with KafkaTransport(self.kafka) as log:
            for run in self.runs:
                say("run", run)
                source = Simulator(seed=self.seed, clock=simulated_clock())
                ticks = _jumping(source, self.ticks, self.steps, self.clock_seed) if self.steps else iter(source)
                publisher = _Spoiling(log.publisher(), self.spoil) if self.spoil else log.publisher()
                producer = Producer(publisher, run=run)
                try:
                    producer.run(ticks, stop, pace=Pace(rate=self.rate), max_ticks=self.ticks)
                except DeliveryError as error:
                    say("failed", f"run {run}: {error.message}")
                    raise
                say("sent", run)


class _Spoiling(Publisher):
    """Puts the price of every so manieth tick in quotes."""

    def __init__(self, publisher: Publisher, every: int) -> None:
        self._publisher = publisher
        self._every = every
        self._count = 0

    def send(self, value: bytes, *, key: bytes, tag: object = None) -> None:
        self._count += 1
        if self._count % self._every == 0:
            value = PRICE.sub(rb'"price":"\1"', value)
        self._publisher.send(value, key=key, tag=tag)

    def flush(self, *, timeout_s: float) -> None:
        self._publisher.flush(timeout_s=timeout_s)

    def close(self, *, timeout_s: float) -> None:
        self._publisher.close(timeout_s=timeout_s)


@dataclass(frozen=True, slots=True)
class Resend:
    """Whoever sends again what can be mended; says which letters were ``sent`` and which are in ``doubt``."""

    kafka: KafkaConfig
    database: Path
    again: bool = False

    def run(self, stop: threading.Event, say: Say) -> None:
        """Mend, check and send."""
        del stop
        with closing(SqliteStore(self.database)) as store, KafkaTransport(self.kafka) as log:
            mended = [(letter, found.value) for letter in oldest_first(store) if (found := mend(letter))]
            parcels, result = check(mended, reader=store, log=log, again=self.again, now=time.time())
            result = send(parcels, result, store=store, log=log)
        say("sent", str(len(result.sent)))
        say("doubt", str(len(result.in_doubt)))


@dataclass(frozen=True, slots=True)
class Prune:
    """Whoever prunes the database of what is older, in steps of a few rows.

    :param before: seconds since the epoch
    """

    database: Path
    before: float

    def run(self, stop: threading.Event, say: Say) -> None:
        """Prune."""
        del stop
        pruning.CHUNK = SMALL_CHUNK  # type: ignore[misc]
        pruned = pruning.prune(self.database, before=self.before)
        say("pruned", f"{pruned.ticks} ticks")


@dataclass(frozen=True, slots=True)
class HoldLock:
    """A stranger that takes the write lock of a database and keeps it for a while."""

    database: Path
    seconds: float

    def run(self, stop: threading.Event, say: Say) -> None:
        """Hold the lock."""
        with closing(apsw.Connection(os.fspath(self.database))) as stranger:
            stranger.set_busy_timeout(60_000)
            stranger.execute("BEGIN IMMEDIATE")
            say("locked", "")
            stop.wait(self.seconds)
            stranger.execute("ROLLBACK")


@dataclass(frozen=True, slots=True)
class Post:
    """The API's half of the store: records that name their place in a log, POSTed one array after the other."""

    database: Path
    arrays: int
    size: int

    def run(self, stop: threading.Event, say: Say) -> None:
        """POST every array."""
        del stop
        with closing(SqliteStore(self.database)) as store:
            for array in range(self.arrays):
                places = range(array * self.size, (array + 1) * self.size)
                store.post([PostedTick("POST", 1.0 + n, 1.0, log="posted", partition=0, offset=n) for n in places])
                say("posted", str(array))


@dataclass(frozen=True, slots=True)
class UseBroker:
    """Whoever starts, uses and leaves the managed broker of a home."""

    home: Path

    def run(self, stop: threading.Event, say: Say) -> None:
        """Use the broker for a moment."""
        del stop
        with ManagedBroker(self.home).acquire() as lease:
            say("broker", lease.bootstrap_servers)


Task = Consume | Produce | Resend | Prune | HoldLock | Post | UseBroker


class StepClock:
    """The wall clock of a machine whose time is set again and again, by up to 40 minutes either way.

    (A broker refuses what is sent more than an hour ahead of its own time.)
    """

    def __init__(self, seed: int, *, every_s: float) -> None:
        self._rng = random.Random(seed)  # noqa: S311 (repeatable is what is wanted)
        self._every_s = every_s
        self._next = 0.0
        self._offset = 0.0

    def __call__(self) -> float:
        """Seconds since the epoch, or so it says."""
        now = time.monotonic()
        if now >= self._next:
            self._next, self._offset = now + self._every_s, self._rng.uniform(-2400, 2400)
        return _true_time() + self._offset


def _jumping(source: Simulator, ticks: int, steps: int, seed: int | None) -> Iterator[Tick]:
    """The source's ticks, on a clock that is set forward or back ``steps`` times, now and then far ahead of now."""
    rng = random.Random(seed)  # noqa: S311 (repeatable is what is wanted)
    now, offset = _true_time(), 0.0
    turns = {round((number + 1) * ticks / (steps + 1)) for number in range(steps)}
    for number, tick in enumerate(source):
        if number in turns:
            offset = rng.choice([rng.uniform(-7200, 7200), rng.uniform(-1, 1), 3 * DAY_S])
        yield Tick(tick.symbol, tick.price, now + number / 1000 + offset)


def _limit_files(pages: int | None) -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard if pages is None else pages * 4096, hard))
