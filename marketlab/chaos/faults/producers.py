"""A producer that is killed leaves an open run that is a beginning of the whole one; the next begins a new run."""

from __future__ import annotations

from marketlab.chaos.fire import Fire

__all__ = ["producer_kill"]


def producer_kill(fire: Fire) -> None:
    """Kill -9 of the producer in the middle of a run, again and again; one whole run at the end."""
    fire.run_ticks = max(500, fire.case.ticks // (fire.case.times + 1))
    consumer = fire.consume()
    for _ in range(fire.case.times):
        producer = fire.produce(runs=1, rate=10_000)
        fire.broken_off += fire.runs[-1:]
        before = fire.received
        fire.until(lambda: fire.received > before, "ticks of the run")
        fire.pause(0, 0.5 * fire.run_ticks / 10_000)
        producer.kill()
        fire.faults += 1
    fire.finish(consumer, fire.produce(runs=1))
