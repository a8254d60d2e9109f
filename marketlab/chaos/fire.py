"""One case under way: a topic, a database, the processes between them, and who is to blame if nothing moves."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from marketlab.chaos.case import Case
from marketlab.chaos.ground import Ground
from marketlab.chaos.hand import Hand
from marketlab.chaos.judge import Account, Expected, check_file, judge, undisturbed
from marketlab.chaos.worker import Consume, Produce, Task
from marketlab.deadline import Deadline
from marketlab.errors import StoreError, TransportError
from marketlab.sources import Simulator, simulated_clock
from marketlab.store import SqliteReader
from marketlab.transports import describe_topic

__all__ = ["Fire", "StuckError"]

LOOK_S = 0.01
STUCK_S = 30.0
MAX_RUN_TICKS = 50_000
MOST_TRIES = 3  # for each fault that is to strike
BATCHES = (100, 500, 2000)
STEP_S = 0.1  # that a slow consumer needs from the place of one fault to that of the next
CHECK_IS_CHEAP_S = 0.1  # a database that takes longer is looked into at every 50th fault only
RESUMED = "another consumer took over"


class StuckError(Exception):
    """Something that must happen did not."""


class Fire:
    """Use as a context manager; :attr:`account` is what it came to."""

    def __init__(self, ground: Ground, case: Case) -> None:
        self.ground = ground
        self.case = case
        self.recoveries: list[float] = []  # seconds from a fault to the next commit
        self._refused = 0
        self.faults = 0  # that struck
        self.messages = 0  # that stood in the books at the end
        self.account = Account()
        self.note = ""
        self.rng = random.Random(str(case))  # noqa: S311 (repeatable is what is wanted)
        self.excused: list[Hand] = []  # may end with an error of their own
        self.runs: list[str] = []
        self.broken_off: list[str] = []
        self.run_ticks = min(self.case.ticks, MAX_RUN_TICKS)
        self._hands: list[Hand] = []
        self._more: list[Hand] = []  # producers of what the case's ticks were too few for
        self._received = 0
        self._fault: tuple[float, int] | None = None
        self._check_s = 0.0

    def __enter__(self) -> Self:
        """Make topic and folder."""
        self._stack = ExitStack()
        self.folder = self.ground.folder / f"case-{time.monotonic_ns()}"
        self.folder.mkdir()
        self.database = self.folder / "marketlab.db"
        self.kafka, self.log = self._stack.enter_context(self.ground.topic())
        self.group = f"group-{self.kafka.topic}"
        self.reader = self._stack.enter_context(SqliteReader(self.database))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """End everything that was started."""
        for hand in self._hands:
            hand.close()
        self._stack.close()

    @property
    def refused(self) -> int:
        """Commits of consumers that were no longer the owner."""
        return self._refused + sum(hand.said("trouble", RESUMED) for hand in self._hands)

    @contextmanager
    def again(self, number: int) -> Iterator[Fire]:
        """The same case once more, on a topic and database of its own; what it comes to is added to this one."""
        case = replace(self.case, seed=self.case.seed * 1000 + number)
        with Fire(self.ground, case) as step:
            try:
                yield step
            finally:
                self.account += step.account
                self.recoveries += step.recoveries
                self._refused += step.refused
                self.messages += step.messages

    # ------------------------------------------------------------------------------------------ processes

    def start(self, name: str, task: Task, *, failpoint: str | None = None) -> Hand:
        """Start a process."""
        hand = Hand(f"{name}-{len(self._hands)}", task, folder=self.folder, failpoint=failpoint)
        self._hands.append(hand)
        return hand

    def consume(self, *, failpoint: str | None = None, **given: Any) -> Hand:
        """Start a consumer; by default the one static member ``a``, which a new one of that name replaces."""
        usual: dict[str, Any] = {"database": self.database, "group": self.group, "instance_id": "a"}
        usual["batch_size"] = self.rng.choice(BATCHES)
        return self.start("consumer", Consume(kafka=self.kafka, **(usual | given)), failpoint=failpoint)

    def consume_slowly(self, **given: Any) -> Hand:
        """Start a consumer that is busy for a moment from the place of one fault to that of the next.

        Each batch is held for a while before its commit. Else it would have stored everything before half of the faults
        have come, and the others would find it with nothing to do.
        """
        size = self.rng.choice(BATCHES)
        return self.consume(batch_size=size, hold_s=STEP_S * size / self._step, **given)

    def produce(self, *, failpoint: str | None = None, runs: int | None = None, **given: Any) -> Hand:
        """Start a producer of the runs that the case's ticks make, or of so many."""
        count = runs or -(-self.case.ticks // self.run_ticks)
        names = tuple(f"run-{len(self.runs) + number}" for number in range(count))
        self.runs += names
        task = Produce(kafka=self.kafka, runs=names, ticks=self.run_ticks, seed=self.case.seed, **given)
        return self.start("producer", task, failpoint=failpoint)

    # ------------------------------------------------------------------------------------------ waiting

    @property
    def received(self) -> int:
        """Messages that stand in the books; as last seen, while the database is being made or cannot be asked."""
        with suppress(StoreError):
            self._received = sum(book.counts.received for book in self.reader.partition_books())
        return self._received

    def has(self, run: str) -> bool:
        """Whether a tick of a run is stored."""
        with suppress(StoreError):
            return self.reader.books(run=run).of_run(run, log=self.log) is not None
        return False

    def until(self, done: Callable[[], Any], what: str, *, within_s: float = STUCK_S) -> None:
        """Wait for something.

        :raises StuckError: it did not come; says what, and what the processes said last
        """
        deadline = Deadline(within_s)
        self.look()
        while not done():
            self.look()
            if deadline.passed:
                said = [f"{hand.name}: {' '.join(hand.words[-1])}" for hand in self._hands[-3:] if hand.words]
                raise StuckError(f"waited {within_s:g} s for {what}, in vain; {'; '.join(said) or 'nobody said why'}")
            time.sleep(LOOK_S)

    def look(self) -> None:
        """Listen to everybody and see how far it is."""
        for hand in self._hands:
            if hand.said("error") and hand not in self.excused:
                raise StuckError(f"{hand.name} ended with {hand.error}")
        received = self.received
        if self._fault and received > self._fault[1]:
            self.recoveries.append(time.monotonic() - self._fault[0])
            self.faults += 1
            self._fault = None
        self.ground.tell(f"{self.case.fault}  {self.faults:,}/{self.case.times:,}  ·  {received:,} messages")

    def pause(self, least_s: float, most_s: float) -> None:
        """Wait for a time that is the seed's to choose."""
        deadline = Deadline(self.rng.uniform(least_s, most_s))
        while not deadline.passed:
            self.look()
            time.sleep(min(LOOK_S, deadline.remaining_s))

    @property
    def _step(self) -> float:
        """Ticks from the place of one fault to that of the next."""
        return self.case.ticks / (self.case.times + 1)

    def tries(self) -> Iterator[int]:
        """As many as it takes until the case's faults have struck.

        :raises StuckError: three times as many were not enough
        """
        number = 0
        while self.faults < self.case.times:
            if number == MOST_TRIES * self.case.times:
                raise StuckError(f"{self.faults} of {self.case.times} faults struck in {number} tries")
            yield number
            number += 1

    def spread(self, more: Callable[[], Hand] | None = None) -> Iterator[int]:
        """Tries, spread over the log: each as soon as its place, which the seed has chosen, has been stored.

        A fault that nothing was stored after has struck nobody, for all was done: it is not counted. If the log ends
        before there were enough, it goes on with another run.

        :param more: starts the producer of such a run
        """
        for number in self.tries():
            place = (number + self.rng.uniform(0.5, 1.0)) * self._step
            self.until(
                lambda place=place: self.received >= place or self.at_end(),  # type: ignore[misc]
                f"message {place:,.0f} to be stored",
            )
            if self.at_end():
                before = self.received
                self._more.append(more() if more else self.produce(runs=1))
                self.until(lambda before=before: self.received > before, "another run")  # type: ignore[misc]
            yield number
            self.until(lambda: self._fault is None or self.at_end(), "a message to be stored after the fault")
            self.look()
            self._fault = None

    def struck(self) -> None:
        """Say so behind the act: it counts, and its clock stops, once one message more is stored.

        The file is looked into.
        """
        self._fault = (time.monotonic(), self.received)
        if self._check_s < CHECK_IS_CHEAP_S or self.faults % 50 == 0:
            started = time.monotonic()
            self.account.problems += check_file(self.database) if self.database.exists() else []
            self._check_s = time.monotonic() - started

    def died(self, hand: Hand, point: str) -> None:
        """Wait for the end of a process in which a failpoint is armed; any other end is a problem."""
        self.ended(hand, f"at {point}")
        if hand.code != -signal.SIGKILL:
            self.account.problems.append(f"{hand.name} was to die at {point}, it ended with {hand.code}")

    def ended(self, hand: Hand, why: str = "of itself") -> None:
        """Wait for the end of a process."""
        self.until(lambda: hand.code is not None, f"the end of {hand.name} {why}")

    def not_before(self, messages: int) -> None:
        """What was struck has recovered when more messages than this are stored."""
        if self._fault:
            self._fault = (self._fault[0], messages)

    # ------------------------------------------------------------------------------------------ the end

    def expected(self) -> Expected:
        """Any run of the case, undisturbed."""
        return undisturbed(Simulator(seed=self.case.seed, clock=simulated_clock()), count=self.run_ticks)

    def finish(
        self, consumer: Hand, producer: Hand, *, expect: Callable[[], dict[str, Expected]] | None = None
    ) -> None:
        """Wait until everything that was sent is stored, end the consumer, and judge.

        :param expect: what each run should be; by default the ticks of the seed, in peace
        """
        for hand in (producer, *self._more):
            self.until(lambda hand=hand: hand.code is not None, f"the end of {hand.name}", within_s=1200)  # type: ignore[misc]
            if hand.code:
                self.account.problems.append(f"{hand.name} ended with {hand.code}: {hand.error}")
        self.until_drained()
        # One that took the place of a killed one just now may not be listening to signals yet.
        self.until(lambda: consumer.said("ready") or consumer.code is not None, "the last consumer to be ready")
        consumer.end()
        if consumer.code:
            self.account.problems.append(f"the consumer ended with {consumer.code}: {consumer.error}")
        found = judge(
            self.reader,
            log=self.log,
            held=self.held(),
            runs=expect() if expect else dict.fromkeys(self.runs, self.expected()),
            broken_off=self.broken_off,
            file=self.database,
        )
        self.account += found
        self.messages += self.received

    def until_drained(self) -> None:
        """Wait until the store has come to the end of the log."""
        ends = self.ends()
        last, since = -1, Deadline(STUCK_S)
        while (received := self.received) < ends:
            if received > last:
                last, since = received, Deadline(STUCK_S)
            if since.passed:
                raise StuckError(f"{received:,} of {ends:,} messages were stored, and no more for {STUCK_S:g} s")
            self.look()
            time.sleep(LOOK_S)
        self.look()

    def at_end(self) -> bool:
        """Whether nobody sends any more, and everything that was sent is stored."""
        sending = any(hand.code is None for hand in self._hands if isinstance(hand.task, Produce))
        return not sending and self.received >= self.ends()

    def ends(self) -> int:
        """Messages on the log."""
        return sum(self.held().values())

    def held(self) -> dict[int, int]:
        """Messages on each partition of the log, which begins at 0; a broker that came back just now is asked again."""
        deadline = Deadline(STUCK_S)
        while True:
            try:
                return {place.partition: place.end for place in describe_topic(self.kafka, self.group).partitions}
            except TransportError:
                if deadline.passed:
                    raise
            time.sleep(LOOK_S)
