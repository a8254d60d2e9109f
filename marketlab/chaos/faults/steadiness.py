"""No fault at all: what a long run does to the consumer's memory."""

from __future__ import annotations

import psutil

from marketlab.chaos.fire import Fire
from marketlab.deadline import Deadline

__all__ = ["steady"]

WARM = 0.1  # of the ticks, after which memory may not grow any more …
GROWTH = 1.15  # … beyond this times what it was
EVERY_S = 1.0


def steady(fire: Fire) -> None:
    """Resident memory after a tenth of the ticks, and the most it ever was from then on."""
    producer = fire.produce()
    consumer = fire.consume(batch_size=5000)
    process = psutil.Process(consumer.pid)
    fire.until(lambda: fire.received >= WARM * fire.case.ticks, "the first tenth", within_s=3600)
    first = most = process.memory_info().rss
    look = Deadline(0)

    def through() -> bool:
        nonlocal most, look
        if look.passed and consumer.code is None:
            most, look = max(most, process.memory_info().rss), Deadline(EVERY_S)
        return producer.code is not None and fire.received >= fire.case.ticks

    fire.until(through, "the last tick", within_s=7200)
    fire.note = f"resident memory {first / 1e6:.0f} MB after a tenth, {most / 1e6:.0f} MB at the most"
    if most > GROWTH * first:
        fire.account.problems.append(f"memory grew: {fire.note}")
    fire.finish(consumer, producer)
