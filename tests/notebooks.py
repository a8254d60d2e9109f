"""Small notebooks that tests write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["VERDICT_CELL", "cell", "write_notebook"]

#: Leaves a verdict that is right. Not by a Lab: that one takes a second to import.
VERDICT_CELL = 'from marketlab.widgets.verdict import Verdict as verdict\nverdict("end", {"one and one": (1 + 1, 2)})'


def cell(text: str, *tags: str, kind: str = "code") -> dict[str, Any]:
    found: dict[str, Any] = {"cell_type": kind, "metadata": {"tags": list(tags)} if tags else {}, "source": text}
    return found | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def write_notebook(path: Path, cells: Sequence[dict[str, Any] | str]) -> Path:
    """A notebook; a text is a cell of code."""
    made = [cell(item) if isinstance(item, str) else item for item in cells]
    notebook = {
        "cells": [item | {"id": f"cell-{number}"} for number, item in enumerate(made)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path
