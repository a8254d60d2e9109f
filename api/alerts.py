"""``GET /alerts``, ``GET /alerts/<id>`` and ``GET /largest-move``: what moved by the threshold or came nearest."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request

from api.queries import MAX_ID, Page, text_of
from api.services import Body, services
from marketlab.errors import QueryError
from marketlab.model import to_dict
from marketlab.ports import StoreReader
from marketlab.wire import symbol_of

__all__ = ["bp"]

bp = Blueprint("alerts", __name__)


@bp.get("/alerts")
def alerts() -> Response:
    """An array of alerts, newest first; ``?symbol=`` narrows it, ``Link`` leads to older ones."""
    page = Page.parse(request.args)
    wanted = text_of(request.args, "symbol")
    symbol = None if wanted is None else symbol_of(wanted)
    if wanted is not None and symbol is None:
        raise QueryError("symbol must be 1-32 of A-Z 0-9 . - / : _ =", pointer="/symbol")

    def make(reader: StoreReader) -> Body:
        rows, link = page.cut(
            reader.alerts(limit=page.limit + 1, before=page.before, symbol=symbol),
            lambda alert: alert.id,
            symbol=symbol,
        )
        return Body(msgspec.json.encode(rows), link)

    return services().answer(make)


@bp.get(f"/alerts/<int(max={MAX_ID}):number>")
def alert(number: int) -> Response:
    """One alert, its ticks read again from the log now, and whether it comes out again.

    ``provenance.verdict``: ``confirmed``, ``differs``, ``gone`` (the log no longer holds all of the ticks) or
    ``unreachable`` (the log cannot be read now). It never waits for the log longer than three seconds.
    """
    serving = services()
    with serving.reading() as reader:
        found = reader.alert(number)
    explanation = serving.config.explain(found)
    response = Response(
        msgspec.json.encode({**to_dict(found), "provenance": explanation.as_dict()}), content_type="application/json"
    )
    response.headers["Cache-Control"] = "no-store"  # it is true of this moment: the log may forget
    return response


@bp.get("/largest-move")
def largest_move() -> Response:
    """The record that came nearest to an alert, or null: what a page shows when there is none."""
    return services().answer(lambda reader: Body(msgspec.json.encode(reader.largest_move())))
