"""How late one is who asks, and what one is told first."""

from __future__ import annotations

from marketlab.lessons.question import Distractor, Question

__all__ = ["FIRST", "MEAN"]

MEAN = Question(
    "m6.mean",
    "seconds from a tick to the poll that sees it, polling every 2 s",
    right=1,
    because="A tick that was made just before a poll waits for nothing, one made just after it waits two seconds, and "
    "all between are as likely: the mean is the half.",
    distractors=[
        Distractor(
            2,
            "the interval is the delay",
            "So long waits only the unlucky tick that was made right after a poll. The lucky one does not wait at all.",
        ),
        Distractor(
            0,
            "the answer is fresh",
            "It is fresh when it comes. But a tick waits until somebody asks, and nobody asks for two seconds.",
        ),
        Distractor(
            4,
            "there and back",
            "The way there and back is a matter of milliseconds. It is the pause between two questions that costs.",
        ),
    ],
)

FIRST = Question(
    "m6.first",
    "the type of the first message",
    right=lambda messages: messages[0]["type"],
    because="Who comes in the middle of a story has to be told how things stand, before any news can mean something.",
    distractors=[
        Distractor(
            "delta",
            "only what is new",
            "A symbol that is quiet just now would be missing until it trades again. Look at the first line once more.",
        ),
        Distractor(
            "status",
            "a greeting",
            "That is the heartbeat, which comes when a second had no news. Look at the first line once more.",
        ),
    ],
    samples=[{"messages": [{"type": "snapshot"}, {"type": "delta"}, {"type": "status"}]}],
)
