"""Which bin a message belongs to: stored, late, duplicate or refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE", "message"]

Messages = list[dict[str, Any]]


def message(run: str, symbol: str, seq: int, price: float | None, at: float) -> dict[str, Any]:
    """A message with a short run and a short time."""
    return {"run": run, "symbol": symbol, "seq": seq, "price": price, "timestamp": at}


def draw(random: Random, events: int) -> Case:
    """Messages of two symbols and two runs that are held up, sent twice, or broken."""
    messages: Messages = []
    counters: dict[tuple[str, str], int] = defaultdict(int)
    held: Messages = []
    while len(messages) < events:
        run, symbol = random.choice(["a", "a", "b"]), random.choice(["AAPL", "GOOG"])
        counters[run, symbol] += 1
        seq = counters[run, symbol]
        fresh = message(run, symbol, seq, random.choice([10.0, 10.0, 20.0]), float(seq // 2))
        luck = random.random()
        if luck < 0.2:
            held.append(fresh)
        elif luck < 0.3:
            messages += [fresh | {"price": None}, fresh]
        elif luck < 0.45:
            messages += [fresh, fresh]
        else:
            messages.append(fresh)
        if held and random.random() < 0.4:
            messages.append(held.pop(0))
    return ([dict(item) for item in messages[:events]],)


EXERCISE = Exercise(
    "m7.classify",
    "the bin of each message",
    hints=Hints(
        question="What tells two trades of the same price and second from one trade that was sent twice?",
        concept="Only the number that the producer has stamped, and a number means something within one run and one "
        "symbol. Two things have to be remembered of each: which numbers were kept, and the highest that has arrived. "
        "What was kept is a duplicate; what was not, but is no higher, fills a hole: it is late.",
        skeleton="For each message: stream = (run, symbol). No price: refused. Its number is among those kept of the "
        "stream: duplicate. It is not above the highest of the stream: late. Else stored. A number that has "
        "arrived raises the highest, also when it is refused; only what is stored or late is kept.",
    ),
    examples=[
        ([message("a", "AAPL", 1, 10.0, 1.0)],),
        ([message("a", "AAPL", 1, None, 1.0)],),
        ([message("a", "AAPL", 1, 10.0, 1.0), message("a", "AAPL", 1, 10.0, 1.0)],),
        ([message("a", "AAPL", 1, 10.0, 1.0), message("a", "AAPL", 2, 10.0, 1.0)],),
        ([message("a", "AAPL", 2, 10.0, 2.0), message("a", "AAPL", 1, 10.0, 1.0)],),
        ([message("a", "AAPL", 2, 10.0, 1.0), message("a", "AAPL", 1, 20.0, 1.0)],),
        ([message("a", "AAPL", 1, 10.0, 1.0), message("a", "GOOG", 1, 20.0, 1.0)],),
        ([message("a", "AAPL", 1, 10.0, 1.0), message("b", "AAPL", 1, 20.0, 2.0)],),
        ([message("a", "AAPL", 1, None, 1.0), message("a", "AAPL", 1, 10.0, 1.0)],),
        ([message("a", "AAPL", n, 10.0 * n, float(n)) for n in (1, 2, 1)],),
        ([message("a", "AAPL", n, 10.0 * n, float(n)) for n in (2, 1, 1)],),
    ],
    draw=draw,
    event="message",
)


@EXERCISE.solved_by
def classify(messages: Messages) -> list[str]:
    kept: set[tuple[str, str, int]] = set()
    highest: dict[tuple[str, str], int] = {}
    bins = []
    for item in messages:
        stream, seq = (item["run"], item["symbol"]), item["seq"]
        top = highest.get(stream, 0)
        highest[stream] = max(top, seq)
        if item["price"] is None:
            bins.append("refused")
        elif (*stream, seq) in kept:
            bins.append("duplicate")
        else:
            kept.add((*stream, seq))
            bins.append("stored" if seq > top else "late")
    return bins


@EXERCISE.also_solved_by
def _a_generator(messages: Messages) -> Iterator[str]:
    streams: dict[tuple[str, str], dict[str, Any]] = {}
    for item in messages:
        known = streams.setdefault((item["run"], item["symbol"]), {"kept": [], "highest": 0})
        if not item["price"]:
            yield "refused"
        elif item["seq"] in known["kept"]:
            yield "duplicate"
        else:
            known["kept"].append(item["seq"])
            yield "late" if item["seq"] <= known["highest"] else "stored"
        known["highest"] = max(known["highest"], item["seq"])


@EXERCISE.also_solved_by
def _looking_back(messages: Messages) -> list[str]:
    bins: list[str] = []
    for place, item in enumerate(messages):
        before = [
            (old["seq"], where)
            for old, where in zip(messages[:place], bins, strict=True)
            if old["run"] == item["run"] and old["symbol"] == item["symbol"]
        ]
        if item["price"] is None:
            bins.append("refused")
        elif any(seq == item["seq"] and where in ("stored", "late") for seq, where in before):
            bins.append("duplicate")
        elif all(seq < item["seq"] for seq, _ in before):
            bins.append("stored")
        else:
            bins.append("late")
    return bins


@EXERCISE.wrong(
    "the same price and time is the same tick",
    "Two trades may agree in all that one can see; real files hold thousands of such pairs. Only the number that the "
    "producer gave tells one trade sent twice from two trades.",
)
def _by_looks(messages: Messages) -> list[str]:
    seen: set[Any] = set()
    highest: dict[Any, int] = {}
    bins = []
    for item in messages:
        stream = item["run"], item["symbol"]
        looks = (*stream, item["price"], item["timestamp"])
        top = highest.get(stream, 0)
        highest[stream] = max(top, item["seq"])
        if item["price"] is None:
            bins.append("refused")
        elif looks in seen:
            bins.append("duplicate")
        else:
            seen.add(looks)
            bins.append("stored" if item["seq"] > top else "late")
    return bins


@EXERCISE.wrong(
    "whatever is not above the highest is a duplicate",
    "A number that is not above the highest has come late, not twice: nobody has seen it yet. Drop it, and you have "
    "lost a tick that had arrived.",
)
def _high_water(messages: Messages) -> list[str]:
    highest: dict[Any, int] = {}
    bins = []
    for item in messages:
        stream = item["run"], item["symbol"]
        top = highest.get(stream, 0)
        highest[stream] = max(top, item["seq"])
        if item["price"] is None:
            bins.append("refused")
        else:
            bins.append("stored" if item["seq"] > top else "duplicate")
    return bins


@EXERCISE.wrong(
    "numbers of all symbols together",
    "Each symbol is counted for itself: AAPL 1 and GOOG 1 are two ticks.",
)
def _one_counter(messages: Messages) -> list[str]:
    kept: set[Any] = set()
    highest: dict[str, int] = {}
    bins = []
    for item in messages:
        run, seq = item["run"], item["seq"]
        top = highest.get(run, 0)
        highest[run] = max(top, seq)
        if item["price"] is None:
            bins.append("refused")
        elif (run, seq) in kept:
            bins.append("duplicate")
        else:
            kept.add((run, seq))
            bins.append("stored" if seq > top else "late")
    return bins


@EXERCISE.wrong(
    "the run is forgotten",
    "A producer that is started again begins a new run, and counts from 1. Without the run all of its ticks would pass "
    "for duplicates of the old ones.",
)
def _no_run(messages: Messages) -> list[str]:
    kept: set[Any] = set()
    highest: dict[str, int] = {}
    bins = []
    for item in messages:
        symbol, seq = item["symbol"], item["seq"]
        top = highest.get(symbol, 0)
        highest[symbol] = max(top, seq)
        if item["price"] is None:
            bins.append("refused")
        elif (symbol, seq) in kept:
            bins.append("duplicate")
        else:
            kept.add((symbol, seq))
            bins.append("stored" if seq > top else "late")
    return bins


@EXERCISE.wrong(
    "late by the clock",
    "Times may be equal, so they cannot tell the order. The number can: it is below the highest, so it comes late.",
)
def _by_clock(messages: Messages) -> list[str]:
    kept: set[Any] = set()
    newest: dict[Any, float] = {}
    bins = []
    for item in messages:
        stream = item["run"], item["symbol"]
        latest = newest.get(stream, 0.0)
        newest[stream] = max(latest, item["timestamp"])
        if item["price"] is None:
            bins.append("refused")
        elif (*stream, item["seq"]) in kept:
            bins.append("duplicate")
        else:
            kept.add((*stream, item["seq"]))
            bins.append("stored" if item["timestamp"] >= latest else "late")
    return bins


@EXERCISE.wrong(
    "nothing is ever late",
    "A number below the highest is one that was thought lost. It is kept, but it may not enter an average that was "
    "told already, so it has a bin of its own.",
)
def _never_late(messages: Messages) -> list[str]:
    kept: set[Any] = set()
    bins = []
    for item in messages:
        key = item["run"], item["symbol"], item["seq"]
        if item["price"] is None:
            bins.append("refused")
        elif key in kept:
            bins.append("duplicate")
        else:
            kept.add(key)
            bins.append("stored")
    return bins


@EXERCISE.wrong(
    "the price is not looked at",
    "Without a price it is no tick, whatever its number. It must not be dropped either: refused is a bin.",
)
def _no_refusal(messages: Messages) -> list[str]:
    kept: set[Any] = set()
    highest: dict[Any, int] = {}
    bins = []
    for item in messages:
        stream, seq = (item["run"], item["symbol"]), item["seq"]
        top = highest.get(stream, 0)
        highest[stream] = max(top, seq)
        if (*stream, seq) in kept:
            bins.append("duplicate")
        else:
            kept.add((*stream, seq))
            bins.append("stored" if seq > top else "late")
    return bins


@EXERCISE.wrong(
    "what was refused counts as kept",
    "A refused message was not kept. When it is mended and sent again, that is the first time that its tick can be "
    "stored: it comes late, and is no duplicate.",
)
def _refused_is_kept(messages: Messages) -> list[str]:
    kept: set[Any] = set()
    highest: dict[Any, int] = {}
    bins = []
    for item in messages:
        stream, seq = (item["run"], item["symbol"]), item["seq"]
        top, known = highest.get(stream, 0), (*stream, seq) in kept
        highest[stream] = max(top, seq)
        kept.add((*stream, seq))
        if item["price"] is None:
            bins.append("refused")
        elif known:
            bins.append("duplicate")
        else:
            bins.append("stored" if seq > top else "late")
    return bins


@EXERCISE.wrong(
    "only the message before is remembered",
    "What comes twice seldom comes twice in a row: a batch that is sent again comes as a whole.",
)
def _neighbours(messages: Messages) -> list[str]:
    last: dict[Any, int] = {}
    highest: dict[Any, int] = {}
    bins = []
    for item in messages:
        stream, seq = (item["run"], item["symbol"]), item["seq"]
        top = highest.get(stream, 0)
        highest[stream] = max(top, seq)
        if item["price"] is None:
            bins.append("refused")
            continue
        if last.get(stream) == seq:
            bins.append("duplicate")
        else:
            bins.append("stored" if seq > top else "late")
        last[stream] = seq
    return bins


@EXERCISE.wrong(
    "duplicates are left out",
    "The list is shorter than the messages. A duplicate is not stored, but it has arrived, and is counted.",
)
def _left_out(messages: Messages) -> list[str]:
    kept: set[Any] = set()
    highest: dict[Any, int] = {}
    bins = []
    for item in messages:
        stream, seq = (item["run"], item["symbol"]), item["seq"]
        top = highest.get(stream, 0)
        highest[stream] = max(top, seq)
        if item["price"] is None:
            bins.append("refused")
        elif (*stream, seq) not in kept:
            kept.add((*stream, seq))
            bins.append("stored" if seq > top else "late")
    return bins
