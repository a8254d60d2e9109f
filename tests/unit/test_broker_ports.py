"""The port that is chosen when nobody chose one."""

from __future__ import annotations

import os
import socket

import pytest

from marketlab.broker import ports
from marketlab.broker.ports import DEFAULT_PORT, candidates, is_free, listener


def test_a_port_with_a_listener_is_not_free_until_it_closes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_a_listener_on_all_addresses_counts() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_the_default_comes_first_and_taken_ones_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: port not in {DEFAULT_PORT, DEFAULT_PORT + 2})
    assert list(candidates(None))[:2] == [DEFAULT_PORT + 1, DEFAULT_PORT + 3]


def test_where_it_listened_last_comes_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _: True)
    assert list(candidates(9100))[:2] == [9100, DEFAULT_PORT]
    assert list(candidates(9100)).count(9100) == 1


def test_who_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = listener(server.getsockname()[1])
    assert found is None or found.startswith(f"process {os.getpid()} (")
