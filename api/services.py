"""What the views share: the reader behind a lock, the writer, and answers kept until something is committed."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from flask import Response, current_app, request

from api.config import ApiConfig
from marketlab.ports import PostedTick, StoreReader

__all__ = ["DATABASE", "EXTENSION", "Body", "Post", "Services", "services"]

EXTENSION = "marketlab"

#: The header that says which database an answer is of: ids of another one mean nothing in it.
DATABASE = "Marketlab-Database"


class Body(NamedTuple):
    """What a view found: JSON, and the ``Link`` to the next page if there is one."""

    data: bytes
    link: str | None = None


#: Keeps records and says how many are new.
Post = Callable[[Sequence[PostedTick]], int]


class Services:
    """One per app; used by all its threads.

    :param reader: asked by one thread at a time
    :param post: called by one thread at a time; None when the server is read-only
    """

    def __init__(self, config: ApiConfig, *, reader: StoreReader, post: Post | None) -> None:
        self.config = config
        self.read_only = post is None
        self._reader, self._post = reader, post
        self._reading, self._writing = threading.Lock(), threading.Lock()
        self._kept: dict[str, tuple[int, Body]] = {}
        self._database: tuple[int, str | None] = (-1, None)  # the version of the store, and which database it was then
        # A version means nothing to the next process: a page that outlives this one may not be told "unchanged".
        self._boot = secrets.token_hex(4)

    @contextmanager
    def reading(self) -> Iterator[StoreReader]:
        """The reader, for this thread alone until the block ends; lazy answers must be used up inside."""
        with self._reading:
            yield self._reader

    def write(self, ticks: Sequence[PostedTick]) -> int:
        """Keep posted records; the number of new rows."""
        if self._post is None:
            raise RuntimeError("a read-only server has nothing to write with")
        with self._writing:
            return self._post(ticks)

    def answer(self, make: Callable[[StoreReader], Body], *, keep_as: str | None = None) -> Response:
        """JSON that stays true until the next commit: 304 to whoever has it already.

        The tag is read before the body, so a commit in between is sent again at the next question, never missed.
        It is weak for the same reason.

        :param make: the body of the answer
        :param keep_as: name under which the body is kept until the next commit; None: made anew
        """
        with self.reading() as reader:
            version = reader.changes()
            database = self._database_at(reader, version)
            tag = f"{self._boot}-{version}"
            if request.if_none_match.contains_weak(tag):
                response = Response(status=304)
            else:
                body = self._body(reader, version, make, keep_as)
                response = Response(body.data, content_type="application/json")
                if body.link:
                    response.headers["Link"] = body.link
        response.set_etag(tag, weak=True)
        response.headers["Cache-Control"] = "no-cache"
        if database:
            response.headers[DATABASE] = database
        return response

    def _database_at(self, reader: StoreReader, version: int) -> str | None:
        """Which database it is; asked for after a commit only, for an idle poll should cost little."""
        if self._database[0] != version:
            self._database = (version, reader.identity())
        return self._database[1]

    def _body(
        self, reader: StoreReader, version: int, make: Callable[[StoreReader], Body], keep_as: str | None
    ) -> Body:
        if keep_as is None:
            return make(reader)
        kept = self._kept.get(keep_as)
        if kept is None or kept[0] != version:
            kept = self._kept[keep_as] = (version, make(reader))
        return kept[1]


def services() -> Services:
    """Those of the app that answers this request."""
    found: Services = current_app.extensions[EXTENSION]
    return found
