"""A function as it was written, made again with nothing around it.

A notebook remembers what was deleted long ago: a function that works may live on a variable that no cell makes any
more. So what is judged is not the function in memory but its source, with what its cell makes without any other cell.
"""

from __future__ import annotations

import ast
import builtins
import copy
import hashlib
import inspect
import linecache
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

__all__ = ["Answer"]

Function = Callable[..., Any]


class Answer:
    """The source of a cell, and the name of the function in it that is the answer.

    Of the cell it takes the imports, functions and classes, and every value that is made of these, of literals and of
    what Python has built in: ``SIZE = 5``, ``LIMIT = Decimal("0.03")``. A value in which another cell's variable stands
    is left out, as is one that the answer itself has made, for that is somebody trying it.

    :param imports: what other cells have imported
    :param needs: what the exercise gives
    :raises SyntaxError: it is not Python
    """

    def __init__(
        self,
        source: str,
        name: str,
        *,
        imports: Mapping[str, Any] | None = None,
        needs: Mapping[str, Any] | None = None,
        file: str = "<answer>",
    ) -> None:
        self.source, self.name, self.file = source, name, file
        self._imports, self._needs = dict(imports or {}), dict(needs or {})
        body = _kept(ast.parse(source).body, answer=name, known={*self._imports, *self._needs})
        for node in body:
            if isinstance(node, ast.FunctionDef):
                node.decorator_list = [item for item in node.decorator_list if not _is_task(item)]
        self._function = next(node for node in body if isinstance(node, ast.FunctionDef) and node.name == name)
        self._kept = ast.Module(body, type_ignores=[])
        self._code = compile(self._kept, file, "exec")

    @classmethod
    def of_cell(cls, function: Function, *, needs: Mapping[str, Any]) -> Answer:
        """The answer that a learner has just defined."""
        file = function.__code__.co_filename
        source = "".join(linecache.getlines(file)) or inspect.getsource(function)
        return cls(source, function.__name__, imports=_imports(function.__globals__), needs=needs, file=file)

    @classmethod
    def of_function(cls, function: Function, *, needs: Mapping[str, Any]) -> Answer:
        """One function of a module."""
        source = textwrap.dedent(inspect.getsource(function))
        tree = ast.parse(source)
        definition = tree.body[0]
        assert isinstance(definition, ast.FunctionDef)  # noqa: S101 (that is what a def statement is)
        definition.decorator_list = []
        source = "\n".join(source.splitlines()[definition.lineno - 1 :])  # without its decorators
        return cls(source, function.__name__, imports=_imports(function.__globals__), needs=needs)

    def fresh(self) -> Function:
        """The function, made anew, so that it remembers nothing.

        :raises Exception: whatever its cell raises, for instance an import that fails
        """
        space: dict[str, Any] = {**self._imports, **self._needs, "__name__": "answer"}
        exec(self._code, space)  # noqa: S102 (the learner's own code, in the learner's own kernel)
        function: Function = space[self.name]
        return function

    def load_imports(self) -> None:
        """Import what it imports anywhere, once: the first import of a large library takes seconds."""
        for node in ast.walk(ast.parse(self.source)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                with suppress(Exception):  # told when it is used
                    exec(compile(ast.Module([node], type_ignores=[]), self.file, "exec"), {})  # noqa: S102

    @property
    def standalone(self) -> str:
        """The source with the imports of other cells that it uses, so that it can be run on its own one day."""
        return self.imports_above + self.source

    @property
    def imports_above(self) -> str:
        """Those imports, a line each."""
        names = sorted({node.id for node in ast.walk(ast.parse(self.source)) if isinstance(node, ast.Name)})
        return "".join(_import_of(name, self._imports[name]) for name in names if name in self._imports)

    @property
    def digest(self) -> str:
        """Of all that is judged: equal for sources that differ only in spaces, comments and what is not taken over."""
        return hashlib.sha256(ast.dump(self._kept).encode()).hexdigest()[:16]

    @property
    def untouched(self) -> bool:
        """Whether nothing has been written into the function yet but a docstring, ``...`` or ``pass``."""
        return all(
            isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            for node in self._function.body
        )

    def says_the_same_as(self, other: Answer) -> bool:
        """Whether two functions have the same statements, whatever they are called and described as."""
        return _statements(self._function) == _statements(other._function)


def _kept(body: list[ast.stmt], *, answer: str, known: Iterable[str]) -> list[ast.stmt]:
    """What is taken over of a cell.

    :param known: names that need no other cell, beside what is built in
    """
    kept: list[ast.stmt] = []
    known = {*known, *dir(builtins)}
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            known |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            known |= {node.name} - {answer}
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and _read(node) <= known:
            known |= _names(node, ast.Store)
        else:
            continue
        kept.append(node)
    return kept


def _read(node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> set[str]:
    """The names that have to be there before an assignment."""
    inner = _names(node.value, ast.Store) if node.value else set()  # of a comprehension
    inner |= {found.arg for found in ast.walk(node) if isinstance(found, ast.arg)}
    changed = _names(node.target, ast.Store) if isinstance(node, ast.AugAssign) else set()
    return _names(node, ast.Load) - inner | changed


def _names(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    return {found.id for found in ast.walk(node) if isinstance(found, ast.Name) and isinstance(found.ctx, context)}


def _is_task(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else node
    return getattr(called, "attr", getattr(called, "id", None)) == "task"


def _imports(space: Mapping[str, Any]) -> dict[str, Any]:
    """What was imported: modules, and functions and classes that another module has under their name."""
    return {
        name: value
        for name, value in space.items()
        if not name.startswith("_") and (inspect.ismodule(value) or _is_of_another(value, space.get("__name__")))
    }


def _is_of_another(value: Any, here: str | None) -> bool:
    with suppress(Exception):  # what a proxy says, Flask's request outside of a request for one
        if callable(value) and value.__module__ != here:
            return getattr(sys.modules[value.__module__], value.__name__) is value
    return False


def _import_of(name: str, value: Any) -> str:
    if inspect.ismodule(value):
        return f"import {value.__name__} as {name}\n"
    return f"from {value.__module__} import {value.__name__} as {name}\n"


class _Unannotated(ast.NodeTransformer):
    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return ast.Assign([node.target], node.value) if node.value else node


def _statements(function: ast.FunctionDef) -> list[str]:
    return [
        ast.dump(_Unannotated().visit(copy.deepcopy(node)))
        for node in function.body
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
