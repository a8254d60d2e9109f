"""``GET /healthz`` (the process answers) and ``GET /readyz`` (and its database can be read)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from api.services import services

__all__ = ["bp"]

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> dict[str, str]:
    """Always ok: whoever can answer is alive."""
    return {"status": "ok"}


@bp.get("/readyz")
def readyz() -> dict[str, Any]:
    """Ready, or 503 with what is wrong. No database yet is ready too: it is answered as an empty one."""
    serving = services()
    with serving.reading() as reader:
        reader.changes()
    return {"status": "ready", "read_only": serving.read_only}
