"""From what a run has left to what it was.

Evidence counts, an exit code does not: a cell counts as run when the kernel has numbered it, a check as passed when its
verdict stands in the outputs, and a run as passed when all of its cells and checks do. What is missing is *not
reached*, never assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from marketlab.gradebook.contents import Check, source, tags
from marketlab.gradebook.drawing import drawing
from marketlab.gradebook.plan import Kind, Run
from marketlab.gradebook.states import State, worst
from marketlab.widgets.live import EVIDENCE
from marketlab.widgets.verdict import VERDICT

__all__ = ["EXERCISE", "CellResult", "CheckResult", "Leavings", "Outcome", "Picture", "judge"]

EXERCISE: Final = "application/vnd.marketlab.exercise+json"
MARKER: Final = "papermill-error-cell-tag"  # cells that papermill puts in where it stopped
LEFT_OUT: Final = "it needs a Kafka broker, and this run has a tape"
LONGEST = 400  # characters of what is told
ANSI: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

Cell = Mapping[str, Any]


@dataclass(frozen=True)
class Leavings:
    """What a run has left behind.

    :param cells: of the notebook as papermill saved it last; none if it never did
    :param events: lines of the player's diary
    :param deaths: of threads, a sentence each
    :param ended: how the player was ended from outside, if it was
    :param said: the end of what the player printed
    """

    cells: Sequence[Cell]
    events: Sequence[Mapping[str, Any]]
    deaths: Sequence[str] = ()
    ended: Literal["", "timeout", "stopped"] = ""
    said: str = ""


@dataclass(frozen=True)
class CellResult:
    """A cell of code. ``number``: counted from 1 over the cells of code, as people count."""

    number: int
    state: State
    seconds: float | None
    begins: str
    why: str = ""


@dataclass(frozen=True)
class CheckResult:
    """A verdict, or its absence."""

    id: str
    kind: str
    state: State
    says: str = ""


@dataclass(frozen=True)
class Picture:
    """What a live cell has left: PNG in base64, a line of text, and SVG that follows the theme, if it drew that."""

    png: str
    says: str
    svg: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a run was."""

    run: Run
    state: State
    why: str
    seconds: float = 0.0
    cells: Sequence[CellResult] = ()
    checks: Sequence[CheckResult] = ()
    pictures: Sequence[Picture] = ()
    notes: list[str] = field(default_factory=list)


def judge(run: Run, left: Leavings, *, seconds: float) -> Outcome:
    """Say what a run was, from its evidence alone."""
    cells = [cell for cell in left.cells or run.contents.cells if MARKER not in tags(dict(cell))]
    story = _Story(run, cells, left)
    results = [story.result(number, place) for number, place in enumerate(story.code, start=1)]
    states = dict(zip(story.code, results, strict=True))
    checks = [_check(check, cells, states, run.kind) for check in _checks(run, cells)]
    state, why = _whole(left, results, checks, story)
    why = why or _left_out(results, checks)
    return Outcome(run, state, why, seconds, results, checks, list(_pictures(cells)), notes=list(story.notes))


class _Story:
    """A run as its cells and its diary tell it together."""

    def __init__(self, run: Run, cells: Sequence[Cell], left: Leavings) -> None:
        self._run, self._cells, self._left = run, cells, left
        self.code = [
            place for place, cell in enumerate(cells) if cell["cell_type"] == "code" and source(dict(cell)).strip()
        ]
        self._began = {event["cell"]: event["at"] for event in left.events if event["event"] == "began"}
        self._ran = {event["cell"]: event["at"] for event in left.events if event["event"] == "ran"}
        self._failed = {event["cell"] for event in left.events if event.get("status", "ok") != "ok"}
        self.end: Mapping[str, Any] = next((event for event in left.events if event["event"] == "end"), {})
        self.notes: list[str] = []
        for place, cell in enumerate(cells):
            if (error := _error(cell)) and self._allowed(place):
                self.notes.append(f"cell {self._number(place)} may raise, and did: {error[0]}")

    def result(self, number: int, place: int) -> CellResult:
        """What became of one cell."""
        cell = self._cells[place]
        state, why = self._state(place)
        began, ran = self._began.get(place), self._ran.get(place)
        seconds = ran - began if began is not None and ran is not None else None
        text = source(dict(cell)).strip()
        first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), text)
        return CellResult(number, state, seconds, first[:100], why)

    def _state(self, place: int) -> tuple[State, str]:
        cell, error = self._cells[place], _error(self._cells[place])
        if self._run.leaves_out(cell) and place not in self._ran:
            return State.NOT_APPLICABLE, LEFT_OUT
        if self._cut_off(place):  # before all else: a kernel that is ended may still say KeyboardInterrupt
            return self._unfinished()
        if error and not self._allowed(place):
            name, said = error
            # Only SystemExit ends a notebook without an error, so what comes after it decides.
            if name == "SystemExit":
                return State.NOT_REACHED, f"sys.exit({said}) ended the notebook here"
            return (State.FAIL if name == "NotYetError" else State.ERROR), f"{name}: {said}"
        if broken := _broken_widget(cell):
            return State.ERROR, broken
        if place in self._failed and not self._allowed(place):
            return State.ERROR, "the kernel says that it failed"
        if place in self._ran or (cell.get("execution_count") is not None and place not in self._began):
            return State.PASS, ""
        if place not in self._began:
            return State.NOT_REACHED, ""
        if "skip-execution" in tags(dict(cell)) or place != max(self._began):
            return State.NOT_REACHED, "it was skipped"
        return self._unfinished()

    def _cut_off(self, place: int) -> bool:
        last = place in self._began and place not in self._ran and place == max(self._began)
        return last and (bool(self._left.ended) or self.end.get("how") in ("timeout", "dead"))

    def _unfinished(self) -> tuple[State, str]:
        """The cell in which the run ended without its having ended."""
        if self._left.ended == "timeout":
            return State.TIMEOUT, "it still ran at the time limit"
        if self._left.ended == "stopped":
            return State.NOT_REACHED, "stopped here"
        how, why = self.end.get("how"), str(self.end.get("why", ""))
        known = {"timeout": State.TIMEOUT, "dead": State.DEAD, "returned": State.NOT_REACHED}
        return known.get(str(how), State.ERROR), why or "the run ended here"

    def _allowed(self, place: int) -> bool:
        return "raises-exception" in tags(dict(self._cells[place]))

    def _number(self, place: int) -> int:
        return self.code.index(place) + 1


def _whole(
    left: Leavings, cells: Sequence[CellResult], checks: Sequence[CheckResult], story: _Story
) -> tuple[State, str]:
    """The run's state, and the first reason for it."""
    reasons: list[tuple[State, str]] = [
        (cell.state, f"cell {cell.number}: {cell.why or cell.begins}") for cell in cells if not cell.state.ok
    ]
    reasons += [(check.state, f"{check.id}: {check.says}") for check in checks if not check.state.ok]
    reasons += [(State.ERROR, death) for death in left.deaths]
    reasons += _ends(left, story)
    if not checks and not reasons:
        reasons.append((State.NOT_REACHED, "it holds no exercise and leaves no verdict"))
    if reasons:
        state = worst(state for state, _ in reasons)
        return state, _short(next(why for found, why in reasons if found is state))
    verdicts = [check for check in checks if check.kind == "verdict"] or checks
    if all(verdict.state is State.NOT_APPLICABLE for verdict in verdicts):
        return State.NOT_APPLICABLE, "" if verdicts[0].says == LEFT_OUT else verdicts[0].says
    return State.PASS, ""


def _left_out(cells: Sequence[CellResult], checks: Sequence[CheckResult]) -> str:
    """What a run that went well has left out; ``""`` if nothing."""
    parts = [
        f"{sum(item.state is State.NOT_APPLICABLE for item in items)} of {len(items)} {what}"
        for what, items in (("cells", cells), ("checks", checks))
    ]
    if not any(cell.state is State.NOT_APPLICABLE for cell in cells):
        return ""
    return f"{' and '.join(parts)} left out: they need a Kafka broker"


def _ends(left: Leavings, story: _Story) -> Iterator[tuple[State, str]]:
    """Reasons that are in no cell."""
    if left.ended == "timeout":
        yield State.TIMEOUT, "it still ran at the time limit and was ended"
    elif left.ended == "stopped":
        yield State.NOT_REACHED, "stopped before its end"
    elif not story.end:
        yield State.ERROR, f"the run ended without a word: {left.said or 'nothing was printed'}"
    elif story.end["how"] == "timeout":
        yield State.TIMEOUT, story.end["why"]
    elif story.end["how"] == "dead":
        yield State.DEAD, story.end["why"]
    elif story.end["how"] == "error" and not any(_error(cell) for cell in left.cells):
        yield State.ERROR, story.end["why"]


def _checks(run: Run, cells: Sequence[Cell]) -> list[Check]:
    """The checks of the notebook as it came, each in its place in the notebook as it was run."""
    places = {cell.get("id"): place for place, cell in enumerate(cells) if cell.get("id")}
    moved = sum("injected-parameters" in tags(dict(cell)) for cell in cells)
    return [
        Check(check.id, check.kind, places.get(run.contents.cells[check.cell].get("id"), check.cell + moved))
        for check in run.contents.checks
    ]


def _check(check: Check, cells: Sequence[Cell], results: Mapping[int, CellResult], kind: Kind) -> CheckResult:
    result = results.get(check.cell)
    if result is not None and result.state is State.NOT_APPLICABLE:
        return CheckResult(check.id, check.kind, result.state, result.why)
    found = [
        bundle
        for cell in cells
        for bundle in _bundles(cell, VERDICT if check.kind == "verdict" else EXERCISE)
        if bundle.get("notebook" if check.kind == "verdict" else "exercise") == check.id
        and bundle.get("state") != "noted"
    ]
    if not found:
        if result is not None and not result.state.ok:
            return CheckResult(check.id, check.kind, result.state, result.why)
        return CheckResult(check.id, check.kind, State.NOT_REACHED, "it left no verdict")
    return CheckResult(check.id, check.kind, *_found(found[-1], kind))


def _found(bundle: Mapping[str, Any], kind: Kind) -> tuple[State, str]:
    """A verdict against what was to be expected of this kind of notebook."""
    said = str(bundle.get("state") or ("pass" if bundle.get("ok") is True else "not yet"))
    if said == "not applicable":
        return State.NOT_APPLICABLE, str(bundle.get("why", ""))
    if kind == "exercise" and "exercise" in bundle:
        # A pass would mean that the notebook gives its solution away.
        given_away = said == "pass"
        return (State.FAIL, "it passes as given") if given_away else (State.PASS, f"{said}, as it should be")
    if said == "pass":
        return State.PASS, ""
    if kind == "exercise":
        return State.PASS, "not yet, as it may be"
    return State.FAIL, _short(_because(bundle) or said)


def _because(bundle: Mapping[str, Any]) -> str:
    findings = [item for item in bundle.get("findings", ()) if not item.get("ok")]
    parts = [f"{item.get('what')}: {item.get('wanted')} was wanted, {item.get('seen')} was found" for item in findings]
    return "; ".join(parts) or str(bundle.get("misconception") or "")


def _bundles(cell: Cell, media_type: str) -> Iterator[Mapping[str, Any]]:
    for output in cell.get("outputs", ()):
        found = output.get("data", {}).get(media_type)
        if isinstance(found, dict):
            yield found


def _error(cell: Cell) -> tuple[str, str] | None:
    for output in cell.get("outputs", ()):
        if output.get("output_type") == "error":
            return str(output.get("ename")), _short(str(output.get("evalue")))
    return None


def _broken_widget(cell: Cell) -> str:
    """A live widget's thread catches what stops it, and says so in its evidence."""
    for bundle in _bundles(cell, EVIDENCE):
        if bundle.get("error"):
            return f"{bundle.get('widget')} {bundle.get('name')} has stopped: {_short(str(bundle['error']))}"
    return ""


def _pictures(cells: Sequence[Cell]) -> Iterator[Picture]:
    for cell in cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if isinstance(data.get("image/png"), str):
                says, html = _joined(data.get("text/plain", "")), _joined(data.get("text/html", ""))
                yield Picture(data["image/png"].strip(), _short(says), drawing(html))


def _joined(text: Any) -> str:
    """A notebook keeps a text as one, or as its lines."""
    return "".join(map(str, text)) if isinstance(text, list) else str(text)


def _short(text: str) -> str:
    text = ANSI.sub("", text).strip()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
