"""What waits for a client that is slower than its news."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE", "message"]

Message = dict[str, Any]
Waiting = list[Message]
TAKEN = "the client takes one"


def message(kind: str, seq: int) -> Message:
    """A message with what counts here: its type and its number."""
    return {"type": kind, "seq": seq}


def draw(random: Random, events: int) -> Case:
    """Messages, and now and then the client takes one."""
    seq = 17
    steps: list[Any] = [message("snapshot", seq)]
    for _ in range(events):
        kind = random.choice(["delta", "delta", "delta", "status", "snapshot", TAKEN])
        seq += {"delta": 1, "snapshot": 2}.get(kind, 0)
        steps.append(TAKEN if kind == TAKEN else message(kind, seq))
    return (steps,)


def room(keep: Callable[[Waiting, Message], Any], steps: list[Any]) -> list[str] | None:
    """What waits after each step."""
    waiting: Waiting = []
    seen = []
    for step in steps:
        kept = waiting[1:] if step == TAKEN else keep(list(waiting), step)
        if kept is None:
            return None
        waiting = list(kept)
        seen.append(" · ".join(f"{each['type']} {each['seq']}" for each in waiting) or "nothing")
    return seen


SNAPSHOT, DELTA, NEXT, BEAT = message("snapshot", 17), message("delta", 18), message("delta", 19), message("status", 18)
AGAIN = message("snapshot", 25)

EXERCISE = Exercise(
    "m6.mailbox",
    "room for one message",
    hints=Hints(
        question="Somebody's laptop sleeps for an hour. How many messages does your server hold for it when it wakes?",
        concept="News of prices are like milk: the newest is what is wanted, and old ones help nobody. So there is room "
        "for one message. Whoever missed one sees it by the number, and asks. Two kinds are different: without its "
        "snapshot a client can do nothing with deltas, and a heartbeat says nothing that the waiting message does not.",
        skeleton="A heartbeat: it waits only if nothing else does. A delta: it takes the place of what waits, unless that "
        "is a snapshot. A snapshot: it takes the place of whatever waits.",
    ),
    examples=[
        ([DELTA],),
        ([DELTA, NEXT],),
        ([SNAPSHOT, DELTA],),
        ([SNAPSHOT, DELTA, NEXT],),
        ([SNAPSHOT, AGAIN],),
        ([DELTA, BEAT],),
        ([SNAPSHOT, message("status", 17)],),
        ([BEAT, NEXT],),
        ([DELTA, AGAIN],),
        ([DELTA, TAKEN, BEAT],),
        ([DELTA, NEXT, message("delta", 20), message("delta", 21)],),
    ],
    draw=draw,
    drive=room,
    shows="what waits",
    event="step",
    starts_as="a queue without end",
)


@EXERCISE.solved_by
def keep(waiting: Waiting, message: Message) -> Waiting:
    if message["type"] == "status":
        return waiting or [message]
    if message["type"] == "delta" and waiting and waiting[0]["type"] == "snapshot":
        return waiting
    return [message]


@EXERCISE.also_solved_by
def _by_rank(waiting: Waiting, message: Message) -> Waiting:
    rank = {"status": 0, "delta": 1, "snapshot": 2}
    if not waiting:
        return [message]
    new, old = rank[message["type"]], rank[waiting[0]["type"]]
    return [message] if new >= max(old, 1) else waiting


@EXERCISE.also_solved_by
def _in_place(waiting: Waiting, message: Message) -> Waiting:
    held = waiting[0]["type"] if waiting else None
    stays = held is not None and (message["type"] == "status" or (held == "snapshot" and message["type"] != held))
    if not stays:
        waiting.clear()
        waiting.append(message)
    return waiting


@EXERCISE.wrong(
    "a queue without end",
    "Everything waits. A client that does not read costs more memory with each message, until the server falls, and with "
    "it all the clients that do read.",
)
def _unbounded(waiting: Waiting, message: Message) -> Waiting:
    return [*waiting, message]


@EXERCISE.wrong(
    "a shorter queue",
    "It is bounded, but what comes out first is old news, and the client is behind for good. Of prices only the newest "
    "is worth the room.",
)
def _last_three(waiting: Waiting, message: Message) -> Waiting:
    return [*waiting, message][-3:]


@EXERCISE.wrong(
    "the oldest stays",
    "When there is no room, what came first stays and the news is thrown away: the client is shown the past, and nothing "
    "else, until it has read it.",
)
def _oldest(waiting: Waiting, message: Message) -> Waiting:
    return waiting or [message]


@EXERCISE.wrong(
    "whatever is newest",
    "Not all messages are alike: a delta in place of the snapshot leaves the client with news of it knows not what, and "
    "a heartbeat in place of a delta tells it that there was nothing.",
)
def _newest(waiting: Waiting, message: Message) -> Waiting:
    return [message]


@EXERCISE.wrong(
    "a snapshot makes room for a delta",
    "A delta is what is new since a snapshot. A client that never gets its snapshot can do nothing with it.",
)
def _snapshot_lost(waiting: Waiting, message: Message) -> Waiting:
    return waiting if message["type"] == "status" and waiting else [message]


@EXERCISE.wrong(
    "a heartbeat makes room for itself",
    "A heartbeat has no news in it. In the place of a delta it makes the client ask for what was already on its way.",
)
def _beat(waiting: Waiting, message: Message) -> Waiting:
    snapshot = bool(waiting) and waiting[0]["type"] == "snapshot"
    return waiting if snapshot and message["type"] != "snapshot" else [message]


@EXERCISE.wrong(
    "a snapshot stays, even before a newer one",
    "A new snapshot takes the place of all that was known, the old snapshot too: the database may be another one by now.",
)
def _first_snapshot(waiting: Waiting, message: Message) -> Waiting:
    if waiting and (waiting[0]["type"] == "snapshot" or message["type"] == "status"):
        return waiting
    return [message]


@EXERCISE.wrong(
    "one more behind the snapshot",
    "The snapshot stays, and that is right, but what waits behind it makes two. The client sees by the number that it "
    "missed that one, and asks.",
)
def _two(waiting: Waiting, message: Message) -> Waiting:
    if message["type"] == "status" and waiting:
        return waiting
    if waiting and waiting[0]["type"] == "snapshot" and message["type"] == "delta":
        return [waiting[0], message]
    return [message]
