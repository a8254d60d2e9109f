"""One number for a whole run: equal input gives an equal digest, whatever carried it.

SHA-256 over a first line with the rules, then one line per kept tick, sorted by symbol and ordinal (the arrival
number within its stream, late ticks included)::

    window=5 threshold_pct=3.0
    AAPL⇥1⇥215.67⇥1730896201.0⇥-⇥215.67⇥-⇥0

Floats are written as ``repr``, nothing as ``-``, late as 0 or 1. Run id, partition and offset stay out: they differ
between two equal runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from marketlab.model import Rule

__all__ = ["DigestRow", "digest"]

#: (symbol, ordinal, price, timestamp, size, moving_average, alert, late)
DigestRow = tuple[str, int, float, float, float | None, float | None, str | None, bool]


def digest(rows: Iterable[DigestRow], *, rules: Iterable[Rule]) -> str:
    """The digest of a run as 64 hexadecimal digits.

    :param rows: sorted by symbol and ordinal
    :param rules: every rule the run was judged by; one, unless it was changed on the way

    >>> digest([("AAPL", 1, 215.67, 1730896201.0, None, 215.67, None, False)], rules=[Rule()])[:16]
    'b3033bfec35e2c19'
    """
    head = sorted({(rule.window, float(rule.threshold_pct)) for rule in rules})
    sha = hashlib.sha256(" ".join(f"window={w} threshold_pct={t!r}" for w, t in head).encode() + b"\n")
    for symbol, ordinal, price, timestamp, size, average, alert, late in rows:
        sha.update(
            f"{symbol}\t{ordinal}\t{price!r}\t{timestamp!r}\t{_or_dash(size)}\t{_or_dash(average)}\t"
            f"{'-' if alert is None else alert}\t{int(late)}\n".encode()
        )
    return sha.hexdigest()


def _or_dash(value: float | None) -> str:
    return "-" if value is None else repr(value)
