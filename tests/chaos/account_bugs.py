"""Deliberate faults in what is done to the account itself: dead letters sent again, and a prune."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest

from marketlab.analytics import sequence
from marketlab.model import DeadLetter, StreamState
from marketlab.store import SqliteStore, pruning
from marketlab.store import statements as sql

__all__ = ["ACCOUNT_BUGS"]

Plant = Callable[[pytest.MonkeyPatch], None]
ACCOUNT_BUGS: dict[str, Plant] = {}


def bug(plant: Plant) -> Plant:
    """Add a bug to the list."""
    ACCOUNT_BUGS[plant.__name__] = plant
    return plant


# --------------------------------------------------------------------------------------------- sent again


@bug
def marked_before_it_is_sent(patch: pytest.MonkeyPatch) -> None:
    """The letter says that the log has it, and the message is still here."""
    begin = SqliteStore.begin_resend

    def at_once(self: SqliteStore, letters: Iterable[tuple[DeadLetter, bytes]]) -> frozenset[int]:
        taken = begin(self, letters)
        self.end_resend(taken)
        return taken

    patch.setattr(SqliteStore, "begin_resend", at_once)


@bug
def not_noted_before_it_is_sent(patch: pytest.MonkeyPatch) -> None:
    """Noted only once the log has it: a kill in between is forgotten, and the message is sent twice."""
    patch.setattr(SqliteStore, "begin_resend", lambda _, letters: frozenset(letter.id for letter, _ in letters))


@bug
def taken_by_both(patch: pytest.MonkeyPatch) -> None:
    """Whoever has looked at a letter may take it, whatever became of it since."""
    careless = sql.BEGIN_RESEND
    for name in ("resend_begun_at", "resent_at"):
        careless = careless.replace(f"AND {name} IS ?", "AND (? IS NULL OR TRUE)")
    patch.setattr(sql, "BEGIN_RESEND", careless)


@bug
def repaired_taken_for_a_duplicate(patch: pytest.MonkeyPatch) -> None:
    """The number of a refused message was seen, so the repaired one is thrown away."""
    patch.setattr(sequence, "repair", lambda *_: False)


@bug
def repaired_counted_twice(patch: pytest.MonkeyPatch) -> None:
    """Late now, and refused still."""
    repair = sequence.repair

    def still_refused(state: StreamState, seq: int) -> bool:
        found = repair(state, seq)
        state.refused += found
        return found

    patch.setattr(sequence, "repair", still_refused)


# --------------------------------------------------------------------------------------------- pruned


@bug
def prune_goes_by_the_beginning(patch: pytest.MonkeyPatch) -> None:
    """A run that began long ago and still goes on is taken for old."""
    for name in ("_OLD_RUNS", "_OLD_STREAMS", "_MARK", "_DONE"):
        patch.setattr(pruning, name, getattr(pruning, name).replace("last_seen", "first_seen"))


@bug
def prune_forgets_the_account(patch: pytest.MonkeyPatch) -> None:
    """The streams go with their rows."""
    patch.setattr(pruning, "_NO_OLDER", "DELETE FROM streams WHERE id IN (SELECT id FROM old)")


@bug
def prune_marks_the_run_last(patch: pytest.MonkeyPatch) -> None:
    """Until then a digest is made of what is left."""
    patch.setattr(pruning, "_MARK", "SELECT ?, ?")
    patch.setattr(pruning, "_DONE", pruning._DONE.replace("changes + 1", "changes + 1, pruned_at = 1", 1)
                  .replace("pruned_at IS NOT NULL AND", ""))  # fmt: skip


@bug
def prune_breaks_histories(patch: pytest.MonkeyPatch) -> None:
    """A row that stays points to one that is gone."""

    def none(*_: object, **__: object) -> Iterator[tuple[int, int]]:
        return iter(())

    patch.setattr(pruning, "relinks", none)


@bug
def prune_does_not_count_letters(patch: pytest.MonkeyPatch) -> None:
    """What is gone from the letters looks as if it had never been written."""
    patch.setattr(pruning, "_COUNT_PRUNED", "SELECT ?, ?, ?, ?")


@bug
def prune_ends_the_stream(patch: pytest.MonkeyPatch) -> None:
    """A straggler finds no stream of its own, and begins another one."""
    patch.setattr(pruning, "_NO_OLDER", "UPDATE streams SET run = run || '-' WHERE id IN (SELECT id FROM old)")
