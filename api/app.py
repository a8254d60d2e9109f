"""The Flask application: ``create_app`` and nothing at import time."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import BaseConverter

from api import (
    alerts,
    bars,
    books,
    compressing,
    dashboard,
    data,
    dead_letters,
    description,
    health,
    metrics,
    notebook,
    problems,
    security,
    update,
)
from api.config import MAX_BODY_BYTES, ApiConfig
from api.metrics import Gauges
from api.services import EXTENSION, Post, Services
from marketlab.ports import StoreReader

__all__ = ["create_app"]

YEAR_S = 365 * 86_400


class SymbolConverter(BaseConverter):
    """A symbol in a path: unlike werkzeug's ``path`` it may begin with a slash, as symbols may."""

    part_isolating = False
    regex = ".+"
    weight = 200


class App(Flask):
    """Flask with two habits of its own about files and addresses."""

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Vendored files carry their version in the path and never change; ours are asked for again each time."""
        return YEAR_S if filename is not None and filename.startswith("vendor/") else None


def create_app(config: ApiConfig, *, reader: StoreReader, post: Post | None, gauges: Gauges | None = None) -> Flask:
    """An application over a store. Opens nothing; whoever made the reader closes it.

    :param reader: asked by one thread at a time
    :param post: keeps records and returns how many are new; None makes the server read-only
    :param gauges: what ``/metrics`` shows beside the store and the requests
    """
    app = App("api")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    # "A//B" and "/A" are symbols; werkzeug would otherwise send the client to another address.
    app.url_map.merge_slashes = False
    app.url_map.converters["symbol"] = SymbolConverter
    services = app.extensions[EXTENSION] = Services(config, reader=reader, post=post)
    problems.register(app)
    metrics.register(app, services, gauges or Gauges())
    security.register(app, config)
    compressing.register(app)
    for room in (data, bars, update, alerts, books, dead_letters, health, metrics, notebook, description, dashboard):
        app.register_blueprint(room.bp)
    return app
