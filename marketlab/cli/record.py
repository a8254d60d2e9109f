"""``marketlab record``: the topic to a tape."""

from __future__ import annotations

from pathlib import Path

import click

from marketlab.cli.options import Duration, json_option
from marketlab.cli.output import err, out, print_json
from marketlab.cli.progress import progress
from marketlab.cli.running import stop_after, stopping
from marketlab.producer import new_run
from marketlab.recorder import record as copy
from marketlab.settings import Settings
from marketlab.transports import TapeWriter
from marketlab.wiring import group, open_transport

__all__ = ["record"]


@click.command(help="Copy the topic to a tape, from the oldest message on: offsets, keys, times and headers are kept.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
@json_option
@click.option("--follow", "-f", is_flag=True, help="Go on at the end of the log, until Ctrl-C.")
@click.option("--for", "for_s", type=Duration(), help="With --follow: end after this time.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
def record(settings: Settings, *, file: Path, as_json: bool, follow: bool, for_s: float | None, force: bool) -> None:
    """Copy the topic to a tape."""
    if file.exists() and not force:
        raise click.UsageError(f"{file} is there already; --force replaces it")
    with stopping() as stop, open_transport(settings, progress=progress(quiet=as_json)) as log:
        if for_s is not None:
            stop_after(for_s, stop)
        with TapeWriter(file, topic=settings.topic, partitions=log.partitions, overwrite=force) as writer:
            subscription = log.subscribe(f"{group(settings)}-record-{new_run()}")
            try:
                written = copy(subscription, writer.write, stop, drain=not follow)
            except BaseException:
                if writer.count:  # by now the log may not hold it any more
                    writer.close()
                    err.print(f"[yellow]![/] the recording ends early, with {writer.count:,} messages on {file}")
                raise
    if as_json:
        print_json({"file": str(file), "messages": written, "log": writer.log_id})
    else:
        out.print(f"{written:,} messages on {file}")
        err.print(f"[dim]read it with: marketlab consume --drain --transport tape:{file}[/]")
