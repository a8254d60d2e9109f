"""The ``marketlab`` command inside the test's process: a tenth of the time that a process of its own takes to start."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from marketlab.cli import main

__all__ = ["Cli", "Said"]


class Said(NamedTuple):
    """What a command printed."""

    out: str
    err: str


class Cli:
    """Commands in a home of the test's own."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys
        self._patch = monkeypatch
        monkeypatch.setenv("MARKETLAB_HOME", str(home))

    def __call__(self, *arguments: str, expect: int = 0) -> Said:
        """Run a command; its exit code is asserted."""
        self._patch.setattr(sys, "argv", ["marketlab", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        said = Said(*self._capsys.readouterr())
        assert (left.value.code or 0) == expect, f"exit {left.value.code}\n{said.out}\n{said.err}"
        return said

    def json(self, *arguments: str, expect: int = 0) -> dict[str, Any]:
        """The JSON object that a command prints."""
        value = json.loads(self(*arguments, "--json", expect=expect).out)
        assert isinstance(value, dict)
        return value
