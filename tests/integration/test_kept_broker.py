"""The broker that a supervisor looks after comes back where its clients look for it, or says why it does not."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketlab import wiring
from marketlab.broker import ManagedBroker
from marketlab.chaos.ground import quiet_port
from marketlab.settings import load_settings
from marketlab.wiring import kept_broker
from tests.support import eventually

pytestmark = [pytest.mark.broker, pytest.mark.usefixtures("kafka_installed")]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[ManagedBroker]:
    """A broker in use, on a port that nobody else wants."""
    quiet = quiet_port()
    made = ManagedBroker(tmp_path, port=quiet)
    with made.acquire(timeout_s=90):
        yield made
    made.stop(force=True)


def test_a_killed_broker_waits_for_its_port_and_says_who_has_it(
    broker: ManagedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "LOOK_S", 0.0)
    before = broker.status()
    assert before.pid is not None
    assert before.port is not None
    with kept_broker(load_settings(home=tmp_path)) as look:
        assert look() == ""
        os.kill(before.pid, signal.SIGKILL)
        eventually(lambda: not broker.status().running, what="the death of the broker")
        with socket.create_server(("127.0.0.1", before.port)):
            for _ in range(2):
                said = look()
                assert f"waits to be started again: port {before.port} is taken" in said
                assert f"by process {os.getpid()} (" in said
                assert not broker.status().running
        assert look() == "the broker was killed, started again"
        after = broker.status()
        assert (after.running, after.port, after.cluster_id) == (True, before.port, before.cluster_id)
        assert look() == ""
