"""What a widget says when it is handed something that it cannot show."""

from marketlab.errors import MarketlabError

__all__ = ["WidgetError"]


class WidgetError(MarketlabError):
    """A widget was given something that it cannot show; raised in the caller's own cell."""

    exit_code = 2
