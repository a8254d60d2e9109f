"""The managed broker: real Apache Kafka on loopback, without Docker, Java or Maven on the machine.

=============  ================================================================
``manager``    the public face: start, find, lease and stop one broker a home
``jars``       Kafka's jars: a committed list, fetched once, verified each time
``launcher``   one start: format, configure, launch, wait for an answer
``runtime``    the Java runtime, its flags, what platforms it runs on
``config``     ``server.properties`` and the log's layout, as data
``aot``        the cache that halves the start, trained in the background
``keeper``     the small parent of the JVM that stops it with the last lease
``leases``     who uses the broker
``state``      what a home remembers of its broker, and whether it runs
``probe``      one Kafka request: does it answer, and is it ours
``failures``   what its log says when it does not start, and the mend
=============  ================================================================

Names are looked up late: the keeper, which lives as long as the broker, needs only two of these modules.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marketlab.broker.leases import Lease
    from marketlab.broker.manager import ManagedBroker
    from marketlab.broker.progress import Progress
    from marketlab.broker.state import BrokerStatus

__all__ = ["BrokerStatus", "Lease", "ManagedBroker", "Progress"]

_HOMES = {"BrokerStatus": "state", "Lease": "leases", "ManagedBroker": "manager", "Progress": "progress"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
