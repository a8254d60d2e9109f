"""``GET /data`` and ``GET /data/<symbol>``: the latest record of every symbol, and the history of one."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request

from api.queries import MAX_ID, Page, symbol_in_path, whole_of
from api.services import Body, services
from marketlab.ports import StoreReader

__all__ = ["bp"]

bp = Blueprint("data", __name__)


@bp.get("/data")
def latest() -> Response:
    """An array with one record a symbol, by symbol; with ``?since=`` only of symbols that have one with a larger id."""
    since = whole_of(request.args, "since", at_least=0, at_most=MAX_ID) or 0
    return services().answer(
        lambda reader: Body(msgspec.json.encode(reader.latest(since=since))), keep_as=None if since else "data"
    )


@bp.get("/data/<symbol:symbol>")
def history(symbol: str) -> Response:
    """An array of a symbol's records, newest written first; ``Link`` leads to older ones."""
    page = Page.parse(request.args)
    name = symbol_in_path(symbol)

    def make(reader: StoreReader) -> Body:
        rows, link = page.cut(reader.history(name, limit=page.limit + 1, before=page.before), lambda record: record.id)
        return Body(msgspec.json.encode(rows), link)

    return services().answer(make)
