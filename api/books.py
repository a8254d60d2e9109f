"""``GET /books``: where every tick went."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response

from api.services import Body, services
from marketlab.ports import StoreReader

__all__ = ["bp"]

bp = Blueprint("books", __name__)


@bp.get("/books")
def books() -> Response:
    """``balanced``, the bins of every partition with dead letters by reason, and the account of every run.

    What a run lacks is named: symbol, sequence numbers, partition, and the messages before and after.
    """
    return services().answer(_make, keep_as="books")


def _make(reader: StoreReader) -> Body:
    return Body(msgspec.json.encode(reader.books().as_dict()))
