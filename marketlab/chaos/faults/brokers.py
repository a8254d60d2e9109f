"""The broker is killed under a producer and a consumer that both go on."""

from __future__ import annotations

import os
import signal
import sys

from marketlab.chaos.fire import Fire, StuckError

__all__ = ["broker_kill"]

EACH_S = 5.0  # about what a kill and the way back take: so long the producer sends from one to the next


def broker_kill(fire: Fire) -> None:
    """Kill -9 of Kafka, and a new start after up to two seconds; nobody else is started anew.

    It has recovered when something is stored that was sent since. A consumer has messages in hand that it goes on with
    while there is no broker, and to kill one again before anybody has reached it proves nothing.
    """

    def rate() -> float:
        return fire.run_ticks / ((fire.case.times - fire.faults + 1) * EACH_S)

    producer, consumer = fire.produce(rate=rate()), fire.consume()
    for _ in fire.spread(lambda: fire.produce(runs=1, rate=rate())):
        pid = fire.ground.broker.status().pid
        if pid is None:
            raise StuckError("there is no broker to kill")
        os.kill(pid, signal.SIGKILL)
        fire.struck()
        fire.not_before(sys.maxsize)
        fire.pause(0, 2)
        lease = fire.ground.broker.acquire()
        lease.drop()
        if lease.bootstrap_servers != fire.kafka.bootstrap_servers:
            raise StuckError(f"the broker came back at {lease.bootstrap_servers}")
        fire.not_before(fire.ends())
    fire.finish(consumer, producer)
