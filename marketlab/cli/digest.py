"""``marketlab digest``: one number for a whole run."""

from __future__ import annotations

from collections import Counter

import click

from marketlab.cli.options import json_option
from marketlab.cli.output import out, print_json
from marketlab.digest import digest as digest_of
from marketlab.errors import NotFoundError
from marketlab.ports import StoreReader
from marketlab.settings import Settings
from marketlab.wiring import open_reader

__all__ = ["digest", "digests"]

GONE = "pruned: its ticks are gone"


@click.command(help="SHA-256 over everything stored of a run: equal input gives an equal digest, whatever carried it.")
@click.pass_obj
@json_option
@click.option("--run", help="Only this run.  [default: all]")
def digest(settings: Settings, *, as_json: bool, run: str | None) -> None:
    """One number for a whole run."""
    with open_reader(settings) as reader:
        result = digests(reader, run=run)
    if run is not None and not result:
        raise NotFoundError(f"there is no run {run!r}", mend="`marketlab books` lists the runs.")
    if as_json:
        print_json({"runs": result})
        return
    for name, value in result.items():
        out.print(f"{value or GONE:<64}  {name or '(no run)'}")


def digests(reader: StoreReader, *, run: str | None = None) -> dict[str, str | None]:
    """The digest of every run (or of one), by run id; a run that stands on several logs as ``RUN@LOG``.

    Of all runs, one that was pruned has None.

    :raises PrunedError: the one that was asked for was pruned
    """
    books = reader.books(run=run).runs
    times = Counter(book.run for book in books)
    return {
        book.run if times[book.run] == 1 else f"{book.run}@{book.log}": None
        if run is None and book.pruned_at is not None
        else digest_of(reader.digest_rows(book.run, log=book.log), rules=reader.rules(book.run, log=book.log))
        for book in books
    }
