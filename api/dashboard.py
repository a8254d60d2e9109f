"""``GET /dashboard`` and ``GET /``: the page. All its addresses are relative, so that it works below a prefix."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template

from api.services import services

__all__ = ["bp"]

bp = Blueprint("dashboard", __name__)


@bp.get("/")
@bp.get("/dashboard")
def dashboard() -> Response:
    """The live page."""
    config = services().config
    response = make_response(render_template("dashboard.html", rule=config.rule, poll_s=config.poll_s))
    response.headers["Cache-Control"] = "no-cache"
    return response
