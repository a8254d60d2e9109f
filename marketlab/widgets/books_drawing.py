"""Where everything stands in the picture of the books: two beams that should be equally long. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from marketlab.model import BINS
from marketlab.widgets.chart_drawing import LETTER
from marketlab.widgets.hatching import hatch
from marketlab.widgets.shapes import Drawing, Path, Rect, Shape, Text

__all__ = ["LABELS", "draw_books", "gap_name", "missing"]

WIDTH_PX, ROW_PX, BEAM_PX = 640, 28, 20
BEAM_LEFT, BEAM_RIGHT = 92, 560
NAMED = 2  # ranges that are named, the others counted
LABELS = {"dead_lettered": "dead-lettered"}

Books = Mapping[str, Any]


def draw_books(books: Books) -> Drawing:
    """The picture.

    :param books: as ``GET /books`` and ``Books.as_dict()`` give them
    """
    runs: Sequence[Mapping[str, Any]] = books["runs"]
    partitions: Sequence[Mapping[str, Any]] = books["partitions"]
    if not partitions and not runs:
        empty = "no message was received yet"
        return Drawing(WIDTH_PX, ROW_PX, [Text(0, ROW_PX / 2, empty)], empty)
    shapes: list[Shape] = [*_chip(books)]
    run = max(runs, key=lambda run: run["run"], default=None)
    height = ROW_PX + 8
    if run is not None:
        told = f"run {run['run'] or 'without a name'}, {run['state']}"
        shapes.append(Text(WIDTH_PX, ROW_PX / 2, told, 12, "muted", "end"))
        shapes += _beams(run, height)
        height += 2 * ROW_PX + 4
    received = sum(partition["received"] for partition in partitions)
    bins = {name: sum(partition[name] for partition in partitions) for name in BINS}
    told = " + ".join(f"{count:,} {LABELS.get(name, name)}" for name, count in bins.items())
    shapes.append(Text(0, height + 10, f"received {received:,} = {told}", 12, "muted"))
    word = "balanced" if books["balanced"] else missing(books)
    return Drawing(WIDTH_PX, height + 20, shapes, f"books {word}; received {received:,} = {told}")


def missing(books: Books) -> str:
    """What is not in order, by name: ``missing AAPL 3–7, NFLX 12 and 4 more``."""
    gaps = [gap for run in books["runs"] for gap in run["gaps"]]
    if gaps:
        named = [gap_name(gap) for gap in gaps[:NAMED]]
        rest = f" and {len(gaps) - NAMED:,} more" if len(gaps) > NAMED else ""
        return f"missing {', '.join(named)}{rest}"
    for partition in books["partitions"]:
        if not partition["balanced"]:
            return f"partition {partition['partition']} does not add up"
    for run in books["runs"]:
        if not run["balanced"]:
            return f"run {run['run'] or 'without a name'} does not add up"
    return "out of balance"


def gap_name(gap: Mapping[str, Any]) -> str:
    """One gap: ``AAPL 3–7``, or ``AAPL 3``."""
    return f"{gap['symbol']} {gap['from']:,}" + (f"–{gap['to']:,}" if gap["to"] != gap["from"] else "")


def _chip(books: Books) -> Iterator[Shape]:
    """Quiet while all is well; ink upside down when it is not."""
    middle = ROW_PX / 2
    if books["balanced"]:
        yield Text(0, middle, "✓ books balanced", 13, "ink", bold=True)
        return
    text = f"✗ {missing(books)}"
    yield Rect(0, 2, len(text) * 13 * LETTER + 16, ROW_PX - 4, "ink")
    yield Text(8, middle, text, 13, "surface", bold=True)


def _beams(run: Mapping[str, Any], top: float) -> Iterator[Shape]:
    kept = {name: run[name] for name in ("stored", "late", "refused") if run[name]}
    found = sum(kept.values())
    produced = run["produced"]
    whole = max(1, found + run["lost"], produced or 0)
    scale = (BEAM_RIGHT - BEAM_LEFT) / whole
    yield Text(0, top + BEAM_PX / 2, "produced", 12)
    if produced is None:
        yield Rect(BEAM_LEFT, top, BEAM_RIGHT - BEAM_LEFT, BEAM_PX, None, "control")
        yield Text(BEAM_LEFT + 8, top + BEAM_PX / 2, "not said yet: the run is open", 12)
        yield Text(WIDTH_PX, top + BEAM_PX / 2, "–", 13, "ink", "end")
    else:
        yield Rect(BEAM_LEFT, top, produced * scale, BEAM_PX, "control")
        yield Text(WIDTH_PX, top + BEAM_PX / 2, f"{produced:,}", 13, "ink", "end")
    top += ROW_PX
    yield Text(0, top + BEAM_PX / 2, "found again", 12)
    x = float(BEAM_LEFT)
    for name, count in kept.items():
        width = count * scale
        fill = "accent" if name == "stored" else "muted"
        yield Rect(x, top, max(1.0, width - 1), BEAM_PX, fill)
        text = f"{count:,} {name}"
        if width > len(text) * 12 * LETTER:
            yield Text(x + 8, top + BEAM_PX / 2, text, 12, "on-fill" if name == "stored" else "surface")
        x += width
    if lost := run["lost"]:
        right = x + max(8.0, lost * scale)
        for start, end in hatch(x, right, top, top + BEAM_PX, step=6):
            yield Path((start, end), "ink", 1)
        yield Path(((x, top), (right, top), (right, top + BEAM_PX), (x, top + BEAM_PX), (x, top)), "ink", 1)
    yield Text(WIDTH_PX, top + BEAM_PX / 2, f"{found:,}", 13, "ink", "end")
