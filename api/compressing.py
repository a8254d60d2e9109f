"""gzip for whoever accepts it, worked out once for what is asked for again and again."""

from __future__ import annotations

import gzip

from flask import Flask, Response, request

__all__ = ["register"]

LEAST_BYTES = 1024  # less fits in one packet as it is
LEVEL = 5  # of a /data of 100 symbols a fifth is left; level 9 takes three times as long for nothing
KINDS = frozenset(
    {
        "application/javascript", "application/json", "image/svg+xml", "text/css", "text/html", "text/javascript",
        "text/plain",
    }
)  # fmt: skip


def register(app: Flask) -> None:
    """Compress answers of the app.

    Files and addresses without a variable part are few: of each the last compressed body is kept, until its ETag
    is another one.
    """
    kept: dict[str, tuple[str, bytes]] = {}

    def compressed(body: bytes, tag: str | None) -> bytes:
        few = not request.query_string and (request.endpoint == "static" or not request.view_args)
        if tag is None or not few:
            return gzip.compress(body, LEVEL, mtime=0)
        found = kept.get(request.path)
        if found is None or found[0] != tag:
            found = kept[request.path] = (tag, gzip.compress(body, LEVEL, mtime=0))
        return found[1]

    @app.after_request
    def compress(response: Response) -> Response:
        if response.status_code == 304 or response.mimetype in KINDS:
            response.headers.add("Vary", "Accept-Encoding")
        if (
            response.status_code != 200
            or response.mimetype not in KINDS
            or "Content-Encoding" in response.headers
            or not request.accept_encodings.quality("gzip")
        ):
            return response
        response.direct_passthrough = False  # of a file: it is read here
        body = response.get_data()
        if len(body) >= LEAST_BYTES:
            tag, _ = response.get_etag()
            response.set_data(compressed(body, tag))
            response.headers["Content-Encoding"] = "gzip"
            if tag is not None:
                response.set_etag(tag, weak=True)  # the same, but not byte for byte
        return response
