"""A producer that is killed leaves an open run that is a beginning of the whole one; the next begins a new run."""

from __future__ import annotations

import signal

from marketlab.chaos.fire import Fire

__all__ = ["producer_kill"]

RUN_S = 1.5  # that a run takes which is left alone; a kill comes within the first half


def producer_kill(fire: Fire) -> None:
    """Kill -9 of the producer in the middle of a run, again and again; one whole run at the end.

    In the middle: a tick of this very run is stored, and its producer has not sent the last one.
    """
    fire.run_ticks = max(500, fire.case.ticks // (fire.case.times + 1))
    consumer = fire.consume()
    for _ in fire.tries():
        producer = fire.produce(runs=1, rate=fire.run_ticks / RUN_S)
        run = fire.runs[-1]
        fire.until(lambda run=run: fire.has(run), f"a tick of {run}")  # type: ignore[misc]
        fire.pause(0, RUN_S / 2)
        producer.kill()
        if producer.code == -signal.SIGKILL and not producer.said("sent"):
            fire.broken_off.append(run)
            fire.faults += 1
    fire.finish(consumer, fire.produce(runs=1))
