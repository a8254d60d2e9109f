"""Which shapes each route takes and answers; its words are those of the view's own docstring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from api import shapes
from api.queries import MAX_ID
from api.services import DATABASE
from api.shapes import SYMBOL

__all__ = ["OPERATIONS", "UNDESCRIBED", "Operation"]

#: Endpoints that are no part of the API, and why.
UNDESCRIBED = {"static": "the files of the pages"}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One route.

    ``answer``: the model of its JSON, or a media type of something else; ``array``: of many such;
    ``query``: the model of its parameters; ``body``: that of what is sent, one or an array; ``problems``: what can go
    wrong beside what can go wrong with every request; ``headers``: what else an answer carries.
    """

    tag: str
    answer: type[BaseModel] | str
    array: bool = False
    nullable: bool = False
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    problems: tuple[int, ...] = ()
    headers: tuple[str, ...] = ()
    writes: bool = False


_KEPT = ("ETag", DATABASE)
_PAGED = (*_KEPT, "Link")

#: By endpoint, in the order in which people read about them.
OPERATIONS = {
    "data.latest": Operation(tag="ticks", answer=shapes.Record, array=True, query=shapes.LatestQuery, headers=_KEPT),
    "data.history": Operation(
        tag="ticks", answer=shapes.Record, array=True, query=shapes.PageQuery, problems=(404,), headers=_PAGED
    ),
    "bars.bars": Operation(
        tag="ticks", answer=shapes.Bar, array=True, query=shapes.BarQuery, problems=(404,), headers=_PAGED
    ),
    "update.update": Operation(
        tag="ticks",
        answer=shapes.Accepted,
        body=shapes.PostedRecord,
        problems=(408, 413, 415, 507),
        writes=True,
    ),
    "alerts.alerts": Operation(tag="alerts", answer=shapes.Alert, array=True, query=shapes.AlertQuery, headers=_PAGED),
    "alerts.alert": Operation(tag="alerts", answer=shapes.ExplainedAlert, problems=(404,)),
    "alerts.largest_move": Operation(tag="alerts", answer=shapes.Record, nullable=True, headers=_KEPT),
    "notebook.notebook": Operation(
        tag="alerts",
        answer="application/x-ipynb+json",
        query=shapes.MomentQuery,
        problems=(404,),
        headers=("Content-Disposition",),
    ),
    "books.books": Operation(tag="the account", answer=shapes.Books, query=shapes.RunQuery, headers=_PAGED),
    "dead_letters.dead_letters": Operation(
        tag="the account",
        answer=shapes.DeadLetter,
        array=True,
        query=shapes.DeadLetterQuery,
        headers=_PAGED,
    ),
    "health.healthz": Operation(tag="the server", answer=shapes.Health),
    "health.readyz": Operation(tag="the server", answer=shapes.Readiness),
    "metrics.metrics": Operation(tag="the server", answer="text/plain"),
    "description.openapi": Operation(tag="the server", answer="application/json"),
    "description.docs": Operation(tag="the server", answer="text/html"),
    "dashboard.dashboard": Operation(tag="the server", answer="text/html"),
}

#: Headers of answers.
HEADERS: dict[str, dict[str, Any]] = {
    "ETag": {
        "description": "Changes with every commit; sent back as If-None-Match, it makes an idle poll a 304.",
        "schema": {"type": "string"},
    },
    DATABASE: {
        "description": "Which database this is of; one that was wiped is another, and ids begin anew in it. "
        "Not there while there is none.",
        "schema": {"type": "string"},
    },
    "Link": {
        "description": 'The next page, as a query to the same address: `<?limit=100&before=1042>; rel="next"`. '
        "Not there on the last one.",
        "schema": {"type": "string"},
    },
    "Content-Disposition": {"description": "The file's name.", "schema": {"type": "string"}},
    "WWW-Authenticate": {"description": "How to show who you are.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}},
}

#: Parameters that stand in a path, by name and the converter that reads them.
PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "symbol": {
        "description": "A symbol, in any case; it may hold slashes: `/data/BCH/EUR`.",
        "schema": {"type": "string", "pattern": SYMBOL, "examples": ["AAPL"]},
    },
    "number": {
        "description": "The alert's id.",
        "schema": {"type": "integer", "minimum": 0, "maximum": MAX_ID, "examples": [1]},
    },
}
