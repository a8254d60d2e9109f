"""What is computed from ticks: pure functions and small classes, one statistic a file.

Nothing here reads a clock, a file or chance: a tape replays to the same digest only if analytics sees nothing but
the ticks. An import contract holds it to that.
"""

from marketlab.analytics.alerts import alert_text, change_pct, reaches
from marketlab.analytics.bars import INTERVALS, bars
from marketlab.analytics.engine import Engine
from marketlab.analytics.lines import price_text, tick_line
from marketlab.analytics.moving_average import MovingAverage

__all__ = [
    "INTERVALS",
    "Engine",
    "MovingAverage",
    "alert_text",
    "bars",
    "change_pct",
    "price_text",
    "reaches",
    "tick_line",
]
