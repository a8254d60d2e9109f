"""``marketlab up`` on a disk that is full: Kafka, database and logs stand on it together."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from marketlab.chaos.ground import quiet_port
from tests.process.commands import Home
from tests.support import eventually

pytestmark = [pytest.mark.broker, pytest.mark.usefixtures("kafka_installed")]

SIZE = "90m"  # the broker takes 16 MB of it
TICKS = 2000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one's own that can be filled; needs the right to mount one."""
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", tmp_path], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no small disk can be mounted here: {error}")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def fill(file: Path) -> None:
    """Take all the room that is left."""
    with file.open("wb", buffering=0) as out, suppress(OSError):
        while True:
            out.write(bytes(1 << 16))


def test_up_waits_for_room_says_so_and_goes_on_without_losing_a_tick(small_disk: Path) -> None:
    port = quiet_port()
    home = Home(small_disk / ".marketlab", MARKETLAB_BROKER_PORT=str(port))
    with home.running("up", "--ticks", str(TICKS), "--rate", "500", "--seed", "7", "--port", "0") as running:
        eventually(lambda: home.stored() > 200, timeout_s=90, what="ticks in the store")
        fill(small_disk / "filler")
        said = "the broker is down and waits to be started again: no space left on device"
        eventually(lambda: said in running.err or running.process.poll() is not None, timeout_s=60, what="word of it")
        (small_disk / "filler").unlink()
        assert running.wait() == 0, running.err
    assert said in running.err
    assert "the broker was killed, started again" in running.err
    books = home.books()
    assert (books.balanced, [(run.state, run.produced, run.stored) for run in books.runs]) == (
        True,
        [("closed", TICKS, TICKS)],
    )
