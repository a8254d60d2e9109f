"""What learners have handed in: a folder or a file each, and in it their functions and predictions by exercise.

Only the source of cells is read. What stands in outputs, anybody can have written.
"""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from marketlab.errors import MarketlabError
from marketlab.gradebook.contents import NotebookError, parse, read_cells, source

__all__ = ["Given", "Submission", "SubmissionsError", "read_roster", "read_submission", "submissions"]

MOST_NOTEBOOKS = 100  # of one learner
NOT_OURS: Final = re.compile(r"(^|/)(\.|__MACOSX(/|$))|\.backup-\d+\.ipynb$")


class SubmissionsError(MarketlabError):
    """The folder or the roster cannot be read."""

    exit_code = 2


@dataclass(frozen=True)
class Given:
    """What was given for an exercise: a function with what its cell and other cells import, or a value as it stands.

    :param wrong: why it cannot be judged at all, if so
    """

    exercise: str
    kind: Literal["function", "predict", "observe"]
    source: str = ""
    function: str = ""
    wrong: str = ""


@dataclass(frozen=True)
class Submission:
    """One learner's. ``notes``: what the teacher should know of it."""

    learner: str
    name: str = ""
    given: dict[str, Given] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    missing: bool = False


def submissions(folder: Path, roster: dict[str, str] | None = None) -> dict[str, tuple[str, list[Path]]]:
    """Every learner with their name and notebooks: a folder or a notebook each, and whoever is on the roster.

    :param roster: {learner: name}
    :raises SubmissionsError: it cannot be read, or there is nobody
    """
    try:
        entries = sorted(path for path in folder.iterdir() if not NOT_OURS.search(f"/{path.name}"))
    except OSError as error:
        raise SubmissionsError(
            f"{folder} cannot be read: {error.strerror}", mend="Name a folder of submissions."
        ) from error
    found: dict[str, list[Path]] = {learner: [] for learner in roster or ()}
    for path in entries:
        if path.is_dir():
            found.setdefault(path.name, []).extend(_notebooks(path))
        elif path.suffix == ".ipynb":
            found.setdefault(path.stem, []).append(path)
    if not found:
        raise SubmissionsError(
            f"{folder} holds no submission",
            mend="Wanted is a folder for each learner with their notebooks, or one notebook for each.",
        )
    return {learner: ((roster or {}).get(learner, ""), paths) for learner, paths in found.items()}


def read_roster(path: Path) -> dict[str, str]:
    """{learner: name} of a CSV file with a column ``learner`` and perhaps ``name``.

    :raises SubmissionsError: it cannot be read, or has no such column, or somebody twice
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SubmissionsError(f"the roster {path} cannot be read: {error}") from error
    if not rows or "learner" not in rows[0]:
        found = ", ".join(map(str, rows[0])) if rows else "no row"
        raise SubmissionsError(
            f"the roster {path}: a column learner was wanted, {found} was found",
            mend="Its first line is: learner,name. A learner is called as their folder or file is.",
        )
    roster: dict[str, str] = {}
    for row in rows:
        learner = (row["learner"] or "").strip()
        if learner in roster:
            raise SubmissionsError(f"the roster {path} names {learner} twice")
        if learner:
            roster[learner] = (row.get("name") or "").strip()
    return roster


def read_submission(learner: str, name: str, paths: list[Path]) -> Submission:
    """Take the answers out of a learner's notebooks; the last one of an exercise counts. Raises for no notebook."""
    submission = Submission(learner, name, missing=not paths)
    for path in paths[:MOST_NOTEBOOKS]:
        if path.is_symlink():
            submission.notes.append(f"{path.name} is a link and was not followed")
            continue
        try:
            cells = [source(cell) for cell in read_cells(path) if cell["cell_type"] == "code"]
        except NotebookError as error:
            submission.notes.append(error.message)
            continue
        for given in _given(cells):
            submission.given[given.exercise] = given
    if len(paths) > MOST_NOTEBOOKS:
        submission.notes.append(f"{len(paths):,} notebooks, of which {MOST_NOTEBOOKS} were read")
    if not paths:
        submission.notes.append("nothing was handed in")
    elif not submission.given and not submission.notes:
        submission.notes.append("no exercise was found in it")
    return submission


def _notebooks(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*.ipynb") if not NOT_OURS.search(f"/{path.relative_to(folder).as_posix()}")
    )


def _given(cells: list[str]) -> Iterator[Given]:
    trees = [parse(text) for text in cells]
    imports = [node for tree in trees if tree for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    for text, tree in zip(cells, trees, strict=True):
        if tree is None:
            yield from _broken(text)
            continue
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and (exercise := _task(node)):
                yield Given(exercise, "function", _with_imports(tree, imports), node.name)
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                yield from _answer(node.value)


def _task(function: ast.FunctionDef) -> str | None:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and _called(decorator) == "task" and (name := _text(decorator)):
            return name
    return None


def _answer(call: ast.Call) -> Iterator[Given]:
    kind, exercise = _called(call), _text(call)
    if not exercise or len(call.args) < 2:
        return
    answer = ast.unparse(call.args[1])
    if answer == "...":  # nothing yet
        return
    if kind == "observe":
        yield Given(exercise, "observe", answer)
    elif kind == "predict":
        try:
            ast.literal_eval(answer)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            yield Given(exercise, "predict", wrong=f"a value was wanted, {answer} would have to be run")
        else:
            yield Given(exercise, "predict", answer)


def _broken(text: str) -> Iterator[Given]:
    """A cell that is no Python may still say which exercise it was meant for."""
    try:
        ast.parse(text)
        why = "it cannot be read"
    except SyntaxError as error:
        why = f"line {error.lineno} is not Python: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        why = f"it is not Python: {type(error).__name__}"
    for match in re.finditer(r"""@\s*(?:\w+\.)*task\(\s*["']([\w.]+)["']""", text):
        yield Given(match[1], "function", wrong=why)


def _with_imports(tree: ast.Module, imports: list[ast.Import | ast.ImportFrom]) -> str:
    """The cell behind those imports of the whole notebook whose names it uses."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    needed = [
        ast.unparse(node)
        for node in imports
        if node not in tree.body and any((alias.asname or alias.name).partition(".")[0] in used for alias in node.names)
    ]
    return "\n".join([*needed, ast.unparse(tree)])


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, "id", None) or getattr(call.func, "attr", ""))


def _text(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
