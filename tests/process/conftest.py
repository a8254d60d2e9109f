"""Homes for commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.process.commands import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home without a broker: its commands use a tape."""
    return Home(tmp_path / "home" / ".marketlab")


@pytest.fixture
def kafka_home(tmp_path: Path, broker: str, topic: Callable[..., str]) -> Home:
    """A home whose commands use the run's one broker, with a topic and a group of the test's own."""
    name = topic()
    return Home(
        tmp_path / "home" / ".marketlab",
        MARKETLAB_BOOTSTRAP_SERVERS=broker,
        MARKETLAB_TOPIC=name,
        MARKETLAB_GROUP=f"group-{name}",
    )
