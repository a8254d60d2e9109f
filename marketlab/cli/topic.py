"""``marketlab topic``: create and describe the topic."""

from __future__ import annotations

import click

from marketlab.cli.options import json_option
from marketlab.cli.output import out, print_json, table
from marketlab.cli.progress import progress
from marketlab.settings import Settings
from marketlab.transports import describe_topic, ensure_topic
from marketlab.wiring import TOPIC_S, group, kafka

__all__ = ["topic"]


@click.group(help="Create and describe the topic.")
def topic() -> None:
    """The topic."""


@topic.command(help="Create the topic, if it is not there yet.")
@click.pass_obj
@json_option
def create(settings: Settings, *, as_json: bool) -> None:
    """Create the topic."""
    with kafka(settings, progress=progress(quiet=as_json)) as config:
        created = ensure_topic(config, partitions=settings.partitions, timeout_s=TOPIC_S)
        found = describe_topic(config, group=group(settings))
    partitions = len(found.partitions)
    if as_json:
        print_json({"topic": settings.topic_name, "created": created, "partitions": partitions})
    elif created:
        out.print(f"created {settings.topic_name} with {partitions} partitions")
    else:
        out.print(f"{settings.topic_name} was there, with {partitions} partitions")


@topic.command(help="Partitions, offsets, and how far the consumer group lags behind.")
@click.pass_obj
@json_option
def describe(settings: Settings, *, as_json: bool) -> None:
    """Describe the topic."""
    with kafka(settings, progress=progress(quiet=as_json)) as config:
        found = describe_topic(config, group=group(settings))
    if as_json:
        print_json(found.as_dict())
        return
    out.print(f"topic {found.topic}  [dim]id {found.topic_id}, cluster {found.cluster_id}, group {group(settings)}[/]")
    rows = table("partition", "#leader", "#oldest", "#end", "#committed", "#lag")
    for row in found.partitions:
        rows.add_row(
            str(row.partition),
            str(row.leader),
            f"{row.oldest:,}",
            f"{row.end:,}",
            "–" if row.committed is None else f"{row.committed:,}",
            "–" if row.lag is None else f"{row.lag:,}",
        )
    out.print(rows)
