"""What an average of the last five does at its beginning, and after a jump."""

from __future__ import annotations

from marketlab.lessons.question import Distractor, Question

__all__ = ["DRAGGED", "THIRD"]

THIRD = Question(
    "m2.third",
    "MA(5) of the third tick, of 100, 102 and 107",
    right=103,
    because="While there are fewer than five it is the mean of those that there are: (100 + 102 + 107) / 3.",
    distractors=[
        Distractor(
            61.8,
            "dividing by five",
            "309 / 5: the two empty slots count as prices of 0, and every chart begins in the cellar.",
        ),
        Distractor(
            None,
            "nothing before the fifth",
            "Some do it so (pandas, if one does not say min_periods=1). Here a new symbol has an average at once.",
        ),
        Distractor(
            104.5,
            "the last two",
            "That is the mean of 102 and 107. The window has room for five, so 100 is still in it.",
        ),
        Distractor(107, "the price itself", "That is the tick's own price, the newest of the three in the window."),
    ],
)

DRAGGED = Question(
    "m2.dragged",
    "ticks for which one wrong price is in the average",
    right=5,
    because="A price stands in the window for as many ticks as it has slots, this one included; then it has gone.",
    distractors=[
        Distractor(
            1, "only its own", "The next average still has it among its five, in the second slot from the right."
        ),
        Distractor(
            4,
            "the four that follow",
            "Those, and the tick of the wrong price itself: the newest price is in its own average.",
        ),
        Distractor(
            6,
            "counting the slots' edges",
            "It comes in with its own tick and leaves with the fifth after it: five averages.",
        ),
    ],
)
