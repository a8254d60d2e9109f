"""A question with one right answer, and the wrong ones that people give.

Two kinds. What is *predicted* is noted first, and held against what the learner's own experiment then shows. What is
*observed* is read off a broker, a store or a picture, so its right answer depends on what was seen there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from marketlab.lessons.misconceptions import Misconception
from marketlab.lessons.same import plain, same

__all__ = ["Distractor", "Question"]

Evidence = dict[str, Any]


@dataclass(frozen=True)
class Distractor:
    """A wrong answer: its value, or how it follows from the evidence, and what it reveals."""

    value: Any
    name: str
    says: str


@dataclass(frozen=True)
class Question:
    """A question.

    :param right: the right answer, or a function of the evidence
    :param because: why it is so, told with every verdict
    :param samples: of what is observed, pieces of evidence with which a test proves the distractors
    """

    id: str
    title: str
    right: Any
    because: str
    distractors: Sequence[Distractor]
    samples: Sequence[Evidence] = field(default_factory=lambda: [{}])

    @property
    def kind(self) -> Literal["predict", "observe"]:
        """Whether the answer is known before the experiment."""
        return "observe" if callable(self.right) else "predict"

    def truth(self, evidence: Evidence) -> Any:
        """The right answer."""
        return _value(self.right, evidence)

    def is_right(self, answer: Any, evidence: Evidence) -> bool:
        """Whether an answer is the right one; large and small letters are the same."""
        return same(_said(answer), _said(self.truth(evidence)))

    def misconception(self, answer: Any, evidence: Evidence) -> Misconception | None:
        """What a wrong answer reveals, if it is one that people give."""
        for distractor in self.distractors:
            if same(_said(answer), _said(_value(distractor.value, evidence))):
                return Misconception(distractor.name, distractor.says)
        return None


def _value(value: Any | Callable[..., Any], evidence: Evidence) -> Any:
    return value(**evidence) if callable(value) else value


def _said(answer: Any) -> Any:
    return answer.strip().lower() if isinstance(answer, str) else plain(answer)
