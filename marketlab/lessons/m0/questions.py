"""What a pipeline does while one looks, and while one does not."""

from __future__ import annotations

from typing import Any

from marketlab.lessons.question import Distractor, Question

__all__ = ["ALERT", "BOOKS", "PAUSE", "STORED"]

Rows = list[dict[str, Any]]

ALERT = Question(
    "m0.alert",
    "the symbol that has alerted",
    right=lambda alerts, latest: alerts[0]["symbol"],
    because="An alert is about a move, from one tick to the next, and how dear a share is has no part in it: 3 % of a "
    "cheap one count as much as 3 % of a dear one.",
    distractors=[
        Distractor(
            lambda alerts, latest: max(latest, key=lambda row: row["price"])["symbol"],
            "the highest price",
            "That one costs most. An alert asks how far a price has moved, in percent of itself.",
        ),
        Distractor(
            lambda alerts, latest: min(latest, key=lambda row: row["price"])["symbol"],
            "the lowest price",
            "That one costs least, which is no move. Look in the table of alerts, not in that of prices.",
        ),
        Distractor(
            lambda alerts, latest: max(latest, key=lambda row: row["seq"])["symbol"],
            "the most ticks",
            "That one is traded most often. Many small moves are no large one.",
        ),
    ],
    samples=[
        {
            "alerts": [{"symbol": "TSLA"}],
            "latest": [
                {"symbol": "AAPL", "price": 215.0, "seq": 30},
                {"symbol": "AMZN", "price": 199.0, "seq": 48},
                {"symbol": "GOOG", "price": 176.0, "seq": 31},
                {"symbol": "NFLX", "price": 780.0, "seq": 29},
                {"symbol": "TSLA", "price": 251.0, "seq": 33},
            ],
        }
    ],
)

STORED = Question(
    "m0.stored",
    "rows stored after 12 seconds at 20 ticks a second",
    right=240,
    because="20 a second for 12 seconds are 240 ticks, of all symbols together, and every one of them becomes a row.",
    distractors=[
        Distractor(20, "the rate is the total", "20 is what comes in one second, and there are twelve of them."),
        Distractor(
            1200,
            "20 a second for each symbol",
            "The rate is that of the whole source: its 20 ticks a second are shared among the five symbols.",
        ),
        Distractor(
            48,
            "only what the chart shows",
            "That is about one symbol's part, which the chart shows. The database gets what nobody looks at, too.",
        ),
        Distractor(
            5,
            "only the last price of each symbol",
            "That is what a table of prices shows. The database keeps every tick, or there would be no history.",
        ),
    ],
)

PAUSE = Question(
    "m0.pause",
    "what the pipeline does while the view is paused",
    right="goes on",
    because="A view asks the database what is new, and when it does not ask nobody minds: producer and consumer are "
    "programs of their own, and know nothing of it.",
    distractors=[
        Distractor(
            "stops",
            "the picture is the pipeline",
            "So it is with a film, which you hold by its reel. Here the button holds your window, not the market.",
        ),
        Distractor(
            "slows down",
            "somebody waits for the view",
            "That would be so if the consumer handed each tick to the chart. It hands them to the database.",
        ),
        Distractor(
            "loses ticks",
            "what is not seen is gone",
            "What nobody looks at lies in the database all the same; the view fetches it when it goes on.",
        ),
    ],
)

BOOKS = Question(
    "m0.books",
    "what stands on the left of the books' equation",
    right=lambda books: "produced",
    because="What was made is counted by whoever made it, and what was found again by whoever found it. That two who do "
    "not ask each other come to the same number is what makes it an account.",
    distractors=[
        Distractor(
            "stored",
            "the database counts itself",
            "That is one of the bins on the right. A count of what is there can never say what is missing.",
        ),
        Distractor(
            "received",
            "only what arrived",
            "What was lost on the way was never received, so this sum would be right whatever was lost.",
        ),
        Distractor(
            "lost",
            "the remainder",
            "It is counted for itself, by the holes in the numbering. Taken as a remainder it would make every sum right.",
        ),
    ],
    samples=[{"books": {"balanced": True}}],
)
