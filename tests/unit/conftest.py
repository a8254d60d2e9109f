"""A stage for widgets: what a cell would show, and no thread that outlives its widget."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

PNG = b"\x89PNG\r\n"


def threads() -> set[str]:
    """Threads of widgets that run."""
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("marketlab ")}


@pytest.fixture
def nothing_is_left() -> Iterator[None]:
    """Closes what a test has left open, and then no thread may live."""
    from marketlab.widgets import registry

    yield
    registry.close_all()
    assert threads() == set()


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """What a notebook's cell would show, by display id; as a notebook has it, an update replaces what stood there.

    The place below a widget for those whom no front end draws is left out while it is empty.
    """
    from marketlab.widgets import live, unseen

    shown: dict[str, dict[str, Any]] = {}
    known: set[str] = set()

    def display(bundle: Any, *, raw: bool = False, display_id: str = "", update: bool = False) -> None:
        if not raw:  # a widget, which shows itself
            bundle._ipython_display_()
            return
        assert update is (display_id in known)
        known.add(display_id)
        shown[display_id] = bundle
        if bundle == {"text/plain": ""}:
            del shown[display_id]

    monkeypatch.setattr(live, "display", display)
    monkeypatch.setattr(unseen, "display", display)
    return shown
