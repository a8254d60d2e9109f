"""What a crash leaves behind, and against what an alert was judged."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from marketlab.lessons.question import Distractor, Question

__all__ = ["BEHIND", "KILLED"]

#: Ticks that the notebook sends before it kills the consumer.
SENT = 300

KILLED = Question(
    "m7.killed",
    "rows after a kill behind the commit, and a new start",
    right=SENT,
    because="Rows and position were committed in one transaction, so the consumer that was started again asked the "
    "database where to go on, not Kafka. What Kafka believes does not matter.",
    distractors=[
        Distractor(
            2 * SENT,
            "read again, stored again",
            "That is what happens when the position is Kafka's: it was never told, so it gives everything once more. "
            "Here the position lies beside the rows.",
        ),
        Distractor(
            0,
            "what was not reported is undone",
            "Nobody can undo a commit, least of all a broker that knows nothing of this database.",
        ),
        Distractor(
            SENT + 1,
            "one tick is doubled",
            "That would be one whose row is in and whose position is not. One transaction holds both, or neither.",
        ),
        Distractor(
            SENT - 1,
            "one tick is lost",
            "That would be one whose position is in and whose row is not. One transaction holds both, or neither.",
        ),
    ],
)


def _previous(reason: Any, **_: Any) -> int:
    return int(reason.explanation.previous.offset)


def _others(reason: Any, ticks: Any) -> list[dict[str, Any]]:
    own = reason.explanation.alert
    return [t for t in ticks if t["partition"] == own.partition and t["offset"] < own.offset]


BEHIND = Question(
    "m7.behind",
    "the offset of the tick that the alert was compared with",
    right=_previous,
    because="An alert compares a tick with the one before it of the same stream: one symbol, one run, one partition. "
    "The alert remembers that offset, so it can be worked out again years later.",
    distractors=[
        Distractor(
            lambda reason, ticks: max(t["offset"] for t in _others(reason, ticks)),
            "the nearest in time",
            "The message just before it in the partition is of another symbol. Its price says nothing about this one's.",
        ),
        Distractor(
            lambda reason, **_: int(reason.explanation.alert.offset),
            "the alert's own tick",
            "That is the tick that alerted. It was compared with one that came before it.",
        ),
        Distractor(
            lambda reason, **_: int(reason.explanation.ticks[0].offset),
            "the first of the window",
            "The five of the window make the average. The alert looks at one step only: from the tick before.",
        ),
    ],
    samples=[
        {
            "reason": SimpleNamespace(
                explanation=SimpleNamespace(
                    alert=SimpleNamespace(partition=0, offset=40),
                    previous=SimpleNamespace(offset=36),
                    ticks=[SimpleNamespace(offset=offset) for offset in (20, 25, 31, 36, 40)],
                )
            ),
            "ticks": [{"partition": 0, "offset": offset} for offset in range(60)] + [{"partition": 1, "offset": 39}],
        }
    ],
)
