"""The broker is killed under a producer and a consumer that both go on."""

from __future__ import annotations

import os
import signal

from marketlab.chaos.fire import Fire, StuckError

__all__ = ["broker_kill"]

RATE = 1_000.0  # slow enough to be sending all the while


def broker_kill(fire: Fire) -> None:
    """Kill -9 of Kafka, and a new start after up to two seconds; nobody else is started anew.

    It has recovered when something is stored that was sent after the kill: a consumer has messages in hand that it goes
    on with while there is no broker, and a broker that is killed again before anybody has reached it proves nothing.
    """
    producer, consumer = fire.produce(rate=RATE), fire.consume()
    for _ in fire.spread():
        pid = fire.ground.broker.status().pid
        if pid is None:
            raise StuckError("there is no broker to kill")
        end = fire.ends()
        os.kill(pid, signal.SIGKILL)
        fire.struck(beyond=end)
        fire.pause(0, 2)
        lease = fire.ground.broker.acquire()
        lease.drop()
        if lease.bootstrap_servers != fire.kafka.bootstrap_servers:
            raise StuckError(f"the broker came back at {lease.bootstrap_servers}")
    fire.finish(consumer, producer)
