"""The notebooks: where the originals are, and a learner's own copies of them.

A learner's file is never written over. A copy is made where there is none; to begin a notebook afresh its copy is moved
aside first.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketlab.errors import MarketlabError

__all__ = ["FOLDER", "Copy", "CourseError", "copy_notebooks", "find", "originals", "reset_notebook", "solution"]

FOLDER = "marketlab-notebooks"  # made where `marketlab lab` is run
SOLUTIONS = "solutions"  # beside the originals

_PACKAGE = Path(__file__).resolve().parent
_NAME = re.compile(r"\d\d_\w+\.ipynb")


class CourseError(MarketlabError):
    """The notebooks cannot be found or copied, or there is none of that name."""


class NoSuchNotebookError(CourseError):
    """There is no notebook of that name."""

    exit_code = 2


@dataclass(frozen=True)
class Copy:
    """A learner's notebook.

    :param made: by this call
    :param outdated: made from an original that has changed since
    """

    path: Path
    made: bool
    outdated: bool


def originals(*, solved: bool = False) -> list[Path]:
    """The notebooks as they come with marketlab, in the order of the course.

    :param solved: those with the solutions, which no learner's folder gets
    :raises CourseError: they are not there
    """
    # In a wheel they lie in the package, in a checkout beside it.
    for folder in (_PACKAGE / "notebooks", _PACKAGE.parent / "notebooks"):
        place = folder / SOLUTIONS if solved else folder
        found = sorted(path for path in place.glob("*.ipynb") if _NAME.fullmatch(path.name))
        if found:
            return found
    raise CourseError(
        f"the notebooks were wanted in {_PACKAGE / 'notebooks'} or beside the package, none was found",
        mend="This installation is not whole; run ./scripts/setup in the checkout.",
    )


def solution(original: Path) -> Path | None:
    """The same notebook with its exercises solved, or None if it has none to solve."""
    solved = original.parent / SOLUTIONS / original.name
    return solved if solved.is_file() else None


def copy_notebooks(folder: Path) -> list[Copy]:
    """Copy the notebooks that a folder does not have yet.

    :raises CourseError: the folder cannot be written
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_copy(original, folder / original.name) for original in originals()]
    except OSError as error:
        raise CourseError(
            f"the notebooks were to be copied to {folder}: {os.strerror(error.errno or 0)}",
            mend="Go to a folder of your own, or name one: marketlab lab --folder DIR",
        ) from error


def reset_notebook(folder: Path, which: str) -> tuple[Path, Path | None]:
    """Begin a notebook afresh; what stood there is kept under another name.

    :param which: its number or name: ``1``, ``01`` or ``01_kafka``
    :returns: the new copy, and where the old one went, or None if there was none
    :raises CourseError: there is no such notebook, or the folder cannot be written
    """
    original = find(which)
    target = folder / original.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kept = _move_aside(target)
        _copy(original, target)
    except OSError as error:
        raise CourseError(
            f"{target} was to be made afresh: {os.strerror(error.errno or 0)}",
            mend="Can the folder be written? Another one can be named: marketlab lab --folder DIR",
        ) from error
    return target, kept


def find(which: str) -> Path:
    """A notebook as it comes with marketlab.

    :param which: its number or name: ``1``, ``01`` or ``01_kafka``
    :raises NoSuchNotebookError: there is none
    """
    wanted = which.removesuffix(".ipynb")
    for path in originals():
        number = path.name[:2]
        if wanted in (path.stem, number) or (wanted.isdigit() and int(wanted) == int(number)):
            return path
    names = ", ".join(path.stem for path in originals())
    raise NoSuchNotebookError(f"no notebook is called {which!r}; there are {names}", mend="Name one by its number: 01")


def _copy(original: Path, target: Path) -> Copy:
    content = original.read_bytes()
    try:
        with target.open("xb") as file:  # fails where there is one: nothing can be written over
            file.write(content)
    except FileExistsError:
        return Copy(target, made=False, outdated=_source(target) != _source(original))
    return Copy(target, made=True, outdated=False)


def _move_aside(target: Path) -> Path | None:
    if not target.exists():
        return None
    number = 1
    while True:
        aside = target.with_name(f"{target.stem}.backup-{number}.ipynb")
        try:
            # A hard link fails where the name is taken; a rename would replace what is there.
            aside.hardlink_to(target)
        except FileExistsError:
            number += 1
        else:
            target.unlink()
            return aside


def _source(path: Path) -> Any:
    """Which original a notebook was made from; a learner's changes leave that note alone."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))["metadata"]["marketlab"]["source"]
    except (ValueError, LookupError, TypeError):
        return None
