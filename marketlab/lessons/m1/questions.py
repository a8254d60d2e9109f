"""What becomes of messages in a topic, and who reads them."""

from __future__ import annotations

from types import SimpleNamespace

from marketlab.lessons.question import Distractor, Question

__all__ = ["FOURTH", "KEPT", "KEYS", "NEW_GROUP", "OFFSET"]

KEYS = Question(
    "m1.keys",
    "partitions that ten ticks of one symbol reach",
    right=1,
    because="The partition is the key's hash, modulo the number of partitions: the same key, the same partition.",
    distractors=[
        Distractor(
            3,
            "dealing cards",
            "So a producer may spread messages that have no key. Of those with a key, the key alone decides.",
        ),
        Distractor(
            10, "a partition a message", "Partitions are made with the topic, and few; a message makes none of its own."
        ),
        Distractor(2, "the load is balanced", "Kafka does not look how full a partition is: the key decides."),
    ],
)

OFFSET = Question(
    "m1.offset",
    "the offset that the next tick will get",
    right=lambda acks: acks[-1].offset + 1,
    because="Offsets count from 0, so after the tenth message, whose offset is 9, the end of the partition is at 10.",
    distractors=[
        Distractor(
            lambda acks: acks[-1].offset,
            "the last one's, not the next one's",
            "That is the offset of the last message. A position in Kafka is what comes next: one more.",
        ),
        Distractor(
            lambda acks: acks[-1].offset + 2,
            "counting from 1",
            "Offsets count from 0: the tenth message has offset 9, and the next one is right behind it.",
        ),
        Distractor(
            lambda acks: acks[0].offset,
            "where the log begins",
            "That is where the partition begins. The end is where the next message goes.",
        ),
    ],
    samples=[{"acks": [SimpleNamespace(offset=offset) for offset in range(count)]} for count in (2, 10)],
)

KEPT = Question(
    "m1.kept",
    "messages in the topic after all 23 were read",
    right=23,
    because="Reading deletes nothing. Messages leave by age or size, as the topic is set up.",
    distractors=[
        Distractor(
            0, "a queue", "That is a queue, which forgets what was taken. A log keeps it for whoever comes next."
        ),
        Distractor(
            3, "only the newest", "One a partition? Compacted topics keep the newest of each key; this one keeps all."
        ),
        Distractor(
            5, "only the newest of a symbol", "Compacted topics do that, if one asks for it. This one keeps everything."
        ),
    ],
)

NEW_GROUP = Question(
    "m1.new_group",
    "messages that a new group reads, from earliest",
    right=23,
    because="Each group has bookmarks of its own. A new one has none, and earliest says: begin at the beginning.",
    distractors=[
        Distractor(
            0,
            "only what comes from now on",
            "That is auto_offset_reset='latest', which is what you get if you say nothing. This one says earliest.",
        ),
        Distractor(
            12,
            "groups share the messages",
            "Consumers of one group share. Another group knows nothing of them, and gets all.",
        ),
    ],
)

FOURTH = Question(
    "m1.fourth",
    "the fewest partitions that one of four readers has, of three",
    right=0,
    because="Within a group a partition has one reader, so of four readers of three partitions one stands by.",
    distractors=[
        Distractor(
            1,
            "everybody gets a share",
            "Then one of the three partitions would have two readers, and its order would be lost.",
        ),
        Distractor(
            3, "everybody reads everything", "That is what groups do to one another. Within a group the work is shared."
        ),
        Distractor(
            0.75,
            "partitions are cut",
            "A partition is the smallest share: it is never divided, or its order would be lost.",
        ),
    ],
)
