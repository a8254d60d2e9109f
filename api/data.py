"""``GET /data`` and ``GET /data/<symbol>``: the latest record of every symbol, and the history of one."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request

from api.queries import Page, symbol_in_path
from api.services import Body, services
from marketlab.ports import StoreReader

__all__ = ["bp"]

bp = Blueprint("data", __name__)


@bp.get("/data")
def latest() -> Response:
    """An array with one record a symbol, by symbol; empty while nothing is stored."""
    return services().answer(lambda reader: Body(msgspec.json.encode(reader.latest())), keep_as="data")


@bp.get("/data/<symbol:symbol>")
def history(symbol: str) -> Response:
    """An array of a symbol's records, newest written first; ``Link`` leads to older ones."""
    page = Page.parse(request.args)
    name = symbol_in_path(symbol)

    def make(reader: StoreReader) -> Body:
        rows, link = page.cut(reader.history(name, limit=page.limit + 1, before=page.before), lambda record: record.id)
        return Body(msgspec.json.encode(rows), link)

    return services().answer(make)
