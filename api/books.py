"""``GET /books``: where every tick went."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response

from api.services import Body, services
from marketlab.books import balance
from marketlab.ports import StoreReader

__all__ = ["bp"]

bp = Blueprint("books", __name__)


@bp.get("/books")
def books() -> Response:
    """``balanced``, the bins of every partition, and the account of every run with its gaps by name."""
    return services().answer(_make, keep_as="books")


def _make(reader: StoreReader) -> Body:
    return Body(msgspec.json.encode(balance(reader.partition_books(), reader.stream_books()).as_dict()))
