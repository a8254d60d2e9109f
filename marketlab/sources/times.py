"""How the stamps of a file are to be read: as stated, or as is safe to tell.

A number is told by its size, and only where it can be nothing else: in seconds, milliseconds, microseconds and
nanoseconds the dates of 1990 to 2100 have sizes that do not overlap. Stamps that count from midnight need the day.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from marketlab.errors import SourceError
from marketlab.sources import stamps
from marketlab.sources.stamps import DAY_S, EARLIEST_S, LATEST_S, SCALES
from marketlab.wire import MAX_TIMESTAMP_S

__all__ = ["Stamps", "plan_stamps"]

WORDS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds", "iso": "ISO 8601"}
DAY_AS_NUMBER = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", re.ASCII)
DATE_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_]?(0[1-9]|1[0-2])[-_]?(0[1-9]|[12]\d|3[01])(?!\d)", re.ASCII)

FEW = 0.1  # of the first stamps

#: A stamp of 1990 to 2100 that is read in a unit a thousand times too fine falls before 18 February 1970.
SOON_AFTER_1970_S = LATEST_S / 1_000

UNIT_MEND = "Say what the stamps are: --time-unit s, ms, us, ns or iso."
COLUMN_MEND = "Say which column holds the timestamps: --columns timestamp=0 (a position from 0 on, or a name)."


@dataclass(frozen=True, slots=True)
class Stamps:
    """How the stamps of a file are read.

    ``read``: a cell to seconds since the epoch, ValueError or TypeError where it is no stamp; valid ones are above
    ``low`` and below ``high``; ``note``: what was found or assumed, for people.
    """

    read: Callable[[Any], float]
    note: str
    low: float = 0.0
    high: float = MAX_TIMESTAMP_S


def plan_stamps(
    cells: Sequence[Any], *, unit: str | None, date: dt.date | None, file: str, unit_of_file: str | None = None
) -> Stamps:
    """How to read the stamps of a file, of which ``cells`` are the first ones.

    :param unit: as stated by whoever replays, or None
    :param date: the day whose midnight the stamps count from, or None
    :param unit_of_file: as the file itself says it (its column's name or type), or None
    :raises SourceError: unit or date contradict the stamps, or must be stated
    """
    cells = [cell for cell in cells if cell is not None and cell != ""]
    if not cells:
        raise SourceError(f"{file}: the column of the timestamps is empty in the first rows", mend=COLUMN_MEND)
    plan = _Plan(cells, date, file, by="--time-unit" if unit is not None else "the file")
    unit = unit or unit_of_file
    if unit == "iso":
        return plan.iso()
    if not plan.numbers:
        return plan.of_text(unit)
    return plan.from_midnight(unit) if date is not None else plan.from_epoch(unit)


class _Plan:
    """One decision, taken apart. ``by``: who said the unit, if somebody did."""

    def __init__(self, cells: Sequence[Any], date: dt.date | None, file: str, *, by: str) -> None:
        self.cells, self.date, self.file, self.by = cells, date, file, by
        self.numbers = [Decimal(str(cell).strip()) for cell in cells if stamps.is_number(cell)]
        self.first = str(cells[0]).strip()

    def of_text(self, unit: str | None) -> Stamps:
        """Stamps of which none is a number."""
        if unit is not None:
            raise self._error(f"{self.by} says {WORDS[unit]}, but {self.first!r} is not a number", UNIT_MEND)
        if any(map(stamps.is_iso, self.cells)):
            return self.iso()
        if any(map(stamps.is_clock, self.cells)):
            return self._clock_times()
        raise self._error(f"the timestamp {self.first!r} is neither a number nor an ISO 8601 time", COLUMN_MEND)

    def iso(self) -> Stamps:
        """Stamps that are ISO 8601, as somebody said or their looks say."""
        texts = [str(cell).strip() for cell in self.cells if stamps.is_iso(cell)]
        if not texts:
            if any(map(stamps.is_clock, self.cells)):
                return self._clock_times()
            raise self._error(f"{self.by} says iso, but {self.first!r} is no ISO 8601 time", UNIT_MEND)
        if self.date is not None:
            raise self._error(
                f"--date {self.date} was given, but stamps like {texts[0]!r} have a date of their own",
                "Leave --date out.",
            )
        naive = any(dt.datetime.fromisoformat(text).tzinfo is None for text in texts)
        return Stamps(stamps.read_iso, "ISO 8601 times" + (" without a time zone, taken as UTC" if naive else ""))

    def _clock_times(self) -> Stamps:
        if self.date is None:
            raise self._without_day(f"times like {self.first!r}")
        midnight = stamps.midnight_of(self.date)
        return Stamps(stamps.clock_reader(midnight), f"times of day of {self.date}, taken as UTC")

    def from_epoch(self, unit: str | None) -> Stamps:
        """Numbers that count from 1970."""
        if unit is not None:
            self._must_fit(unit)
            return Stamps(stamps.reader(unit), f"stamps in {WORDS[unit]}, as {self.by} says", low=SOON_AFTER_1970_S)
        units = Counter(map(stamps.unit_of, self.numbers))
        strange = units.pop(None, 0)
        # Fewer than that are bad rows: no stamp that is read in one unit can pass in another.
        told = [unit for unit in SCALES if units[unit] > FEW * len(self.numbers)]
        if len(told) > 1:
            examples = (next(number for number in self.numbers if stamps.unit_of(number) == unit) for unit in told)
            raise self._error(f"the timestamps are in several units: {' and '.join(map(str, examples))}", UNIT_MEND)
        if told and units[told[0]] > strange:
            return Stamps(
                stamps.reader(told[0]),
                f"stamps read as {WORDS[told[0]]} (in no other unit are they dates of 1990 to 2100)",
                low=EARLIEST_S - 1,
                high=LATEST_S,
            )
        if min(self.numbers) >= 0 and max(self.numbers) < DAY_S * SCALES["ms"]:
            raise self._without_day(f"stamps like {self.first}", unit="ms")
        raise self._error(
            f"the timestamp {self.first} is in no unit a date of 1990 to 2100",
            f"{UNIT_MEND} If they count from midnight, give --date too.",
        )

    def _must_fit(self, unit: str) -> None:
        """Refuse a unit, stated by somebody, in which the stamps are nonsense."""
        for number in self.numbers:
            told, seconds = stamps.unit_of(number), number / SCALES[unit]
            if told is not None and not EARLIEST_S <= seconds < LATEST_S:
                raise self._error(
                    f"{self.by} says {WORDS[unit]}, but {number} is a date in {WORDS[told]}",
                    f"Say --time-unit {told}, or another column: --columns timestamp=….",
                )
            if seconds >= MAX_TIMESTAMP_S:
                raise self._error(f"{self.by} says {WORDS[unit]}, but {number} would be after the year 5000", UNIT_MEND)
        if max(self.numbers) < DAY_S * SCALES[unit]:
            raise self._without_day(f"stamps like {self.first}", unit=unit)

    def from_midnight(self, stated: str | None) -> Stamps:
        """Numbers that count from the midnight of the day that was given."""
        assert self.date is not None  # noqa: S101 (for the type checker)
        largest = max(self.numbers)
        epoch = stamps.unit_of(largest)
        if epoch is not None and (stated is None or largest >= DAY_S * SCALES[stated]):
            raise self._error(
                f"--date {self.date} was given, but {largest} is a date in {WORDS[epoch]} since 1970",
                "Leave --date out, or say --time-unit if they do count from midnight.",
            )
        unit = stated or self._unit_of_day(largest)
        if largest >= DAY_S * SCALES[unit]:
            raise self._error(f"{largest} {WORDS[unit]} after midnight of {self.date} is another day", UNIT_MEND)
        midnight = stamps.midnight_of(self.date)
        read = stamps.reader(unit, midnight_s=midnight)
        note = f"stamps read as {WORDS[unit]} since midnight of {self.date}, taken as UTC"
        low = math.nextafter(midnight, 0.0)  # midnight itself is a time of the day
        if stated is None:
            return Stamps(self._watched(read, midnight + DAY_S, unit), note, low=low)
        return Stamps(read, note, low=low, high=midnight + DAY_S)

    def _unit_of_day(self, largest: Decimal) -> str:
        """The unit of stamps since midnight: fractions mean seconds, whole numbers the coarsest in which they fit."""
        if largest < DAY_S:
            if any(number % 1 for number in self.numbers):
                return "s"
            raise self._error(
                f"the first stamps, up to {largest}, could be seconds or milliseconds since midnight",
                "Say which: --time-unit s or --time-unit ms.",
            )
        return next((unit for unit, scale in SCALES.items() if largest < DAY_S * scale), "ns")

    def _watched(self, read: Callable[[Any], float], end: float, unit: str) -> Callable[[Any], float]:
        """As ``read``, but a stamp beyond the day proves that the unit was told wrongly: that may not go on."""

        def watched(cell: Any) -> float:
            stamp = read(cell)
            if stamp >= end:
                raise self._error(
                    f"the stamps seemed to be {WORDS[unit]} since midnight of {self.date}, but {cell} is another day",
                    UNIT_MEND,
                )
            return stamp

        return watched

    def _without_day(self, what: str, *, unit: str | None = None) -> SourceError:
        in_name = DATE_IN_NAME.search(self.file)
        mend = "Give the day: --date "
        mend += "-".join(in_name.groups()) + " (the file's name has this date)." if in_name else "YYYY-MM-DD."
        if DAY_AS_NUMBER.fullmatch(self.first):
            mend += f" If {self.first} is a day itself, say --time-unit iso."
        elif unit is not None:
            mend += f" Add --time-unit {unit} if they are {WORDS[unit]}."
        return self._error(f"{what} count from midnight, and of which day is not known", mend)

    def _error(self, message: str, mend: str) -> SourceError:
        return SourceError(f"{self.file}: {message}", mend=mend)
