"""``marketlab broker``: the managed broker by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from marketlab.broker import BrokerStatus, ManagedBroker
from marketlab.broker.logfile import follow, tail
from marketlab.cli.options import json_option
from marketlab.cli.output import out, print_json, table
from marketlab.cli.progress import progress
from marketlab.errors import BrokerError
from marketlab.settings import Settings

__all__ = ["broker"]


@click.group(help="The managed Kafka broker: start, stop, status, logs.")
def broker() -> None:
    """The managed broker."""


@broker.command(help="Start the broker and let it stay until `marketlab broker stop`.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.  [default: 9092, or the next free one]")
@json_option
@click.pass_obj
def start(settings: Settings, *, port: int | None, as_json: bool) -> None:
    """Start and stay."""
    status = _broker(settings, port=port).start(progress=progress(quiet=as_json))
    if as_json:
        print_json(status.to_json())
        return
    out.print(f"Kafka {status.kafka_version} runs on {status.bootstrap_servers}  [dim]process {status.pid}[/]")
    out.print("[dim]It stays until:[/] marketlab broker stop")


@broker.command(help="Stop the broker; topics and messages stay.")
@click.option("--force", is_flag=True, help="Also when other processes use it.")
@json_option
@click.pass_obj
def stop(settings: Settings, *, force: bool, as_json: bool) -> None:
    """Stop."""
    ran = _broker(settings).stop(force=force)
    if as_json:
        print_json({"stopped": ran})
    else:
        out.print("The broker has stopped." if ran else "The broker did not run.")


@broker.command(help="Whether the broker runs, where, and who uses it.")
@json_option
@click.pass_obj
def status(settings: Settings, *, as_json: bool) -> None:
    """Show how it stands."""
    found = _broker(settings).status()
    if as_json:
        print_json(found.to_json())
    else:
        _show(found)


@broker.command(help="Show the end of the broker's log.")
@click.option("-f", "--follow", "following", is_flag=True, help="Go on until Ctrl-C.")
@click.option("-n", "--lines", type=click.IntRange(min=0), default=50, show_default=True, help="Lines to begin with.")
@click.pass_obj
def logs(settings: Settings, *, following: bool, lines: int) -> None:
    """Show the log."""
    path = _broker(settings).status().log
    if following:
        for line in follow(path, lines=lines):
            click.echo(line)
        return
    if not path.exists():
        raise BrokerError(f"there is no log in {path.parent}", mend="The broker of this home has not been started yet.")
    for line in tail(path, lines=lines):
        click.echo(line)


@broker.command(help="Fetch Kafka now; later starts are quick and offline.")
@click.pass_obj
def install(settings: Settings) -> None:
    """Fetch and train."""
    _broker(settings).install(progress=progress(quiet=False))
    out.print(f"Kafka is ready in {settings.cache}")


@broker.command(help="Delete all topics and messages of the managed broker.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def wipe(settings: Settings, *, yes: bool, as_json: bool) -> None:
    """Delete the data."""
    manager = _broker(settings)
    if not yes:
        click.confirm(f"Delete all topics and messages in {manager.status().data}?", abort=True, err=True)
    wiped = manager.wipe()
    if as_json:
        print_json({"wiped": wiped})
    else:
        out.print("All topics and messages are gone." if wiped else "There were none.")


def _broker(settings: Settings, *, port: int | None = None) -> ManagedBroker:
    return ManagedBroker(settings.broker_home, cache=settings.cache, port=port or settings.broker_port)


def _show(found: BrokerStatus) -> None:
    rows = table("", "")
    rows.show_header = False
    rows.add_row("broker", _state(found))
    if found.running:
        rows.add_row("address", found.bootstrap_servers or "")
        rows.add_row("memory", f"{(found.rss or 0) / 1e6:.0f} MB")
        rows.add_row("stays", "until `marketlab broker stop`" if found.stays else "until its last user ends")
    for pid, command in found.leases.items():
        rows.add_row("used by", f"process {pid} ({command})")
    rows.add_row("Kafka", found.kafka_version)
    rows.add_row("cluster", found.cluster_id or "none yet")
    rows.add_row("data", str(found.data))
    rows.add_row("log", str(found.log))
    out.print(rows)


def _state(found: BrokerStatus) -> str:
    if not found.running:
        return "stopped" if found.pid is None else f"starting, process {found.pid}"
    since = f" for {_age(found.started_at)}" if found.started_at else ""
    return f"running{since}, process {found.pid}"


def _age(since: datetime) -> str:
    seconds = max(0, int((datetime.now(UTC) - since).total_seconds()))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"
