"""``marketlab explain ALERT``: why did this alert fire?"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import ExitStack

import click
from rich.markup import escape

from marketlab.analytics import price_text
from marketlab.cli.options import json_option, transport_option
from marketlab.cli.output import err, out, print_json, table
from marketlab.cli.progress import progress
from marketlab.errors import MarketlabError, NotFoundError
from marketlab.model import Alert
from marketlab.ports import Transport
from marketlab.provenance import Explanation, Seen
from marketlab.provenance import explain as explain_alert
from marketlab.settings import Settings
from marketlab.wiring import open_reader, open_transport

__all__ = ["explain"]

READ_S = 10.0
SHOWN_BYTES = 200
NOTES = {"same": "", "differs": "[bold red]differs[/]", "gone": "[dim]gone[/]"}
SAYS = {
    "confirmed": "confirmed: the log still holds these ticks, and the alert comes out again",
    "differs": "[bold red]DIFFERS[/]: the log says something else than was stored",
    "gone": "gone: the log no longer holds all of these ticks; recomputed from what was stored",
}


@click.command(help="Why did this alert fire? Reads its ticks again from the log and recomputes. Exit 1 if it differs.")
@click.argument("alert", required=False, type=int)
@click.pass_obj
@transport_option
@json_option
def explain(settings: Settings, *, alert: int | None, transport: str, as_json: bool) -> None:
    """Why did this alert fire? Without a number: the last one."""
    with open_reader(settings) as reader:
        if alert is None:
            newest = reader.alerts(limit=1)
            if not newest:
                raise NotFoundError(f"no alerts yet in {settings.database}", mend="Run `marketlab up` for a while.")
            found = newest[0]
        else:
            found = reader.alert(alert)
    with ExitStack() as stack:
        log = _log(found, settings, transport, stack, quiet=as_json)

        def read(partition: int, offsets: Iterable[int]) -> dict[int, bytes | None]:
            assert log is not None  # noqa: S101 (for the type checker)
            return log.read(partition, offsets, timeout_s=READ_S)

        explanation = explain_alert(found, read=read if log else None)
    if as_json:
        print_json(explanation.as_dict())
    else:
        _show(explanation, topic=settings.topic if found.log.startswith("kafka:") else None)
    sys.exit(1 if explanation.verdict == "differs" else 0)


def _log(alert: Alert, settings: Settings, transport: str, stack: ExitStack, *, quiet: bool) -> Transport | None:
    """The log that the alert came from, if it can be had."""
    try:
        log = stack.enter_context(open_transport(settings, transport, progress=progress(quiet=quiet)))
        if log.log_id == alert.log:
            return log
        err.print(f"[dim]the alert came from {alert.log}, this is {log.log_id}[/]")
    except MarketlabError as error:
        err.print(f"[dim]the log cannot be read again: {error.message}[/]")
    return None


def _show(explanation: Explanation, *, topic: str | None) -> None:
    alert, rule = explanation.alert, explanation.alert.rule
    this, previous = explanation.ticks[-1], explanation.previous
    out.print(f"{alert.text}   [dim]alert {alert.id}, run {alert.run or '–'}, seq {alert.seq or '–'}[/]")
    out.print(f"  rule      one tick moves the price by {rule.threshold_pct:g} % or more; MA over {rule.window} ticks")
    out.print(f"  log       {f'topic {topic}, ' if topic else ''}partition {alert.partition}, offset {alert.offset}")
    out.print(f"            [dim]{alert.log}[/]")
    out.print(f"  previous  {price_text(previous.price)} at offset {previous.offset}{_bytes(previous)}")
    out.print(f"  this      {price_text(alert.price)}, a change of {alert.change_pct:+.4f} %{_bytes(this)}")
    rows = table("  window", "#offset", "#price stored", "#price read again", "")
    for number, tick in enumerate(explanation.ticks, start=1):
        again = "–" if tick.read_again is None else price_text(tick.read_again)
        rows.add_row(f"  {number}", str(tick.offset), price_text(tick.price), again, NOTES[tick.found])
    out.print(rows)
    out.print(
        f"  recomputed: MA {explanation.recomputed_average!r}, change {explanation.recomputed_change_pct:+.4f} %, "
        f"{'fires' if explanation.fires else 'does not fire'}"
    )
    out.print(f"  {SAYS[explanation.verdict]}")


def _bytes(seen: Seen) -> str:
    """What the log holds of a tick now, on a line of its own."""
    if seen.raw is None:
        return ""
    text = seen.raw.decode("utf-8", "backslashreplace")
    shown = "".join(char if char.isprintable() else "·" for char in text[:SHOWN_BYTES])
    return f"\n            [dim]{escape(shown)}[/]"
