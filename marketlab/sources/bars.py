"""How long the bars of a file are: their closes belong to their ends, and files stamp their beginnings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from marketlab.errors import SourceError
from marketlab.sources.times import Stamps

__all__ = ["bar_length"]

MEND = "To replay the closes at the stamps as they stand, say --columns price=close."


def bar_length(cells: Sequence[Any], stamps: Stamps, *, file: str) -> float:
    """Seconds from one edge of a bar to the other, by the first stamps of a file.

    Markets pause, so the steps are whole multiples of the length; the smallest is the length itself.

    :raises SourceError: the steps do not tell one length
    """
    times = []
    for cell in cells:
        try:
            times.append(stamps.read(cell))
        except (ValueError, TypeError, ArithmeticError):
            continue  # a bad row; it is counted when it is read
    steps = [later - earlier for earlier, later in pairwise(times) if later > earlier]
    if not steps:
        raise SourceError(f"{file}: how long a bar is cannot be told from {len(times)} stamps", mend=MEND)
    length = min(steps)
    odd = next((step for step in steps if abs(step / length - round(step / length)) > 1e-6), None)
    if odd is not None:
        raise SourceError(
            f"{file}: how long a bar is cannot be told: there are steps of {length:g} s and of {odd:g} s", mend=MEND
        )
    return length
