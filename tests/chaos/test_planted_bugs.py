"""A suite that cannot fail proves nothing: every planted bug is caught, and a correct pipeline passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.bugs import BUGS
from tests.chaos.drill import DRILLS, drill


def test_a_correct_pipeline_survives_the_whole_drill(tmp_path: Path) -> None:
    assert drill(tmp_path) is None


def test_there_are_enough_bugs_and_drills() -> None:
    assert len(BUGS) >= 15
    assert len(DRILLS) >= 8


@pytest.mark.parametrize("name", sorted(BUGS))
def test_a_planted_bug_is_caught(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    BUGS[name](monkeypatch)
    assert drill(tmp_path) is not None, f"{name} went unnoticed: {BUGS[name].__doc__}"
