"""What is wrong about how a lesson is used, and not about an answer."""

from __future__ import annotations

from marketlab.errors import MarketlabError

__all__ = ["LessonError"]


class LessonError(MarketlabError):
    """There is no exercise of that name, or it is of another kind."""

    exit_code = 2
