"""Rows of Parquet files, a batch of a row group at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from marketlab.errors import SourceError
from marketlab.sources.reading import refuse_statements, show
from marketlab.sources.request import Request
from marketlab.sources.table import Table, TableReading, plan_table

__all__ = ["ParquetTable", "plan_parquet"]

BATCH_ROWS = 16_384


class ParquetTable(Table):
    """A Parquet file. Types that hold times say their unit; a timestamp without a zone is taken as UTC.

    :raises SourceError: pyarrow is missing, or the file cannot be read
    """

    names: Sequence[str]

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError as error:
            raise SourceError(
                f"{path.name}: reading Parquet needs pyarrow, which is not installed",
                mend="Install pyarrow, or this package with its extra: marketlab-pipeline[parquet].",
            ) from error
        self._arrow, self._parquet, self._path = pa, pq, path
        self.file, self.format = path.name, "Parquet"
        with self._open() as file:
            schema = file.schema_arrow
            empty = file.metadata.num_rows == 0
        if empty:
            raise SourceError(f"{self.file}: there are no rows", mend="Give a file with at least one tick.")
        self.names, self._types = list(schema.names), list(schema.types)
        self._selected = list(range(len(self.names)))
        first = next(self.rows(Counter()))
        self.first_row = show(", ".join(f"{name}={cell}" for name, cell in zip(self.names, first, strict=True)))

    def select(self, positions: Collection[int]) -> None:
        """Read only these columns from now on."""
        self._selected = sorted(set(positions))

    def key(self, position: int) -> int:
        """Rows hold the selected columns only."""
        return self._selected.index(position)

    def rows(self, skipped: Counter[str]) -> Iterator[tuple[Any, ...]]:  # noqa: ARG002 (every row is one)
        """Yield rows, times as whole numbers of their unit."""
        names = [self.names[position] for position in self._selected]
        with self._open() as file:
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=names, use_threads=False):
                cells = [self._cells(batch.column(self.names[at]), self._types[at]) for at in self._selected]
                yield from zip(*cells, strict=True)

    def time_unit(self, position: int) -> str | None:
        """The unit that the column's type says."""
        kind, types = self._types[position], self._arrow.types
        if types.is_date(kind):
            return "s"
        return str(kind.unit) if types.is_timestamp(kind) or types.is_time(kind) else None

    def _cells(self, column: Any, kind: Any) -> list[Any]:
        arrow = self._arrow
        if arrow.types.is_date(kind):
            column = column.cast(arrow.timestamp("s"))
        elif arrow.types.is_time32(kind):
            column = column.cast(arrow.int32())
        if arrow.types.is_date(kind) or arrow.types.is_timestamp(kind) or arrow.types.is_time64(kind):
            column = column.cast(arrow.int64())
        cells: list[Any] = column.to_pylist()
        return cells

    @contextmanager
    def _open(self) -> Iterator[Any]:
        try:
            with self._parquet.ParquetFile(self._path) as file:
                yield file
        except (self._arrow.ArrowException, OSError) as error:
            raise SourceError(
                f"{self.file}: the Parquet file is damaged or cut off: {error}", mend="Fetch the file again."
            ) from error


def plan_parquet(path: Path, request: Request) -> TableReading:
    """Decide how the rows of a Parquet file are read.

    :raises SourceError: something was said that Parquet does not have, or more must be said
    """
    refuse_statements(request, "delimiter", "header", file=path.name, why="Parquet says this itself")
    return plan_table(ParquetTable(path), request)
