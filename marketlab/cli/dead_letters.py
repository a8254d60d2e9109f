"""``marketlab dead-letters``: the messages that were refused, and what can be done about them."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from rich.markup import escape

from marketlab.cli.mending import export, repair, resend
from marketlab.cli.options import json_option, reason_option
from marketlab.cli.output import harmless, out, print_json, table
from marketlab.dead_letters import as_dict, mend
from marketlab.model import DeadLetter
from marketlab.settings import Settings
from marketlab.wiring import open_reader

__all__ = ["dead_letters"]

PREVIEW = 60
DUMPED_BYTES = 512


@click.group(
    "dead-letters",
    help="The messages that were refused: list and show them, take them out into a file, mend a copy, "
    "and send that in their place.",
)
def dead_letters() -> None:
    """The messages that were refused."""


for command in (export, repair, resend):
    dead_letters.add_command(command)


@dead_letters.command("list", help="Newest first.")
@click.pass_obj
@json_option
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--before", type=int, help="Only those with a smaller number.")
@reason_option
def list_(settings: Settings, *, as_json: bool, limit: int, before: int | None, reason: str | None) -> None:
    """List dead letters."""
    with open_reader(settings) as reader:
        letters = reader.dead_letters(limit=limit, before=before, reason=reason)
        counts = reader.dead_letter_counts()
    if as_json:
        print_json({"counts": counts, "dead_letters": [_shown(letter) for letter in letters]})
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
            escape(letter.detail) + (f" [dim]({_sent(letter)})[/]" if letter.resend_begun_at else ""),
            escape("".join(char if char.isprintable() else "·" for char in text)),
        )
    out.print(rows)
    out.print(", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())))


@dead_letters.command(
    "show", help="One dead letter, whole: why it was refused, its bytes, and whether it can be mended."
)
@click.argument("number", type=int)
@click.pass_obj
@json_option
def show(settings: Settings, *, number: int, as_json: bool) -> None:
    """Show one dead letter."""
    with open_reader(settings) as reader:
        letter = reader.dead_letter(number)
    mended = mend(letter)
    if as_json:
        print_json(
            _shown(letter)
            | {
                "explanation": letter.reason.explanation,
                "mended": mended.value.decode() if mended else None,
                "mends": list(mended.mends) if mended else [],
            }
        )
        return
    out.print(f"dead letter {letter.id}: [bold]{letter.reason}[/] ({escape(letter.reason.explanation)})")
    out.print(f"  what      {escape(letter.detail)}")
    out.print(f"  log       {escape(letter.log)}, partition {letter.partition}, offset {letter.offset}")
    if letter.key is not None:
        out.print(f"  key       {escape(harmless(letter.key.decode('utf-8', 'backslashreplace')))}")
    out.print(f"  sent      {_day(letter.record_time)}")
    if letter.symbol or letter.run:
        out.print(f"  identity  run {letter.run or '–'}, symbol {letter.symbol or '–'}, seq {letter.seq or '–'}")
    if letter.resend_begun_at is not None:
        out.print(f"  again     {_sent(letter)}: {escape((letter.repaired or b'').decode())}")
    elif mended:
        names = ", ".join(mended.mends)
        out.print(f"  mended    {escape(mended.value.decode())}")
        out.print(f"            [dim]by {names}; send it: marketlab dead-letters resend --id {letter.id}[/]")
    else:
        out.print("  mended    [dim]nothing here is certain; export it, edit `repaired`, send it again[/]")
    out.print(f"\n{len(letter.raw):,} bytes")
    out.print(escape(harmless(letter.raw.decode("utf-8", "backslashreplace"))))
    out.print()
    for start in range(0, min(len(letter.raw), DUMPED_BYTES), 16):
        part = letter.raw[start : start + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in part)
        out.print(f"[dim]{start:06x}[/]  {part.hex(' '):<47}  {escape(text)}")
    if len(letter.raw) > DUMPED_BYTES:
        out.print(f"[dim]… and {len(letter.raw) - DUMPED_BYTES:,} more bytes (--json has all)[/]")


def _shown(letter: DeadLetter) -> dict[str, object]:
    """A dead letter as JSON, its bytes as hexadecimal digits as well."""
    return {
        "raw": None,
        **as_dict(letter),
        "raw_hex": letter.raw.hex(),
        "repaired": letter.repaired.decode() if letter.repaired is not None else None,
        "resend_begun_at": letter.resend_begun_at,
    }


def _sent(letter: DeadLetter) -> str:
    if letter.resent_at is not None:
        return f"sent again {_day(letter.resent_at)}"
    return f"may have been sent again {_day(letter.resend_begun_at or 0)}: never acknowledged"


def _day(timestamp: float) -> str:
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M:%S}Z"
