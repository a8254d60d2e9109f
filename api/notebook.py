"""``GET /notebook``: a notebook that shows one moment again, from the database, read only."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any, TypeVar

import msgspec
from flask import Blueprint, Response, request

from api.queries import MAX_ID, symbol_in_path, text_of, whole_of
from api.services import services
from marketlab.errors import NotFoundError, QueryError
from marketlab.model import Record
from marketlab.ports import StoreReader

__all__ = ["bp", "moment"]

bp = Blueprint("notebook", __name__)

_T = TypeVar("_T")

AROUND = 20  # ticks before the moment, and after it


@bp.get("/notebook")
def notebook() -> Response:
    """A notebook of one tick: those around it, its average and alert worked out again, and a picture.

    It reads the lab's database and never writes; run it with the lab's own Python, as `marketlab lab` does.
    """
    symbol = symbol_in_path(_given("symbol", text_of(request.args, "symbol")))
    tick = _given("tick", whole_of(request.args, "tick", at_most=MAX_ID))
    serving = services()
    with serving.reading() as reader:
        found = reader.history(symbol, limit=1, before=min(tick + 1, MAX_ID))
        if not found or found[0].id != tick:
            raise NotFoundError(f"{symbol} has no tick {tick}", mend=f"`GET /data/{symbol}` lists its ticks.")
        alert = _alert_of(reader, found[0]) if found[0].alert else None
    cells = moment(found[0], alert=alert, home=serving.config.home)
    response = Response(
        msgspec.json.format(msgspec.json.encode(cells), indent=1), content_type="application/x-ipynb+json"
    )
    name = f"{re.sub(r'[^A-Z0-9.-]', '-', symbol)}-{tick}.ipynb"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def moment(tick: Record, *, alert: int | None, home: str | None) -> dict[str, Any]:
    """The notebook of a tick, in the fourth format.

    :param alert: the id of its alert, if it has one
    :param home: the lab's folder; None: found upwards from where the notebook is run
    """
    cells = [
        _text(f"# {tick.symbol}, tick {tick.id}\n\nRead again from the lab's database."),
        _code(
            f"""\
            # The lab's folder; None: the one that is found upwards from here.
            HOME = {home!r}
            SYMBOL = {tick.symbol!r}
            TICK = {tick.id}
            """,
            tags=["parameters"],
        ),
        _text("## The tick as it was stored"),
        _code(
            """\
            import msgspec
            import pandas as pd

            from marketlab.settings import load_settings
            from marketlab.wiring import open_reader, rule

            settings = load_settings(home=HOME)
            reader = open_reader(settings)  # it never writes
            [tick] = reader.history(SYMBOL, limit=1, before=TICK + 1)
            assert tick.id == TICK, f"{settings.database} has no tick {TICK} of {SYMBOL}"
            pd.Series(msgspec.to_builtins(tick)).to_frame("")
            """
        ),
        _text("## The ticks around it\n\nNewest first, as the consumer wrote them."),
        _code(
            f"""\
            before = reader.history(SYMBOL, limit={AROUND} + 1, before=TICK + 1)
            # Ids count over all symbols, so the next {AROUND} of this one lie about so far on.
            ahead = reader.history(SYMBOL, limit=1000, before=TICK + {AROUND} * len(reader.latest()) + 1)
            after = [record for record in ahead if record.id > TICK][-{AROUND}:]
            around = [record for record in after + before if record.run == tick.run]
            pd.DataFrame([msgspec.to_builtins(record) for record in around])
            """
        ),
        _text("## Its average, worked out again\n\nThe mean of the last prices of the run, late ones left out."),
        _code(
            """\
            from math import fsum

            window = rule(settings).window
            last = [record.price for record in before if record.run == tick.run and not record.late][:window]
            fsum(last) / len(last) if last and not tick.late else None, tick.moving_average
            """
        ),
    ]
    if alert is not None:
        cells += [
            _text("## Why it is an alert\n\nThe same bytes, read again from the log if it can be had now."),
            _code(
                f"""\
                from marketlab.wiring import open_explainer

                explanation = open_explainer(settings)(reader.alert({alert}))
                print(f"{{explanation.verdict}}: {{explanation.detail}}")
                print(f"from {{explanation.previous.price}} to {{explanation.ticks[-1].price}}: "
                      f"{{explanation.recomputed_change_pct:+.4f}} %, "
                      f"{{'fires' if explanation.fires else 'does not fire'}}")
                pd.DataFrame([seen.as_dict() for seen in explanation.ticks])
                """
            ),
        ]
    cells += [
        _text("## The picture"),
        _code(
            """\
            from IPython.display import Image

            from marketlab.figures import draw_prices, new_figure, png
            from marketlab.plot_live import line_of

            figure = new_figure(960, 360, scale=2)
            draw_prices(figure, line_of(SYMBOL, around, window=window), note=f"around tick {TICK}")
            reader.close()
            Image(png(figure), width=960)
            """
        ),
    ]
    return {
        "cells": [{"id": f"cell-{number}", **cell} for number, cell in enumerate(cells, start=1)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _code(source: str, *, tags: list[str] | None = None) -> dict[str, Any]:
    metadata = {"tags": tags} if tags else {}
    text = dedent(source).strip()
    return {"cell_type": "code", "execution_count": None, "metadata": metadata, "outputs": [], "source": text}


def _given(name: str, value: _T | None) -> _T:
    if value is None:
        raise QueryError(f"{name} must be given", pointer=f"/{name}")
    return value


def _alert_of(reader: StoreReader, tick: Record) -> int | None:
    """The id of a tick's alert, by halves: both ids ascend together. A posted tick has a text, but no alert."""
    newest = reader.alerts(limit=1, symbol=tick.symbol)
    low, high = 1, newest[0].id if newest else 0
    while low <= high:
        middle = (low + high) // 2
        found = reader.alerts(limit=1, before=middle + 1, symbol=tick.symbol)
        if found and found[0].tick_id == tick.id:
            return found[0].id
        if found and found[0].tick_id > tick.id:
            high = found[0].id - 1
        else:
            low = middle + 1
    return None
