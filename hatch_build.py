"""Lay the notebooks into the wheel's package; a checkout has them beside it, so an editable install takes none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["NotebooksHook"]


class NotebooksHook(BuildHookInterface[Any]):
    """Called by hatchling before it makes a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name what else belongs into the wheel."""
        if version == "standard":
            folder = Path(self.root, "notebooks")
            for path in [*folder.glob("*.ipynb"), *folder.glob("solutions/*.ipynb")]:
                build_data["force_include"][str(path)] = f"marketlab/notebooks/{path.relative_to(folder).as_posix()}"
