"""What stands under the tape's name, however a recording ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest

from marketlab.errors import TransportError
from marketlab.ports import Chunk, Subscription
from marketlab.testing.memory_log import MemoryLog
from marketlab.transports import TapeTransport
from tests.cli import Cli

command = import_module("marketlab.cli.record")


@pytest.fixture
def log() -> MemoryLog:
    """A log of three messages."""
    log = MemoryLog(partitions=1)
    for value in (b"a", b"b", b"c"):
        log.append(0, value)
    return log


@pytest.fixture
def cli(tmp_path: Path, log: MemoryLog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Commands whose topic is that log."""

    @contextmanager
    def opened(*_: object, **__: object) -> Iterator[MemoryLog]:
        yield log

    monkeypatch.setattr(command, "open_transport", opened)
    return Cli(tmp_path / ".marketlab", monkeypatch, capsys)


def messages(tape: Path) -> int:
    """Messages on a tape."""
    with TapeTransport(tape, topic="", partitions=1) as log:
        return sum(map(len, log.held(timeout_s=1.0).values()))


def break_off(monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """Let the copying end with an error after so many messages."""

    def copy(subscription: Subscription, write: Callable[[Chunk], None], *_: object, **__: object) -> int:
        subscription.close(timeout_s=0)
        for offset in range(after):
            write(Chunk(0, [offset], [b"v"], [1]))
        raise TransportError("the log is gone")

    monkeypatch.setattr(command, "copy", copy)


def test_a_recording_that_breaks_off_keeps_what_it_has(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_off(monkeypatch, after=2)
    tape = tmp_path / "t.jsonl"
    said = cli("record", "--follow", str(tape), expect=3)
    assert messages(tape) == 2
    assert (said.out, "with 2 messages on" in said.err, "the log is gone" in said.err) == ("", True, True)


def test_a_recording_that_breaks_off_before_its_first_message_leaves_no_tape(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_off(monkeypatch, after=0)
    tape = tmp_path / "t.jsonl"
    assert "recording ends early" not in cli("record", str(tape), expect=3).err
    assert not tape.exists()


def test_a_tape_that_is_there_is_replaced_only_by_force(cli: Cli, tmp_path: Path, log: MemoryLog) -> None:
    tape = tmp_path / "t.jsonl"
    assert cli.json("record", str(tape))["messages"] == messages(tape) == 3
    log.append(0, b"d")
    assert "--force replaces it" in cli("record", str(tape), expect=2).err
    assert cli.json("record", str(tape), "--force")["messages"] == messages(tape) == 4
