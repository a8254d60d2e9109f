"""The parameters of a question, read once at the door."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self, TypeVar
from urllib.parse import urlencode

import msgspec
from werkzeug.datastructures import MultiDict

from marketlab.errors import QueryError

__all__ = ["MAX_ID", "Page", "text_of", "whole_of"]

MAX_ID = 2**63 - 1  # SQLite's largest row id
DEFAULT_LIMIT = 100
MAX_LIMIT = 1000

Row = TypeVar("Row")


class Page(msgspec.Struct, frozen=True):
    """A piece of a list that is ordered newest first.

    ``limit``: rows in the answer, 1 to 1,000; ``before``: only rows older than the one with this id.
    """

    limit: int = DEFAULT_LIMIT
    before: int | None = None

    @classmethod
    def parse(cls, args: MultiDict[str, str]) -> Self:
        """From a query string.

        :raises QueryError: not a whole number within bounds; the pointer names the parameter
        """
        return cls(
            limit=whole_of(args, "limit", at_most=MAX_LIMIT) or DEFAULT_LIMIT,
            before=whole_of(args, "before", at_most=MAX_ID),
        )

    def cut(
        self, rows: Sequence[Row], id_of: Callable[[Row], int], **more: str | None
    ) -> tuple[Sequence[Row], str | None]:
        """The page out of ``limit + 1`` rows, and the ``Link`` to the next one if a row is left over.

        The link is a query alone, so that it also leads on below a prefix.

        :param more: other parameters of the question, to be asked again
        """
        page = rows[: self.limit]
        if len(rows) <= self.limit:
            return page, None
        query = {"limit": self.limit, "before": id_of(page[-1]), **{k: v for k, v in more.items() if v is not None}}
        return page, f'<?{urlencode(query)}>; rel="next"'


def text_of(args: MultiDict[str, str], name: str) -> str | None:
    """A parameter that may be given once.

    :raises QueryError: given more than once
    """
    values = args.getlist(name)
    if len(values) > 1:
        raise QueryError(f"{name} is given {len(values)} times, once is enough", pointer=f"/{name}")
    return values[0] if values else None


def whole_of(args: MultiDict[str, str], name: str, *, at_most: int, at_least: int = 1) -> int | None:
    """A parameter that is a whole number, or None if it is not given.

    :raises QueryError: it is something else, or out of bounds; the pointer names the parameter
    """
    text = text_of(args, name)
    if text is None:
        return None
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(at_most))
    if not (digits and at_least <= int(text) <= at_most):
        raise QueryError(
            f"{name} must be a whole number from {at_least} to {at_most}, was {text[:40]!r}",
            pointer=f"/{name}",
        )
    return int(text)
