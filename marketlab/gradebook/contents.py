"""What a notebook holds, read from its source and never from its outputs."""

from __future__ import annotations

import ast
import contextlib
import json
import re
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from marketlab.errors import MarketlabError

__all__ = ["Check", "Contents", "NotebookError", "Parameter", "parse", "read_cells"]

#: What a check is called in a cell → its kind. ``predict`` only notes; its ``reveal`` judges.
CALLS: Final = {"task": "function", "reveal": "predict", "observe": "observe", "verdict": "verdict"}
LARGEST_BYTES = 50_000_000
MAGIC: Final = re.compile(r"^([ \t]*)(?:\w+\s*=\s*)?[%!].*$", re.MULTILINE)
PARAMETER: Final = re.compile(r"^([A-Za-z_]\w*)\s*(?::[^=\n]+)?=\s*([^#\n]+)(?:#(.*))?$", re.MULTILINE)

_parsing = threading.Lock()


class NotebookError(MarketlabError):
    """A file is no notebook that can be read."""

    exit_code = 2


@dataclass(frozen=True)
class Check:
    """Something that a notebook is to leave a verdict on. ``cell``: in which cell, counted from 0."""

    id: str
    kind: str
    cell: int


@dataclass(frozen=True)
class Parameter:
    """A name of the cell tagged ``parameters``; ``default`` as it is written there, ``help`` its comment."""

    name: str
    default: str
    help: str


@dataclass(frozen=True)
class Contents:
    """A notebook's cells, and what can be known of them without running any."""

    path: Path
    cells: Sequence[dict[str, Any]]

    @classmethod
    def read(cls, path: Path) -> Contents:
        """Read a notebook.

        :raises NotebookError: it is none
        """
        return cls(path, read_cells(path))

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @cached_property
    def title(self) -> str:
        """The first heading."""
        return next(
            (match[1] for text in self._prose() if (match := re.search(r"^# (.+)$", text, re.MULTILINE))), self.name
        )

    @cached_property
    def minutes(self) -> int | None:
        """How long a learner takes: what the introduction says, else the sum of its sections."""
        introduction = next(iter(self._prose()), "")
        said = re.search(r"\b(\d+) minutes", introduction)
        if said:
            return int(said[1])
        return sum(int(match[1]) for text in self._prose() for match in re.finditer(r"· (\d+) min", text)) or None

    @cached_property
    def parameters(self) -> list[Parameter]:
        """What may be set with ``-p``."""
        return [
            Parameter(match[1], match[2].strip(), (match[3] or "").strip())
            for cell in self.cells
            if cell["cell_type"] == "code" and "parameters" in tags(cell)
            for match in re.finditer(
                r"^([A-Za-z_]\w*)\s*(?::[^=\n]+)?=\s*([^#\n]+)(?:#(.*))?$", source(cell), re.MULTILINE
            )
        ]

    @cached_property
    def checks(self) -> list[Check]:
        """Every check, in order."""
        return [
            Check(name, CALLS[called], number)
            for number, cell in enumerate(self.cells)
            if cell["cell_type"] == "code"
            for called, name in _calls(source(cell))
        ]

    def _prose(self) -> Iterator[str]:
        return (source(cell) for cell in self.cells if cell["cell_type"] == "markdown")


def read_cells(path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook in format 4, each with a type and a source.

    :raises NotebookError: it is none; says why
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise NotebookError(f"{path.name} is larger than {LARGEST_BYTES / 1e6:g} MB")
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        whole = all(cell["cell_type"] in ("code", "markdown", "raw") and _is_source(cell["source"]) for cell in cells)
    except OSError as error:
        raise NotebookError(f"{path.name} cannot be read: {error.strerror}") from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise NotebookError(f"{path.name} is no notebook: {type(error).__name__}") from error
    if not whole:
        raise NotebookError(f"{path.name} is no notebook: a cell has no type or no source")
    return list(cells)


def source(cell: dict[str, Any]) -> str:
    """A cell's text."""
    text = cell["source"]
    return text if isinstance(text, str) else "".join(text)


def tags(cell: dict[str, Any]) -> list[str]:
    """A cell's tags."""
    metadata = cell.get("metadata")
    found = metadata.get("tags") if isinstance(metadata, dict) else None
    return [tag for tag in found if isinstance(tag, str)] if isinstance(found, list) else []


def parse(text: str) -> ast.Module | None:
    """A cell as Python, with ``pass`` for its ``%magic`` and ``!command`` lines; None if it cannot be."""
    # Warnings of a learner's code are nobody's here, and to keep them back is no matter for two threads at once.
    with _parsing, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for attempt in (text, MAGIC.sub(r"\1pass", text)):
            with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
                return ast.parse(attempt)
    return None


def _calls(text: str) -> Iterator[tuple[str, str]]:
    tree = parse(text)
    for node in ast.walk(tree) if tree else ():
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
        first = node.args[0]
        if called in CALLS and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield called, first.value


def _is_source(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(line, str) for line in value))
