"""The acts of the account, killed in the middle: dead letters that are sent again, and a prune beside a consumer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import apsw

from marketlab.chaos.fire import Fire
from marketlab.chaos.hand import Hand
from marketlab.chaos.judge import check_file, doubled
from marketlab.chaos.worker import Prune, Resend
from marketlab.errors import PrunedError

__all__ = ["prune", "resend"]

SPOIL = 5  # of so many ticks one is refused, and can be mended
RATE = 500.0  # of the run that goes on beside a prune

#: Sides on which letters are taken and not marked.
DOUBTFUL = ("after:store.begin_resend", "before:store.end_resend")
SENT_UNMARKED = "before:store.end_resend"


def resend(fire: Fire, point: str, turn: int) -> None:
    """A letter that was taken and not marked is in doubt and waits to be asked for; one sent twice counts once."""
    with fire.again(turn) as step:
        ticks, letters = step.case.ticks, step.case.ticks // SPOIL
        doubt = letters if point.startswith(DOUBTFUL) else 0
        unmarked = letters if point.startswith(SENT_UNMARKED) else 0
        consumer, producer = step.consume(), step.produce(runs=1, spoil=SPOIL)
        step.ended(producer)
        _account(step, stored=ticks - letters, refused=letters)
        step.died(step.start("resend", Resend(step.kafka, step.database), failpoint=point), point)
        sent = letters if point.startswith("after:store.end_resend") else unmarked
        _account(step, stored=ticks - letters, late=sent, refused=letters - sent)
        _said(step, step.start("resend", Resend(step.kafka, step.database)), "doubt", doubt)
        sent = unmarked or letters - doubt
        _account(step, stored=ticks - letters, late=sent, refused=letters - sent)
        _said(step, step.start("resend", Resend(step.kafka, step.database, again=True)), "sent", letters)
        _account(step, stored=ticks - letters, late=letters, duplicate=unmarked or letters - doubt)
        step.finish(consumer, producer, expect=dict)
        step.account.problems += step.reader.problems()


def prune(fire: Fire, point: str, turn: int) -> None:
    """A run goes, another goes on meanwhile: that one is untouched, and of the first the account is all that stays."""
    with fire.again(turn) as step:
        step.run_ticks = step.case.ticks // 2
        consumer, producer = step.consume(), step.produce(runs=1, spoil=SPOIL)
        step.ended(producer)
        step.until_drained()
        old, before = step.runs[0], time.time()
        account = _book(step, old)
        producer = step.produce(runs=1, rate=RATE)
        # The last row of a symbol stays; once the next run has all of them, nothing of the old one may.
        step.until(lambda: not _last_of_a_symbol(step, old), "a tick of each symbol in the next run")
        step.died(step.start("prune", Prune(step.database, before), failpoint=point), point)
        step.account.problems += step.reader.problems()
        step.ended(step.start("prune", Prune(step.database, before)))
        step.finish(consumer, producer, expect=lambda: {step.runs[1]: step.expected()})
        step.account.problems += [*step.reader.problems(), *_badly_pruned(step, old)]
        if _book(step, old) != account:
            step.account.problems.append(f"the account of {old} was {account}, after the prune {_book(step, old)}")


def _said(step: Fire, hand: Hand, kind: str, count: int) -> None:
    step.ended(hand)
    hand.listen()
    if (kind, str(count)) not in hand.words:
        step.account.problems.append(f"{hand.name} was to say {kind} {count}, said {hand.words}")


def _account(step: Fire, *, stored: int, late: int = 0, refused: int = 0, duplicate: int = 0) -> None:
    """Wait for the end of the log; then the run must have these figures, nothing lost and the books in balance."""
    step.until_drained()
    wanted = {"stored": stored, "late": late, "refused": refused, "duplicate": duplicate, "lost": 0, "balanced": True}
    book = _book(step, step.runs[0])
    found = {name: book.get(name) for name in wanted}
    if found != wanted:
        step.account.problems.append(f"the account was to be {wanted}, is {found}")
    step.account.problems += check_file(step.database)
    step.account.doubled += doubled(step.database)


def _book(step: Fire, run: str) -> dict[str, object]:
    """The account of a run, without whether it was pruned."""
    book = step.reader.books(run=run).of_run(run, log=step.log)
    return {name: value for name, value in book.as_dict().items() if name != "pruned_at"} if book else {}


def _last_of_a_symbol(step: Fire, run: str) -> bool:
    return any(record.run == run for record in step.reader.latest())


def _badly_pruned(step: Fire, run: str) -> Iterator[str]:
    try:
        rows = list(step.reader.digest_rows(run, log=step.log))
    except PrunedError:
        pass
    else:
        yield f"{len(rows)} rows of {run} are given out for a digest, though it was pruned"
    with closing(apsw.Connection(str(step.database), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        rows = connection.execute(
            "SELECT count(*) FROM ticks JOIN streams ON streams.id = stream_id WHERE run = ?", (run,)
        ).get
    if rows:
        yield f"{rows} ticks of {run} stayed, though it was pruned"
