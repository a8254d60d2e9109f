"""``marketlab dead-letters``: the messages that were refused."""

from __future__ import annotations

from typing import Any

import click
from rich.markup import escape

from marketlab.cli.options import json_option
from marketlab.cli.output import out, print_json, table
from marketlab.model import DeadLetter, Reason
from marketlab.settings import Settings
from marketlab.wiring import open_reader

__all__ = ["dead_letters"]

PREVIEW = 60


@click.group("dead-letters", help="List and show the messages that were refused.")
def dead_letters() -> None:
    """The messages that were refused."""


@dead_letters.command("list", help="Newest first.")
@click.pass_obj
@json_option
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--before", type=int, help="Only those with a smaller number.")
@click.option("--reason", type=click.Choice([reason.value for reason in Reason]), help="Only those of this reason.")
def list_(settings: Settings, *, as_json: bool, limit: int, before: int | None, reason: str | None) -> None:
    """List dead letters."""
    with open_reader(settings) as reader:
        letters = reader.dead_letters(limit=limit, before=before, reason=reason)
        counts = reader.dead_letter_counts()
    if as_json:
        print_json({"counts": counts, "dead_letters": [as_dict(letter) for letter in letters]})
        return
    if not letters:
        out.print("no dead letters")
        return
    rows = table("#id", "#partition", "#offset", "reason", "what is wrong", "begins")
    for letter in letters:
        text = letter.raw[:PREVIEW].decode("utf-8", "replace")
        rows.add_row(
            str(letter.id),
            str(letter.partition),
            str(letter.offset),
            letter.reason,
            escape(letter.detail),
            escape("".join(char if char.isprintable() else "·" for char in text)),
        )
    out.print(rows)
    out.print(", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())))


@dead_letters.command("show", help="One dead letter, whole.")
@click.argument("number", type=int)
@click.pass_obj
@json_option
def show(settings: Settings, *, number: int, as_json: bool) -> None:
    """Show one dead letter."""
    with open_reader(settings) as reader:
        letter = reader.dead_letter(number)
    if as_json:
        print_json(as_dict(letter))
        return
    out.print(f"dead letter {letter.id}: {letter.reason}")
    out.print(f"  {escape(letter.detail)}")
    out.print(f"  log {letter.log}, partition {letter.partition}, offset {letter.offset}")
    if letter.symbol or letter.run:
        out.print(f"  run {letter.run or '–'}, symbol {letter.symbol or '–'}, seq {letter.seq or '–'}")
    out.print(f"  {len(letter.raw):,} bytes:")
    out.print(escape(letter.raw.decode("utf-8", "backslashreplace")))
    for start in range(0, min(len(letter.raw), 512), 16):
        part = letter.raw[start : start + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in part)
        out.print(f"[dim]{start:06x}[/]  {part.hex(' '):<47}  {escape(text)}")


def as_dict(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter as JSON: ``raw`` as text where it is UTF-8, always as hexadecimal digits."""
    try:
        text: str | None = letter.raw.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    return {
        "id": letter.id,
        "reason": letter.reason.value,
        "detail": letter.detail,
        "log": letter.log,
        "partition": letter.partition,
        "offset": letter.offset,
        "record_time": letter.record_time,
        "run": letter.run or None,
        "symbol": letter.symbol,
        "seq": letter.seq,
        "raw": text,
        "raw_hex": letter.raw.hex(),
    }
