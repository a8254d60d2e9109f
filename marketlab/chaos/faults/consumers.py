"""Faults of consumers: killed, stopped and woken, joining and leaving."""

from __future__ import annotations

import signal
from typing import Any

from marketlab.chaos.fire import RESUMED, Fire
from marketlab.chaos.hand import Hand
from marketlab.deadline import Deadline

__all__ = ["consumer_kill", "rebalance", "zombie"]

EARLY = 0.25  # of the kills strike before a new consumer has got anywhere
START_S = 0.6  # about what it needs to its first commit
EXPIRING = 0.1  # of the zombies are left in the group until their session ends, 6 s; the others are taken out of it
AWAKE_S = 1.0  # for a woken one to write what it holds, if it holds anything
#: Each batch is held for a while before its commit, so that whoever is stopped has one in its hands.
HELD: dict[str, Any] = {"batch_size": 100, "hold_s": 0.03}
MEMBERS = ("a", "b", "c")


def consumer_kill(fire: Fire) -> None:
    """Kill -9 in the middle of work, or already on the way to it; the next one takes the same static member's place."""
    producer, consumer = fire.produce(), fire.consume_slowly()
    for _ in fire.spread():
        consumer.kill()
        fire.struck()
        consumer = fire.consume_slowly()
        if fire.rng.random() < EARLY:
            fire.pause(0, START_S)
            consumer.kill()
            fire.struck()
            consumer = fire.consume_slowly()
    fire.finish(consumer, producer)


def zombie(fire: Fire) -> None:
    """Stop a consumer wherever it is, let another take over and get on, then wake it with what it holds."""
    producer = fire.produce()
    consumer = fire.consume(instance_id="z0", **HELD)
    for number in fire.spread():
        sleeper = consumer
        sleeper.signal(signal.SIGSTOP)
        fire.struck()
        fire.excused.append(sleeper)
        consumer = fire.consume(instance_id=f"z{number + 1}", **HELD)
        fire.until(lambda: consumer.said("ready"), "the successor to start")
        if fire.rng.random() >= EXPIRING:
            fire.ground.evict(fire.group, f"z{number}")
        before = fire.received
        # One that was stopped inside its transaction keeps the lock: nobody can write before it wakes.
        fire.until(
            lambda: fire.received > before or consumer.said("trouble", "is locked") or fire.at_end(),
            "a commit of the successor",
        )
        sleeper.signal(signal.SIGCONT)
        awake = Deadline(AWAKE_S)
        fire.until(
            lambda: sleeper.said("trouble", RESUMED) or sleeper.code is not None or awake.passed,
            "the woken one to learn of it",
        )
        sleeper.kill()
        fire.ground.evict(fire.group, f"z{number}")
    fire.finish(consumer, producer)


def rebalance(fire: Fire) -> None:
    """One to three consumers; each time one joins, leaves in order or is killed."""
    producer = fire.produce()
    live: dict[str, Hand] = {"a": fire.consume(instance_id="a", **HELD)}
    for _ in fire.spread():
        absent = [name for name in MEMBERS if name not in live]
        if absent and (len(live) == 1 or fire.rng.random() < 0.5):
            live[absent[0]] = fire.consume(instance_id=absent[0], **HELD)
            fire.until(lambda: live[absent[0]].said("ready"), "a member to start")
        else:
            name = fire.rng.choice(sorted(live))
            leaving = live.pop(name)
            if fire.rng.random() < 0.5:
                leaving.end()
            else:
                leaving.kill()
            fire.ground.evict(fire.group, name)
        fire.struck()
        fire.pause(0, 0.5)
    while len(live) > 1:
        name, leaving = live.popitem()
        leaving.end()
        fire.ground.evict(fire.group, name)
    fire.finish(next(iter(live.values())), producer)
