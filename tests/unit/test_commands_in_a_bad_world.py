"""What the system refuses is told in a sentence, with exit code 3, whichever command meets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli import Cli


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Commands in a home that nobody can make, root neither."""
    (tmp_path / "file").touch()
    return Cli(tmp_path / "file" / ".marketlab", monkeypatch, capsys)


@pytest.mark.parametrize("command", [("up", "--ticks", "1"), ("consume", "--drain", "--transport", "tape:t.jsonl")])
def test_a_home_that_cannot_be_made_is_named(cli: Cli, command: tuple[str, ...]) -> None:
    said = cli(*command, expect=3)
    assert said.out == ""
    assert f"{cli.home}" in said.err
    assert "Not a directory" in said.err
    assert "MARKETLAB_HOME" in said.err
    assert "Traceback" not in said.err


def test_debug_shows_where_it_happened(cli: Cli) -> None:
    with pytest.raises(NotADirectoryError):
        cli("--debug", "up", "--ticks", "1")
