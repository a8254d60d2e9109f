"""Live pictures for notebooks; each can be used alone.

``push`` gives them something to show, a thread of their own draws it, and at the end a still picture stays.

================ ==================================================================================
``LiveChart``    price and average of one symbol, alerts in red
``Candles``      open, high, low and close of each interval; one without a tick is hatched
``Scrubber``     a recording under two sliders: time, and from which move on to alert
``Watchlist``    one line a symbol
``AlertFeed``    alerts, and the ticks behind each
``BooksPanel``   balanced, or what is missing
``Delays``       how late news come by one way and by another
``BalanceBeam``  ``Balance``, the books as a pair of scales, live: tips when something is missing
``PartitionView`` ``Lanes``, a picture of a topic's partitions, live
``QueueView``    a writer: rows read, rows durable, and the queue between them
``RequestView``  ``RequestTape``, the requests to an API, live
``StatusLine``   how many have passed each station
``ControlPanel`` source, pace, start, pause, step, stop
================ ==================================================================================

They need the extra ``notebooks`` and are imported when they are asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marketlab.widgets.alert_feed import AlertFeed
    from marketlab.widgets.balance import Balance
    from marketlab.widgets.balance_beam import BalanceBeam
    from marketlab.widgets.books_panel import BooksPanel
    from marketlab.widgets.candles import Candles
    from marketlab.widgets.chart import LiveChart
    from marketlab.widgets.control_panel import Choice, ControlPanel
    from marketlab.widgets.delays import Delays
    from marketlab.widgets.errors import WidgetError
    from marketlab.widgets.lanes import Lanes
    from marketlab.widgets.partition_view import PartitionView
    from marketlab.widgets.queue_view import QueueView
    from marketlab.widgets.request_tape import RequestTape
    from marketlab.widgets.request_view import RequestView
    from marketlab.widgets.scrubber import Scrubber
    from marketlab.widgets.status_line import StatusLine
    from marketlab.widgets.watchlist import Watchlist

__all__ = [
    "AlertFeed",
    "Balance",
    "BalanceBeam",
    "BooksPanel",
    "Candles",
    "Choice",
    "ControlPanel",
    "Delays",
    "Lanes",
    "LiveChart",
    "PartitionView",
    "QueueView",
    "RequestTape",
    "RequestView",
    "Scrubber",
    "StatusLine",
    "Watchlist",
    "WidgetError",
]

_HOMES = {
    "AlertFeed": "alert_feed",
    "Balance": "balance",
    "BalanceBeam": "balance_beam",
    "BooksPanel": "books_panel",
    "Candles": "candles",
    "Choice": "control_panel",
    "ControlPanel": "control_panel",
    "Delays": "delays",
    "Lanes": "lanes",
    "LiveChart": "chart",
    "PartitionView": "partition_view",
    "QueueView": "queue_view",
    "RequestTape": "request_tape",
    "RequestView": "request_view",
    "Scrubber": "scrubber",
    "StatusLine": "status_line",
    "Watchlist": "watchlist",
    "WidgetError": "errors",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
