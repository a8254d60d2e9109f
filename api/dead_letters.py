"""``GET /dead-letters``: the messages that were refused, whole, and why."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
from flask import Blueprint, Response, request

from api.queries import Page, text_of
from api.services import Body, services
from marketlab.errors import QueryError
from marketlab.model import DeadLetter, Reason
from marketlab.ports import StoreReader

__all__ = ["bp"]

bp = Blueprint("dead_letters", __name__)


@bp.get("/dead-letters")
def dead_letters() -> Response:
    """An array, newest first; ``?reason=`` narrows it. The message is ``raw``, or ``raw_b64`` if it is not UTF-8.

    ``repaired`` is what was sent in its place, ``resent_at`` when the log acknowledged it; null if it never was.
    """
    page = Page.parse(request.args)
    reason = text_of(request.args, "reason")
    if reason is not None and reason not in set(Reason):
        raise QueryError(f"reason must be one of {', '.join(Reason)}", pointer="/reason")

    def make(reader: StoreReader) -> Body:
        rows, link = page.cut(
            reader.dead_letters(limit=page.limit + 1, before=page.before, reason=reason),
            lambda letter: letter.id,
            reason=reason,
        )
        return Body(msgspec.json.encode([_shown(letter) for letter in rows]), link)

    return services().answer(make)


def _shown(letter: DeadLetter) -> dict[str, Any]:
    fields = msgspec.structs.asdict(letter)
    if letter.repaired is not None:  # always a message that can be read
        fields["repaired"] = letter.repaired.decode()
    return fields | _text("raw", fields.pop("raw")) | _text("key", fields.pop("key"))


def _text(name: str, value: bytes | None) -> dict[str, str | None]:
    try:
        return {name: None if value is None else value.decode("utf-8")}
    except UnicodeDecodeError:
        return {f"{name}_b64": base64.b64encode(value or b"").decode("ascii")}
