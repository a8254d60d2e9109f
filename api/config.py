"""What an API process is told when it is made; it reads no setting and no clock by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from marketlab.model import Rule

__all__ = ["LOOPBACK_NAMES", "MAX_BODY_BYTES", "MAX_RECORDS", "ApiConfig"]

#: What a Host header may say when the server listens on loopback only.
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

MAX_BODY_BYTES = 256 * 1024
MAX_RECORDS = 1000  # in one POST


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiConfig:
    """How to answer.

    ``hosts``: names and addresses that a Host header may hold, lower case, without port.
    ``any_address``: also take a Host header that holds an address in digits, as when listening on all interfaces;
    names stay on the list, for only a name can be rebound.
    ``rule``: window and threshold as the page words them; ``poll_s``: seconds between two questions of the page.
    ``max_clients``: connections to ``/ws`` at one time.
    ``clock``: seconds since the epoch, against which posted timestamps are judged.
    """

    hosts: frozenset[str] = LOOPBACK_NAMES
    any_address: bool = False
    rule: Rule = field(default_factory=Rule)
    poll_s: float = 2.0
    max_clients: int = 1000
    clock: Callable[[], float] = time.time
