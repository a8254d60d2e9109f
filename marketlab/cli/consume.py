"""``marketlab consume``: the log to the store."""

from __future__ import annotations

from contextlib import ExitStack, closing, suppress

import click

from marketlab.cli.options import json_option, transport_option
from marketlab.cli.output import err, out, print_json
from marketlab.cli.progress import progress
from marketlab.cli.running import collect_rarely, starting, stop_on_eof, stopping
from marketlab.consumer import Consumer, Listener
from marketlab.listeners import AnalyticsLog, Printer
from marketlab.settings import Settings
from marketlab.wiring import group, member, open_sink, open_transport, rule, timed

__all__ = ["consume"]


@click.command(help="Read the log, compute averages and alerts, store. Ctrl-C commits what was read and ends.")
@click.pass_obj
@transport_option
@json_option
@click.option("--sink", type=click.Choice(["sqlite", "http"]), default="sqlite", show_default=True, help="Where to.")
@click.option("--api", metavar="URL", help="With --sink http: the API.  [default: http://127.0.0.1:5000]")
@click.option("--drain", is_flag=True, help="End at the end of the log as it stands at the start.")
@click.option("--quiet", "-q", is_flag=True, help="Do not print each tick.")
@click.option("--until-eof", is_flag=True, hidden=True)
def consume(
    settings: Settings,
    *,
    transport: str,
    as_json: bool,
    sink: str,
    api: str | None,
    drain: bool,
    quiet: bool,
    until_eof: bool,
) -> None:
    """Read the log, analyse, store."""
    with ExitStack() as stack:
        stop = stack.enter_context(stopping())
        if until_eof:
            stop_on_eof(stop)
        instance, number = stack.enter_context(member(settings))
        to = stack.enter_context(
            closing(timed(open_sink(settings, sink, api=api), settings, consumer=number, kind=sink))
        )
        with starting(stop):
            log = stack.enter_context(open_transport(settings, transport, progress=progress(quiet=as_json)))
            log_id = log.log_id
        listeners: list[Listener] = []
        if settings.analytics_log:
            file = "analytics.log" if number == 0 else f"analytics-{number}.log"
            analytics_log = AnalyticsLog(settings.logs / file, window=settings.window)
            stack.callback(analytics_log.close)
            listeners.append(analytics_log)
        if not (as_json or quiet):
            listeners.append(Printer(click.echo, window=settings.window))
        # Each kind of sink is a group of its own, for each wants every message.
        name = group(settings) if sink == "sqlite" else f"{group(settings)}-{sink}"
        consumer = Consumer(
            lambda: log.subscribe(name, instance_id=f"{instance}-{sink}"),
            to,
            log=log_id,
            rule=rule(settings),
            batch_size=settings.batch_size,
            listeners=listeners,
            trouble=_say,
        )
        collect_rarely()
        summary = consumer.run(stop, drain=drain)
    if as_json:
        print_json(summary.as_dict())
        return
    counts = summary.counts
    out.print(
        f"{counts.received:,} received: {counts.stored:,} stored, {counts.late:,} late, "
        f"{counts.duplicate:,} duplicate, {counts.dead_lettered:,} dead-lettered, {counts.control:,} control; "
        f"{summary.alerts:,} alerts in {summary.seconds:.1f} s"
    )


def _say(trouble: str | None) -> None:
    with suppress(OSError):  # standard error may be a file on the very disk that is full
        err.print(f"[yellow]waiting[/] {trouble}" if trouble else "[yellow]going on[/]")
