"""``marketlab explain ALERT``: why did this alert fire?"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

import click
from rich.markup import escape

from marketlab.analytics import price_text
from marketlab.cli.options import json_option, transport_option
from marketlab.cli.output import harmless, out, print_json, table
from marketlab.cli.progress import progress
from marketlab.errors import NotFoundError
from marketlab.model import to_dict
from marketlab.provenance import Explanation, read_same
from marketlab.provenance import explain as explain_alert
from marketlab.settings import Settings
from marketlab.wiring import open_reader, open_transport, topic_of

__all__ = ["explain"]

READ_S = 10.0


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

    def read(partition: int, offsets: Iterable[int]) -> Mapping[int, bytes | None]:
        with open_transport(settings, transport, progress=progress(quiet=as_json)) as log:
            return read_same(log, found.log, partition, offsets, timeout_s=READ_S)

    explanation = explain_alert(found, read=read, topic=topic_of(settings, transport))
    if as_json:
        print_json({"alert": to_dict(found), **explanation.as_dict()})
    else:
        _show(explanation)
    sys.exit(1 if explanation.verdict == "differs" else 0)


def _show(explanation: Explanation) -> None:
    alert, rule = explanation.alert, explanation.alert.rule
    out.print(f"{alert.text}   [dim]alert {alert.id}, run {alert.run or '–'}, seq {alert.seq or '–'}[/]")
    out.print(f"  rule      one tick moves the price by {rule.threshold_pct:g} % or more; MA over {rule.window} ticks")
    place = f"{explanation.topic} ({alert.log})" if explanation.topic else alert.log
    out.print(f"  log       {escape(place)}, partition {alert.partition}, offset {alert.offset}")
    out.print(f"  previous  {price_text(alert.previous_price)} at offset {alert.previous_offset}")
    out.print(f"  this      {price_text(alert.price)}, a change of {alert.change_pct:+.4f} %")
    rows = table("  window", "#offset", "#price stored", "#price read again", "", "message read again")
    for number, tick in enumerate(explanation.ticks, start=1):
        again = "–" if tick.read_again is None else price_text(tick.read_again)
        raw = "–" if tick.raw is None else escape(harmless(tick.raw.decode("utf-8", "backslashreplace")))
        mark = "✓" if tick.same else "" if tick.raw is None else "[bold red]✗[/]"
        rows.add_row(f"  {number}", str(tick.offset), price_text(tick.price), again, mark, raw)
    out.print(rows)
    out.print(
        f"  recomputed: MA {explanation.recomputed_average!r}, change {explanation.recomputed_change_pct:+.4f} %, "
        f"{'fires' if explanation.fires else 'does not fire'}"
    )
    verdict = explanation.verdict
    out.print(f"  {verdict.upper() if verdict == 'differs' else verdict}: {explanation.detail}")
