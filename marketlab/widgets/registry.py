"""What lives in this kernel, by name: a cell that runs again closes what its last run left, instead of doubling it.

The table outlives a reload of this module and of those that use it, for ``%autoreload`` makes classes anew but not the
threads that run already.
"""

from __future__ import annotations

import threading
from typing import Protocol

__all__ = ["Closeable", "close", "close_all", "forget", "replace"]


class Closeable(Protocol):
    """Whatever can be closed; again: nothing."""

    def close(self) -> None:
        """Stop what runs and give back what is held."""
        ...


_living: dict[str, Closeable] = globals().get("_living", {})
_lock: threading.Lock = globals().get("_lock", threading.Lock())


def replace(name: str, thing: Closeable) -> None:
    """Keep a thing under a name, and close what stood there."""
    with _lock:
        before = _living.pop(name, None)
        _living[name] = thing
    if before is not None and before is not thing:
        before.close()


def forget(name: str, thing: Closeable) -> None:
    """Strike a thing that was closed, unless another one has taken its name."""
    with _lock:
        if _living.get(name) is thing:
            del _living[name]


def close(name: str) -> None:
    """Close what stands under a name, if anything does."""
    with _lock:
        thing = _living.pop(name, None)
    if thing is not None:
        thing.close()


def close_all(prefix: str = "") -> None:
    """Close everything, or everything whose name begins so; newest first."""
    with _lock:
        doomed = [name for name in reversed(_living) if name.startswith(prefix)]
        things = [_living.pop(name) for name in doomed]
    for thing in things:
        thing.close()
