"""Every failpoint, on both sides: the process kills itself there, another goes on, and nothing is missing."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw

from marketlab.broker import ManagedBroker
from marketlab.chaos.faults.accounts import prune, resend
from marketlab.chaos.fire import Fire
from marketlab.chaos.worker import Post, UseBroker

__all__ = ["failpoint"]

SIDES = ("before", "after")
REPEATED = frozenset(
    {"producer.send", "consumer.poll", "consumer.analyse", "consumer.tell", "consumer.report", "store.commit",
     "store.post", "store.prune"}
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
    act = {"store.post": _post, "store.begin_resend": resend, "store.end_resend": resend, "store.prune": prune}.get(
        name, act
    )
    for turn in range(fire.case.times):
        count = fire.rng.randint(1, 4) if name in REPEATED else 1
        act(fire, f"{SIDES[turn % 2]}:{name}:{count}", turn)
        fire.faults += 1


def _producer(fire: Fire, point: str, turn: int) -> None:
    with fire.again(turn) as step:
        step.run_ticks = step.case.ticks // 2
        producer = step.produce(runs=1, failpoint=point)
        step.died(producer, point)
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
        step.died(victim, point)
        step.finish(step.consume(), producer)


def _post(fire: Fire, point: str, turn: int) -> None:
    """The API's half; whoever got no answer POSTs everything again."""
    database = fire.folder / f"posted-{turn}.db"
    fire.died(fire.start("api", Post(database, ARRAYS, SIZE), failpoint=point), point)
    fire.ended(fire.start("api", Post(database, ARRAYS, SIZE)))
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
    fire.died(fire.start("starter", UseBroker(home), failpoint=point), point)
    before = ManagedBroker(home).status().cluster_id
    with ManagedBroker(home).acquire() as lease:
        after = ManagedBroker(home).status()
        if not (lease.bootstrap_servers and after.running) or before not in (None, after.cluster_id):
            fire.account.problems.append(f"after {point} the broker is {after}, its cluster was {before}")
    if ManagedBroker(home).status().running:
        fire.account.problems.append(f"after {point} the broker outlived its last user")
