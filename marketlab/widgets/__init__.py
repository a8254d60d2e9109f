"""Live pictures for notebooks; each can be used alone.

``LiveChart`` draws one symbol's prices while they come; ``Lanes`` is a picture of a topic's partitions, and
``PartitionView`` the same, live. They need the extra ``notebooks`` and are imported when they are asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marketlab.widgets.chart import LiveChart
    from marketlab.widgets.errors import WidgetError
    from marketlab.widgets.lanes import Lanes
    from marketlab.widgets.partition_view import PartitionView

__all__ = ["Lanes", "LiveChart", "PartitionView", "WidgetError"]

_HOMES = {"Lanes": "lanes", "LiveChart": "chart", "PartitionView": "partition_view", "WidgetError": "errors"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
