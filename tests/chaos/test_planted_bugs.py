"""A suite that cannot fail proves nothing: every planted bug is caught, and a correct pipeline passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.account_bugs import ACCOUNT_BUGS
from tests.chaos.account_drills import ACCOUNT_DRILLS
from tests.chaos.bugs import BUGS
from tests.chaos.drill import DRILLS, drill


def test_a_correct_pipeline_survives_the_whole_drill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.chaos.drill.LIFE_S", 30.0)  # nobody who is only slow is taken for stuck
    assert drill(tmp_path, (*DRILLS, *ACCOUNT_DRILLS)) is None


def test_there_are_enough_bugs_and_drills() -> None:
    assert len(BUGS) >= 15
    assert len(DRILLS) >= 8


@pytest.mark.parametrize("name", sorted(BUGS))
def test_a_planted_bug_is_caught(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    BUGS[name](monkeypatch)
    assert drill(tmp_path, DRILLS) is not None, f"{name} went unnoticed: {BUGS[name].__doc__}"


@pytest.mark.parametrize("name", sorted(ACCOUNT_BUGS))
def test_a_bug_planted_in_the_account_is_caught(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ACCOUNT_BUGS[name](monkeypatch)
    caught = drill(tmp_path, ACCOUNT_DRILLS)
    assert caught is not None, f"{name} went unnoticed: {ACCOUNT_BUGS[name].__doc__}"
    assert "Error: " not in caught, "it is caught by what it does, not by a slip in how it was planted"
