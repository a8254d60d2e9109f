"""``GET /books``: where every tick went."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request

from api.queries import RunPage
from api.services import Body, services
from marketlab.ports import StoreReader

__all__ = ["bp"]

bp = Blueprint("books", __name__)


@bp.get("/books")
def books() -> Response:
    """``balanced``, the bins of every partition with dead letters by reason, and the accounts of runs, the last first.

    What a run lacks is named: symbol, sequence numbers, partition, and the messages before and after. ``totals`` are of
    all runs; ``Link`` leads to those that are not in the answer, ``?balanced=false`` gives those that do not balance.
    """
    page = RunPage.parse(request.args)

    def make(reader: StoreReader) -> Body:
        account = reader.books()
        runs, link = page.cut(account.runs)
        return Body(msgspec.json.encode(account.as_dict(runs=runs)), link)

    first = RunPage(balanced=page.balanced)  # what pages ask for again and again
    return services().answer(make, keep_as=f"books {page.balanced}" if page == first else None)
