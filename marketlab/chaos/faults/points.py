"""Every failpoint, on both sides: the process kills itself there, another goes on, and nothing is missing."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw

from marketlab.broker import ManagedBroker
from marketlab.chaos.fire import Fire
from marketlab.chaos.hand import Hand
from marketlab.chaos.worker import Post, UseBroker

__all__ = ["failpoint"]

SIDES = ("before", "after")
REPEATED = frozenset(
    {"producer.send", "consumer.poll", "consumer.analyse", "consumer.tell", "consumer.report", "store.commit",
     "store.post"}
)  # fmt: skip
BATCH = 50
ARRAYS, SIZE = 6, 50


def failpoint(fire: Fire) -> None:
    """Die at one point, on either side in turn; the one that is to be reached often, at a time of the seed's choice."""
    name = fire.case.fault.partition("/")[2]
    room = name.partition(".")[0]
    act: Callable[[Fire, str, int], None] = {
        "producer": _producer, "consumer": _consumer, "store": _consumer, "broker": _broker
    }[room]  # fmt: skip
    if name == "store.post":
        act = _post
    for turn in range(fire.case.times):
        count = fire.rng.randint(1, 4) if name in REPEATED else 1
        act(fire, f"{SIDES[turn % 2]}:{name}:{count}", turn)
        fire.faults += 1


def _died(fire: Fire, hand: Hand, point: str) -> None:
    fire.until(lambda: hand.code is not None, f"the end of {hand.name} at {point}", within_s=30)
    if hand.code != -signal.SIGKILL:
        fire.account.problems.append(f"{hand.name} was to die at {point}, it ended with {hand.code}")


def _producer(fire: Fire, point: str, turn: int) -> None:
    with fire.again(turn) as step:
        step.run_ticks = step.case.ticks // 2
        producer = step.produce(runs=1, failpoint=point)
        _died(step, producer, point)
        if not point.startswith("after:producer.flush"):
            step.broken_off += step.runs[-1:]
        step.finish(step.consume(), step.produce(runs=1))


def _consumer(fire: Fire, point: str, turn: int) -> None:
    with fire.again(turn) as step:
        producer = step.produce(runs=1)
        victim = step.consume(batch_size=BATCH, failpoint=point)
        if ".leave" in point:
            step.until(lambda: step.received > 0, "a first commit")
            victim.signal(signal.SIGTERM)
        _died(step, victim, point)
        step.finish(step.consume(), producer)


def _post(fire: Fire, point: str, turn: int) -> None:
    """The API's half; whoever got no answer POSTs everything again."""
    database = fire.folder / f"posted-{turn}.db"
    _died(fire, fire.start("api", Post(database, ARRAYS, SIZE), failpoint=point), point)
    again = fire.start("api", Post(database, ARRAYS, SIZE))
    fire.until(lambda: again.code is not None, "the end of the second API")
    fire.account.problems += _wrongly_posted(database)


def _wrongly_posted(database: Path) -> list[str]:
    with closing(apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        rows = connection.execute("SELECT count(*) FROM ticks WHERE source = 'http'").get
        sound = connection.pragma("integrity_check")
    problems = [] if rows == ARRAYS * SIZE else [f"{ARRAYS * SIZE} records were POSTed, {rows} rows stand"]
    return problems if sound == "ok" else [*problems, f"integrity_check: {sound}"]


def _broker(fire: Fire, point: str, turn: int) -> None:
    """Whoever comes next gets a broker that answers, with the same cluster, and it stops after the last one."""
    home = fire.folder / f"home-{turn}"
    _died(fire, fire.start("starter", UseBroker(home), failpoint=point), point)
    before = ManagedBroker(home).status().cluster_id
    with ManagedBroker(home).acquire() as lease:
        after = ManagedBroker(home).status()
        if not (lease.bootstrap_servers and after.running) or before not in (None, after.cluster_id):
            fire.account.problems.append(f"after {point} the broker is {after}, its cluster was {before}")
    if ManagedBroker(home).status().running:
        fire.account.problems.append(f"after {point} the broker outlived its last user")
