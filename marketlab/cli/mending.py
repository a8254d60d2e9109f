"""``marketlab dead-letters export|repair|resend``: take letters out, mend a copy, send that in their place."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from marketlab.cli.options import json_option, reason_option, transport_option
from marketlab.cli.output import err, out, print_json
from marketlab.cli.progress import progress
from marketlab.dead_letters import MENDS, Entry, check, mend, oldest_first, read_file, send, write_file
from marketlab.errors import NotFoundError, SettingsError
from marketlab.model import DeadLetter
from marketlab.settings import Settings
from marketlab.wiring import open_reader, open_store, open_transport

__all__ = ["export", "repair", "resend"]


@click.command(help="Take them out into FILE, JSON Lines, oldest first; the letters stay.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
@json_option
@reason_option
@click.option("--all", "all_", is_flag=True, help="Those that were sent again as well.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
def export(settings: Settings, *, file: Path, as_json: bool, reason: str | None, all_: bool, force: bool) -> None:
    """Write dead letters to a file."""
    if file.exists() and not force:
        raise click.UsageError(f"{file} is there already; --force replaces it")
    with open_reader(settings) as reader:
        letters = oldest_first(reader, reason=reason)
        count = write_file(file, (Entry(letter, None) for letter in letters if all_ or letter.resend_begun_at is None))
    if as_json:
        print_json({"file": str(file), "dead_letters": count})
    else:
        out.print(f"{count:,} dead letters in {file}")
        err.print("[dim]mend what is certain: marketlab dead-letters repair FILE; the rest: edit `repaired`[/]")


@click.command(
    help="Fill in `repaired` in FILE wherever a mend is certain; nothing is guessed.\n\n\b\n"
    + "\n".join(f"{name:<16}{what}" for name, (what, _) in MENDS.items()),
)
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@json_option
def repair(*, file: Path, as_json: bool) -> None:
    """Mend what is certain in a file."""
    mends: Counter[str] = Counter()
    counts: Counter[str] = Counter()

    def mended() -> Iterator[Entry]:
        for entry in read_file(file):
            found = mend(entry.letter) if entry.repaired is None else None
            mends.update(found.mends if found else ())
            counts["mended" if found else "left" if entry.repaired is None else "kept"] += 1
            yield Entry(entry.letter, found.value, found.mends) if found else entry

    write_file(file, mended())
    if as_json:
        print_json(
            {"file": str(file), "mends": dict(mends), **{key: counts[key] for key in ("mended", "kept", "left")}}
        )
        return
    for name, count in mends.items():
        out.print(f"{count:>9,}  {name}: {MENDS[name][0]}")
    out.print(f"{counts['mended']:,} mended, {counts['kept']:,} repaired before, {counts['left']:,} left for a person")
    if counts["mended"] or counts["kept"]:
        err.print(f"[dim]look at {file}, then: marketlab dead-letters resend {file}[/]")


@click.command(
    help="Send the repaired messages of FILE in the place of their dead letters, or one of them. They keep run, symbol "
    "and seq, so that the account of their run comes out: refused becomes late.",
)
@click.argument("file", required=False, type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.pass_obj
@json_option
@transport_option
@click.option("--id", "number", type=int, help="One dead letter instead of a file, as it is mended.")
@click.option("--value", help="With --id: the repaired message.")
@click.option("--again", is_flag=True, help="Also what was sent already, or may have been.")
@click.option("--dry-run", is_flag=True, help="Check everything and send nothing.")
def resend(
    settings: Settings,
    *,
    file: Path | None,
    as_json: bool,
    transport: str,
    number: int | None,
    value: str | None,
    again: bool,
    dry_run: bool,
) -> None:
    """Send repaired messages."""
    if (file is None) == (number is None):
        raise click.UsageError("name a FILE, or one dead letter with --id")
    if value is not None and number is None:
        raise click.UsageError("--value goes with --id")
    with open_store(settings) as store:
        if file is not None:
            repaired = [(entry.letter, entry.repaired) for entry in read_file(file) if entry.repaired is not None]
        elif number is not None:
            repaired = [_one(store.dead_letter(number), value)]
        if not repaired:
            raise NotFoundError(
                f"nothing is repaired in {file}",
                mend="`marketlab dead-letters repair FILE`, or edit `repaired` by hand.",
            )
        with open_transport(settings, transport, progress=progress(quiet=as_json)) as log:
            parcels, result = check(repaired, reader=store, log=log, again=again, now=time.time())
            if not dry_run:
                result = send(parcels, result, store=store, log=log)
    if as_json:
        print_json(result.as_dict() | {"dry_run": dry_run, "may_be_sent": [parcel.letter.id for parcel in parcels]})
        return
    out.print(f"{len(parcels):,} may be sent" if dry_run else f"{len(result.sent):,} sent")
    if result.already:
        out.print(f"{len(result.already):,} were sent before and were left alone (--again)")
    if result.in_doubt:
        out.print(f"[yellow]{len(result.in_doubt):,} may have been sent before and were left alone (--again)[/]")
    if result.taken:
        out.print(f"{len(result.taken):,} were taken by another resend at the same time")


def _one(letter: DeadLetter, value: str | None) -> tuple[DeadLetter, bytes]:
    if value is not None:
        return letter, value.encode()
    mended = mend(letter)
    if mended is None:
        raise SettingsError(
            f"dead letter {letter.id} ({letter.reason}) cannot be mended with certainty: {letter.detail}",
            mend="Say what it should be: --value '{\"symbol\": …}'",
        )
    return letter, mended.value
