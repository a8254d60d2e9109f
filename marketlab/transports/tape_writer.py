"""Recording: writing messages with the places and times they have in another log."""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec
from filelock import Timeout

from marketlab.errors import TapeError
from marketlab.ports import Chunk
from marketlab.transports.tape_format import encode_header, new_header, to_record
from marketlab.transports.tape_publisher import MEND_FOLDER, lock_beside, sync_folder

__all__ = ["TapeWriter"]

_encoder = msgspec.json.Encoder()


class TapeWriter:
    """Writes a whole tape; nothing stands under its name before :meth:`close`, then all of it.

    It grows under the name ``NAME.part`` and is renamed at the end. A recording that is interrupted is either closed,
    and keeps what it has, or discarded. After a kill the ``.part`` file of a plain recording is a tape as far as it
    goes; a new recording starts over it.

    :param path: the tape; compressed when the name ends in ``.gz``
    :param overwrite: replace a file of that name
    :raises TapeError: the file is there already, somebody else records to it, or it cannot be written
    """

    def __init__(self, path: Path, *, topic: str, partitions: int, overwrite: bool = False) -> None:
        if path.exists() and not overwrite:
            raise TapeError(f"{path}: wanted a new tape, found a file", mend="Choose another name, or say --force.")
        self.path = path
        self.header = new_header(topic=topic, partitions=partitions)
        #: Messages written so far.
        self.count = 0
        self._part = path.with_name(f"{path.name}.part")
        self._ends = [0] * partitions
        self._closed = False
        self._raw: IO[bytes] | None = None
        self._zip: gzip.GzipFile | None = None
        self._lock = lock_beside(path, "writer")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
            self._raw = self._part.open("wb")
            if path.suffix == ".gz":
                self._zip = gzip.GzipFile(path.stem, "wb", fileobj=self._raw, mtime=0, compresslevel=6)
            self._write(encode_header(self.header))
        except Timeout:
            raise TapeError(f"{path}: wanted to record, but somebody else writes to it already") from None
        except OSError as error:
            self.discard()
            raise TapeError(f"{path}: cannot be made: {error}", mend=MEND_FOLDER) from error

    @property
    def log_id(self) -> str:
        """``tape:ID`` of what is being written."""
        return f"tape:{self.header.tape}"

    def write(self, chunk: Chunk) -> None:
        """Append the messages of one partition, with their own offsets, times, keys and headers.

        :raises TapeError: the disk is full; what was written before can still be closed
        :raises ValueError: no such partition, or offsets that do not ascend
        """
        self._check_order(chunk)
        nothing: Sequence[None] = [None] * len(chunk)
        no_headers: Sequence[Sequence[tuple[str, bytes]]] = [()] * len(chunk)
        records = [
            to_record(
                partition=chunk.partition, offset=offset, key=key, value=value, timestamp_ms=time, headers=headers
            )
            for offset, key, value, time, headers in zip(
                chunk.offsets,
                chunk.keys or nothing,
                chunk.values,
                chunk.record_times_ms,
                chunk.headers or no_headers,
                strict=True,
            )
        ]
        if not records:
            return
        try:
            self._write(_encoder.encode_lines(records))
        except OSError as error:
            raise TapeError(f"{self.path}: cannot be written: {error}", mend="Make room on the disk.") from error
        self._ends[chunk.partition] = chunk.offsets[-1] + 1
        self.count += len(records)

    def close(self) -> None:
        """Make the tape durable and give it its name. Idempotent.

        :raises TapeError: that could not be done; the ``.part`` file is left as it is
        """
        if self._closed:
            return
        self._closed = True
        try:
            if self._zip is not None:
                self._zip.close()
            if self._raw is not None:
                self._raw.flush()
                os.fsync(self._raw.fileno())
                self._raw.close()
            self._part.replace(self.path)
            sync_folder(self.path.parent)
        except OSError as error:
            raise TapeError(f"{self.path}: cannot be finished: {error}", mend=f"See {self._part}.") from error
        finally:
            self._lock.release()

    def discard(self) -> None:
        """Forget what was written. Idempotent, and nothing after :meth:`close`."""
        if self._closed:
            return
        self._closed = True
        if self._raw is not None:
            self._raw.close()
            self._part.unlink(missing_ok=True)
        self._lock.release()

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close; discard if the block raised."""
        if kind is None:
            self.close()
        else:
            self.discard()

    def _write(self, data: bytes) -> None:
        file = self._zip if self._zip is not None else self._raw
        if self._closed or file is None:
            raise TapeError(f"{self.path}: the recording is closed")
        file.write(data)

    def _check_order(self, chunk: Chunk) -> None:
        partitions = len(self._ends)
        if not 0 <= chunk.partition < partitions:
            raise ValueError(f"partition must be below {partitions}, was {chunk.partition}")
        previous = self._ends[chunk.partition] - 1
        for offset in chunk.offsets:
            if offset <= previous:
                raise ValueError(f"offsets of partition {chunk.partition} must ascend, found {offset} after {previous}")
            previous = offset
