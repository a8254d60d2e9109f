"""``marketlab produce``: a source to the log."""

from __future__ import annotations

from contextlib import ExitStack

import click

from marketlab.cli.options import SourceOptions, json_option, source_options, transport_option
from marketlab.cli.output import err, out, print_json
from marketlab.cli.progress import progress
from marketlab.cli.running import collect_rarely, starting, stop_on_eof, stopping
from marketlab.errors import DeliveryError
from marketlab.model import Tick, to_dict
from marketlab.producer import Producer
from marketlab.settings import Settings
from marketlab.wiring import open_source, open_transport

__all__ = ["produce"]


@click.command(help="Send ticks from a source to the log. Ends when the log has acknowledged all of them.")
@click.pass_obj
@source_options
@transport_option
@json_option
@click.option("--quiet", "-q", is_flag=True, help="Do not print each tick.")
@click.option("--run", help="Run id.  [default: a new one]")
@click.option("--until-eof", is_flag=True, hidden=True)
def produce(
    settings: Settings,
    *,
    options: SourceOptions,
    transport: str,
    as_json: bool,
    quiet: bool,
    run: str | None,
    until_eof: bool,
) -> None:
    """Send ticks from a source to the log."""
    source = open_source(
        options.source,
        seed=options.seed,
        symbols=options.symbols,
        simulated=options.simulated,
        columns=options.columns,
        symbol=options.symbol,
        time_unit=options.time_unit,
        day=options.day,
        delimiter=options.delimiter,
        header=options.header,
    )
    if not as_json:
        err.print(f"[dim]source[/] {source.describe()}")
    with ExitStack() as stack:
        stop = stack.enter_context(stopping())
        if until_eof:
            stop_on_eof(stop)
        with starting(stop):
            log = stack.enter_context(open_transport(settings, transport, progress=progress(quiet=as_json)))
            publisher = log.publisher()
            stack.callback(publisher.close, timeout_s=0)
        talk = not (as_json or quiet or options.unpaced)  # nobody reads 30,000 lines a second
        collect_rarely()
        producer = Producer(publisher, run=run, on_sent=_say if talk else None)
        try:
            producer.run(source, stop, pace=options.pace(), max_ticks=options.ticks, max_s=options.for_s)
        except DeliveryError:
            if as_json:
                print_json(producer.summary.as_dict())
            raise
        finally:
            producer.summary.skipped = dict(source.skipped)
    summary = producer.summary
    if as_json:
        print_json(summary.as_dict())
        return
    out.print(f"run {summary.run}: {summary.produced:,} ticks sent and acknowledged in {summary.seconds:.1f} s")
    for kind, count in sorted(summary.skipped.items()):
        out.print(f"  skipped {count:,} × {kind}")


def _say(tick: Tick) -> None:
    fields = to_dict(tick)
    fields.pop("run", None)
    click.echo(f"Sent: {fields}")
