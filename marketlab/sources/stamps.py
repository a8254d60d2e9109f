"""One stamp to seconds since the epoch, rounded once; and what a stamp can be by its looks."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

__all__ = [
    "DAY_S",
    "EARLIEST_S",
    "LATEST_S",
    "SCALES",
    "clock_reader",
    "is_clock",
    "is_iso",
    "is_number",
    "midnight_of",
    "read_iso",
    "reader",
    "unit_of",
]

#: Stamps of one unit in a second.
SCALES = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
EARLIEST_S, LATEST_S = 631_152_000, 4_102_444_800  # 1990-01-01 and 2100-01-01
DAY_S = 86_400
MAX_DIGITS = 30  # nanoseconds with nine decimals have 29 characters

NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?\s*", re.ASCII)
CLOCK_TIME = re.compile(r"\s*\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s*", re.ASCII)


def reader(unit: str, *, midnight_s: int = 0) -> Callable[[Any], float]:
    """How cells that count in a unit from a midnight become seconds since the epoch.

    What it returns raises ValueError or TypeError for a cell that is no stamp.

    >>> reader("ms")("1723161255342")
    1723161255.342
    """
    scale = SCALES[unit]
    base = midnight_s * scale

    def read(cell: Any) -> float:
        if isinstance(cell, str):
            if "_" in cell:  # int() reads 1_000, as in programs; no file means that
                raise ValueError(cell)
            try:
                return (base + int(cell)) / scale  # of two whole numbers: rounded once, however many digits
            except ValueError:
                return exact(cell.strip())
        if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
            raise TypeError(str(cell))
        return (base + cell) / scale if isinstance(cell, int) else exact(str(cell))

    def exact(text: str) -> float:
        try:
            return float((base + Decimal(text)) / scale)
        except ArithmeticError:  # not a number, or far beyond all numbers
            raise ValueError(text) from None

    def read_seconds(cell: Any) -> float:
        if cell.__class__ is float or (cell.__class__ is str and "_" not in cell):
            return float(cell)
        return read(cell)

    return read_seconds if base == 0 and scale == 1 else read


def read_iso(cell: Any) -> float:
    """An ISO 8601 time, UTC where it names no zone; ValueError or TypeError if it is none.

    >>> read_iso("2012-02-01 00:00:00+00:00")
    1328054400.0
    """
    if not isinstance(cell, str):
        raise TypeError(str(cell))
    moment = dt.datetime.fromisoformat(cell.strip())
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)).timestamp()


def clock_reader(midnight_s: int) -> Callable[[Any], float]:
    """How times of day, ``9:30:00.5``, become seconds since the epoch; ValueError or TypeError if they do not."""

    def read(cell: Any) -> float:
        if not is_clock(cell):
            raise ValueError(str(cell))
        text = cell.strip()
        time = dt.time.fromisoformat("0" + text if text[1] == ":" else text)
        seconds = midnight_s + time.hour * 3600 + time.minute * 60 + time.second
        return (seconds * 1_000_000 + time.microsecond) / 1_000_000

    return read


def midnight_of(date: dt.date) -> int:
    """Seconds from the epoch to a day's midnight, UTC."""
    return (dt.date(date.year, date.month, date.day) - dt.date(1970, 1, 1)).days * DAY_S


def unit_of(number: Decimal) -> str | None:
    """The one unit in which the number is a date of 1990 to 2100, or None."""
    return next((unit for unit, scale in SCALES.items() if EARLIEST_S * scale <= number < LATEST_S * scale), None)


def is_number(cell: Any) -> bool:
    """Whether a cell is a number that can be thought a stamp, or the text of one."""
    if isinstance(cell, str):
        return len(cell) <= MAX_DIGITS and NUMBER.fullmatch(cell) is not None
    return isinstance(cell, int | float | Decimal) and not isinstance(cell, bool) and abs(cell) < 10**MAX_DIGITS


def is_clock(cell: Any) -> bool:
    """Whether a cell looks like a time of day without a date."""
    return isinstance(cell, str) and CLOCK_TIME.fullmatch(cell) is not None


def is_iso(cell: Any) -> bool:
    """Whether a cell is an ISO 8601 time."""
    try:
        read_iso(cell)
    except (ValueError, TypeError, OverflowError):
        return False
    return True
