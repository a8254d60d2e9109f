"""The log in one pan, the books in the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marketlab.model import BINS
from marketlab.widgets.balance import Balance
from marketlab.widgets.books_drawing import LABELS, gap_name

__all__ = ["weigh"]


def weigh(books: Mapping[str, Any], held: Mapping[int, range]) -> Balance:
    """What was sent, as far as anybody can know: what the log has held or holds, and what is missing between numbers.

    :param books: as ``GET /books`` gives them, of one log
    :param held: the offsets that this log holds, by partition; looked up before the books
    """
    known = {book["partition"]: book for book in books["partitions"]}
    gaps = [gap for run in books["runs"] for gap in run["gaps"]]
    sent, waiting = sum(run["lost"] for run in books["runs"]), []
    for partition, offsets in sorted(held.items()):
        book = known.get(partition, {"received": 0, "next_offset": None})
        begin = max(offsets.start, book["next_offset"] or 0)
        behind = max(0, offsets.stop - begin)
        sent += book["received"] + behind
        if behind:
            waiting.append(f"partition {partition} from {begin:,} to {offsets.stop - 1:,}")
    kept = {LABELS.get(name, name): sum(book[name] for book in known.values()) for name in BINS}
    return Balance(sent, {name: count for name, count in kept.items() if count}, [*map(gap_name, gaps)], waiting)
