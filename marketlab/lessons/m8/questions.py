"""How often a real market moves by 3 % from one trade to the next."""

from __future__ import annotations

from marketlab.lessons.question import Distractor, Question

__all__ = ["CALM"]

CALM = Question(
    "m8.calm",
    "alerts at 3 % in a real market's trades",
    right=0,
    because="From one trade to the next a busy market moves by hundredths of a percent. Of 15,863 trades of bitcoin "
    "and ether in six minutes of a real exchange, the largest move was 0.105 %. The recording here is synthetic, and "
    "made as calm.",
    distractors=[
        Distractor(
            476, "the threshold as a share", "3 % of all trades? The threshold is how far a price moves, not how often."
        ),
        Distractor(
            18,
            "three a minute",
            "That is the simulator's pace. Its jumps are there so that you see an alert; a market owes you none.",
        ),
        Distractor(
            100,
            "crypto jumps all the time",
            "Over a day it does. But a day's move is made of a million trades, and each of them is tiny.",
        ),
    ],
)
