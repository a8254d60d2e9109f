"""``marketlab up``: the whole pipeline."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack

import click
from rich.live import Live
from rich.text import Text

from marketlab.cli.options import SourceOptions, json_option, source_options, transport_option
from marketlab.cli.output import err, out, print_json
from marketlab.cli.progress import progress
from marketlab.cli.running import starting, stopping
from marketlab.settings import Settings
from marketlab.supervisor import Home, Pipeline, Progress, Result
from marketlab.wiring import kept_broker, open_reader, open_transport

__all__ = ["up"]


@click.command(
    help="Run the whole pipeline: broker, topic, producer, consumer, API and dashboard. Ctrl-C stops what it started; "
    "--ticks, --for or the end of a recording end it by themselves."
)
@click.pass_obj
@source_options
@transport_option
@json_option
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port of the dashboard.  [default: 5000, or the next free one]"
)
@click.option("--open", "open_page", is_flag=True, help="Open the dashboard in the browser.")
def up(
    settings: Settings,
    *,
    options: SourceOptions,
    transport: str,
    as_json: bool,
    port: int | None,
    open_page: bool,
) -> None:
    """Run the whole pipeline."""
    with ExitStack() as stack:
        stop = stack.enter_context(stopping())
        home = stack.enter_context(Home(settings.home))
        with starting(stop):
            log = stack.enter_context(
                open_transport(settings, transport, create=True, progress=progress(quiet=as_json))
            )
            log_id = log.log_id
        reader = stack.enter_context(open_reader(settings))
        show = stack.enter_context(StatusLine()) if not as_json else None
        told: list[str] = []

        def on_progress(now: Progress) -> None:
            if now.dashboard_url and not told:
                told.append(now.dashboard_url)
                home.note(dashboard_url=now.dashboard_url)
                if not as_json:
                    err.print(f"dashboard  [bold]{now.dashboard_url}[/]")
            if show:
                show(now)

        pipeline = Pipeline(
            settings.home,
            producer=["--transport", transport, *options.arguments()],
            consumer=["--transport", transport],
            api=[*(("--port", str(port)) if port is not None else ()), *(("--open",) if open_page else ())],
            reader=reader,
            log=log_id,
            keep_alive=stack.enter_context(kept_broker(settings, transport)),
            on_progress=on_progress,
        )
        result = pipeline.run(stop)
    if as_json:
        print_json(result.as_dict())
    else:
        _show(result, settings)
    sys.exit(0 if result.balanced else 1)


class StatusLine:
    """One line that is always true, at the foot of the terminal."""

    def __init__(self) -> None:
        self._live = Live(console=err, refresh_per_second=8, transient=True)
        self._noted = ""

    def __enter__(self) -> Callable[[Progress], None]:
        """Show the line."""
        self._live.__enter__()
        return self._show

    def __exit__(self, *exc: object) -> None:
        """Take it away."""
        self._live.__exit__(None, None, None)

    def _show(self, now: Progress) -> None:
        if now.note != self._noted:
            self._noted = now.note
            err.print(f"[yellow]![/] {now.note}")
        parts = [f"● {now.run}", f"{now.stored:,} stored", f"{now.per_second:,.0f}/s"]
        parts += [f"{n:,} {name}" for name in ("late", "duplicate", "refused", "lost") if (n := getattr(now, name))]
        if now.restarts:
            parts.append(f"{now.restarts:,} restart{'s' if now.restarts > 1 else ''}")
        if not now.stored:
            parts.append("waiting for the first tick")
        self._live.update(Text("  ·  ".join([*parts, "Ctrl-C ends"]), style="bold"))


def _show(result: Result, settings: Settings) -> None:
    book = result.book
    out.print(
        f"run {book.run}: {result.produced:,} produced = {book.stored:,} stored + {book.late:,} late + "
        f"{book.refused:,} refused + {book.lost:,} lost" + ("" if result.balanced else "   [bold red]NOT BALANCED[/]")
    )
    if result.skipped:
        skipped = ", ".join(f"{count:,} {kind}" for kind, count in sorted(result.skipped.items()))
        out.print(f"  skipped  {skipped}  (rows that are not ticks)")
    out.print(f"  alerts   {result.alerts:,}")
    out.print(f"  digest   {result.digest or '–'}")
    out.print(f"  {result.seconds:.1f} s, database {settings.database}")
