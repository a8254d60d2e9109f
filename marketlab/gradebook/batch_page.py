"""The gradebook of a batch as a page."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Iterator, Sequence

from marketlab.gradebook.judging import CellResult, Outcome, Picture
from marketlab.gradebook.page import bar, chip, escape, page, plural, table
from marketlab.gradebook.report import Batch
from marketlab.gradebook.states import State, tally

__all__ = ["gradebook_page"]

PNG = b"\x89PNG\r\n"


def gradebook_page(batch: Batch) -> str:
    """The whole page: what it came to, a line for each run, then each run with its checks, pictures and times."""
    return page("Gradebook", _body(batch))


def _body(batch: Batch) -> Iterator[str]:
    outcomes = batch.outcomes
    passed = sum(outcome.state.ok for outcome in outcomes)
    yield '<div class="head"><h1>Gradebook</h1>'
    if batch.ok:
        yield chip(State.PASS, "all passed" if batch.state is State.PASS else "all passed that apply")
    else:
        yield chip(batch.state, f"{len(outcomes) - passed} not passed")
    yield "</div>"
    counts = Counter(outcome.state for outcome in outcomes)
    told = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
    yield (
        f'<p class="muted">{plural(len(outcomes), "run")}: {told} · {batch.began:%Y-%m-%d %H:%M} UTC · '
        f"{_time(batch.seconds)} · marketlab {escape(batch.version)}</p>"
    )
    yield "<section>"
    rows = [_row(number, outcome) for number, outcome in enumerate(outcomes, start=1)]
    yield table(["notebook", "!", "#checks", "#cells", "#time", "why"], rows)
    yield "</section>"
    for number, outcome in enumerate(outcomes, start=1):
        yield from _run(number, outcome)


def _row(number: int, outcome: Outcome) -> Sequence[str]:
    return [
        f'<a href="#run-{number}">{escape(outcome.run.label)}</a>',
        chip(outcome.state),
        tally(check.state for check in outcome.checks),
        tally(cell.state for cell in outcome.cells),
        _time(outcome.seconds),
        escape(outcome.why),
    ]


def _run(number: int, outcome: Outcome) -> Iterator[str]:
    yield f'<section id="run-{number}">'
    yield f'<div class="head"><h2>{escape(outcome.run.label)}</h2>{chip(outcome.state)}</div>'
    yield f'<p class="muted">{escape(outcome.run.contents.title)}</p>'
    if outcome.why:
        yield f"<p>{escape(outcome.why)}</p>"
    for note in outcome.notes:
        yield f'<p class="muted">{escape(note)}</p>'
    if outcome.checks:
        yield "<h3>Checks</h3>"
        rows = [[escape(check.id), check.kind, chip(check.state), escape(check.says)] for check in outcome.checks]
        yield table(["!check", "!kind", "!", "="], rows)
    pictures = [picture for picture in outcome.pictures if picture.svg or _is_png(picture)]
    if pictures:
        yield '<h3>Pictures</h3><div class="pictures">'
        yield from map(_picture, pictures)
        yield "</div>"
    if outcome.cells:
        yield from _cells(outcome.cells)
    yield "</section>"


def _cells(cells: Sequence[CellResult]) -> Iterator[str]:
    slowest = max((cell.seconds or 0.0 for cell in cells), default=0.0) or 1.0
    opened = "" if all(cell.state.ok for cell in cells) else " open"
    yield f"<details{opened}><summary>{plural(len(cells), 'cell')}, the slowest {slowest:.1f} s</summary>"
    yield table(
        ["#cell", "!", "#seconds", "!", "=begins"],
        [
            [
                str(cell.number),
                chip(cell.state),
                "–" if cell.seconds is None else f"{cell.seconds:.2f}",
                "" if cell.seconds is None else bar(cell.seconds / slowest),
                f"<code>{escape(cell.begins)}</code>",
            ]
            for cell in cells
        ],
    )
    yield "</details>"


def _picture(picture: Picture) -> str:
    says = escape(picture.says)
    image = picture.svg or f'<img src="data:image/png;base64,{picture.png}" alt="{says}">'
    return f"<figure>{image}<figcaption>{says}</figcaption></figure>"


def _is_png(picture: Picture) -> bool:
    """What goes into the page's attribute is base64 of a PNG and nothing else."""
    try:
        return base64.b64decode(picture.png, validate=True).startswith(PNG)
    except (binascii.Error, ValueError):
        return False


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{seconds:.1f} s"
