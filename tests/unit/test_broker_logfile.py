"""The end of a log, and what is added to it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from marketlab.broker.logfile import follow, tail


def test_the_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("a\nb\nc\n")
    assert tail(path, lines=2) == ["b", "c"]
    assert tail(path, lines=0) == []
    assert tail(tmp_path / "none", lines=2) == []


def test_following_sees_new_lines_only_when_they_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("old\nlast\n")
    lines = follow(path, lines=1)
    assert next(lines) == "last"
    with path.open("a") as file:
        file.write("new\nhal")
        file.flush()
        assert next(lines) == "new"
        file.write("f\n")
    assert next(lines) == "half"


def test_following_goes_on_through_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("one\n")
    lines = follow(path, lines=10)
    assert next(lines) == "one"
    path.rename(tmp_path / "log.1")
    path.write_text("two\nthree\n")
    assert list(islice(lines, 2)) == ["two", "three"]
