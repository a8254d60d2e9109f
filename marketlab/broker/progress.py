"""How long work tells a person where it stands."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of stages and of bytes; called from one thread at a time. Must not raise."""

    def stage(self, text: str, *, total_bytes: int | None = None) -> None:
        """A stage begins, and the one before is over; without text the work is over.

        :param total_bytes: what ``advance`` will add up to, or None where it cannot be known
        """

    def advance(self, n_bytes: int) -> None:
        """So many more bytes of the stage are done; negative when some have to be done again."""


class Silent:
    """Says nothing."""

    def stage(self, text: str, *, total_bytes: int | None = None) -> None:
        """Nothing."""

    def advance(self, n_bytes: int) -> None:
        """Nothing."""
