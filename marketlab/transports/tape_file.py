"""Reading a tape: whole lines from any place, and an index that grows with the file."""

from __future__ import annotations

import gzip
import zlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, Generic, NamedTuple, TypeVar, cast

import msgspec

from marketlab.errors import TapeError
from marketlab.transports.tape_format import MAX_LINE_BYTES, TapePlace, TapeRecord, decode_header

__all__ = ["Block", "Mark", "TapeFile"]

#: Bytes read at once: some 8,000 ticks, one mark of the index.
BLOCK_BYTES = 1 << 20

_MEND_DAMAGE = "Record the tape again, or cut it with a text editor before the damaged line."

_RecordT = TypeVar("_RecordT", TapeRecord, TapePlace)
_records: msgspec.json.Decoder[TapeRecord] = msgspec.json.Decoder(TapeRecord)
_places: msgspec.json.Decoder[TapePlace] = msgspec.json.Decoder(TapePlace)


class Mark(NamedTuple):
    """A place between two lines; ``line`` is the number of the one that follows, from 1."""

    byte: int
    line: int


@dataclass(frozen=True, slots=True)
class Block(Generic[_RecordT]):
    """Records that stand one after the other, and where they begin and end."""

    records: list[_RecordT]
    begin: Mark
    end: Mark


class TapeFile:
    """A tape opened for reading; plain or gz, told by its first bytes, not by its name.

    :param path: the file
    :raises TapeError: no such file, or not a tape
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file, self.compressed = _open(path)
        try:
            first = self._read_at(0, BLOCK_BYTES)
            line, newline, _ = first.partition(b"\n")
            self.header = decode_header(line if newline or len(first) < BLOCK_BYTES else line[:60], path=path)
        except BaseException:
            self._file.close()
            raise
        self.begin = Mark(len(line) + len(newline), 2)
        #: Where the index ends, and for each partition the first offset and the one after the last, as far as scanned.
        self.scanned = self.begin
        self.oldest: list[int | None] = [None] * self.header.partitions
        self.ends = [0] * self.header.partitions
        #: What stands behind the last newline is a whole record: the writer was killed before the newline.
        self.ends_without_newline = not newline
        self._marks = [self.begin]
        self._mark_ends = [tuple(self.ends)]
        self._complete = False

    @property
    def log_id(self) -> str:
        """``tape:ID``."""
        return f"tape:{self.header.tape}"

    def read(self, mark: Mark) -> Block[TapeRecord]:
        """The records of the next block from a mark on; none at the end of the file.

        :raises TapeError: the line at the mark is damaged
        """
        return self._read(mark, _records)

    def scan(self) -> None:
        """Bring the index to the end of the file as it is now; what was scanned before is not read again.

        :raises TapeError: a line is damaged; names it
        """
        while not self._complete:
            block = self._read(self.scanned, _places)
            if block.end == block.begin:
                self._complete = self.compressed  # a plain file may grow
                return
            ends = list(self.ends)
            self.check_order(block, ends)
            for record in block.records:
                if self.oldest[record.partition] is None:
                    self.oldest[record.partition] = record.offset
            self.ends = ends
            self.scanned = block.end
            self._marks.append(block.end)
            self._mark_ends.append(tuple(ends))

    def available(self) -> dict[int, tuple[int, int]]:
        """By partition, the oldest offset and the one after the last, as far as scanned."""
        return {
            partition: (end if oldest is None else oldest, end)
            for partition, (oldest, end) in enumerate(zip(self.oldest, self.ends, strict=True))
        }

    def mark_before(self, wanted: Mapping[int, int]) -> tuple[Mark, list[int]]:
        """The last mark of the index that skips nothing of what is wanted.

        :param wanted: next offset by partition
        :returns: the mark, and for every partition the offset after the last one that stands before it
        """
        found = len(self._marks) - 1
        for partition, offset in wanted.items():
            # Ends never fall from one mark to the next, so the first too large one can be searched for.
            found = min(found, bisect_right(self._mark_ends, offset, key=itemgetter(partition)) - 1)
        found = max(found, 0)
        return self._marks[found], list(self._mark_ends[found])

    def check_order(self, block: Block[_RecordT], ends: list[int]) -> None:
        """Hold a block to ascending offsets and known partitions; moves ``ends`` along.

        :raises TapeError: names the line
        """
        partitions = len(ends)
        for index, record in enumerate(block.records):
            partition = record.partition
            if partition >= partitions:
                raise self._damage(
                    self._line_of(block, index), f"partition {partition} of a tape of {partitions} partitions"
                )
            if record.offset < ends[partition]:
                raise self._damage(
                    self._line_of(block, index),
                    f"offset {record.offset} of partition {partition} after offset {ends[partition] - 1}",
                )
            ends[partition] = record.offset + 1

    def size(self) -> int:
        """Bytes of the whole lines scanned so far; behind them stands nothing, or the torso of a record."""
        return self.scanned.byte

    def close(self) -> None:
        """Close. Idempotent."""
        self._file.close()

    def _read(self, mark: Mark, decoder: msgspec.json.Decoder[_RecordT]) -> Block[_RecordT]:
        data, at_end = self._lines_at(mark.byte)
        whole = data.rfind(b"\n") + 1
        tail = data[whole:] if at_end else b""
        records, lines = self._decode(data[:whole], mark, decoder)
        if records is None:  # a damaged line; what stands before it is good
            good = data[: _nth_line(data, lines)]
            records = decoder.decode_lines(good)
            return Block(records, mark, Mark(mark.byte + len(good), mark.line + lines))
        end = Mark(mark.byte + whole, mark.line + lines)
        if tail:
            try:
                records.append(decoder.decode(tail))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                if self.compressed:  # nobody will write the rest
                    raise self._damage(end.line, str(error)) from error
            else:
                end = Mark(end.byte + len(tail), end.line)
        if decoder is _places and end.byte > mark.byte:
            self.ends_without_newline = data[end.byte - mark.byte - 1 : end.byte - mark.byte] != b"\n"
        return Block(records, mark, end)

    def _decode(
        self, data: bytes, mark: Mark, decoder: msgspec.json.Decoder[_RecordT]
    ) -> tuple[list[_RecordT] | None, int]:
        """Records and their number of lines; None and the number of good lines before a damaged one."""
        try:
            return decoder.decode_lines(data), data.count(b"\n")
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
        for good, line in enumerate(data.split(b"\n")[:-1]):
            if not line.strip():
                continue
            try:
                decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                if good == 0:
                    raise self._damage(mark.line, f"{error}, in {line[:60]!r}") from error
                return None, good
        raise AssertionError("a block that cannot be decoded has a line that cannot be")  # pragma: no cover

    def _lines_at(self, byte: int) -> tuple[bytes, bool]:
        """Bytes from a place on that hold a whole line if there is one, and whether the file ends with them."""
        wanted = BLOCK_BYTES
        while True:
            data = self._read_at(byte, wanted)
            if len(data) < wanted:
                return data, True
            if b"\n" in data:
                return data, False
            if wanted > MAX_LINE_BYTES:
                raise TapeError(
                    f"{self.path}, byte {byte}: no line end within {MAX_LINE_BYTES} bytes", mend=_MEND_DAMAGE
                )
            wanted *= 2

    def _read_at(self, byte: int, length: int) -> bytes:
        try:
            self._file.seek(byte)
            data = self._file.read(length)
            if not data and not self.compressed and self._file.seek(0, 2) < byte:
                raise TapeError(
                    f"{self.path}: was at least {byte} bytes long, is shorter now",
                    mend="A tape only grows; whatever cut it must leave it alone while it is read.",
                )
        except (OSError, EOFError, zlib.error) as error:
            raise TapeError(f"{self.path}: cannot be read: {error}", mend=_MEND_DAMAGE) from error
        return data

    def _line_of(self, block: Block[_RecordT], index: int) -> int:
        """The line number of a record; blank lines are counted, so the lines are walked again."""
        data, _ = self._lines_at(block.begin.byte)
        seen = -1
        for number, line in enumerate(data.split(b"\n"), start=block.begin.line):
            seen += bool(line.strip())
            if seen == index:
                return number
        return block.begin.line + index  # pragma: no cover

    def _damage(self, line: int, what: str) -> TapeError:
        return TapeError(f"{self.path}, line {line}: damaged: {what}", mend=_MEND_DAMAGE)


def _nth_line(data: bytes, count: int) -> int:
    """Bytes of the first ``count`` lines."""
    end = 0
    for _ in range(count):
        end = data.index(b"\n", end) + 1
    return end


def _open(path: Path) -> tuple[BinaryIO, bool]:
    try:
        file = path.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise TapeError(
            f"{path}: there is no such tape", mend="`marketlab record FILE` records one; a producer with tape:FILE too."
        ) from error
    except OSError as error:
        raise TapeError(f"{path}: cannot be opened: {error}") from error
    compressed = file.read(2) == b"\x1f\x8b"
    if not compressed:
        return cast("BinaryIO", file), False
    file.close()
    return cast("BinaryIO", gzip.open(path, "rb")), True
