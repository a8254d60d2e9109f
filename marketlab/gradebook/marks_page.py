"""The marks of many learners as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from marketlab.gradebook.marking import Mark, Marked
from marketlab.gradebook.marks import Marks
from marketlab.gradebook.page import bar, chip, escape, page, plural, table
from marketlab.gradebook.states import State

__all__ = ["marks_page"]

#: In a narrow column a state is its sign; what it stands for is said once above.
SIGNS = {
    State.PASS: ("good", "✓"),
    State.FAIL: ("plain", "✗"),
    State.ERROR: ("bad", "!"),
    State.TIMEOUT: ("bad", "…"),
    State.NOT_APPLICABLE: ("quiet", "–"),
    State.NOT_REACHED: ("quiet", "○"),
}
MOST_LEARNERS = 12  # named beside a misconception


def marks_page(marks: Marks) -> str:
    """Learner × exercise, the misconceptions by number, and what was said to whom."""
    return page("Marks", _body(marks))


def _body(marks: Marks) -> Iterator[str]:
    handed_in = sum(not marked.submission.missing for marked in marks.marked)
    yield '<div class="head"><h1>Marks</h1></div>'
    yield (
        f'<p class="muted">{handed_in} of {plural(len(marks.marked), "learner")} handed in · '
        f"{plural(len(marks.titles), 'exercise')} · {marks.began:%Y-%m-%d %H:%M} UTC · {marks.seconds:.0f} s</p>"
    )
    yield (
        '<p class="muted">✓ passed · ✗ not yet · ! could not be judged · … no verdict in time · ○ not answered · '
        "– needs what the learner saw. Each answer was run from its source, in a process of its own with limits on "
        "time and memory. That holds accidents back, it is no sandbox.</p>"
    )
    yield "<section><h2>Learners</h2>"
    heads = ["@learner", "#passed", *(f"^{name}" for name in marks.titles), "notes"]
    yield table(heads, [_row(marked) for marked in marks.marked])
    yield "</section><section><h2>Exercises</h2>"
    yield table(["!exercise", "about", "#passed", "!", "#not yet", "#no verdict", "#no answer"], _exercises(marks))
    yield "</section><section><h2>Misconceptions</h2>"
    met = marks.misconceptions
    if met:
        yield table(["#met", "!exercise", "misconception", "by"], [_met(*item) for item in met])
    else:
        yield '<p class="muted">None was met.</p>'
    yield "</section>"
    yield from _found(marks)


def _found(marks: Marks) -> Iterator[str]:
    """What was found, learner by learner, to be unfolded."""
    yield "<section><h2>What was found</h2>"
    for marked in marks.marked:
        told = [mark for mark in marked.marks if mark.says]
        if told:
            wrong = plural(len(told), "answer")
            yield f"<details><summary>{escape(marked.submission.learner)} · {wrong}</summary>"
            yield table(["!exercise", "!", "misconception", "in this case"], [_told(mark) for mark in told])
            yield "</details>"
    yield "</section>"


def _row(marked: Marked) -> Sequence[str]:
    submission = marked.submission
    name = f' <span class="muted">{escape(submission.name)}</span>' if submission.name else ""
    return [
        escape(submission.learner) + name,
        f"{marked.passed}",
        *(_sign(mark) for mark in marked.marks),
        f'<span class="muted">{escape("; ".join(submission.notes))}</span>',
    ]


def _sign(mark: Mark) -> str:
    kind, sign = SIGNS[mark.state]
    title = escape(": ".join(filter(None, [str(mark.state), mark.misconception])))
    return f'<span class="{kind}" title="{title}">{sign}</span>'


def _exercises(marks: Marks) -> Iterator[Sequence[str]]:
    for exercise, title in marks.titles.items():
        counts = marks.counts(exercise)
        judged = counts.total() - counts[State.NOT_APPLICABLE] - counts[State.NOT_REACHED]
        yield [
            escape(exercise),
            escape(title),
            str(counts[State.PASS]) if judged else "–",
            bar(counts[State.PASS] / len(marks.marked)) if judged else "",
            str(counts[State.FAIL]) if judged else "–",
            str(counts[State.ERROR] + counts[State.TIMEOUT]),
            str(counts[State.NOT_REACHED]),
        ]


def _met(exercise: str, name: str, learners: list[str]) -> Sequence[str]:
    shown = ", ".join(learners[:MOST_LEARNERS]) + (" …" if len(learners) > MOST_LEARNERS else "")
    return [str(len(learners)), escape(exercise), escape(name), f'<span class="muted">{escape(shown)}</span>']


def _told(mark: Mark) -> Sequence[str]:
    return [
        escape(mark.exercise),
        chip(mark.state),
        escape(mark.misconception or ""),
        f"<code>{escape(mark.says)}</code>",
    ]
