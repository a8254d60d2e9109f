"""``marketlab notebooks``: list them, run them as a batch, mark what learners have handed in."""

from __future__ import annotations

import secrets
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import SecretStr
from rich.markup import escape

from marketlab.cli.needs import need
from marketlab.cli.notebooks_grade import grade
from marketlab.cli.options import Duration, json_option
from marketlab.cli.output import out, print_json, table
from marketlab.cli.progress import BatchBar, progress
from marketlab.cli.running import stopping
from marketlab.course import find, originals, solution
from marketlab.settings import PREFIX, Settings
from marketlab.wiring import answers, delete_namespaces, kafka

if TYPE_CHECKING:
    from marketlab.gradebook.contents import Contents
    from marketlab.gradebook.judging import Outcome
    from marketlab.gradebook.plan import Kind

__all__ = ["notebooks"]

PACKAGES = ("papermill", "ipykernel", "ipywidgets", "bqplot", "matplotlib", "pandas")
DEFAULT_FOLDER = Path("gradebook")


@click.group(help="The notebooks as a batch: list and run them, mark what learners hand in.")
def notebooks() -> None:
    """The notebooks."""


notebooks.add_command(grade)


@notebooks.command("list", help="Every notebook: minutes, exercises, and the parameters that -p may set.")
@json_option
def list_notebooks(*, as_json: bool) -> None:
    """What there is."""
    from marketlab.gradebook.contents import Contents

    found = [Contents.read(path) for path in originals()]
    if as_json:
        print_json([_described(contents) for contents in found])
        return
    rows = table("notebook", "#minutes", "#exercises", "parameter", "default", "what it is")
    for contents in found:
        exercises = [check.id for check in contents.checks if check.kind != "verdict"]
        first = [contents.name, str(contents.minutes or "–"), str(len(exercises) or "–")]
        parameters = [[item.name, item.default, item.help] for item in contents.parameters] or [["–", "", ""]]
        for number, parameter in enumerate(parameters):
            rows.add_row(*map(escape, (first if number == 0 else ["", "", ""]) + parameter))
    out.print(rows)


@notebooks.command(
    help="Run notebooks to their end and write a gradebook: gradebook.html, gradebook.json, junit.xml. "
    "NAMES: 01, 01_kafka, or a notebook's file; none: all of them. Exit 1 unless every run passes."
)
@click.argument("names", nargs=-1)
@click.option("-p", "parameters", nargs=2, multiple=True, metavar="NAME VALUE", help="Set a parameter.")
@click.option(
    "--matrix", multiple=True, metavar="NAME=A,B|FILE", help="Run once for each value; several: each combination."
)
@click.option(
    "--kind",
    type=click.Choice(["solved", "exercise", "both"]),
    default="both",
    show_default=True,
    help="The solved notebooks, which must pass, or those that learners are given, which must run to their end.",
)
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Notebooks at the same time.")
@click.option("--cell-timeout", type=Duration(), default=120.0, help="For one cell.  [default: 120s]")
@click.option("--timeout", type=Duration(), default=600.0, help="For one notebook as a whole.  [default: 10m]")
@click.option(
    "--to", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT_FOLDER, show_default=True,
    help="Folder of the gradebook.",
)  # fmt: skip
@json_option
@click.pass_obj
def run(
    settings: Settings,
    *,
    names: tuple[str, ...],
    parameters: tuple[tuple[str, str], ...],
    matrix: tuple[str, ...],
    kind: str,
    jobs: int,
    cell_timeout: float,
    timeout: float,
    to: Path,
    as_json: bool,
) -> None:
    """Run notebooks and write a gradebook."""
    need(*PACKAGES, extra="notebooks")
    from marketlab.gradebook.batch import Limits, play_all
    from marketlab.gradebook.plan import plan, read_matrix, value_of
    from marketlab.gradebook.report import Batch, prepare, write

    combined: dict[str, list[Any]] = {}
    for text in matrix:
        combined |= read_matrix(text)
    runs = plan(_chosen(names, kind), {name: value_of(value) for name, value in parameters}, combined)
    to = to.absolute()
    prepare(to)
    began, started = datetime.now(UTC), time.monotonic()
    batch = f"batch_{secrets.token_hex(3)}_"  # the runs' namespaces begin so
    with ExitStack() as stack:
        config = None
        if not all(run.on_tape for run in runs):
            config = stack.enter_context(kafka(settings, progress=progress(quiet=as_json)))
        stop = stack.enter_context(stopping())
        show = stack.enter_context(BatchBar(len(runs), quiet=as_json))
        unreachable = threading.Event()

        def broken() -> str:
            if config is None or answers(config):
                return ""
            unreachable.set()
            return f"the broker at {config.bootstrap_servers} does not answer any more"

        outcomes = play_all(
            runs,
            to / "runs",
            jobs=jobs,
            limits=Limits(cell_s=cell_timeout, run_s=timeout),
            variables=lambda number: _variables(
                settings,
                servers=None if config is None or runs[number].on_tape else config.bootstrap_servers,
                namespace=f"{batch}{number}",
            ),
            stop=stop,
            broken=broken,
            watcher=show,
        )
        if config is not None and not unreachable.is_set():
            delete_namespaces(config, batch)
    result = Batch(outcomes, began, time.monotonic() - started)
    page, *_ = write(result, to)
    if as_json:
        print_json(result.as_dict())
    else:
        _summary(outcomes)
        out.print(f"gradebook  {escape(str(page))}")
    sys.exit(3 if unreachable.is_set() else 0 if result.ok else 1)


def _chosen(names: Sequence[str], kind: str) -> list[tuple[Contents, Kind]]:
    """The notebooks that were named, each as solved, as given, or both; what has nothing to solve counts as solved."""
    from marketlab.gradebook.contents import Contents

    chosen: list[tuple[Contents, Kind]] = []
    for path in [_found(name) for name in names] or originals():
        solved = solution(path)
        if solved is None or kind in ("solved", "both"):
            chosen.append((Contents.read(solved or path), "solved"))
        if solved is not None and kind in ("exercise", "both"):
            chosen.append((Contents.read(path), "exercise"))
    return chosen


def _found(name: str) -> Path:
    path = Path(name)
    return path if path.suffix == ".ipynb" and path.is_file() else find(name)


def _variables(settings: Settings, *, servers: str | None, namespace: str) -> dict[str, str]:
    """What a run's processes are told: the settings of this one, but names of its own on the same Kafka, if any."""
    own = {"home", "namespace", "bootstrap_servers", "group", "port", "broker_port", "failpoint"}
    given = {
        PREFIX + name.upper(): _as_text(getattr(settings, name))
        for name in settings.model_fields_set - own
        if getattr(settings, name) is not None
    }
    given |= {"MARKETLAB_BOOTSTRAP_SERVERS": servers} if servers else {}
    return given | {"MARKETLAB_NAMESPACE": namespace, "MARKETLAB_CACHE": str(settings.cache)}


def _as_text(value: Any) -> str:
    if isinstance(value, Path):
        return str(value.absolute())
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _described(contents: Contents) -> dict[str, Any]:
    return {
        "notebook": contents.name,
        "title": contents.title,
        "minutes": contents.minutes,
        "exercises": [{"id": check.id, "kind": check.kind} for check in contents.checks if check.kind != "verdict"],
        "parameters": [{"name": item.name, "default": item.default, "help": item.help} for item in contents.parameters],
    }


def _summary(outcomes: Sequence[Outcome]) -> None:
    from marketlab.gradebook.states import tally

    rows = table("notebook", "", "#checks", "#cells", "#seconds", "why")
    for outcome in outcomes:
        rows.add_row(
            escape(outcome.run.label),
            f"{outcome.state.glyph} {outcome.state}",
            tally(check.state for check in outcome.checks),
            tally(cell.state for cell in outcome.cells),
            f"{outcome.seconds:.1f}",
            escape(outcome.why),
        )
    out.print(rows)
