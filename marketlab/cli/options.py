"""Options that several commands share."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from marketlab.model import Reason
from marketlab.producer import Pace
from marketlab.sources import parse_columns

__all__ = ["SourceOptions", "json_option", "reason_option", "source_options", "transport_option"]

DEFAULT_RATE = 20.0

Command = Callable[..., Any]

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
transport_option = click.option(
    "--transport", default="kafka", show_default=True, metavar="kafka|tape:FILE", help="The log of messages."
)
reason_option = click.option(
    "--reason", type=click.Choice([reason.value for reason in Reason]), help="Only those of this reason."
)


if TYPE_CHECKING:
    _Number = click.ParamType[float]
else:
    _Number = click.ParamType  # generic for type checkers only: older versions are no generic class


class Duration(_Number):
    """``30s``, ``5m``, ``1h``, ``7d``, or seconds as a number."""

    name = "duration"
    _pattern = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
    _units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, None: 1.0}  # noqa: RUF012 (read only)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        if isinstance(value, float):
            return value
        match = self._pattern.fullmatch(str(value).strip())
        if not match:
            self.fail(f"a duration like 30s, 5m, 1h or 7d was wanted, {value!r} was found", param, ctx)
        return float(match[1]) * self._units[match[2]]


class Speed(_Number):
    """A factor above 0, or ``max``."""

    name = "speed"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The factor, ``inf`` for ``max``."""
        try:
            speed = math.inf if value == "max" else float(value)
        except ValueError:
            speed = math.nan
        if not speed > 0:
            self.fail(f"a number above 0 or max was wanted, {value!r} was found", param, ctx)
        return speed


@dataclass(frozen=True)
class SourceOptions:
    """What was said about the source, its pace and its end."""

    source: str
    symbols: tuple[str, ...] | None
    rate: float | None
    speed: float | None
    clock: str | None
    ticks: int | None
    for_s: float | None
    seed: int | None
    columns: dict[str, str | int] | None
    symbol: str | None
    time_unit: str | None
    day: date | None
    delimiter: str | None
    header: bool | None

    @property
    def recorded(self) -> bool:
        """Whether the source is a recording, whose pace is its own."""
        return self.source.startswith("replay:")

    @property
    def simulated(self) -> bool:
        """Whether event time is simulated instead of now."""
        return self.clock == "simulated" or (self.clock is None and self.rate == 0)

    @property
    def unpaced(self) -> bool:
        """Whether it goes as fast as it can; ``--rate 0`` means that for every source."""
        return self.rate == 0 or self.speed == math.inf

    def pace(self) -> Pace:
        """When each tick is due."""
        if self.recorded:
            return Pace(speed=math.inf if self.unpaced else (self.speed or 1.0))
        return Pace(rate=DEFAULT_RATE if self.rate is None else self.rate)

    def arguments(self) -> list[str]:
        """The same options as arguments for another process."""
        given: list[tuple[str, object]] = [
            ("--source", self.source),
            ("--symbols", ",".join(self.symbols) if self.symbols else None),
            ("--rate", self.rate),
            ("--speed", "max" if self.speed == math.inf else self.speed),
            ("--clock", self.clock),
            ("--ticks", self.ticks),
            ("--for", self.for_s),
            ("--seed", self.seed),
            ("--columns", ",".join(f"{k}={v}" for k, v in self.columns.items()) if self.columns else None),
            ("--symbol", self.symbol),
            ("--time-unit", self.time_unit),
            ("--date", self.day and self.day.isoformat()),
            ("--delimiter", self.delimiter),
        ]
        arguments = [part for name, value in given if value is not None for part in (name, str(value))]
        if self.header is not None:
            arguments.append("--header" if self.header else "--no-header")
        return arguments


def source_options(command: Command) -> Command:
    """Add the options of a source; the command gets them as ``options``."""

    def wrapped(*args: Any, **given: Any) -> Any:
        names = ("source", "rate", "speed", "clock", "ticks", "for_s", "seed", "symbol", "time_unit", "header")
        values = {name: given.pop(name) for name in names}
        symbols, columns, day, delimiter = (given.pop(name) for name in ("symbols", "columns", "date", "delimiter"))
        options = SourceOptions(
            symbols=tuple(part.strip() for part in symbols.split(",") if part.strip()) if symbols else None,
            columns=parse_columns(columns) if columns else None,
            day=day.date() if isinstance(day, datetime) else None,
            delimiter=delimiter,
            **values,
        )
        _check(options)
        return command(*args, options=options, **given)

    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    wrapped.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in reversed(_SOURCE_OPTIONS):
        option(wrapped)
    return wrapped


def _check(options: SourceOptions) -> None:
    if options.rate is not None and options.rate < 0:
        raise click.UsageError("--rate must be 0 or more ticks a second")
    if options.recorded and options.rate:
        raise click.UsageError(
            "--rate is for the simulator; a recording has its own pace: use --speed N or --speed max"
        )
    if options.speed is not None and not options.recorded:
        raise click.UsageError("--speed is for recordings (--source replay:FILE); the simulator takes --rate")
    if options.recorded and (options.symbols or options.seed is not None):
        raise click.UsageError("--symbols and --seed are for the simulator; for a recording use --symbol")
    given = {
        "--columns": options.columns,
        "--symbol": options.symbol,
        "--time-unit": options.time_unit,
        "--date": options.day,
        "--delimiter": options.delimiter,
        "--header": options.header,
    }
    wrong = [name for name, value in given.items() if value is not None]
    if wrong and not options.recorded:
        raise click.UsageError(f"{', '.join(wrong)}: only for recordings (--source replay:FILE)")


_SOURCE_OPTIONS = [
    click.option(
        "--source",
        default="simulator",
        show_default=True,
        metavar="simulator|uniform|replay:FILE",
        help="Where ticks come from. FILE: CSV, JSON Lines, Parquet, a raw capture or a tape; also in gz or zip.",
    ),
    click.option("--symbols", metavar="A,B,…", help="Symbols of the simulator.  [default: AAPL,GOOG,NFLX,AMZN,TSLA]"),
    click.option("--rate", type=float, help="Ticks a second over all symbols; 0: as fast as it goes.  [default: 20]"),
    click.option("--speed", type=Speed(), help="Recordings: times the recorded pace, or max.  [default: 1]"),
    click.option(
        "--clock", type=click.Choice(["wall", "simulated"]), help="Event time of the simulator.  [default: wall]"
    ),
    click.option("--ticks", type=click.IntRange(min=1), help="End after so many ticks over all symbols."),
    click.option("--for", "for_s", type=Duration(), help="End after this time, e.g. 30s or 5m."),
    click.option("--seed", type=int, help="Seed of the simulator."),
    click.option(
        "--columns", metavar="NAME=COL,…", help="Recordings: timestamp, price, size, symbol, bid, ask, close."
    ),
    click.option("--symbol", help="Recordings: the symbol, where the file has none."),
    click.option(
        "--time-unit", type=click.Choice(["s", "ms", "us", "ns", "iso"]), help="Recordings: unit of the stamps."
    ),
    click.option(
        "--date", type=click.DateTime(["%Y-%m-%d"]), help="Recordings: the day, where stamps count from midnight."
    ),
    click.option("--delimiter", help="Recordings: the delimiter of a CSV file."),
    click.option("--header/--no-header", default=None, help="Recordings: whether a CSV file has a header."),
]
