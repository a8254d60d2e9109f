"""What tests of several kinds share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

__all__ = ["eventually", "require"]

T = TypeVar("T")


def eventually(predicate: Callable[[], T], *, timeout_s: float = 20.0, what: str = "the condition") -> T:
    """Wait until a condition holds and return its value; fail when it does not in time."""
    end = time.monotonic() + timeout_s
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= end:
            pytest.fail(f"{what} did not come true within {timeout_s:g} s; last value: {value!r}")
        time.sleep(0.02)


def require(what: object, reason: str) -> None:
    """Skip a test that lacks something, with the reason; with MARKETLAB_REQUIRE_ALL=1 its lack is a failure."""
    if what:
        return
    if os.environ.get("MARKETLAB_REQUIRE_ALL") == "1":
        pytest.fail(f"MARKETLAB_REQUIRE_ALL=1, but: {reason}")
    pytest.skip(reason)
