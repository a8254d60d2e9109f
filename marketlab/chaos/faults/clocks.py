"""Clocks that are set: the event time of the ticks, and the wall clock of producer and consumer."""

from __future__ import annotations

from marketlab.chaos.fire import Fire
from marketlab.chaos.judge import Expected
from marketlab.digest import digest
from marketlab.store import SqliteReader

__all__ = ["clock"]


def clock(fire: Fire) -> None:
    """Event times jump and go back, so ticks are late or refused; the same log, read again in peace, decides."""
    seed = fire.case.seed
    producer = fire.produce(clock_seed=seed, steps=fire.case.times)
    fire.finish(fire.consume(clock_seed=seed), producer, expect=lambda: _read_again(fire))
    fire.faults = fire.case.times


def _read_again(fire: Fire) -> dict[str, Expected]:
    """What an undisturbed consumer makes of the same log."""
    beside = fire.folder / "again.db"
    again = fire.consume(database=beside, group=f"{fire.group}-again", drain=True, batch_size=5000)
    fire.until(lambda: again.code is not None, "the second reading")
    with SqliteReader(beside) as reader:
        runs = {run: list(reader.digest_rows(run, log=fire.log)) for run in fire.runs}
        return {
            run: Expected(rows, digest(rows, rules=reader.rules(run, log=fire.log)), fire.run_ticks)
            for run, rows in runs.items()
        }
