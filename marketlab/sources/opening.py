"""Files as lines of bytes, whatever they are packed in; nothing larger than one line is held."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from marketlab.errors import SourceError

__all__ = ["TextFile", "inspect"]

CHUNK_BYTES = 256 * 1024
MAX_LINE_BYTES = 16 * 1024 * 1024  # a book snapshot of an exchange has some 300 KB
BOM = b"\xef\xbb\xbf"

GZIP, ZIP, PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"PAR1"
#: First bytes of what cannot be read here → what it is, and the command that makes it readable.
FOREIGN = {
    b"\x28\xb5\x2f\xfd": ("zstd-compressed", "Unpack it first: zstd -d FILE."),
    b"\xfd7zXZ": ("xz-compressed", "Unpack it first: xz -d FILE."),
    b"BZh": ("bzip2-compressed", "Unpack it first: bunzip2 FILE."),
    b"7z\xbc\xaf": ("a 7z archive", "Unpack it first: 7z x FILE."),
    b"PK\x05\x06": ("an empty zip archive", "Give an archive with one file inside."),
    b"\xff\xfe": ("UTF-16 text", "Save it as UTF-8."),
    b"\xfe\xff": ("UTF-16 text", "Save it as UTF-8."),
    b"ARROW1": ("an Arrow file", "Save it as Parquet or CSV."),
}
DAMAGE = (EOFError, OSError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file, perhaps compressed. ``member``: its name inside a zip archive, or None."""

    path: Path
    member: str | None = None
    gzipped: bool = False

    @property
    def name(self) -> str:
        """The file's name for people."""
        return self.path.name if self.member is None else f"{self.path.name} ({self.member})"

    @property
    def packing(self) -> str:
        """How it is packed, for people; "" for plain text."""
        return "gzip" if self.gzipped else "zip" if self.member is not None else ""

    def open(self, stack: ExitStack) -> IO[bytes]:
        """The unpacked bytes; ``stack`` closes what was opened."""
        stream: IO[bytes]
        if self.member is not None:
            stream = stack.enter_context(stack.enter_context(zipfile.ZipFile(self.path)).open(self.member))
        else:
            stream = stack.enter_context(self.path.open("rb"))
        if self.gzipped:
            stream = cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=stream)))
        return stream

    def lines(self, skipped: Counter[str]) -> Iterator[bytes]:
        """Yield the lines without their ends, the byte-order mark left out.

        Counts ``too_long`` lines, and ``truncated`` for the rest of a line at which damaged data end.

        :raises SourceError: the data cannot be read any further; every whole line before was given
        """
        done, rest, overlong = 0, b"", False
        separator = b""
        with ExitStack() as stack:
            try:
                stream = self.open(stack)
                while chunk := stream.read1(CHUNK_BYTES):  # type: ignore[attr-defined]
                    if not separator:
                        separator = b"\r" if b"\r" in chunk and b"\n" not in chunk else b"\n"
                        chunk = chunk.removeprefix(BOM)
                    lines = (rest + chunk).split(separator)
                    rest = lines.pop()
                    if overlong and lines:
                        del lines[0]  # the end of the line that was given up
                        overlong, done = False, done + 1
                    if len(rest) > MAX_LINE_BYTES or overlong:
                        skipped["too_long"] += not overlong
                        overlong, rest = True, b""
                    yield from lines
                    done += len(lines)
            except DAMAGE as error:
                if rest or overlong:
                    skipped["truncated"] += 1
                raise SourceError(
                    f"{self.name}: the data are damaged or cut off after line {done:,}: "
                    f"{str(error) or type(error).__name__}",
                    mend="Every whole line before was read. Fetch the file again, or go on with what was read.",
                ) from error
            if rest:
                yield rest


def inspect(path: Path) -> TextFile | Path:
    """What a file is, by its first bytes: lines of text, or the path of a Parquet file.

    :raises SourceError: there is no such file, it is empty, or of a kind that cannot be read
    """
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no regular file" if path.exists() else "nothing"
        raise SourceError(f"{path}: a file was wanted, {found} is there", mend="Check the path of replay:FILE.")
    file = TextFile(path)
    head = _head(file)
    if head.startswith(ZIP):
        file = TextFile(path, member=_only_member(path))
        head = _head(file)
    if head.startswith(GZIP):
        file = TextFile(path, member=file.member, gzipped=True)
        head = _head(file)
    if not head:
        raise SourceError(f"{file.name} is empty", mend="Give a file with at least one tick.")
    if head.startswith(PARQUET):
        if file.packing:
            raise SourceError(f"{file.name}: Parquet inside {file.packing} cannot be read", mend="Unpack it first.")
        return path
    if head.startswith((ZIP, GZIP)):
        raise SourceError(f"{file.name}: an archive inside {file.packing} cannot be read", mend="Unpack it first.")
    for magic, (kind, mend) in FOREIGN.items():
        if head.startswith(magic):
            raise SourceError(f"{file.name} is {kind}; text or Parquet was wanted", mend=mend)
    if b"\0" in head:
        raise SourceError(
            f"{file.name} is not text: there are NUL bytes at its start",
            mend="CSV, JSON Lines, a raw capture, a tape (each plain, gzip or zip) and Parquet can be replayed.",
        )
    return file


def _head(file: TextFile) -> bytes:
    with ExitStack() as stack:
        try:
            return file.open(stack).read1(4096)  # type: ignore[attr-defined,no-any-return]
        except DAMAGE as error:
            raise SourceError(
                f"{file.name} cannot be opened: {str(error) or type(error).__name__}",
                mend="Check that the file is whole and may be read.",
            ) from error


def _only_member(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not _is_litter(info)]
    except (zipfile.BadZipFile, OSError) as error:
        raise SourceError(
            f"{path.name}: a zip archive that is damaged or cut off: {error}", mend="Fetch the file again."
        ) from error
    if len(members) != 1:
        names = ", ".join(info.filename for info in members[:10]) + (", …" if len(members) > 10 else "")
        raise SourceError(
            f"{path.name}: one file inside was wanted, {len(members)} were found" + (f": {names}" if names else ""),
            mend="Unpack the archive and replay one of its files.",
        )
    if members[0].flag_bits & 1:
        raise SourceError(f"{path.name}: {members[0].filename} is encrypted", mend="Unpack the archive first.")
    return members[0].filename


def _is_litter(info: zipfile.ZipInfo) -> bool:
    """Folders, and what file managers leave in archives."""
    return info.is_dir() or info.filename.startswith("__MACOSX/") or Path(info.filename).name.startswith(".")
