"""How uvicorn runs the application, wherever it does: one process, no access log, a short grace at the end."""

from __future__ import annotations

from typing import Any

import uvicorn

from api.asgi import ASGIApp

__all__ = ["GRACE_S", "uvicorn_config"]

GRACE_S = 3  # for requests under way when the server is told to stop


def uvicorn_config(app: ASGIApp) -> uvicorn.Config:
    """The configuration of a server that is handed its listening socket."""
    handed: Any = app  # ASGI typed with plain dicts, as the specification has it
    return uvicorn.Config(
        handed,
        http="h11",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
    )
