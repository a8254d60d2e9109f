"""``GET /bars/<symbol>``: the prices of a symbol by intervals of event time."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request

from api.queries import BarQuery, symbol_in_path
from api.services import Body, services
from marketlab import analytics
from marketlab.ports import StoreReader

__all__ = ["bp"]

bp = Blueprint("bars", __name__)


@bp.get("/bars/<symbol:symbol>")
def bars(symbol: str) -> Response:
    """An array of bars, oldest first, with nothing left out between them; ``Link`` leads to older ones.

    Edges are whole multiples of the interval since the epoch; a bar holds its left edge. The last one is that of the
    newest tick and still grows. An interval without a tick stands there with ``ticks: 0`` and no prices. Late ticks
    are not in bars, and a bar is of one run: the one that wrote in the interval last.
    """
    query = BarQuery.parse(request.args)
    name = symbol_in_path(symbol)

    def make(reader: StoreReader) -> Body:
        found = analytics.bars(reader.ticks(name), interval_s=query.interval_s, limit=query.limit, before=query.before)
        return Body(msgspec.json.encode(found), query.link(found))

    return services().answer(make)
