"""The ground on which everything happens: a home to throw away, one broker for all cases, a topic for each."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from marketlab.broker import ManagedBroker, Progress
from marketlab.broker.ports import is_free
from marketlab.errors import TransportError
from marketlab.transports import KafkaConfig, KafkaTransport, delete_topics, ensure_topic

__all__ = ["Ground", "ground", "quiet_port"]

TOPIC_S = 30.0
PARTITIONS = 3
#: Out of the way of other brokers, which begin at 9092, and no ephemeral ports: whoever reconnects to a broker that is
#: down could be given its port, and keep it from coming back (see :mod:`marketlab.broker.ports`).
QUIET_PORTS = range(20_000, 30_000)

#: Takes a line that says how a case stands.
Tell = Callable[[str], None]


@dataclass(slots=True)
class Ground:
    """A folder and the managed broker in it."""

    folder: Path
    broker: ManagedBroker
    bootstrap_servers: str
    tell: Tell
    _topics: int = 0

    @contextmanager
    def topic(self) -> Iterator[tuple[KafkaConfig, str]]:
        """A topic of one's own, and the id of its log; gone afterwards."""
        self._topics += 1
        config = KafkaConfig(bootstrap_servers=self.bootstrap_servers, topic=f"chaos-{self._topics}")
        ensure_topic(config, partitions=PARTITIONS, timeout_s=TOPIC_S)
        with KafkaTransport(config) as log:
            yield config, log.log_id
        with suppress(TransportError):  # a broker that was killed: its folder goes anyway
            delete_topics(config, lambda name: name == config.topic)

    def evict(self, group: str, instance_id: str) -> None:
        """Take a static member out of its group, as its session's end would after 6 s."""
        from kafka import KafkaAdminClient
        from kafka.admin import MemberToRemove
        from kafka.errors import KafkaError

        with closing(KafkaAdminClient(bootstrap_servers=self.bootstrap_servers)) as admin, suppress(KafkaError):
            admin.remove_group_members(group, [MemberToRemove(group_instance_id=instance_id)])


def quiet_port() -> int:
    """A free one, for a broker that is to come back on it."""
    return next(port for port in random.sample(QUIET_PORTS, len(QUIET_PORTS)) if is_free(port))


@contextmanager
def ground(*, tell: Tell, cache: Path | None = None, progress: Progress | None = None) -> Iterator[Ground]:
    """A broker in a folder that is deleted at the end.

    :raises BrokerError: it cannot be had
    """
    folder = Path(tempfile.mkdtemp(prefix="marketlab-chaos-"))
    try:
        broker = ManagedBroker(folder / "home", cache=cache, port=quiet_port())
        with broker.acquire(progress=progress) as lease:
            yield Ground(folder, broker, lease.bootstrap_servers, tell)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
