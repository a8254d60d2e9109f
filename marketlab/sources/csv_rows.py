"""Rows of delimited text. One line is one row: a line break inside quotes is not read, and such rows are counted."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from marketlab.errors import SourceError
from marketlab.sources.opening import TextFile
from marketlab.sources.reading import show
from marketlab.sources.request import COLUMNS_MEND, Request
from marketlab.sources.table import SAMPLE_ROWS, TableReading, TextTable, plan_table

__all__ = ["CsvTable", "plan_csv"]

#: Delimiters that are tried, and what people call them.
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes", " ": "spaces"}

#: A cell of digits and of signs that stand in numbers and times: no column is called so.
VALUE = re.compile(r"[\s\d.,:;+\-/TZeE'\u00a0]*\d[\s\d.,:;+\-/TZeE'\u00a0]*|nan|[+-]?inf(inity)?", re.IGNORECASE)

#: Bid and ask of a quote differ by less than this share; a price and a size that do so in every row are no accident.
NEAR = 0.05


class CsvTable(TextTable):
    """Delimited text.

    :param header: the cells of the first row where these are names, else None
    :param width: cells a row; rows of another number are cut off or hold a delimiter too many, and are counted
    """

    def __init__(
        self, file: TextFile, *, delimiter: str, header: Sequence[str] | None, width: int, first_row: str
    ) -> None:
        self.file, self.names, self.first_row = file.name, header, first_row
        columns = "header" if header is not None else "no header"
        packing = f"{file.packing}, " if file.packing else ""
        self.format = f"{packing}CSV by {DELIMITERS.get(delimiter, repr(delimiter))}, {columns}"
        self._file, self._delimiter, self._width = file, delimiter, width

    def rows(self, skipped: Counter[str]) -> Iterator[list[str]]:
        """Yield rows; counts ``blank``, ``short_row``, ``long_row`` and ``broken_quotes``."""
        split, width = splitter(self._delimiter), self._width
        lines = self._file.lines(skipped)
        if self.names is not None:
            for line in lines:
                if line.strip():  # the header is the first line with something in it
                    break
                skipped["blank"] += 1
        for line in lines:
            cells = split(line)
            if cells is None:
                skipped["broken_quotes"] += 1
            elif len(cells) == width:
                yield cells
            elif not line.strip():
                skipped["blank"] += 1
            elif len(cells) < width:
                skipped["short_row"] += 1
            elif any(cells[width:]):
                skipped["long_row"] += 1
            else:  # delimiters after the last cell
                yield cells[:width]


def splitter(delimiter: str) -> Callable[[bytes], list[str] | None]:
    """How a line becomes cells; None for quotes that are not closed or end in the middle of a cell."""

    def split(line: bytes) -> list[str] | None:
        # What is not UTF-8 may stand in a column that nobody reads; in a symbol or a number it is refused there.
        text = line.decode("utf-8", "surrogateescape").rstrip("\r")
        if '"' in text:
            try:
                return next(csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=True))
            except (csv.Error, StopIteration):
                return None
        cells = text.split(delimiter)
        return list(filter(None, cells)) if delimiter == " " else cells  # blanks also align columns

    return split


def plan_csv(file: TextFile, request: Request) -> TableReading:
    """Find delimiter and header, and decide how the rows are read.

    The delimiter is the one by which the first rows are ticks; nothing is guessed where two would do.

    :raises SourceError: none will do, or more must be said
    """
    lines = _head(file)
    first = lines[0]
    found = {}
    for delimiter in [request.delimiter] if request.delimiter else DELIMITERS:
        cells = splitter(delimiter)(first)
        if cells is not None and len(cells) > 1:
            found[delimiter] = len(cells)
    if not found:
        by = repr(request.delimiter) if request.delimiter else ", ".join(DELIMITERS.values())
        raise SourceError(
            f"{file.name}: no columns were found by {by}; the first row is {show(first)}",
            mend="Say what stands between the columns, for example --delimiter ';'.",
        )
    plans: dict[str, TableReading] = {}
    errors: dict[str, SourceError] = {}
    for delimiter in sorted(found, key=found.__getitem__, reverse=True):
        try:
            plans[delimiter] = _plan(file, lines, delimiter, request)
        except SourceError as error:
            errors[delimiter] = error
    if not plans:
        raise next(iter(errors.values()))  # of the delimiter that makes the most columns
    good = [delimiter for delimiter, plan in plans.items() if plan.ticks_in_sample]
    if len(good) > 1:
        raise SourceError(
            f"{file.name}: the first rows are ticks by {' and by '.join(DELIMITERS[name] for name in good)}; "
            f"the first row is {show(first)}",
            mend="Say what stands between the columns: --delimiter ','.",
        )
    return plans[good[0]] if good else next(iter(plans.values()))


def _plan(file: TextFile, lines: Sequence[bytes], delimiter: str, request: Request) -> TableReading:
    rows = [cells for line in lines if (cells := splitter(delimiter)(line)) is not None]
    has_header = request.header
    if has_header is None:
        has_header = any(rows[0]) and not any(VALUE.fullmatch(cell) for cell in rows[0])
    header = [cell.strip() for cell in rows[0]] if has_header else None
    width = len(header) if header else Counter(map(len, rows)).most_common(1)[0][0]
    table = CsvTable(file, delimiter=delimiter, header=header, width=width, first_row=show(lines[0]))
    if header is None:
        _check_positions(table, request, width)
        if not request.columns and _are_quotes(file.name, rows, width):
            table.format += " (quotes, as the file's name says: stamp, bid, ask)"
            request = replace(request, columns={"timestamp": 0, "bid": 1, "ask": 2})
    return plan_table(table, request)


def _head(file: TextFile) -> list[bytes]:
    """The first lines with something in them."""
    lines: list[bytes] = []
    try:
        lines.extend(islice(filter(bytes.strip, file.lines(Counter())), SAMPLE_ROWS))
    except SourceError:
        if not lines:
            raise
    if not lines:
        raise SourceError(f"{file.name}: there are only blank lines", mend="Give a file with at least one tick.")
    return lines


def _check_positions(table: CsvTable, request: Request, width: int) -> None:
    for role, column in request.columns.items():
        if isinstance(column, int) and column >= width:
            raise SourceError(
                f"{table.file}: {role} = column {column} was wanted, the last column is {width - 1}; "
                f"the first row is {table.first_row}",
                mend=COLUMNS_MEND,
            )


def _are_quotes(name: str, rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether rows without a header are stamp, bid and ask: the file's name says quote, and so do the numbers."""
    if "quote" not in name.lower() or width != 3:
        return False
    try:
        pairs = [(float(row[1]), float(row[2])) for row in rows if len(row) == width]
    except ValueError:
        return False
    return all(bid > 0 and abs(ask - bid) < NEAR * bid for bid, ask in pairs)
