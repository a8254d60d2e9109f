"""``POST /update``: keep records that somebody worked out (milestone 4's consumer, or a person with curl)."""

from __future__ import annotations

from flask import Blueprint, request

from api.problems import ForbiddenError, UnsupportedTypeError
from api.schemas import read_posted
from api.services import services

__all__ = ["bp"]

bp = Blueprint("update", __name__)


@bp.post("/update")
def update() -> dict[str, int]:
    """Keep one record or an array of them, all or none; ``accepted`` counts those that were not known already.

    A record that carries log, partition and offset may be sent again and again: it is kept once.
    """
    serving = services()
    if serving.read_only:
        raise ForbiddenError("this server is read-only", mend="Start it without `--read-only` to write.")
    if not request.is_json:
        raise UnsupportedTypeError(
            f"the body must be application/json, was {request.mimetype[:80] or 'of no type'}",
            mend="Send the header `Content-Type: application/json`.",
        )
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if coding != "identity":
        raise UnsupportedTypeError("a compressed body is not read", mend="Send it as it is.")
    ticks = read_posted(request.get_data(cache=False), now=serving.config.clock())
    return {"accepted": serving.write(ticks) if ticks else 0}
