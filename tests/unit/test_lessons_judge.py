"""What a check makes of what learners write: where it looks, what it does not believe, what it does not wait for."""

from __future__ import annotations

import threading
from random import Random
from typing import Any

import numpy as np
import pytest

from marketlab.lessons.answer import Answer
from marketlab.lessons.exercise import Case, Exercise, Hints
from marketlab.lessons.judge import Judgement, judge
from marketlab.lessons.same import plain, same


def draw(random: Random, events: int) -> Case:
    return ([random.randint(-9, 9) for _ in range(events)],)


def doubling(**more: Any) -> Exercise:
    exercise = Exercise(
        "m9.double", "twice each", Hints("?", "", ""), examples=[([],), ([1],), ([1, 2],)], draw=draw, **more
    )

    @exercise.solved_by
    def double(numbers: list[int]) -> list[int]:
        return [2 * number for number in numbers]

    return exercise


def judged(source: str, *, limit_s: float = 2.0, **more: Any) -> Judgement:
    exercise = doubling(**more)
    return judge(exercise, Answer(source, "f", needs=exercise.needs), limit_s=limit_s)


def said(judgement: Judgement) -> str | None:
    return judgement.misconception and judgement.misconception.name


def test_other_containers_and_other_numbers_are_the_same_answer() -> None:
    for body in (
        "return tuple(2.0 * n for n in numbers)",
        "yield from (n + n for n in numbers)",
        "import numpy\n    return numpy.array(numbers) * 2",
    ):
        assert judged(f"def f(numbers):\n    {body}").state == "pass"


def test_the_smallest_case_is_shown_and_nothing_in_it_can_be_left_out() -> None:
    judgement = judged("def f(numbers):\n    return [2 * n if n != 7 else 0 for n in numbers]")
    assert judgement.fault is not None
    assert judgement.fault.case == ([7],)
    assert (judgement.fault.wanted.value, judgement.fault.got.value) == ([14], [0])


def test_the_cells_own_imports_helpers_and_constants_are_known() -> None:
    source = (
        "from operator import mul\nTWO = 2\ndef twice(n):\n    return mul(TWO, n)\n"
        "def f(numbers):\n    return [twice(n) for n in numbers]\nshown = f([1])\nprint(shown)"
    )
    assert judged(source).state == "pass"


def test_a_variable_of_another_cell_is_not_known_and_is_named() -> None:
    for source in ("", "cache = dict(other)\n", "for n in range(3):\n    cache = {}\n"):
        judgement = judged(f"{source}def f(numbers):\n    return [cache.setdefault(n, 2 * n) for n in numbers]")
        assert said(judgement) == "a name from outside"
        assert judgement.misconception is not None
        assert "cache" in judgement.misconception.says


@pytest.mark.parametrize(
    "above",
    [
        "TWO = 2",
        "TWO: int = 1\nTWO += 1",
        "TWO = -(-4) // SIZE",
        "ONE, TWO = (1, 2)",
        "from decimal import Decimal\nTWO = int(Decimal('2.0'))",
        "BY = {n: 2 * n for n in range(3)}\nTWO = BY[1]",
        "def half(n): return n // 2\nHALVES = [half(n) for n in (2, 4)]\nHALVES[0] = 7\nTWO = HALVES[1]",
        "twice = lambda n: 2 * n\nTWO = twice(1)",
    ],
)
def test_a_value_of_the_cell_that_needs_no_other_cell_is_known(above: str) -> None:
    source = f"{above}\ndef f(numbers):\n    return [TWO * n for n in numbers]"
    assert judged(source, needs={"SIZE": 2}).state == "pass"


def test_a_value_of_the_cell_is_made_anew_and_must_outlive_no_call() -> None:
    source = "seen = []\ndef f(numbers):\n    seen.extend(numbers)\n    return [2 * n for n in seen]"
    assert said(judged(source)) == "it remembers the last call"


def test_what_an_answer_is_tried_on_in_its_cell_is_not_run() -> None:
    source = "def f(numbers):\n    return [2 * n for n in numbers]\nshown = f(3)\nlonger = [*shown, 1]\nf(None)"
    assert judged(source).state == "pass"


def test_what_the_exercise_gives_may_be_used() -> None:
    source = "def f(numbers):\n    return [given * n for n in numbers]"
    assert said(judged(source)) == "a name from outside"
    assert judged(source, needs={"given": 2}).state == "pass"


def test_state_that_outlives_the_call_is_found_by_calling_twice() -> None:
    judgement = judged("def f(numbers, seen=[]):\n    seen += numbers\n    return [2 * n for n in seen]")
    assert said(judgement) == "it remembers the last call"
    assert judgement.fault is not None
    assert judgement.fault.got.value == judgement.fault.wanted.value != judgement.fault.got.again


def test_changing_an_argument_harms_no_check_and_is_refused_where_it_matters() -> None:
    source = "def f(numbers):\n    for i in range(len(numbers)):\n        numbers[i] *= 2\n    return numbers"
    assert judged(source).state == "pass"
    assert said(judged(source, keeps=True)) == "it changes its arguments"


def test_an_error_is_told_with_its_line() -> None:
    judgement = judged("def f(numbers):\n    x = 1\n    return numbers[0] / 0 + x")
    assert said(judgement) == "it raises an error"
    assert judgement.misconception is not None
    assert "line 3" in judgement.misconception.says


@pytest.mark.parametrize("body", ["exit(3)", "raise SystemExit", "return f(numbers)", "import no_such_module"])
def test_whatever_it_raises_is_a_verdict(body: str) -> None:
    judgement = judged(f"def f(numbers):\n    {body}")
    assert (judgement.state, said(judgement)) == ("not yet", "it raises an error")


def test_a_function_that_prints_in_place_of_returning_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(judged("def f(numbers):\n    print([2 * n for n in numbers])")) == "it returns nothing"
    assert capsys.readouterr().out == ""  # sixty lines would hide the verdict


def test_a_loop_without_end_is_told_and_ended() -> None:
    before = set(threading.enumerate())
    judgement = judged("def f(numbers):\n    while True:\n        try:\n            1 / 0\n        except Exception:\n"
                       "            pass", limit_s=0.2)  # fmt: skip
    assert said(judgement) == "a loop without end"
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()


def test_what_the_use_of_an_answer_has_to_load_is_loaded_before_its_time_is_taken() -> None:
    used: list[str] = []

    def drive(function: Any, numbers: list[int]) -> Any:
        used.append(function.__name__)
        return function(numbers)

    assert judged("def f(numbers):\n    return [2 * n for n in numbers]", drive=drive).state == "pass"
    assert used[0] == "double"


def test_a_generator_without_end_is_a_wrong_answer() -> None:
    assert judged("def f(numbers):\n    while True:\n        yield 0").state == "not yet"


@pytest.mark.parametrize("body", ["...", "pass", '"""What it does."""', '"""What it does."""\n    ...  # yours'])
def test_nothing_written_is_not_a_wrong_answer(body: str) -> None:
    assert judged(f"def f(numbers):\n    {body}").state == "untried"


def test_digests_see_what_is_judged_and_no_more() -> None:
    by_two = "from operator import mul\nBY = 2\ndef f(x):\n    return mul(x, BY)"
    assert digest(by_two) == digest(
        "from operator import mul\n# mine\nBY = (2)\n\ndef f(x):\n  return mul(x, BY)  # so"
    )
    assert digest(by_two) == digest(f"{by_two}\nshown = f(1)\nprint(shown)")
    changed = [
        by_two.replace(*change)
        for change in (("x, BY", "BY, x"), ("BY = 2", "BY = 3"), ("import mul", "import add as mul"))
    ]
    assert len({digest(by_two), *map(digest, changed)}) == 4


def digest(source: str) -> str:
    return Answer(source, "f").digest


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ((1, 2), [1.0, 2], True),
        (0.1 + 0.2, 0.3, True),
        (float("nan"), float("nan"), True),
        (np.float64(2), 2, True),
        (np.bool_(True), True, True),
        ({"a": (1,)}, {"a": [1]}, True),
        (None, 0, False),
        ("1", 1, False),
        (b"a", "a", False),
        ([1], [1, 1], False),
        ({"a": 1}, {"b": 1}, False),
        (float("nan"), 1.0, False),
        (1.0, None, False),
        (1.0, 1.0001, False),
    ],
)
def test_sameness_is_a_persons(one: Any, other: Any, alike: bool) -> None:
    assert same(plain(one), plain(other)) is alike
    assert same(plain(other), plain(one)) is alike
