"""A tick that comes late must not enter the window."""

from __future__ import annotations

from collections import defaultdict, deque
from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE", "tick"]

Ticks = list[dict[str, Any]]


def tick(symbol: str, at: float, price: float) -> dict[str, Any]:
    """A tick with a short time."""
    return {"symbol": symbol, "timestamp": at, "price": price}


def draw(random: Random, events: int) -> Case:
    """Ticks of two symbols, one in four of them late."""
    ticks, now = [], 10.0
    for _ in range(events):
        now += random.choice([0.0, 1.0, 1.0])
        late = random.choice([0.0, 0.0, 0.0, 3.0])
        ticks.append(tick(random.choice(["AAPL", "GOOG"]), now - late, random.choice([10.0, 20.0, 40.0, 80.0])))
    return (ticks,)


EXERCISE = Exercise(
    "m3.late",
    "a late tick stays out of the window",
    hints=Hints(
        question="Of which times do you know the newest, and of which symbol?",
        concept="Order is by the time at which things happened, and it is kept for each symbol. A tick that is older "
        "than the newest of its symbol comes too late for an average that was told already: it is kept, but the window "
        "stays as it is. Two ticks of the same time are in order.",
        skeleton="Remember the newest timestamp of each symbol. If a tick's is smaller, note None and go on; else note "
        "it as the newest, and do what the function did before.",
    ),
    examples=[
        ([tick("AAPL", 1.0, 10.0)],),
        ([tick("AAPL", 2.0, 10.0), tick("AAPL", 1.0, 40.0)],),
        ([tick("AAPL", 1.0, 10.0), tick("AAPL", 1.0, 40.0)],),
        ([tick("AAPL", 2.0, 10.0), tick("GOOG", 1.0, 40.0)],),
        ([tick("AAPL", 2.0, 10.0), tick("AAPL", 1.0, 40.0), tick("AAPL", 3.0, 20.0)],),
        ([tick("AAPL", 5.0, 10.0), tick("AAPL", 1.0, 40.0), tick("AAPL", 3.0, 20.0)],),
        ([tick("AAPL", float(at), 10.0 * at) for at in range(1, 7)],),
    ],
    draw=draw,
    starts_as="time is not looked at",
)


@EXERCISE.solved_by
def averages(ticks: Ticks) -> list[float | None]:
    windows: dict[str, deque[float]] = {}
    newest: dict[str, float] = {}
    found: list[float | None] = []
    for tick in ticks:
        symbol = tick["symbol"]
        if tick["timestamp"] < newest.get(symbol, 0):
            found.append(None)
            continue
        newest[symbol] = tick["timestamp"]
        window = windows.setdefault(symbol, deque(maxlen=5))
        window.append(tick["price"])
        found.append(sum(window) / len(window))
    return found


@EXERCISE.also_solved_by
def _accepted_so_far(ticks: Ticks) -> Any:
    kept: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for tick in ticks:
        own = kept[tick["symbol"]]
        if own and own[-1][0] > tick["timestamp"]:
            yield None
        else:
            own.append((tick["timestamp"], tick["price"]))
            prices = [price for _, price in own[-5:]]
            yield sum(prices) / len(prices)


@EXERCISE.also_solved_by
def _with_the_maximum(ticks: Ticks) -> list[float | None]:
    found: list[float | None] = []
    for end, tick in enumerate(ticks):
        own = [other for other in ticks[: end + 1] if other["symbol"] == tick["symbol"]]
        in_order = [
            other["price"]
            for place, other in enumerate(own)
            if other["timestamp"] >= max(earlier["timestamp"] for earlier in own[: place + 1])
        ]
        late = tick["timestamp"] < max(other["timestamp"] for other in own)
        found.append(None if late else sum(in_order[-5:]) / len(in_order[-5:]))
    return found


@EXERCISE.wrong(
    "time is not looked at",
    "The late tick enters the window like any other, and the average of now is one of then and now.",
)
def _no_time(ticks: Ticks) -> list[float | None]:
    windows: dict[str, deque[float]] = {}
    found: list[float | None] = []
    for tick in ticks:
        window = windows.setdefault(tick["symbol"], deque(maxlen=5))
        window.append(tick["price"])
        found.append(sum(window) / len(window))
    return found


@EXERCISE.wrong(
    "equal times are late",
    "Two ticks of one time are in order: exchanges send many within one tick of their clock. Late is older, not as old.",
)
def _equal_is_late(ticks: Ticks) -> list[float | None]:
    windows: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=5))
    newest: dict[str, float] = {}
    found: list[float | None] = []
    for tick in ticks:
        symbol = tick["symbol"]
        if tick["timestamp"] <= newest.get(symbol, 0):
            found.append(None)
            continue
        newest[symbol] = tick["timestamp"]
        windows[symbol].append(tick["price"])
        found.append(sum(windows[symbol]) / len(windows[symbol]))
    return found


@EXERCISE.wrong(
    "one clock for all symbols",
    "Each symbol has an order of its own. A GOOG that is older than the last AAPL is late for nobody.",
)
def _one_clock(ticks: Ticks) -> list[float | None]:
    windows: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=5))
    newest = 0.0
    found: list[float | None] = []
    for tick in ticks:
        if tick["timestamp"] < newest:
            found.append(None)
            continue
        newest = tick["timestamp"]
        window = windows[tick["symbol"]]
        window.append(tick["price"])
        found.append(sum(window) / len(window))
    return found


@EXERCISE.wrong(
    "against the tick before, not the newest",
    "After one late tick the next one is held against that, and may be late and not be seen as such.",
)
def _against_last(ticks: Ticks) -> list[float | None]:
    windows: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=5))
    last: dict[str, float] = {}
    found: list[float | None] = []
    for tick in ticks:
        symbol = tick["symbol"]
        late = tick["timestamp"] < last.get(symbol, 0)
        last[symbol] = tick["timestamp"]
        if late:
            found.append(None)
            continue
        windows[symbol].append(tick["price"])
        found.append(sum(windows[symbol]) / len(windows[symbol]))
    return found


@EXERCISE.wrong(
    "no average, but in the window",
    "The late tick gets no average of its own, but its price stands in the window, and the next average has it.",
)
def _still_in(ticks: Ticks) -> list[float | None]:
    windows: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=5))
    newest: dict[str, float] = {}
    found: list[float | None] = []
    for tick in ticks:
        symbol = tick["symbol"]
        windows[symbol].append(tick["price"])
        late = tick["timestamp"] < newest.get(symbol, 0)
        newest[symbol] = max(tick["timestamp"], newest.get(symbol, 0))
        found.append(None if late else sum(windows[symbol]) / len(windows[symbol]))
    return found


@EXERCISE.wrong(
    "the old average again",
    "The late tick is told with the average of the one before it, as if it had counted. It has none: None.",
)
def _old_average(ticks: Ticks) -> list[float | None]:
    windows: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=5))
    newest: dict[str, float] = {}
    found: list[float | None] = []
    for tick in ticks:
        symbol = tick["symbol"]
        if tick["timestamp"] >= newest.get(symbol, 0):
            newest[symbol] = tick["timestamp"]
            windows[symbol].append(tick["price"])
        found.append(sum(windows[symbol]) / len(windows[symbol]))
    return found


@EXERCISE.wrong(
    "late ticks are left out",
    "The list is shorter than the ticks: a late tick has no average, but it is there, and is accounted for with None.",
)
def _left_out(ticks: Ticks) -> list[float | None]:
    windows: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=5))
    newest: dict[str, float] = {}
    found: list[float | None] = []
    for tick in ticks:
        symbol = tick["symbol"]
        if tick["timestamp"] < newest.get(symbol, 0):
            continue
        newest[symbol] = tick["timestamp"]
        windows[symbol].append(tick["price"])
        found.append(sum(windows[symbol]) / len(windows[symbol]))
    return found


@EXERCISE.wrong(
    "sorted first",
    "Sorting rewrites what was told already, and a stream has no end after which one could sort.",
)
def _sorted(ticks: Ticks) -> list[float | None]:
    windows: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=5))
    found: list[float | None] = []
    for tick in sorted(ticks, key=lambda tick: tick["timestamp"]):
        windows[tick["symbol"]].append(tick["price"])
        found.append(sum(windows[tick["symbol"]]) / len(windows[tick["symbol"]]))
    return found
