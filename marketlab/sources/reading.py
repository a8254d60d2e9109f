"""What every format comes down to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator

from marketlab.errors import SourceError
from marketlab.model import Tick
from marketlab.sources.request import Request

__all__ = ["Reading", "refuse_statements", "show"]

SHOWN = 120  # characters of a row in a message


class Reading(ABC):
    """A file, and how it is read: decided once, by what was said about it and by its first rows.

    ``file``: its name for people; ``first_row``: as it stands there, for people; ``mend``: what to do if there is no
    tick in it.
    """

    file: str
    first_row: str
    mend = "Check that this is the file that was meant."

    @abstractmethod
    def ticks(self, skipped: Counter[str]) -> Iterator[Tick]:
        """Yield valid ticks in the order of the file, from its beginning; count what is no tick by kind.

        :raises SourceError: the data cannot be read any further; every tick before was given
        """

    @abstractmethod
    def describe(self) -> str:
        """Format, columns and what was assumed, in one line."""


def show(line: bytes | str) -> str:
    """The beginning of a row, fit for a message."""
    text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
    text = text.rstrip("\r\n")
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")


def refuse_statements(request: Request, *names: str, file: str, why: str) -> None:
    """Refuse what was said about a file and cannot be meant for one of its kind.

    :raises SourceError: one of the named statements was made
    """
    for name in names:
        stated = getattr(request, name)
        if stated is not None and stated != {}:
            option = "--" + name.replace("_", "-")
            raise SourceError(f"{file}: {option} was given, but {why}", mend=f"Leave {option} out.")
