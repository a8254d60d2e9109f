"""What a docstring shows can be typed in, and gives what is shown below it."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from marketlab.widgets import registry
from tests.house import ROOT

#: Modules with an example; what has none is not even loaded.
MODULES = sorted(
    path.relative_to(ROOT)
    for package in ("marketlab", "api")
    for path in (ROOT / package).rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("path", MODULES, ids=Path.as_posix)
def test_the_examples_of_a_module_give_what_they_say(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKETLAB_HOME", str(tmp_path / ".marketlab"))
    try:
        failed, tried = doctest.testmod(importlib.import_module(".".join(path.with_suffix("").parts)))
    finally:
        registry.close_all("lab")
    assert tried
    assert not failed, "what was wanted and what came is printed above"
