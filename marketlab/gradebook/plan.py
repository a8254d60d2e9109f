"""Notebooks × parameters, as runs."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from marketlab.errors import MarketlabError
from marketlab.gradebook.contents import Contents, tags

__all__ = ["NEEDS_BROKER", "Kind", "PlanError", "Run", "plan", "read_matrix", "value_of"]

#: The tag of cells that talk to a Kafka broker, or need what such a cell has left.
NEEDS_BROKER: Final = "kafka"

#: ``solved``: every exercise is to pass. ``exercise``: as a learner is given it, none is to pass, and none to break.
Kind = Literal["solved", "exercise"]


class PlanError(MarketlabError):
    """There is no such notebook or parameter, or the matrix cannot be read."""

    exit_code = 2


@dataclass(frozen=True)
class Run:
    """A notebook to be run with some parameters."""

    contents: Contents
    kind: Kind
    parameters: Mapping[str, Any]

    @property
    def label(self) -> str:
        """For people: what tells it from every other run."""
        values = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        kind = " as given" if self.kind == "exercise" else ""
        return f"{self.contents.name}{kind}" + (f" · {values}" if values else "")

    @property
    def key(self) -> str:
        """The label as the name of a folder."""
        return re.sub(r"[^\w.=-]+", "-", self.label).strip("-")

    @property
    def on_tape(self) -> bool:
        """Whether a tape stands in for the broker: the notebook's parameter ``transport`` says so."""
        default = next((item.default for item in self.contents.parameters if item.name == "transport"), "")
        transport = str(self.parameters.get("transport", value_of(default)))
        return transport.partition(":")[0] == "tape"

    def leaves_out(self, cell: Mapping[str, Any]) -> bool:
        """Whether a cell does not apply to this run."""
        return self.on_tape and NEEDS_BROKER in tags(dict(cell))


def plan(
    notebooks: Sequence[tuple[Contents, Kind]], parameters: Mapping[str, Any], matrix: Mapping[str, Sequence[Any]]
) -> list[Run]:
    """Every notebook with every combination. One that lacks a parameter is run without it, once.

    :param parameters: one value each
    :param matrix: several values each
    :raises PlanError: a parameter that none of the notebooks has
    """
    known = {parameter.name for contents, _ in notebooks for parameter in contents.parameters}
    unknown = sorted({*parameters, *matrix} - known)
    if unknown:
        raise PlanError(
            f"no notebook of this run has a parameter {', '.join(unknown)}; there are {', '.join(sorted(known))}",
            mend="`marketlab notebooks list` shows the parameters of each.",
        )
    runs: dict[str, Run] = {}
    for contents, kind in notebooks:
        own = {parameter.name for parameter in contents.parameters}
        for combination in _combinations({name: values for name, values in matrix.items() if name in own}):
            given = {name: value for name, value in parameters.items() if name in own} | combination
            run = Run(contents, kind, given)
            if run.key in runs:
                raise PlanError(f"{run.label} would be run twice", mend="Name each notebook and each value once.")
            runs[run.key] = run
    return list(runs.values())


def read_matrix(text: str) -> dict[str, list[Any]]:
    """``rate=20,40``, or a file: a TOML table of lists.

    >>> read_matrix("rate=20,40")
    {'rate': [20, 40]}

    :raises PlanError: it is neither
    """
    name, equals, values = text.partition("=")
    if equals:
        if not name.isidentifier() or not all(values.split(",")):
            raise PlanError(f"a matrix like rate=20,40 was wanted, {text!r} was found")
        return {name: [value_of(value) for value in values.split(",")]}
    return _read_file(Path(text))


def value_of(text: str) -> Any:
    """A number, ``True``, a quoted text and so on as Python writes it; anything else is a text as it stands.

    >>> value_of("20"), value_of("tape"), value_of("true")
    (20, 'tape', True)
    """
    if text in ("true", "false"):
        return text == "true"
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _read_file(path: Path) -> dict[str, list[Any]]:
    import tomllib

    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(
            f"a matrix is name=a,b or a file; {str(path)!r} cannot be read: {error.strerror}",
            mend="A file is TOML: rate = [20, 40]",
        ) from error
    except ValueError as error:  # of TOML, or no UTF-8
        raise PlanError(f"{path} is not TOML: {error}", mend="A line like: rate = [20, 40]") from error
    wrong = [name for name, values in found.items() if not isinstance(values, list) or not values]
    if wrong or not found:
        raise PlanError(f"{path}: a list of values was wanted for each name: {', '.join(wrong) or 'it names none'}")
    return found


def _combinations(matrix: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*matrix.values()):
        yield dict(zip(matrix, values, strict=True))
