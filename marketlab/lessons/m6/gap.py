"""Whether a pushed message was missed, told by the numbers on those that came."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints
from marketlab.lessons.same import plain

__all__ = ["EXERCISE", "message"]

Messages = list[dict[str, Any]]


def message(kind: str, seq: int, at: float) -> dict[str, Any]:
    """A message with what counts here: its type, its number, and the second in which it was sent."""
    return {"type": kind, "seq": seq, "at": at}


#: A connection always begins with one, so it is in every case and is never left out of one.
FIRST = message("snapshot", 17, 0.0)


def draw(random: Random, events: int) -> Case:
    """Deltas and heartbeats, some missed, some after a pause, and now and then another snapshot."""
    seq, at = FIRST["seq"], FIRST["at"]
    messages = []
    for _ in range(events):
        at = round(at + random.choice([0.1, 0.1, 1.0, 3.0]), 1)
        kind = random.choice(["delta", "delta", "delta", "status", "snapshot"])
        seq += random.choice([0, 0, 0, 1, 4])
        seq += 2 if kind == "snapshot" else kind == "delta"
        messages.append(message(kind, seq, at))
    return (messages,)


def connected(missed: Callable[[Messages], Any], messages: Messages) -> Any:
    """What is said of the messages behind the first snapshot, if nothing is wrong with that one."""
    found = plain(missed([dict(FIRST), *messages]))
    return found[1:] if isinstance(found, list) and found[:1] == [False] else found


EXERCISE = Exercise(
    "m6.gap",
    "what was missed, by its number",
    hints=Hints(
        question="Which number must the next delta have, which one the next heartbeat, and which one a snapshot?",
        concept="Each delta counts one on from the delta before it. A heartbeat has no news, so it repeats the number of "
        "the last delta; if it has a higher one, a delta was missed. A snapshot takes the place of all that was known, "
        "whatever its number, and one counts on from there. Pauses mean nothing: it may just be quiet.",
        skeleton="Remember the number of the last message. A snapshot: False. A delta: is its number another one than "
        "the last and one? A heartbeat: is it another one than the last? Then remember this message's number, in each "
        "of the three cases.",
    ),
    examples=[
        ([],),
        ([message("delta", 18, 0.1)],),
        ([message("delta", 19, 0.1)],),
        ([message("status", 17, 1.0)],),
        ([message("status", 18, 1.0)],),
        ([message("delta", 18, 5.0)],),
        ([message("snapshot", 25, 0.1), message("delta", 26, 0.2)],),
        ([message("delta", 19, 0.1), message("delta", 20, 0.2)],),
        ([message("status", 18, 1.0), message("delta", 19, 1.1)],),
    ],
    draw=draw,
    drive=connected,
    event="after snapshot 17",
)


@EXERCISE.solved_by
def missed(messages: Messages) -> list[bool]:
    last: int | None = None
    found = []
    for message in messages:
        news = message["type"] == "delta"
        wanted = None if last is None else last + news
        found.append(message["type"] != "snapshot" and message["seq"] != wanted)
        last = message["seq"]
    return found


@EXERCISE.also_solved_by
def _case_by_case(messages: Messages) -> list[bool]:
    last, found = 0, []
    for message in messages:
        if message["type"] == "snapshot":
            found.append(False)
        elif message["type"] == "delta":
            found.append(message["seq"] > last + 1)
        else:
            found.append(message["seq"] > last)
        last = message["seq"]
    return found


@EXERCISE.also_solved_by
def _in_pairs(messages: Messages) -> Any:
    before = [None, *(message["seq"] for message in messages)]
    for message, last in zip(messages, before, strict=False):
        step = {"delta": 1, "status": 0}.get(message["type"])
        yield step is not None and message["seq"] - step != last


@EXERCISE.wrong(
    "by the clock",
    "A pause is no loss: when nothing is traded nothing is sent. And what was missed may lie between two messages that "
    "came a tenth of a second apart. Only the number knows.",
)
def _by_time(messages: Messages) -> list[bool]:
    last, found = messages[0]["at"] if messages else 0, []
    for message in messages:
        found.append(message["at"] - last > 1.5)
        last = message["at"]
    return found


@EXERCISE.wrong(
    "a heartbeat counts as a delta",
    "A heartbeat says that there was no news, so it has no number of its own: it repeats that of the last delta.",
)
def _status_counts(messages: Messages) -> list[bool]:
    last: int | None = None
    found = []
    for message in messages:
        found.append(message["type"] != "snapshot" and message["seq"] != (last or 0) + 1)
        last = message["seq"]
    return found


@EXERCISE.wrong(
    "heartbeats are passed over",
    "If the missed delta was the last one for a while, only the heartbeat's number tells of it. Without that you wait "
    "for the next delta, and until then what you show is wrong.",
)
def _status_ignored(messages: Messages) -> list[bool]:
    last: int | None = None
    found = []
    for message in messages:
        if message["type"] == "status":
            found.append(False)
            continue
        found.append(message["type"] == "delta" and message["seq"] != (last or 0) + 1)
        last = message["seq"]
    return found


@EXERCISE.wrong(
    "a heartbeat hides the gap",
    "Its number is remembered, but was not compared: after a missed delta the next one then seems to follow, and nobody "
    "ever knows.",
)
def _status_hides(messages: Messages) -> list[bool]:
    last: int | None = None
    found = []
    for message in messages:
        found.append(message["type"] == "delta" and message["seq"] != (last or 0) + 1)
        last = message["seq"]
    return found


@EXERCISE.wrong(
    "a snapshot must follow, too",
    "A snapshot takes the place of all that was known before it. Whatever was missed is in it, so nothing is to be asked.",
)
def _snapshot_compared(messages: Messages) -> list[bool]:
    last = messages[0]["seq"] if messages else 0
    found = []
    for number, message in enumerate(messages):
        wanted = last + (message["type"] == "delta")
        found.append(number > 0 and message["seq"] != wanted)
        last = message["seq"]
    return found


@EXERCISE.wrong(
    "after one gap it never ends",
    "What was missed is fetched once. Then the count goes on from the message that has shown the gap.",
)
def _stuck(messages: Messages) -> list[bool]:
    last: int | None = None
    found = []
    for message in messages:
        wanted = message["seq"] if message["type"] == "snapshot" else (last or 0) + (message["type"] == "delta")
        gap = message["seq"] != wanted
        found.append(gap)
        if not gap:
            last = message["seq"]
    return found


@EXERCISE.wrong(
    "the count begins with the first delta",
    "The snapshot has a number as well, and the first delta follows it. Without it the very first gap cannot be seen.",
)
def _from_first_delta(messages: Messages) -> list[bool]:
    last: int | None = None
    found = []
    for message in messages:
        if message["type"] == "snapshot":
            found.append(False)
            last = None
            continue
        found.append(last is not None and message["seq"] != last + (message["type"] == "delta"))
        last = message["seq"]
    return found


@EXERCISE.wrong(
    "one answer for all",
    "It says whether anything was missed, but not before which message. Whoever is live has to know at once: a list, one "
    "answer for each message.",
)
def _any(messages: Messages) -> bool:
    last: int | None = None
    gap = False
    for message in messages:
        gap |= message["type"] != "snapshot" and message["seq"] != (last or 0) + (message["type"] == "delta")
        last = message["seq"]
    return gap
