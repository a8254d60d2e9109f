"""What a server says of its own accord, what an outage costs, and what a repetition does."""

from __future__ import annotations

from marketlab.lessons.question import Distractor, Question

__all__ = ["DOWN", "TWICE", "UNKNOWN"]

UNKNOWN = Question(
    "m4.unknown",
    "the status for a symbol that nobody knows",
    right=lambda status: status,
    because="The view has raised a KeyError, and Flask makes a 500 of whatever is raised: the server says that it is at "
    "fault. That somebody asks for what is not there is foreseeable, and 404 is the word for it. You have to say it.",
    distractors=[
        Distractor(
            404,
            "a server knows what is not there",
            "That is what it should say. But who would have told it? Flask knows addresses, and /data/<symbol> is one. Look "
            "at the tape.",
        ),
        Distractor(200, "whatever answers is well", "An answer came, but look at the number in front of it."),
        Distractor(400, "a question that is wrong", "The view has not looked at the question. Look at the tape."),
    ],
    samples=[{"status": 500}],
)

TWICE = Question(
    "m4.twice",
    "records kept after the same run and seq came twice",
    right=1,
    because="run and seq name the tick, and what is kept lies under that name. The second post finds it there: kept once, "
    "and told so with a 200, for whoever repeats a post has done nothing wrong.",
    distractors=[
        Distractor(
            2,
            "every post makes a record",
            "It does where a record is appended. Whoever gets no answer must post again, so each lost answer would double one.",
        ),
        Distractor(
            0,
            "a repetition spoils both",
            "The first one was kept and answered for. What was said once is not taken back because it is said again.",
        ),
    ],
)

DOWN = Question(
    "m4.down",
    "ticks missing after an outage of the API",
    right=0,
    because="The log is not emptied by reading. The consumer stays where it is until its post is answered, and all that comes "
    "meanwhile waits in the log. Late they are; lost is none.",
    distractors=[
        Distractor(
            12,
            "what comes during an outage is lost",
            "It would be, if the source had posted itself and thrown away what was not taken. Between them stands a log.",
        ),
        Distractor(
            1,
            "the one that was under way is lost",
            "It got no answer, so the consumer has not gone on: it posts that one again.",
        ),
        Distractor(
            8,
            "an API that starts again has forgotten everything",
            "A new process would have: what it keeps is in memory. Here only the server was stopped. But a good thought, and "
            "what notebook 05 is about.",
        ),
    ],
)
