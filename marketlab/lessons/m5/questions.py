"""What others see of a transaction, what a kill leaves of it, how batches get their size, and what a poll shows."""

from __future__ import annotations

from marketlab.lessons.question import Distractor, Question

__all__ = ["BATCH", "KILLED", "OPEN", "POLL"]

OPEN = Question(
    "m5.open",
    "rows that another connection sees before the commit",
    right=lambda seen, written: seen,
    because="Until the commit the new rows are the writer's own affair. Others see the state of before, whole and "
    "consistent, and need not wait: that is the I, isolation, of ACID.",
    distractors=[
        Distractor(
            lambda seen, written: seen + written,
            "what is written is there",
            "For the connection that has written it. The other one has been asked; look at what it said.",
        ),
        Distractor(
            lambda seen, written: written,
            "only the new ones",
            "The rows of before are committed: nobody has taken them away.",
        ),
    ],
    samples=[{"seen": 10, "written": 20}],
)

KILLED = Question(
    "m5.killed",
    "rows kept of a batch that was killed before its commit",
    right=0,
    because="All or nothing, the A of ACID. Whatever of the batch is in the file already, no commit stands behind it, and "
    "whoever opens the file next does not count it.",
    distractors=[
        Distractor(
            500,
            "half of it is kept",
            "The rows that were written: so one would think, and of a text file it would be true. A transaction has no half.",
        ),
        Distractor(
            1000,
            "the batch is finished by somebody",
            "The other half existed only in a process that is gone.",
        ),
    ],
)

BATCH = Question(
    "m5.batch",
    "ticks in a batch: 1,000 a second come, a commit takes 50 ms",
    right=50,
    because="While one commit runs, the next batch gathers: 1,000 a second for 0.05 s are 50. A slower disk makes larger "
    "batches, and keeps up. Nobody has to set a size.",
    distractors=[
        Distractor(1, "each as it comes", "Only if the writer waits for one tick. It takes all that waits."),
        Distractor(
            20,
            "so many commits fit into a second",
            "20 commits fit into a second, that is right. But 1,000 ticks come in it, so each takes a twentieth of them.",
        ),
        Distractor(1000, "a second's worth", "It would be, if a commit took a second. This one is back after 50 ms."),
    ],
)

POLL = Question(
    "m5.poll",
    "points of one symbol that a poll of /data adds to a chart",
    right=1,
    because="GET /data gives the latest record of each symbol, however many came since. The other ticks are in the database, "
    "but not in this picture: a spike between two polls is not seen.",
    distractors=[
        Distractor(
            16,
            "all ticks since the last poll",
            "Eight a second for two seconds, they were all stored. But what was asked for is the latest.",
        ),
        Distractor(8, "a second's worth", "Eight come in a second. The answer has one record for each symbol."),
        Distractor(5, "one for each symbol", "Five records come back, and one of them is of this symbol."),
    ],
)
