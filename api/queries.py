"""The parameters of a question, read once at the door."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Self, TypeVar
from urllib.parse import urlencode

import msgspec
from werkzeug.datastructures import MultiDict

from marketlab.analytics import INTERVALS
from marketlab.books import RunBook
from marketlab.errors import NotFoundError, QueryError
from marketlab.model import MAX_TIMESTAMP_S, Bar
from marketlab.wire import symbol_of

__all__ = ["MAX_ID", "BarQuery", "Page", "RunPage", "symbol_in_path", "text_of", "whole_of"]

MAX_ID = 2**63 - 1  # SQLite's largest row id
DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
DEFAULT_BARS = 120
MAX_BARS = 300

Row = TypeVar("Row")
_BOOLEANS = {"true": True, "false": False}
#: A JSON number without a sign; float() would also take "nan", "1_0" and other digits than ours.
_NUMBER = re.compile(r"[0-9]{1,24}(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?")


class Page(msgspec.Struct, frozen=True):
    """A piece of a list that is ordered newest first.

    ``limit``: rows in the answer, 1 to 1,000; ``before``: only rows older than the one with this id.
    """

    limit: int = DEFAULT_LIMIT
    before: int | None = None

    @classmethod
    def parse(cls, args: MultiDict[str, str]) -> Self:
        """From a query string.

        :raises QueryError: not a whole number within bounds; the pointer names the parameter
        """
        return cls(
            limit=whole_of(args, "limit", at_most=MAX_LIMIT) or DEFAULT_LIMIT,
            before=whole_of(args, "before", at_most=MAX_ID),
        )

    def cut(
        self, rows: Sequence[Row], id_of: Callable[[Row], int], **more: str | None
    ) -> tuple[Sequence[Row], str | None]:
        """The page out of ``limit + 1`` rows, and the ``Link`` to the next one if a row is left over.

        The link is a query alone, so that it also leads on below a prefix.

        :param more: other parameters of the question, to be asked again
        """
        page = rows[: self.limit]
        if len(rows) <= self.limit:
            return page, None
        return page, _next(limit=self.limit, before=id_of(page[-1]), **more)


class RunPage(msgspec.Struct, frozen=True):
    """A piece of the runs of the books, ordered by log and run, the last one first: run ids begin with their time.

    ``limit``: runs in the answer, 1 to 1,000; ``before``: only runs that stand before this (log, run), which a query
    writes as one text with a space between them; ``balanced``: only those that balance, or that do not.
    """

    limit: int = DEFAULT_LIMIT
    before: tuple[str, str] | None = None
    balanced: bool | None = None

    @classmethod
    def parse(cls, args: MultiDict[str, str]) -> Self:
        """From a query string.

        :raises QueryError: a value that has no meaning; the pointer names the parameter
        """
        before, balanced = text_of(args, "before"), text_of(args, "balanced")
        if before is not None and " " not in before:
            raise QueryError(f"before must be a log and a run as in Link, was {before[:40]!r}", pointer="/before")
        if balanced is not None and balanced not in _BOOLEANS:
            raise QueryError(f"balanced must be true or false, was {balanced[:40]!r}", pointer="/balanced")
        log, _, run = (before or "").rpartition(" ")
        return cls(
            limit=whole_of(args, "limit", at_most=MAX_LIMIT) or DEFAULT_LIMIT,
            before=None if before is None else (log, run),
            balanced=None if balanced is None else _BOOLEANS[balanced],
        )

    def cut(self, runs: Sequence[RunBook]) -> tuple[Sequence[RunBook], str | None]:
        """The page out of all runs, and the ``Link`` to the next one if a run is left over."""
        wanted = (
            run
            for run in reversed(runs)
            if (self.before is None or (run.log, run.run) < self.before) and self.balanced in (None, run.balanced)
        )
        found = list(islice(wanted, self.limit + 1))
        page = found[: self.limit]
        if len(found) <= self.limit:
            return page, None
        balanced = None if self.balanced is None else str(self.balanced).lower()
        return page, _next(limit=self.limit, before=f"{page[-1].log} {page[-1].run}", balanced=balanced)


class BarQuery(msgspec.Struct, frozen=True):
    """Which bars of a symbol.

    ``interval``: a name out of :data:`marketlab.analytics.INTERVALS`; ``limit``: bars in the answer, 1 to 300;
    ``before``: only bars that start before this time, in seconds since the epoch.
    """

    interval: str = "1s"
    limit: int = DEFAULT_BARS
    before: float | None = None

    @classmethod
    def parse(cls, args: MultiDict[str, str]) -> Self:
        """From a query string.

        :raises QueryError: a value that has no meaning; the pointer names the parameter
        """
        given = text_of(args, "interval")
        interval = cls().interval if given is None else given
        if interval not in INTERVALS:
            raise QueryError(
                f"interval must be one of {', '.join(INTERVALS)}, was {interval[:40]!r}", pointer="/interval"
            )
        return cls(
            interval=interval,
            limit=whole_of(args, "limit", at_most=MAX_BARS) or DEFAULT_BARS,
            before=_time(args, "before"),
        )

    @property
    def interval_s(self) -> int:
        """Seconds from edge to edge."""
        return INTERVALS[self.interval]

    def link(self, bars: Sequence[Bar]) -> str | None:
        """The ``Link`` to the bars before these; None when there can be no more."""
        if len(bars) < self.limit:
            return None
        return _next(interval=self.interval, limit=self.limit, before=bars[0].start)


def symbol_in_path(text: str) -> str:
    """The symbol that an address names.

    :raises NotFoundError: no symbol is written like that
    """
    name = symbol_of(text)
    if name is None:
        raise NotFoundError("no symbol is written like that", mend="1-32 of A-Z 0-9 . - / : _ = make a symbol.")
    return name


def text_of(args: MultiDict[str, str], name: str) -> str | None:
    """A parameter that may be given once.

    :raises QueryError: given more than once
    """
    values = args.getlist(name)
    if len(values) > 1:
        raise QueryError(f"{name} is given {len(values)} times, once is enough", pointer=f"/{name}")
    return values[0] if values else None


def whole_of(args: MultiDict[str, str], name: str, *, at_most: int, at_least: int = 1) -> int | None:
    """A parameter that is a whole number, or None if it is not given.

    :raises QueryError: it is something else, or out of bounds; the pointer names the parameter
    """
    text = text_of(args, name)
    if text is None:
        return None
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(at_most))
    if not (digits and at_least <= int(text) <= at_most):
        raise QueryError(
            f"{name} must be a whole number from {at_least} to {at_most}, was {text[:40]!r}",
            pointer=f"/{name}",
        )
    return int(text)


def _next(**query: float | str | None) -> str:
    return f'<?{urlencode({name: value for name, value in query.items() if value is not None})}>; rel="next"'


def _time(args: MultiDict[str, str], name: str) -> float | None:
    text = text_of(args, name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text) or not 0 < float(text) <= MAX_TIMESTAMP_S:
        raise QueryError(
            f"{name} must be seconds since the epoch, above 0 and at most {MAX_TIMESTAMP_S:.0f}, was {text[:40]!r}",
            pointer=f"/{name}",
        )
    return float(text)
