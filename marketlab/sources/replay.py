"""Replay of a recorded file: what it is, is told by its first bytes and rows, and said by ``describe()``.

CSV in every common form, JSON Lines, raw exchange captures and tapes, each plain, gzipped or alone in a zip archive,
and Parquet. Rows keep their order. What cannot be known for sure is refused, with what to say about it; what is no
tick is counted by kind.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import msgspec

from marketlab.errors import SourceError
from marketlab.model import Tick
from marketlab.ports import Source
from marketlab.sources.capture import STAMPED, plan_capture
from marketlab.sources.csv_rows import plan_csv
from marketlab.sources.json_lines import plan_json_lines
from marketlab.sources.opening import TextFile, inspect
from marketlab.sources.parquet import plan_parquet
from marketlab.sources.reading import Reading
from marketlab.sources.request import Request
from marketlab.sources.tape import is_tape_header, plan_tape

__all__ = ["Replay"]

FIRST_LINES = 20  # the form that most of them have is the file's: the first may be cut off


class Replay(Source):
    """The ticks of a recorded file, with its own times.

    :param path: the file; read twice, for its first rows are looked at before any tick is given
    :param columns: role → column name or position from 0; roles: timestamp, symbol, price, size, bid, ask, close.
        What is not said is told by the names in the file
    :param symbol: whose prices these are, where the file does not say
    :param time_unit: ``s``, ``ms``, ``us``, ``ns`` or ``iso``; None: told by the size of the stamps where it is safe
    :param date: the day (UTC) whose midnight the stamps count from
    :param delimiter: what stands between columns, one character or its name (``tab``); None: tried
    :param header: whether the first row holds names; None: it does if there is no number and no time in it
    :raises SourceError: there is no such file, it cannot be read, or more must be said about it
    """

    recorded = True

    def __init__(
        self,
        path: Path,
        *,
        columns: Mapping[str, str | int] | None = None,
        symbol: str | None = None,
        time_unit: str | None = None,
        date: dt.date | None = None,
        delimiter: str | None = None,
        header: bool | None = None,
    ) -> None:
        super().__init__()
        self._reading = _plan(
            Request.checked(
                path,
                columns=columns,
                symbol=symbol,
                time_unit=time_unit,
                date=date,
                delimiter=delimiter,
                header=header,
            )
        )

    def __iter__(self) -> Iterator[Tick]:
        """Yield the ticks in the order of the file, from its beginning.

        :raises SourceError: the file is damaged (after all that could be read), or no row was a tick
        """
        self.skipped.clear()
        ticks = self._reading.ticks(self.skipped)
        first = next(ticks, None)
        if first is None:
            counts = ", ".join(f"{count:,} {kind}" for kind, count in self.skipped.most_common())
            raise SourceError(
                f"{self._reading.file}: no row is a tick ({counts or 'there are no rows'}); "
                f"the first row is {self._reading.first_row}, read as: {self._reading.describe()}",
                mend=self._reading.mend,
            )
        yield first
        yield from ticks

    def describe(self) -> str:
        """The file, its form, its columns and whatever was assumed about it."""
        return f"replay of {self._reading.file}: {self._reading.describe()}"


def _plan(request: Request) -> Reading:
    file = inspect(request.path)
    if isinstance(file, Path):
        return plan_parquet(file, request)
    lines = _first_lines(file)
    if lines and is_tape_header(lines[0]):
        return plan_tape(file, request, lines[0])
    form = Counter(map(_form, lines)).most_common(1)[0][0] if lines else "csv"
    if form == "capture":
        return plan_capture(file, request, lines[0])
    if form == "json":
        return plan_json_lines(file, request)
    if form == "array":
        raise SourceError(
            f"{file.name}: a JSON array was found, JSON Lines are read: one object a line",
            mend="Turn it into lines: jq -c '.[]' FILE.",
        )
    return plan_csv(file, request)


def _first_lines(file: TextFile) -> list[bytes]:
    lines: list[bytes] = []
    try:
        lines.extend(islice(filter(bytes.strip, file.lines(Counter())), FIRST_LINES))
    except SourceError:  # damaged already here: what was read so far must do, and the iteration will say it again
        if not lines:
            raise
    return lines


def _form(line: bytes) -> str:
    """``capture``, ``json``, ``array`` or ``csv``, by one line."""
    if STAMPED.match(line):
        return "capture"
    if line.lstrip().startswith(b"["):
        return "array"
    if not line.lstrip().startswith(b"{"):
        return "csv"
    try:
        message = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "json"
    is_message = {"stream", "data"} <= message.keys() or {"e", "E", "s"} <= message.keys()
    return "capture" if is_message else "json"
