"""What a batch came to, and the files of its gradebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from marketlab import __version__
from marketlab.errors import MarketlabError
from marketlab.files import write_json
from marketlab.gradebook.judging import Outcome
from marketlab.gradebook.states import State, worst

__all__ = ["Batch", "GradebookError", "prepare", "write"]

FORMAT: Final = 1
JSON_NAME: Final = "gradebook.json"


class GradebookError(MarketlabError):
    """The folder of a gradebook cannot be written."""


@dataclass(frozen=True)
class Batch:
    """Some runs and their outcomes. ``began``: in UTC."""

    outcomes: Sequence[Outcome]
    began: datetime
    seconds: float
    version: str = __version__

    @property
    def state(self) -> State:
        """The worst of all."""
        return worst(outcome.state for outcome in self.outcomes)

    @property
    def ok(self) -> bool:
        """Whether every run passed or did not apply."""
        return all(outcome.state.ok for outcome in self.outcomes)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; pictures are counted, they stand in the page."""
        return {
            "format": FORMAT,
            "marketlab": self.version,
            "began": self.began.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 3),
            "ok": self.ok,
            "done": True,
            "states": {str(state): sum(outcome.state is state for outcome in self.outcomes) for state in State},
            "runs": [_run(outcome) for outcome in self.outcomes],
        }


def prepare(folder: Path, name: str = JSON_NAME) -> None:
    """Make a folder for a gradebook; one of an earlier gradebook is used again, any other that is not empty is not.

    :param name: of the file by which it is known
    :raises GradebookError: there are other people's files in it, or it cannot be made
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = [path.name for path in folder.iterdir()]
        if others and name not in others:
            raise GradebookError(
                f"{folder} was to become the folder of a gradebook, but holds {', '.join(sorted(others)[:3])}",
                mend="Name a new one, or one of an earlier gradebook: --to DIR",
            )
        write_json(folder / name, {"format": FORMAT, "ok": False, "done": False})  # until it is
    except OSError as error:
        raise GradebookError(
            f"{folder} cannot be written: {error.strerror}", mend="Name another one: --to DIR"
        ) from error


def write(batch: Batch, folder: Path) -> list[Path]:
    """Write page, JSON and JUnit XML.

    :returns: their paths, the page first
    """
    from marketlab.gradebook.batch_page import gradebook_page
    from marketlab.gradebook.junit import junit

    page, data, xml = folder / "gradebook.html", folder / JSON_NAME, folder / "junit.xml"
    page.write_text(gradebook_page(batch), encoding="utf-8")
    write_json(data, batch.as_dict())
    xml.write_bytes(junit(batch))
    return [page, data, xml]


def _run(outcome: Outcome) -> dict[str, Any]:
    return {
        "notebook": outcome.run.contents.name,
        "kind": outcome.run.kind,
        "parameters": dict(outcome.run.parameters),
        "state": str(outcome.state),
        "why": outcome.why,
        "seconds": round(outcome.seconds, 3),
        "checks": [
            {"id": check.id, "kind": check.kind, "state": str(check.state), "says": check.says}
            for check in outcome.checks
        ],
        "cells": [
            {
                "cell": cell.number,
                "state": str(cell.state),
                "seconds": None if cell.seconds is None else round(cell.seconds, 3),
                "begins": cell.begins,
                "why": cell.why,
            }
            for cell in outcome.cells
        ],
        "pictures": len(outcome.pictures),
        "notes": list(outcome.notes),
    }
