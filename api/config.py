"""What an API process is told when it is made; it reads no setting and no clock by itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from marketlab.errors import TransportError
from marketlab.model import Alert, Rule
from marketlab.provenance import Explanation, explain

__all__ = ["ANY_ORIGIN", "LOOPBACK_NAMES", "MAX_BODY_BYTES", "MAX_RECORDS", "ApiConfig"]

#: What a Host header may say when the server listens on loopback only.
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

#: Lets the pages of every origin read.
ANY_ORIGIN = "*"

MAX_BODY_BYTES = 256 * 1024
MAX_RECORDS = 1000  # in one POST


def _without_log(alert: Alert) -> Explanation:
    def read(partition: int, offsets: Iterable[int]) -> Mapping[int, bytes | None]:  # noqa: ARG001
        raise TransportError("this server was given no log to read")

    return explain(alert, read=read)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiConfig:
    """How to answer.

    ``hosts``: names and addresses that a Host header may hold, lower case, without port.
    ``any_address``: also take a Host header that holds an address in digits, as when listening on all interfaces;
    names stay on the list, for only a name can be rebound.
    ``token``: what a writing request must carry; None: nothing.
    ``cors_origins``: other origins whose pages may use the API, as browsers send them.
    ``rule``: window and threshold as the page words them; ``poll_s``: seconds between two questions of the page.
    ``home``: the lab's folder, for notebooks that read its database; None: not told, as to another machine.
    ``hidden``: a folder that messages do not name either; None: they name what they like.
    ``max_clients``: connections to ``/ws`` at one time.
    ``clock``: seconds since the epoch, against which posted timestamps are judged.
    ``explain``: reads the ticks of an alert again; for any number of threads, and bounded in time.
    """

    hosts: frozenset[str] = LOOPBACK_NAMES
    any_address: bool = False
    token: str | None = field(default=None, repr=False)
    cors_origins: frozenset[str] = frozenset()
    rule: Rule = field(default_factory=Rule)
    poll_s: float = 2.0
    home: str | None = None
    hidden: str | None = None
    max_clients: int = 1000
    clock: Callable[[], float] = time.time
    explain: Callable[[Alert], Explanation] = _without_log

    def allows_origin(self, origin: str) -> bool:
        """Whether pages of another origin may use the API."""
        return bool(self.cors_origins & {origin, ANY_ORIGIN})

    def told(self, text: str) -> str:
        """A message as it may go to whoever asked: a file in the hidden folder by its name alone."""
        if self.hidden is None:
            return text
        return text.replace(self.hidden + os.sep, "").replace(self.hidden, "the lab's folder")
