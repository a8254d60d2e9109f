"""What a check accepts, the cells below can use: every planted right answer goes through the notebooks themselves.

The solved notebooks run statement by statement, without a broker and without a pipeline: what needs one is left out,
and so is what needs a name that was not made. `solved` gives each right answer in turn, and notes where it is called;
a line that calls one and was not run makes the test fail.
"""

from __future__ import annotations

import ast
import builtins
import logging
import sqlite3
import symtable
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import pandas as pd
import pytest

from marketlab import lab, lessons, widgets
from marketlab.course import originals
from marketlab.gradebook.contents import read_cells, source
from marketlab.lessons import catalogue
from marketlab.lessons.answer import Answer
from marketlab.lessons.exercise import Exercise

pytestmark = pytest.mark.notebook

Place = tuple[int, int]  # cell and line in it
Names = dict[str, Any]

#: By notebook: some words of a statement that is left out, and what it would have made.
STAND_INS: dict[str, tuple[str, str, Callable[[], Any]]] = {
    "06": (
        "heard.append",
        "heard",
        lambda: [{"type": "snapshot", "seq": 1}, *({"type": "delta", "seq": number} for number in range(2, 7))],
    ),
    "08": (
        "pd.read_sql_query",
        "frame",
        lambda: pd.DataFrame({"symbol": ["A", "B"] * 4, "price": 2.0, "timestamp": 0.0, "moving_average": 2.0}),
    ),
}
#: What only a live cell does, done once.
CALLS = {
    "02": "think(ticks[0]); think(ticks[0])",
    "03": "analysed({'symbol': 'AAPL', 'price': 1.0})",
    "04": "with serving(app) as port: send(port, numbered[4])",
    "06": """
from threading import Event

class Server:
    def __enter__(self):
        self.left = list(heard)
        return self

    def __exit__(self, *exc):
        stop.set()

    def recv(self, timeout):
        if not self.left:
            raise ConnectionError("the server is gone")
        return json.dumps(self.left.pop(0))

stop, start, open_socket, ask = Event(), 0, Server, lambda path: []
follow(stop)
""",
}
TURNS = max(len(item.right_ones) for item in catalogue.in_order().values() if isinstance(item, Exercise))
SOLVED = {path.name[:2]: path for path in originals(solved=True)}


class LeftOutError(NameError):
    """Here is neither a broker nor a pipeline."""


def live(**_: Any) -> NoReturn:
    """In place of a widget that draws what a program of its own does."""
    raise LeftOutError


class Bench(lab.Lab):
    """A lab that runs nothing."""

    @property
    def database(self) -> NoReturn:
        raise LeftOutError

    def _open_log(self) -> NoReturn:
        raise LeftOutError

    def _children(self) -> NoReturn:
        raise LeftOutError


class Rehearsal:
    """A solved notebook with other right answers in place of the reference."""

    def __init__(self, path: Path, answers: int) -> None:
        self.number = path.name[:2]
        self.called: set[Place] = set()
        self._answers = answers
        self._space: Names = {"__name__": "__main__"}
        self._cells = {
            number: (ast.parse(source(cell)).body, cell["metadata"].get("tags", []))
            for number, cell in enumerate(read_cells(path))
            if cell["cell_type"] == "code"
        }

    def play(self) -> None:
        for number, (body, tags) in self._cells.items():
            if number > self.last:
                break
            if "parameters" in tags:
                self._run(number, body)
                self._space["transport"] = "tape"
            elif "kafka" not in tags:
                for statement in body:
                    self._try(number, statement)
        self._run(-1, ast.parse(CALLS.get(self.number, "")).body)

    def solved(self, name: str) -> Callable[..., Any]:
        """As in ``marketlab.lessons``, but the right answer whose turn it is; those with fewer begin again."""
        right: list[Answer] = catalogue.exercise(name).right_ones
        function = right[self._answers % len(right)].fresh()

        def call(*arguments: Any) -> Any:
            caller = sys._getframe(1)
            cell, _, what = caller.f_code.co_filename.partition(":")
            if what == self.number:
                self.called.add((int(cell), caller.f_lineno))
            return function(*arguments)

        return call

    @property
    def calls(self) -> set[Place]:
        """Every place at which a function is called that `solved` has given, but for cells that need a broker."""
        return {
            (cell, node.lineno)
            for cell, node in self._nodes()
            if isinstance(node, ast.Call) and (_is_solved(node.func) or _is_name(node.func, self.names))
        }

    @property
    def last(self) -> int:
        """The last cell that has to do with what `solved` has given."""
        return max(cell for cell, node in self._nodes() if _is_name(node, self.names | {"solved"}))

    @cached_property
    def names(self) -> set[str]:
        """What a notebook calls what `solved` has given."""
        return {name for body, _ in self._cells.values() for node in body for name in _names_of_solved(node)}

    def _nodes(self) -> Iterator[tuple[int, ast.AST]]:
        for cell, (body, tags) in self._cells.items():
            answers = [node for node in body if isinstance(node, ast.FunctionDef) and node.decorator_list]  # with @task
            for statement in body:
                if "kafka" not in tags and statement not in answers:
                    yield from ((cell, node) for node in ast.walk(statement))

    def close(self) -> None:
        for value in self._space.values():
            if isinstance(value, sqlite3.Connection):
                value.close()
            elif isinstance(value, TemporaryDirectory):
                value.cleanup()

    def _try(self, cell: int, statement: ast.stmt) -> None:
        text = ast.unparse(statement)
        wanted = symtable.symtable(text, "cell", "exec").get_symbols()
        missing = {
            name.get_name() for name in wanted if name.is_referenced() and not name.is_assigned()
        } - self._space.keys()
        try:
            if not missing - vars(builtins).keys():
                self._run(cell, [statement])
                return
        except NameError:
            pass
        if self.number in STAND_INS:
            words, name, make = STAND_INS[self.number]
            if words in text:
                self._space[name] = make()

    def _run(self, cell: int, body: list[ast.stmt]) -> None:
        exec(compile(ast.Module(body, type_ignores=[]), f"{cell}:{self.number}", "exec"), self._space)


def _is_name(node: ast.AST, names: set[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def _is_solved(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and _is_name(node.func, {"solved"})


def _names_of_solved(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Assign):
            target = node.targets[0]
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=True))
            yield from (name.id for name, value in pairs if isinstance(name, ast.Name) and _is_solved(value))


@contextmanager
def stage(rehearsal: Rehearsal, home: Path) -> Iterator[None]:
    """What a notebook imports is what it finds here, until the end."""
    log = logging.getLogger("analytics")
    before = vars(log).copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARKETLAB_HOME", str(home))
        patch.setattr(lab, "Lab", Bench)
        patch.setattr(lessons, "solved", rehearsal.solved)
        patch.setattr(lessons, "task", lambda name: lambda function: function)
        patch.setattr(widgets, "QueueView", live)
        try:
            yield
        finally:
            rehearsal.close()
            widgets.registry.close_all()
            vars(log).update(before)


@pytest.mark.parametrize("turn", range(TURNS))
@pytest.mark.parametrize("number", [number for number in SOLVED if number >= "02"])
def test_right_answers_fit_into_the_cells_below(number: str, turn: int, tmp_path: Path) -> None:
    rehearsal = Rehearsal(SOLVED[number], turn)
    with stage(rehearsal, tmp_path / ".marketlab"):
        rehearsal.play()
    assert rehearsal.calls - rehearsal.called == set(), "add what only a live cell does to CALLS"
