"""Rows of JSON Lines: one flat object a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec

from marketlab.errors import SourceError
from marketlab.model import Reason
from marketlab.sources.opening import TextFile
from marketlab.sources.reading import refuse_statements, show
from marketlab.sources.request import Request
from marketlab.sources.table import SAMPLE_ROWS, Table, TableReading, plan_table

__all__ = ["JsonTable", "plan_json_lines"]

BAD_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class JsonTable(Table):
    """JSON Lines; the columns are the names in the first objects."""

    names: Sequence[str]

    def __init__(self, file: TextFile) -> None:
        self.file, self._file = file.name, file
        self.format = (f"{file.packing}, " if file.packing else "") + "JSON Lines"
        names: dict[str, None] = {}
        self.first_row = ""
        try:
            for row in islice(self.rows(Counter()), SAMPLE_ROWS):
                self.first_row = self.first_row or show(msgspec.json.encode(row))
                names.update(dict.fromkeys(row))
        except SourceError:
            if not names:
                raise
        if not names:
            raise SourceError(f"{file.name}: no JSON object was found in the first lines")
        self.names = list(names)

    def rows(self, skipped: Counter[str]) -> Iterator[dict[str, Any]]:
        """Yield objects; counts ``blank``, ``not_json``, ``not_an_object`` and ``control`` (closing records)."""
        decode = msgspec.json.Decoder().decode
        for line in self._file.lines(skipped):
            try:
                row = decode(line)
            except BAD_JSON:
                skipped[Reason.NOT_JSON.value if line.strip() else "blank"] += 1
                continue
            if not isinstance(row, dict):
                skipped[Reason.NOT_AN_OBJECT.value] += 1
            elif row.get("type") == "close":
                skipped["control"] += 1
            else:
                yield row

    def key(self, position: int) -> str:
        """Objects give their cells by name."""
        return self.names[position]


def plan_json_lines(file: TextFile, request: Request) -> TableReading:
    """Decide how the objects of a file are read.

    :raises SourceError: something was said that JSON Lines do not have, or more must be said
    """
    refuse_statements(request, "delimiter", "header", file=file.name, why="JSON Lines have names instead")
    for role, column in request.columns.items():
        if isinstance(column, int):
            raise SourceError(
                f"{file.name}: {role} = column {column} was given, but JSON objects have names, not positions",
                mend=f"For example --columns {role}=NAME.",
            )
    return plan_table(JsonTable(file), request)
