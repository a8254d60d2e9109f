"""``marketlab plot``: a symbol with matplotlib."""

from __future__ import annotations

import os
from pathlib import Path

import click

from marketlab.cli.needs import need
from marketlab.cli.options import json_option
from marketlab.cli.output import err, out, print_json
from marketlab.cli.running import stopping
from marketlab.errors import SettingsError
from marketlab.look import Theme
from marketlab.plot_live import DEFAULT_TICKS, PlotLive, picture, price_line
from marketlab.settings import Settings
from marketlab.wire import symbol_of
from marketlab.wiring import open_reader, rule

__all__ = ["plot"]


@click.command(help="Price and average of a symbol, alerts in red: in a window that follows the store, or as a PNG.")
@click.pass_obj
@click.argument("symbol")
@click.option("--png", type=click.Path(path_type=Path, dir_okay=False), help="Write a picture instead.")
@click.option("--ticks", default=DEFAULT_TICKS, show_default=True, type=click.IntRange(2, 10_000), help="The newest.")
@click.option("--theme", default="light", show_default=True, type=click.Choice(["light", "dark"]))
@json_option
def plot(settings: Settings, *, symbol: str, png: Path | None, ticks: int, theme: Theme, as_json: bool) -> None:
    """Price and average of a symbol."""
    need("matplotlib", extra="plot")
    if as_json and png is None:
        raise click.UsageError("--json tells of a picture: add --png FILE")
    name = symbol_of(symbol)
    if name is None:
        raise SettingsError(f"a symbol must be 1-32 of A-Z 0-9 . - / : _ =, was {symbol!r}")
    judged = rule(settings)
    with open_reader(settings) as reader:
        if png is None:
            live = PlotLive(reader, name, ticks=ticks, rule=judged, theme=theme)
            with stopping() as stop:
                live.show(stop, on_open=lambda: err.print("[dim]close the window to end[/]"))
            return
        line = price_line(reader, name, ticks=ticks, rule=judged)
    try:
        png.write_bytes(picture(line, rule=judged, theme=theme))
    except OSError as error:
        raise SettingsError(
            f"{png} was to be written: {os.strerror(error.errno or 0)}", mend="Name a file in a folder of your own."
        ) from error
    alerts = sum(change == change for change in line.alerts)  # NaN is not itself
    if as_json:
        print_json({"symbol": name, "ticks": len(line.times), "alerts": alerts, "png": str(png)})
    else:
        out.print(f"{png}: {len(line.times):,} ticks of {name}, {alerts:,} alert{'' if alerts == 1 else 's'}")
