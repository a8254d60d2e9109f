"""A post that must arrive: what to do when nobody answers, and what when the answer is no."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, count
from random import Random
from typing import Any

from marketlab.lessons.exercise import Case, Exercise, Hints

__all__ = ["EXERCISE"]

Record = dict[str, Any]
Post = Callable[[Record], int]
Deliver = Callable[[Post, Record, Callable[[], None]], bool]

DOWN = "down"
LONG = "down 30 times"


def draw(random: Random, events: int) -> Case:
    """Mostly trouble."""
    return ([random.choice([DOWN, DOWN, 500, 503, 200, 400]) for _ in range(events // 2)],)


def story(deliver: Deliver, answers: list[int | str]) -> list[str]:
    """What is done when an API answers in this way, and 200 from then on: ``posted 7 · paused · posted 7 · kept``."""
    told: list[str] = []
    left = chain.from_iterable([DOWN] * 30 if answer == LONG else [answer] for answer in answers)

    def post(record: Record) -> int:
        told.append(f"posted {record.get('seq')}")
        answer = next(left, 200)
        if answer == DOWN:
            raise ConnectionRefusedError("nobody listens")
        return int(answer)

    kept = deliver(post, {"symbol": "AAPL", "price": 215.67, "seq": 7}, lambda: told.append("paused"))
    return [*told, {True: "kept", False: "refused"}.get(kept, f"returned {kept!r}")]


EXERCISE = Exercise(
    "m4.deliver",
    "a post that arrives",
    hints=Hints(
        question="Of which answers will the same record get another one, if you only ask again?",
        concept="Nobody answers, or 5xx: the server has a problem, and it passes; wait, and post the same record again. "
        "4xx: the record has a problem, and will have it for ever. 2xx: it is kept.",
        skeleton="A loop without end: try to post; if the connection fails, the status is as good as 503. Below 300: True. "
        "Below 500: False. Else pause, and once more.",
    ),
    examples=[
        ([],),
        ([200],),
        ([201],),
        ([400],),
        ([422],),
        ([299],),
        ([499],),
        ([DOWN],),
        ([503],),
        ([500],),
        ([DOWN, 400],),
        ([DOWN, DOWN],),
        ([DOWN, 503, DOWN, DOWN],),
        ([LONG],),
    ],
    draw=draw,
    drive=story,
    shows="what it does",
    event="answer",
    starts_as="as if it had arrived",
)


@EXERCISE.solved_by
def deliver(post: Post, record: Record, pause: Callable[[], None]) -> bool:
    while True:
        try:
            status = post(record)
        except ConnectionError:
            status = 503
        if status < 300:
            return True
        if status < 500:
            return False
        pause()


@EXERCISE.also_solved_by
def _with_a_flag(post: Post, record: Record, pause: Callable[[], None]) -> bool:
    status = None
    while status is None:
        try:
            status = post(record)
        except OSError:
            pause()
            continue
        if status >= 500:
            pause()
            status = None
    return 200 <= status <= 299


@EXERCISE.also_solved_by
def _by_counting(post: Post, record: Record, pause: Callable[[], None]) -> bool:
    for attempt in count():
        if attempt:
            pause()
        try:
            status = post(record)
        except ConnectionError:
            continue
        if status // 100 in (2, 4):
            return status // 100 == 2
    raise AssertionError("count() has no end")


@EXERCISE.also_solved_by
def _by_recursion(post: Post, record: Record, pause: Callable[[], None]) -> Any:
    try:
        status = post(record)
    except ConnectionError:
        pause()
        return _by_recursion(post, record, pause)
    if status >= 500:
        pause()
        return _by_recursion(post, record, pause)
    return status < 400


@EXERCISE.wrong(
    "as if it had arrived",
    "The error is caught and nobody hears of it. The consumer goes on to the next tick, and this one is nowhere.",
)
def _swallowed(post: Post, record: Record, pause: Callable[[], None]) -> bool:
    try:
        post(record)
    except ConnectionError:
        pass
    return True


@EXERCISE.wrong(
    "any answer is a yes",
    "It tries until somebody answers, and does not look at what the answer is: 400 and 503 are answers too.",
)
def _any_answer(post: Post, record: Record, pause: Callable[[], None]) -> bool:
    while True:
        try:
            post(record)
            return True
        except ConnectionError:
            pause()


@EXERCISE.wrong(
    "a record that is refused is posted for ever",
    "400 says that the record is wrong, and tomorrow it will be as wrong. All that come after it wait behind it.",
)
def _for_ever(post: Post, record: Record, pause: Callable[[], None]) -> bool:
    while True:
        try:
            if post(record) < 300:
                return True
        except ConnectionError:
            pass
        pause()


@EXERCISE.wrong(
    "an error of the server is final",
    "500 and 503 say that the *server* has a problem. The record is good: once the server is well it will be kept.",
)
def _no_5xx(post: Post, record: Record, pause: Callable[[], None]) -> bool:
    while True:
        try:
            return post(record) < 300
        except ConnectionError:
            pause()


@EXERCISE.wrong(
    "down is final", "Nobody listens, and the record is given up. It is as good as it was: wait, and post it again."
)
def _no_down(post: Post, record: Record, pause: Callable[[], None]) -> bool:
    while True:
        try:
            status = post(record)
        except ConnectionError:
            return False
        if status < 500:
            return status < 300
        pause()


@EXERCISE.wrong(
    "without a pause",
    "A server that comes up again is met by a client that asks as fast as it can. Many such clients keep it down.",
)
def _hammering(post: Post, record: Record, pause: Callable[[], None]) -> bool:
    while True:
        try:
            status = post(record)
        except ConnectionError:
            continue
        if status < 500:
            return status < 300


@EXERCISE.wrong("one more try", "The second try fails as well, and then the record is lost. How long is a restart?")
def _once_more(post: Post, record: Record, pause: Callable[[], None]) -> bool:
    for _ in range(2):
        try:
            status = post(record)
        except ConnectionError:
            status = 503
        if status < 500:
            return status < 300
        pause()
    return False


@EXERCISE.wrong(
    "after three tries it is given up",
    "Three tries are over in a moment, an outage is not. The log keeps what is not delivered yet, so there is no hurry.",
)
def _three(post: Post, record: Record, pause: Callable[[], None]) -> bool:
    for _ in range(3):
        try:
            status = post(record)
        except ConnectionError:
            status = 503
        if status < 500:
            return status < 300
        pause()
    return False


@EXERCISE.wrong(
    "after ten tries it is given up",
    "Ten tries are more than three, and a night is longer. There is no number that is large enough: the record is good, "
    "and only an answer says whether it is kept.",
)
def _ten(post: Post, record: Record, pause: Callable[[], None]) -> bool:
    for _ in range(10):
        try:
            status = post(record)
        except ConnectionError:
            status = 503
        if status < 500:
            return status < 300
        pause()
    return False


@EXERCISE.wrong(
    "another seq for each try",
    "With a new number it is a new record. If the first one had arrived, and only its answer was lost, there are two.",
)
def _renumbered(post: Post, record: Record, pause: Callable[[], None]) -> bool:
    while True:
        try:
            status = post(record)
        except ConnectionError:
            status = 503
        if status < 500:
            return status < 300
        record = {**record, "seq": record["seq"] + 1}
        pause()


@EXERCISE.wrong(
    "only 200 is a yes", "201 and 204 say yes too, and a good record is called refused. All from 200 to 299 are a yes."
)
def _only_200(post: Post, record: Record, pause: Callable[[], None]) -> bool:
    while True:
        try:
            status = post(record)
        except ConnectionError:
            status = 503
        if status < 500:
            return status == 200
        pause()


@EXERCISE.wrong(
    "yes and no are not told apart", "It comes back only when the record was looked at, but 400 was a no: False."
)
def _always_true(post: Post, record: Record, pause: Callable[[], None]) -> bool:
    while True:
        try:
            status = post(record)
        except ConnectionError:
            status = 503
        if status < 500:
            return True
        pause()
