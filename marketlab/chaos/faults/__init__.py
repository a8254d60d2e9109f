"""What is done to the pipeline: one function a fault, each given a :class:`marketlab.chaos.fire.Fire` to do it in."""

from __future__ import annotations

from collections.abc import Callable

from marketlab.chaos.faults.brokers import broker_kill
from marketlab.chaos.faults.clocks import clock
from marketlab.chaos.faults.consumers import consumer_kill, rebalance, zombie
from marketlab.chaos.faults.points import failpoint
from marketlab.chaos.faults.producers import producer_kill
from marketlab.chaos.faults.rooms import disk_full, lock
from marketlab.chaos.faults.steadiness import steady
from marketlab.chaos.fire import Fire

__all__ = ["fault_of"]

_FAULTS: dict[str, Callable[[Fire], None]] = {
    "consumer-kill": consumer_kill,
    "zombie": zombie,
    "rebalance": rebalance,
    "producer-kill": producer_kill,
    "broker-kill": broker_kill,
    "lock": lock,
    "disk-full": disk_full,
    "clock": clock,
    "steady": steady,
}


def fault_of(name: str) -> Callable[[Fire], None]:
    """What is done for a fault of this name."""
    return failpoint if name.startswith("failpoint/") else _FAULTS[name]
