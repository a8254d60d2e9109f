"""How good the checks are: time to a verdict, size of the counter-examples, mistakes named, and mutants that survive.

    python benchmarks/lessons.py

Four figures are of planted answers (:mod:`marketlab.lessons`), one of mistakes in other words
(``tests/wrong_answers.py``). The last one changes each reference in one place, as a slip of the hand would, and lists
the changed ones that pass; by reading them one sees whether they are wrong at all.
"""

from __future__ import annotations

import ast
import copy
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from marketlab.lessons import catalogue
from marketlab.lessons.answer import Answer
from marketlab.lessons.exercise import Exercise
from marketlab.lessons.judge import Judgement, judge
from tests.wrong_answers import HELD_OUT

ROUNDS = 5
FEW_EVENTS = 6
LIMIT_S = 0.5

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Lt: ast.LtE, ast.LtE: ast.Lt,
    ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def timed(exercise: Exercise, answer: Answer) -> tuple[float, Judgement]:
    """Milliseconds, and the verdict."""
    began = time.perf_counter()
    judgement = judge(exercise, answer, limit_s=LIMIT_S)
    return (time.perf_counter() - began) * 1000, judgement


def mutants(source: str) -> Iterator[str]:
    """The source, changed in one place: an operator, a number, a constant, a statement left out."""
    tree = ast.parse(source)
    for number, node in enumerate(ast.walk(tree)):
        for change in changes(node):
            changed = copy.deepcopy(tree)
            change(list(ast.walk(changed))[number])
            yield ast.unparse(ast.fix_missing_locations(changed))


def changes(node: ast.AST) -> Iterator[Callable[[ast.AST], None]]:
    """What may become of a node."""
    if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPS:
        yield lambda found: setattr(found, "op", SWAPS[type(found.op)]())  # type: ignore[attr-defined]
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        yield lambda found: setattr(found, "ops", [SWAPS[type(found.ops[0])]()])  # type: ignore[attr-defined]
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield lambda found: setattr(found, "value", not found.value)  # type: ignore[attr-defined]
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield lambda found: setattr(found, "value", found.value + 1)  # type: ignore[attr-defined]
        yield lambda found: setattr(found, "value", found.value - 1)  # type: ignore[attr-defined]
    if isinstance(node, ast.For | ast.If | ast.FunctionDef) and len(node.body) > 1:
        for place in range(len(node.body)):
            yield lambda found, place=place: found.body.pop(place)  # type: ignore[attr-defined,misc]


def main() -> None:
    """Print the figures."""
    exercises = [item for item in catalogue.in_order().values() if isinstance(item, Exercise)]
    right, wrong, events, named = [], [], [], 0
    for exercise in exercises:
        for answer in [exercise.reference, *exercise.right_ones]:
            timed(exercise, answer)  # the first time libraries are imported
            for _ in range(ROUNDS):
                took, judgement = timed(exercise, answer)
                right.append((took, judgement.state == "pass"))
        for planted in exercise.wrong_ones:
            for _ in range(ROUNDS):
                took, judgement = timed(exercise, planted.answer)
                wrong.append((took, judgement.fault is not None))
            events.append(judgement.fault.events if judgement.fault else 0)
            named += judgement.misconception is not None and judgement.misconception.name == planted.name
    for what, runs in (("right", right), ("wrong", wrong)):
        times = [took for took, _ in runs]
        judged = sum(ok for _, ok in runs)
        p95 = quantiles(times, n=20)[-1]
        print(f"{what} answers judged so {judged} of {len(runs)}, verdict p95 {p95:.0f} ms, max {max(times):.0f} ms")
    print(f"counter-examples of {FEW_EVENTS} events or fewer {sum(n <= FEW_EVENTS for n in events)} of {len(events)}")
    print(f"planted mistakes named {named} of {len(events)}")
    other = 0
    for name, misconception, source in HELD_OUT:
        exercise = catalogue.exercise(name)
        judgement = judge(exercise, Answer(source, "f", needs=exercise.needs), limit_s=LIMIT_S)
        other += judgement.misconception is not None and judgement.misconception.name == misconception
    print(f"the same in other words named {other} of {len(HELD_OUT)}")
    survivors, total = [], 0
    for exercise in exercises:
        reference = exercise.reference
        for source in mutants(reference.source):
            total += 1
            changed = Answer(reference.imports_above + source, reference.name, needs=exercise.needs)
            if judge(exercise, changed, limit_s=LIMIT_S).state == "pass":
                survivors.append((exercise.id, source))
    print(f"references changed in one place and refused {total - len(survivors)} of {total}; these pass:")
    for name, source in survivors:
        print(f"--- {name}\n{source}")


if __name__ == "__main__":
    main()
