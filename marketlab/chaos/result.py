"""What came of a case, as it is kept: one line of JSON each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

import marketlab
from marketlab.errors import StoreError

__all__ = ["Result", "Row", "keep", "kept", "rows", "this_code"]


@dataclass(frozen=True, slots=True)
class Result:
    """``case`` is what `--replay` takes.

    ``times``: faults that struck; ``messages``: that stand in the books; ``refused``: commits of consumers that were
    no owners any more; ``recoveries_s``: seconds from a fault to the next commit; ``problems``: why it failed;
    ``code``: what the verdict is about, see :func:`this_code`.
    """

    profile: str
    case: str
    fault: str
    times: int
    messages: int
    lost: int
    doubled: int
    refused: int
    seconds: float
    started: str
    recoveries_s: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    note: str = ""
    code: str = ""

    @property
    def passed(self) -> bool:
        """Whether all was as it should be."""
        return not self.problems


@dataclass(slots=True)
class Row:
    """The results of one fault together, as the table shows them."""

    fault: str
    times: int = 0
    messages: int = 0
    lost: int = 0
    doubled: int = 0
    refused: int = 0
    seconds: float = 0.0
    recovery_p50_s: float | None = None
    recovery_p99_s: float | None = None
    passed: bool = True
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """As ``marketlab chaos --json`` prints it."""
        return asdict(self)


def rows(results: Iterable[Result]) -> Iterator[Row]:
    """The table: parts of one fault are added up."""
    for fault, group in groupby(sorted(results, key=lambda result: result.fault), key=lambda result: result.fault):
        row = Row(fault)
        recoveries: list[float] = []
        for result in group:
            row.times += result.times
            row.messages += result.messages
            row.lost += result.lost
            row.doubled += result.doubled
            row.refused += result.refused
            row.seconds += result.seconds
            row.passed = row.passed and result.passed
            row.notes += [result.note] if result.note else []
            recoveries += result.recoveries_s
        if recoveries:
            recoveries.sort()
            row.recovery_p50_s = recoveries[len(recoveries) // 2]
            row.recovery_p99_s = recoveries[min(len(recoveries) - 1, int(0.99 * len(recoveries)))]
        yield row


@cache
def this_code() -> str:
    """The version, and a digest of the package's sources: a verdict is about no others."""
    folder = Path(marketlab.__file__).parent
    sources = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".sql"))
    digest = hashlib.sha256()
    for path in sources:
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return f"{marketlab.__version__}+{digest.hexdigest()[:16]}"


def keep(file: Path, result: Result) -> None:
    """Append a result; a line is written whole or, by a crash, not at all as far as :func:`kept` is concerned."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as lines:
        lines.write(msgspec.json.encode(result) + b"\n")


def kept(file: Path) -> list[Result]:
    """The results of a file, in their order.

    :raises StoreError: a line in the middle is not one
    """
    try:
        lines = file.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(msgspec.json.decode(line, type=Result))
        except msgspec.MsgspecError as error:
            if line.endswith(b"\n"):
                raise StoreError(
                    f"{file}, line {number}: a result of `marketlab chaos` was wanted, found {error}",
                    mend="Delete the file, or begin with --fresh.",
                ) from error
    return found
