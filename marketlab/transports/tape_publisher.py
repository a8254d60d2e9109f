"""Appending to a tape: one writer at a time, one line a message, fsync on flush."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from marketlab.errors import DeliveryError, TapeError
from marketlab.partitioner import Partitioner
from marketlab.ports import Publisher
from marketlab.transports.tape_file import TapeFile
from marketlab.transports.tape_format import encode_header, new_header, to_record

__all__ = ["MEND_FOLDER", "TapePublisher", "create_tape", "lock_beside", "sync_folder"]

#: Messages after which a publisher flushes by itself, so that what it must remember stays bounded.
MAX_UNFLUSHED = 10_000

MEND_FOLDER = "Choose a folder that you can write to."

_encoder = msgspec.json.Encoder()


class TapePublisher(Publisher):
    """Appends to a plain tape; a message is visible to readers once it is sent, and durable once it is flushed.

    The tape is created, with a fresh id, if there is none. What a killed writer left behind the last whole line is
    cut off first.

    :param path: the tape
    :param clock: seconds since the epoch; the record time of a message is the time of sending
    :raises TapeError: another publisher holds the tape, it is compressed, or it is damaged
    """

    def __init__(self, path: Path, *, topic: str, partitions: int, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._fd = -1
        self._lock = lock_beside(path, "writer")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise TapeError(
                f"{path}: wanted to append, but another publisher does already",
                mend="Stop the other producer, or let it write to another tape.",
            ) from None
        except OSError as error:
            raise TapeError(f"{path}: cannot be written: {error}", mend=MEND_FOLDER) from error
        try:
            create_tape(path, topic=topic, partitions=partitions)
            self._open()
        except BaseException:
            self.close(timeout_s=0)
            raise
        self._unflushed: list[object] = []

    def send(self, value: bytes, *, key: bytes, tag: object = None) -> None:
        """Append one message; it was not sent if this raises."""
        if self._fd < 0:
            raise TapeError(f"{self._path}: the publisher is closed")
        partition = self._partitioner(key)
        offset = self._ends[partition]
        record = to_record(
            partition=partition, offset=offset, key=key, value=value, timestamp_ms=int(self._clock() * 1000)
        )
        # Counted before it is written: an interrupt in between leaves a hole, the other way round a second offset 7.
        self._ends[partition] = offset + 1
        try:
            self._append(_encoder.encode(record) + b"\n")
        except OSError as error:
            self._ends[partition] = offset
            raise TapeError(f"{self._path}: cannot be written: {error}", mend="Make room on the disk.") from error
        self._unflushed.append(tag)
        if len(self._unflushed) >= MAX_UNFLUSHED:
            self.flush(timeout_s=0)

    def flush(self, *, timeout_s: float) -> None:  # noqa: ARG002
        """Bring everything sent to the disk; that cannot be hurried, so there is no timeout."""
        if self._fd < 0 or not self._unflushed:
            return
        tags, self._unflushed = self._unflushed, []
        try:
            os.fsync(self._fd)
        except OSError as error:
            self.close(timeout_s=0)  # what the disk holds now is not known any more: never append to it blindly
            raise DeliveryError(
                f"{self._path}: {len(tags)} messages may not be on the disk: {error}",
                failures=[(tag, str(error)) for tag in tags],
                mend="Check the disk, then produce again to another tape.",
            ) from error

    def close(self, *, timeout_s: float) -> None:  # noqa: ARG002
        """Let the tape go to another publisher. Idempotent; does not flush."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._lock.release()

    def _open(self) -> None:
        tape = TapeFile(self._path)
        try:
            if tape.compressed:
                raise TapeError(
                    f"{self._path}: a compressed tape cannot be appended to",
                    mend=f"Unpack it first: gunzip {self._path.name}",
                )
            tape.scan()
            self._partitioner = Partitioner(tape.header.partitions)
            self._ends = list(tape.ends)
            self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND)
            os.ftruncate(self._fd, tape.size())
            if tape.ends_without_newline:
                self._append(b"\n")
        except OSError as error:
            raise TapeError(f"{self._path}: cannot be written: {error}", mend=MEND_FOLDER) from error
        finally:
            tape.close()

    def _append(self, line: bytes) -> None:
        written = 0
        try:
            while written < len(line):
                written += os.write(self._fd, line[written:])
        except OSError:
            if written:  # never leave half a line for the next one to grow on
                os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
            raise


def create_tape(path: Path, *, topic: str, partitions: int) -> bool:
    """Make an empty tape with a fresh id, unless there is one.

    :returns: whether it was made
    :raises TapeError: the folder cannot be written
    """
    if path.exists():
        return False
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("xb") as file:
            file.write(encode_header(new_header(topic=topic, partitions=partitions)))
            file.flush()
            os.fsync(file.fileno())
        made = _take_name(fresh, path)
    except OSError as error:
        raise TapeError(f"{path}: cannot be made: {error}", mend=MEND_FOLDER) from error
    sync_folder(path.parent)
    return made


def _take_name(fresh: Path, path: Path) -> bool:
    """Give a file its name, unless another has it: a rename would put it over a tape that was made meanwhile."""
    try:
        os.link(fresh, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links, where a rename has to do
        fresh.rename(path)
        return True
    finally:
        fresh.unlink(missing_ok=True)
    return True


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def lock_beside(path: Path, name: str) -> FileLock:
    """The lock ``name`` of a tape, a hidden file beside it that stays when it is released."""
    return FileLock(path.with_name(f".{path.name}.{name}.lock"), thread_local=False)
