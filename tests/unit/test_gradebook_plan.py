"""Which notebooks are run with which parameters, and what a notebook says of itself."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlab.gradebook.contents import Check, Contents, NotebookError, Parameter, parse, read_cells
from marketlab.gradebook.plan import Kind, PlanError, plan, read_matrix, value_of
from tests.notebooks import cell, write_notebook


def contents(tmp_path: Path, name: str, parameters: str = "") -> tuple[Contents, Kind]:
    cells = [cell(parameters, "parameters")] if parameters else []
    return Contents.read(write_notebook(tmp_path / f"{name}.ipynb", [*cells, "x = 1"])), "solved"


def test_every_combination_is_run_and_a_notebook_gets_what_it_has(tmp_path: Path) -> None:
    notebooks = [contents(tmp_path, "01", "rate = 1\nlog = 'kafka'"), contents(tmp_path, "02", "rate = 1")]
    runs = plan(notebooks, {"rate": 5}, {"log": ["kafka", "tape"]})
    assert [(run.contents.name, dict(run.parameters)) for run in runs] == [
        ("01", {"rate": 5, "log": "kafka"}),
        ("01", {"rate": 5, "log": "tape"}),
        ("02", {"rate": 5}),
    ]
    assert len({run.key for run in runs}) == 3


def test_a_run_knows_whether_it_has_a_tape(tmp_path: Path) -> None:
    notebooks = [contents(tmp_path, "01", "transport = 'tape'  # or kafka"), contents(tmp_path, "02", "rate = 1")]
    runs = plan(notebooks, {}, {"transport": ["kafka", "tape", "tape:some.tape"]}) + plan(notebooks, {}, {})
    assert [run.on_tape for run in runs] == [False, True, True, False, True, False]
    assert [run.leaves_out(cell("x", "kafka")) for run in runs] == [run.on_tape for run in runs]
    assert not any(run.leaves_out(cell("x", "kafkaesque")) for run in runs)


def test_a_parameter_that_nobody_has_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"parameter rtae; there are rate"):
        plan([contents(tmp_path, "01", "rate = 1")], {"rtae": 5}, {})
    with pytest.raises(PlanError, match="seed"):
        plan([contents(tmp_path, "01", "rate = 1")], {}, {"seed": [1]})


def test_the_same_run_twice_is_refused(tmp_path: Path) -> None:
    one = contents(tmp_path, "01")
    with pytest.raises(PlanError, match="twice"):
        plan([one, one], {}, {})


def test_a_matrix_is_a_line_or_a_file(tmp_path: Path) -> None:
    assert read_matrix("log=kafka,tape") == {"log": ["kafka", "tape"]}
    file = tmp_path / "matrix.toml"
    file.write_text('rate = [20, 40]\nlog = ["kafka"]\n')
    assert read_matrix(str(file)) == {"rate": [20, 40], "log": ["kafka"]}


@pytest.mark.parametrize(
    ("text", "says"),
    [("rate=", "rate=20,40"), ("1=2", "rate=20,40"), ("a b", "cannot be read"), ("=1", "rate=20,40")],
)
def test_a_matrix_that_is_none_is_refused(text: str, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        read_matrix(text)


@pytest.mark.parametrize("text", ["rate = 20", "rate = []", "", "rate ="])
def test_a_file_that_is_no_matrix_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "matrix.toml"
    file.write_text(text)
    with pytest.raises(PlanError, match=r"matrix\.toml"):
        read_matrix(str(file))


@pytest.mark.parametrize(
    ("text", "value"),
    [("20", 20), ("2.5", 2.5), ("true", True), ("tape", "tape"), ("'20'", "20"), ("[1, 2]", [1, 2]), ("a b", "a b")],
)
def test_a_value_is_read_as_python_writes_it_and_else_as_text(text: str, value: Any) -> None:
    assert value_of(text) == value


def test_a_notebook_tells_its_title_minutes_parameters_and_checks(tmp_path: Path) -> None:
    path = write_notebook(
        tmp_path / "02_x.ipynb",
        [
            cell("# 2 · Averages\n\nIn about 30 minutes you will see.", kind="markdown"),
            cell("rate = 40  # ticks a second\nsymbols: list[str] = ['A']\n", "parameters"),
            '%matplotlib inline\nfrom marketlab.lessons import predict\npredict("m2.third", ...)',
            'reveal("m2.third", seen)',
            '@task("m2.ma5")\ndef f(ticks):\n    ...',
            'observe("m2.offset", ...)\nlab.verdict("02_x", {})\ntask(name)',
            "this is not Python (",
        ],
    )
    found = Contents.read(path)
    assert (found.title, found.minutes) == ("2 · Averages", 30)
    assert found.parameters == [Parameter("rate", "40", "ticks a second"), Parameter("symbols", "['A']", "")]
    assert found.checks == [
        Check("m2.third", "predict", 3),
        Check("m2.ma5", "function", 4),
        Check("m2.offset", "observe", 5),
        Check("02_x", "verdict", 5),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"cells": 3}',
        '{"cells": [1]}',
        '{"cells": [{"cell_type": "code"}]}',
        "[" * 100_000,
        "\xff",
    ],
)
def test_what_is_no_notebook_is_refused_by_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.ipynb"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(NotebookError, match=r"x\.ipynb"):
        read_cells(path)


@given(text=st.text(max_size=60))
def test_no_text_of_a_cell_is_too_much(text: str) -> None:
    tree = parse(text)
    assert tree is None or isinstance(tree, ast.Module)


def test_magic_lines_do_not_hide_the_python_around_them() -> None:
    tree = parse("%matplotlib inline\nif x:\n    !ls\nfiles = !ls\n@task('m1.a')\ndef f(): return 7 % 3")
    assert tree is not None
    assert [type(node).__name__ for node in tree.body] == ["Pass", "If", "Pass", "FunctionDef"]
