"""What random prices do to an alert, and what stands where nothing was traded."""

from __future__ import annotations

from marketlab.lessons.question import Distractor, Question

__all__ = ["EMPTY", "UNIFORM"]

Candle = dict[str, float]


def _before(candles: dict[int, Candle], second: int) -> float:
    return candles[max(earlier for earlier in candles if earlier < second)]["close"]


UNIFORM = Question(
    "m3.uniform",
    "percent of uniform ticks that alert",
    right=95,
    because="Two independent draws between 100 and 500 are almost never within 3 % of one another. A price that forgets "
    "the one before is no price, and an alert that always rings is none.",
    distractors=[
        Distractor(3, "the threshold as a share", "3 % is how far a price must move, not how often that happens."),
        Distractor(
            50, "up or down, evenly", "Up and down are even, and both alert. What counts is how far, and that is far."
        ),
        Distractor(
            5,
            "rare, as on a market",
            "On a market, yes: there a tick starts where the last one was. Here it starts anywhere.",
        ),
    ],
)

EMPTY = Question(
    "m3.empty",
    "the candle of a second without a tick",
    right=lambda candles, second: candles.get(second),
    because="Nothing was traded, so there is no price to tell: the candle is not there, and the chart has a hole.",
    distractors=[
        Distractor(
            0,
            "a price of 0",
            "Nobody has sold for 0. On the chart it would be a fall to the floor and back, twice an alert.",
        ),
        Distractor(
            _before,
            "the last close goes on",
            "Filling forward says that somebody traded at that price. Nobody did; whoever wants that line can draw it.",
        ),
        Distractor(
            lambda candles, second: candles[min(later for later in candles if later > second)]["open"],
            "the next one's open",
            "That price was not known yet. A chart that looks into the future has ruined many a backtest.",
        ),
    ],
    samples=[
        {
            "candles": {
                3: {"open": 100.0, "high": 104.0, "low": 99.0, "close": 103.0},
                5: {"open": 101.0, "high": 102.0, "low": 98.0, "close": 102.0},
            },
            "second": 4,
        }
    ],
)
