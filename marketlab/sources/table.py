"""Rows of cells to ticks, whatever kind of file the rows come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from marketlab.errors import SourceError
from marketlab.model import Tick
from marketlab.sources.bars import bar_length
from marketlab.sources.columns import resolve
from marketlab.sources.numbers import NumberStyle, read_number, read_text, read_text_with_comma, style_of
from marketlab.sources.reading import Reading
from marketlab.sources.request import COLUMNS_MEND, Request
from marketlab.sources.tick_maker import TickMaker
from marketlab.sources.times import plan_stamps

__all__ = ["SAMPLE_ROWS", "Table", "TableReading", "TextTable", "plan_table"]

#: Rows that are looked at before it is decided how all are read.
SAMPLE_ROWS = 1000

NO_SYMBOL = "no column is known to hold the symbol"
SYMBOL_MEND = "Say whose prices these are, for example --symbol BCH/EUR, or which column: --columns symbol=3."

NOTES = {
    "trades": "",
    "quotes": "prices are mid prices, (bid + ask) / 2, and crossed quotes (ask below bid) are left out",
    "bars": "prices are the closes of bars of {length:g} s; stamps are taken as the bars' beginnings, "
    "so that each close comes {length:g} s later",
}


class Table(ABC):
    """A file as rows of cells.

    ``file``: its name for people; ``format``: how it is read, for people; ``names``: of the columns in their order,
    or None; ``first_row``: as it stands in the file, for people.
    """

    file: str
    format: str
    names: Sequence[str] | None
    first_row: str

    @abstractmethod
    def rows(self, skipped: Counter[str]) -> Iterator[Any]:
        """Yield rows, each cell at its column's :meth:`key`; rows that are none are counted by kind.

        :raises SourceError: the data cannot be read any further; every whole row before was given
        """

    def select(self, positions: Collection[int]) -> None:  # noqa: B027 (reading all columns is right, if slower)
        """Only these columns will be wanted, and :meth:`key` asked for no other."""

    def key(self, position: int) -> Any:
        """What a row gives the cell of a column for."""
        return position

    def time_unit(self, position: int) -> str | None:  # noqa: ARG002 (for tables whose columns have types)
        """The unit of the stamps in a column, where the file's types say it."""
        return None

    def number(self, prices: Sequence[Any]) -> Callable[[Any], float]:  # noqa: ARG002 (for tables of text)
        """How numbers are read, given the prices of the first rows."""
        return read_number


class TextTable(Table):
    """A table whose cells are all text."""

    def number(self, prices: Sequence[Any]) -> Callable[[Any], float]:
        """How numbers are read: with a decimal point or a decimal comma."""
        return read_text if style_of(prices, file=self.file) is NumberStyle.POINT else read_text_with_comma


class TableReading(Reading):
    """A table, and all that was decided about it.

    ``ticks_in_sample``: how many of its first rows are ticks, to tell a good decision from a bad one.
    """

    mend = f"Say which columns hold what. {COLUMNS_MEND}"

    def __init__(self, table: Table, make: Callable[[Any], Tick | str], *, notes: str, ticks_in_sample: int) -> None:
        self.file, self.first_row = table.file, table.first_row
        self.ticks_in_sample = ticks_in_sample
        self._table, self._make, self._notes = table, make, notes

    def ticks(self, skipped: Counter[str]) -> Iterator[Tick]:
        """Yield the ticks of the rows."""
        make = self._make
        for row in self._table.rows(skipped):
            made = make(row)
            if made.__class__ is Tick:
                yield made
            else:
                skipped[made] += 1  # type: ignore[index]  # the kind: what is no tick is a text

    def describe(self) -> str:
        """Format, columns and what was assumed."""
        return self._notes


def plan_table(table: Table, request: Request) -> TableReading:
    """Decide how a table is read, by what was said and by its first rows.

    :raises SourceError: it cannot be known what its rows mean
    """
    layout = resolve(table.names, request, file=table.file, first_row=table.first_row)
    table.select(layout.at.values())
    sample = _sample(table)
    keys = {role: table.key(position) for role, position in layout.at.items()}
    price_key = keys.get("price", keys.get("bid", keys.get("close")))
    number = table.number(_column(sample, price_key))
    cells = _column(sample, keys["timestamp"])
    if number is read_text_with_comma:
        cells = list(map(_with_point, cells))
    no_symbol = "symbol" not in keys and request.symbol is None
    try:
        stamps = plan_stamps(
            cells,
            unit=request.time_unit,
            date=request.date,
            file=table.file,
            unit_of_file=table.time_unit(layout.at["timestamp"]) or layout.time_unit,
        )
    except SourceError as error:
        if not no_symbol:
            raise
        # Said together, or the second would be asked for only when the first has been answered.
        raise SourceError(f"{error.message}; and {NO_SYMBOL}", mend=f"{error.mend} {SYMBOL_MEND}") from error
    if no_symbol:
        raise SourceError(f"{table.file}: {NO_SYMBOL}; the first row is {table.first_row}", mend=SYMBOL_MEND)
    if number is read_text_with_comma:
        read_stamp = stamps.read
        stamps = replace(stamps, read=lambda cell: read_stamp(_with_point(cell)))
    length_s = bar_length(cells, stamps, file=table.file) if layout.kind == "bars" else 0.0
    make = TickMaker(keys, stamps=stamps, number=number, symbol=request.symbol, length_s=length_s).make
    notes = (
        table.format,
        layout.describe(table.names),
        NOTES[layout.kind].format(length=length_s),
        "decimal comma" if number is read_text_with_comma else "",
        stamps.note,
        f"symbol {request.symbol}" if request.symbol else "",
    )
    return TableReading(
        table,
        make,
        notes="; ".join(filter(None, notes)),
        ticks_in_sample=sum(make(row).__class__ is Tick for row in sample),
    )


def _sample(table: Table) -> list[Any]:
    sample, skipped = [], Counter[str]()
    try:
        for row in islice(table.rows(skipped), SAMPLE_ROWS):
            sample.append(row)  # noqa: PERF402 (what came before the error is kept)
    except SourceError:
        if not sample:
            raise
        # Damaged further down: the iteration will say so, after the ticks that can be read.
    if not sample:
        counts = ", ".join(f"{count:,} {kind}" for kind, count in skipped.most_common())
        names = f" below the header ({', '.join(table.names)})" if table.names else ""
        raise SourceError(
            f"{table.file}: there are no rows{names}" + (f" that can be read: {counts}" if counts else ""),
            mend="Give a file with at least one tick.",
        )
    return sample


def _with_point(cell: str) -> str:
    return cell.replace(",", ".")


def _column(sample: Sequence[Any], key: Any) -> list[Any]:
    return [row.get(key) if isinstance(row, dict) else row[key] for row in sample]
