"""A drill that a correct pipeline survives: the real loop, engine and SQLite store on a log in memory.

Every disturbance happens at an exact place, so a bug is caught or it is not: nothing is left to the machine's timing.
A ``kill -9`` is an exception that nobody catches, raised at a failpoint; what it leaves behind in the file is what a
kill would leave, for SQLite rolls back what was not committed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from marketlab import failpoints
from marketlab.books import balance
from marketlab.chaos.judge import Expected, judge
from marketlab.consumer import Consumer
from marketlab.digest import digest
from marketlab.errors import DeliveryError, MarketlabError, StoreBusyError, StoreFullError
from marketlab.model import Batch, Close, Rule, Tick
from marketlab.producer import Pace, Producer
from marketlab.store import SqliteStore, writer
from marketlab.testing.memory_log import MemoryLog
from marketlab.wire import decode, encode, encode_close
from tests.chaos.model import account

__all__ = ["DRILLS", "drill"]

GROUP = "g"
PARTITIONS = 2
LIFE_S = 3.0  # for a bug that never comes to the end of the log
LIVES = 400  # nobody needs more
NOW_MS = 1_731_000_000_000


class KilledError(BaseException):
    """The process is gone."""


Hit = Callable[[str], None]


@contextmanager
def at_failpoints(act: Hit) -> Iterator[None]:
    """Do something at every failpoint."""
    original, failpoints.hit = failpoints.hit, act
    try:
        yield
    finally:
        failpoints.hit = original


def _run(consumer: Consumer, stop: threading.Event | None = None, *, drain: bool = True) -> None:
    """Let a consumer run to its end; one that has none is stopped."""
    stop, late = stop or threading.Event(), threading.Event()
    timer = threading.Timer(LIFE_S, lambda: (late.set(), stop.set()))
    timer.start()
    try:
        consumer.run(stop, drain=drain)
    finally:
        timer.cancel()
    assert not late.is_set(), "it never came to the end of the log"


class Place:
    """A log, a database file, and what should come of the one in the other."""

    def __init__(self, folder: Path, messages: list[list[bytes]]) -> None:
        self.log = MemoryLog(PARTITIONS)
        self.database = folder / "marketlab.db"
        for suffix in ("", "-wal", "-shm"):
            self.database.with_name(self.database.name + suffix).unlink(missing_ok=True)
        self.messages = messages
        for partition, values in enumerate(messages):
            for value in values:
                self.log.append(partition, value, record_time_ms=NOW_MS)

    @contextmanager
    def store(self) -> Iterator[SqliteStore]:
        """As another process would open it."""
        store = SqliteStore(self.database, busy_timeout_s=0)
        # A test need not survive a loss of power.
        store._writing.pragma("synchronous", "off")
        with closing(store):
            yield store

    def consume(
        self, *, batch_size: int = 3, group: str = GROUP, act: Callable[[int], None] | None = None,
    ) -> None:  # fmt: skip
        """One life of a consumer, to the end of the log; the next one takes its place in the group.

        :param act: called with the number of the batch when one is durable
        """
        numbers = iter(range(10**6))

        def listener(_: Batch) -> None:
            if act:
                act(next(numbers))

        with self.store() as store:
            consumer = Consumer(
                lambda: self.log.subscribe(group, instance_id="a"), store, log=self.log.log_id, rule=Rule(),
                batch_size=batch_size, listeners=[listener],
            )  # fmt: skip
            _run(consumer)

    def epoch(self) -> int:
        """How often the partitions were claimed."""
        with closing(apsw.Connection(str(self.database))) as connection:
            return int(connection.execute("SELECT max(epoch) FROM positions").get)

    def problems(self) -> list[str]:
        """What is wrong in the store, by the chaos command's own judge and by the model."""
        streams = account(decode(value, NOW_MS / 1000) for values in self.messages for value in values)
        runs: dict[str, Expected] = {}
        for run in sorted({run for run, _ in streams}):
            rows = [tuple(row) for (of, _), stream in sorted(streams.items()) if of == run for row in stream.rows]
            runs[run] = Expected(rows, digest(rows, rules=[Rule()] if rows else []), len(rows))  # type: ignore[arg-type]
        with self.store() as store:
            held = {partition: len(values) for partition, values in enumerate(self.messages)}
            found = judge(store, log=self.log.log_id, held=held, runs={}, file=self.database).problems
            for run, expected in runs.items():
                rows = list(store.digest_rows(run, log=self.log.log_id))
                if digest(rows, rules=store.rules(run, log=self.log.log_id)) != expected.digest:
                    found.append(f"run {run!r}: digest")
            books = {(book.run, book.symbol): book for book in store.stream_books()}
            for key, stream in streams.items():
                late = sum(row.late for row in stream.rows)
                wanted = (stream.last_seq, len(stream.rows) - late, late, stream.duplicate, stream.refused, stream.lost)
                book = books.get(key)
                seen = book and (
                    book.produced, book.stored, book.late, book.duplicate, book.refused,
                    {seq for first, last in book.gaps for seq in range(first, last + 1)},
                )  # fmt: skip
                if seen != wanted:
                    found.append(f"stream {key}: wanted {wanted}, found {seen}")
            letters = sum(isinstance(value, bytes) and b"tick" in value for part in self.messages for value in part)
            if len(store.dead_letters(limit=1000)) != letters:
                found.append("dead letters")
        return found


def ticks() -> list[list[bytes]]:
    """A log of two partitions with something of everything."""
    first = [
        *(Tick("A", 100.0 + n * 37 % 11, 10.0 + n, seq=n, run="r") for n in range(1, 8)),
        Tick("A", 104.0, 18.0, seq=10, run="r"),  # 8 and 9 are missing …
        Tick("A", 103.0, 17.0, seq=8, run="r"),  # … and this one comes late
        Tick("A", 104.0, 18.0, seq=10, run="r"),  # a duplicate
        b"not a tick",
        b'{"symbol":"A","price":-1,"timestamp":19,"seq":11,"run":"r","x":"tick"}',  # refused, but known
        Tick("B", 1e11, 1.0, seq=1, run="r"),
        *(Tick("B", 0.1 * n, 1.0 + n, seq=n, run="r") for n in range(2, 9)),  # a carried sum is wrong from here on
        Tick("N", 5.0, 1.0, size=2.0),
        Tick("N", 5.0, 1.0, size=2.0),  # without a sequence two equal ticks are two
        Tick("A", 105.0, 20.0, seq=12, run="r"),
        Close("r", "A", 12, 3),
        Close("r", "B", 8, 3),
        Tick("A", 105.5, 21.0, seq=13, run="r"),  # a straggler after the close
    ]
    second = [
        *(Tick("C", 200.0 - n * 17 % 13, 10.0 + n, seq=n, run="r") for n in range(1, 10)),
        Tick("C", 200.0, 5.0, seq=10, run="r"),  # its time is late, its number is not
        *(Tick("C", 201.0 + n, 10.0 + n, seq=n, run="r") for n in range(11, 17)),
        Close("r", "C", 16, 3),
        *(Tick("C", 50.0 + n, 10.0 + n, seq=n, run="s") for n in range(1, 5)),
    ]
    return [[_wire(it) for it in part] for part in (first, second)]


def _wire(it: Tick | Close | bytes) -> bytes:
    return it if isinstance(it, bytes) else encode(it) if isinstance(it, Tick) else encode_close(it)


# --------------------------------------------------------------------------------------------- the drills


def in_peace(folder: Path) -> Iterator[str]:
    """No fault, batches of any size."""
    for size in (1, 3, 1000):
        place = Place(folder, ticks())
        place.consume(batch_size=size)
        yield from place.problems()


def killed_everywhere(folder: Path) -> Iterator[str]:
    """Killed at the first hit of any failpoint, at the second, and so on, until a life is not long enough."""
    for point in range(LIVES):
        place = Place(folder, ticks())
        place.log.append(0, b"not a tick, either", record_time_ms=NOW_MS)
        place.messages[0].append(b"not a tick, either")
        left = point

        def hit(_: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise KilledError

        try:
            with at_failpoints(hit):
                place.consume(batch_size=7)
        except KilledError:
            place.consume(batch_size=5)
        else:
            return
        yield from place.problems()


def _at_commit(side: str, error: MarketlabError, *, commit: int, times: int) -> Hit:
    """A failpoint's act that fails a commit so often."""
    seen = 0

    def hit(point: str) -> None:
        nonlocal seen
        if point == f"{side}:store.commit":
            seen += 1
            if commit <= seen < commit + times:
                raise error

    return hit


def without_room_or_lock(folder: Path) -> Iterator[str]:
    """A commit fails twice for want of room, another one for want of the lock."""
    for error in (StoreFullError("no room"), StoreBusyError("locked")):
        for commit in (1, 3, 5):
            place = Place(folder, ticks())
            with at_failpoints(_at_commit("before", error, commit=commit, times=2)):
                place.consume(batch_size=5)
            yield from place.problems()


def a_write_breaks_off(folder: Path) -> Iterator[str]:
    """The disk is full when half of a transaction is written."""
    for commit in (1, 3, 5):
        place, seen, whole = Place(folder, ticks()), 0, writer._write_runs

        def broken(*given: Any, commit: int = commit, whole: Callable[..., None] = whole) -> None:
            nonlocal seen
            seen += 1
            if seen == commit:
                raise StoreFullError("no room")
            whole(*given)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(writer, "_write_runs", broken)
            place.consume(batch_size=5)
        yield from place.problems()


def an_answer_is_lost(folder: Path) -> Iterator[str]:
    """A commit went through, but whoever made it was told that it had not."""
    for commit in (1, 3, 5):
        place = Place(folder, ticks())
        with at_failpoints(_at_commit("after", StoreBusyError("locked"), commit=commit, times=1)):
            place.consume(batch_size=5)
        yield from place.problems()


def a_zombie_wakes(folder: Path) -> Iterator[str]:
    """Between poll and commit another consumer claims everything, and reads on or waits."""
    for at in (1, 2, 4):
        for another_reads_on in (True, False):
            place = Place(folder, ticks())
            left = at

            def hit(point: str, place: Place = place, another_reads_on: bool = another_reads_on) -> None:
                nonlocal left
                left -= point == "after:consumer.analyse"
                if left == 0:
                    left = -1
                    if another_reads_on:
                        place.consume(group="another")
                    else:
                        with place.store() as store:
                            store.claim(place.log.log_id, range(PARTITIONS))

            with at_failpoints(hit):
                place.consume(batch_size=5)
            yield from place.problems()
            if not another_reads_on and place.epoch() < 3:
                yield "whoever lost its partitions wrote on without a claim of its own"


def partitions_go_and_come_back(folder: Path) -> Iterator[str]:
    """A second member takes half of the log, gets on with it, and leaves again."""
    for at in (1, 2, 3):
        place = Place(folder, ticks())

        def second_member(number: int, place: Place = place, at: int = at) -> None:
            if number == at:
                stop = threading.Event()
                with place.store() as store:
                    member = Consumer(
                        lambda: place.log.subscribe(GROUP), store, log=place.log.log_id, rule=Rule(), batch_size=4,
                        listeners=[lambda _: stop.set()],
                    )  # fmt: skip
                    _run(member, stop, drain=False)

        place.consume(batch_size=4, act=second_member)
        yield from place.problems()


def rebalanced_without_room(folder: Path) -> Iterator[str]:
    """The assignment changes while a commit waits for room."""
    place = Place(folder, ticks())
    inner = _at_commit("before", StoreFullError("no room"), commit=3, times=2)

    def hit(point: str) -> None:
        try:
            inner(point)
        except StoreFullError:
            place.log.rebalance(GROUP)
            raise

    with at_failpoints(hit):
        place.consume(batch_size=5)
    yield from place.problems()


def a_producer_in_trouble(folder: Path) -> Iterator[str]:
    """Messages fail for good, and the log is away while others are sent: all is named or arrives."""
    place = Place(folder, [[], []])
    quotes = [Tick(f"P{n % 3}", 10.0 + n, 1.0 + n) for n in range(12)]

    def source() -> Iterator[Tick]:
        for number, tick in enumerate(quotes):
            if number == 3:
                place.log.fail_deliveries(1)
            if number == 9:
                place.log.stop()
            yield tick
        threading.Timer(0.05, place.log.start).start()

    producer = Producer(place.log.publisher(), run="p")
    failed: list[tuple[str, int, str]] = []
    try:
        producer.run(source(), threading.Event(), pace=Pace())
    except DeliveryError:
        failed = producer.summary.failed
    place.log.start()
    place.consume()
    with place.store() as store:
        book = balance(store.partition_books(), store.stream_books()).of_run("p")
        if book is None or book.state != "closed":
            yield "the run is not closed"
        else:
            missing = {(symbol, seq) for symbol, gaps in book.gaps.items() for a, b in gaps for seq in range(a, b + 1)}
            if missing != {(symbol, seq) for symbol, seq, _ in failed} or not missing:
                yield f"{missing} is missing, the producer said {failed}"
            if book.produced != producer.summary.produced:
                yield f"{book.produced} produced, the producer said {producer.summary.produced}"


def a_producer_whose_last_ticks_wait(folder: Path) -> Iterator[str]:
    """The log goes away for a moment at the end of a run; whatever was taken arrives."""
    place = Place(folder, [[], []])

    def source() -> Iterator[Tick]:
        for number in range(6):
            if number == 4:
                place.log.stop()
                threading.Timer(0.05, place.log.start).start()
            yield Tick(f"P{number % 2}", 10.0 + number, 1.0 + number)

    Producer(place.log.publisher(), run="p").run(source(), threading.Event(), pace=Pace())
    place.log.start()
    place.consume()
    with place.store() as store:
        book = balance(store.partition_books(), store.stream_books()).of_run("p")
        if book is None or (book.state, book.stored, book.balanced) != ("closed", 6, True):
            yield f"the run is {book}"


def a_row_vanishes(folder: Path) -> Iterator[str]:
    """Books that cannot fail prove nothing: a count that is wrong must not come out as a loss, or as balanced."""
    place = Place(folder, [[_wire(Tick("A", 1.0, 1.0 + n, seq=n, run="v")) for n in (1, 2, 3)], []])
    place.log.append(0, encode_close(Close("v", "A", 3, 1)), record_time_ms=NOW_MS)
    place.consume()
    with closing(apsw.Connection(str(place.database))) as connection:
        connection.execute("UPDATE streams SET stored = stored - 1")
    with place.store() as store:
        (book,) = balance((), store.stream_books()).runs
        if book.balanced or book.lost:
            yield f"a row was taken away, and the books say {book.lost} lost, balanced {book.balanced}"
        found = judge(store, log=place.log.log_id, held={}, runs={"v": Expected([], "", 3)}).problems
        if "run v: the books do not balance" not in found:
            yield f"the judge saw {found}"


DRILLS = (
    in_peace, a_row_vanishes, an_answer_is_lost, a_zombie_wakes, partitions_go_and_come_back, without_room_or_lock,
    rebalanced_without_room, a_write_breaks_off, a_producer_in_trouble, a_producer_whose_last_ticks_wait,
    killed_everywhere,
)  # fmt: skip


def drill(folder: Path, drills: Iterable[Callable[[Path], Iterator[str]]]) -> str | None:
    """The first thing that goes wrong, as ``drill: problem``, or None; an exception counts too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marketlab.consumer.RETRY_S", 0.001)
        patch.setattr("marketlab.consumer.POLL_S", 0.01)
        for act in drills:
            try:
                problem = next(act(folder), None)
            except Exception as error:  # a pipeline that falls over has not survived the drill
                problem = f"{type(error).__name__}: {error}"
            if problem:
                return f"{act.__name__}: {problem}"
    return None
