"""Connections that carry nothing before the broker at their other end has named our log.

kafka-python fetches and sends by the name of a topic, to whoever listens at the address. While a broker is away another
one may take its port, with a topic of that name: its messages would be stored as ours, and ours acknowledged by it.
Within a connection the other end stays who it is, so asking at the beginning of each is enough; what is to be sent
waits until the answer has come. Members that are not public are overridden here: look at them at each upgrade
(decisions 0026).
"""

from __future__ import annotations

from typing import Any

from kafka.cluster import ClusterMetadata
from kafka.errors import KafkaConnectionError
from kafka.net import KafkaConnection, KafkaConnectionManager, KafkaNetClient, NetworkSelector
from kafka.protocol.metadata import MetadataRequest

from marketlab.errors import OffsetOutOfRangeError, TransportError
from marketlab.transports.kafka_client import TopicIdentity, another_log, failed, topic_id
from marketlab.transports.kafka_config import KafkaConfig

__all__ = ["LogGuard"]


class LogGuard:
    """Keeps one client to one log.

    ``broken`` is set, on kafka-python's thread and for good, when another log was found in its place.

    :param identity: of the log
    """

    def __init__(self, config: KafkaConfig, identity: TopicIdentity) -> None:
        self._config = config
        self._identity = identity
        self.broken: OffsetOutOfRangeError | None = None

    def require(self) -> None:
        """Nothing, while no other log was found.

        :raises OffsetOutOfRangeError: one was
        """
        if self.broken is not None:
            raise self.broken

    def failed(self, act: str, error: BaseException) -> TransportError:
        """What to raise for a failure of the client: that another log was found, or else what failed."""
        return self.broken or failed(self._config, act, error)

    def client(self, **configs: Any) -> KafkaNetClient:
        """The network part of a client of kafka-python, made with its options."""
        net = NetworkSelector(**configs)
        return KafkaNetClient(net=net, manager=_Manager(self, net, **configs), **configs)

    def question(self) -> MetadataRequest:
        """What is asked at the beginning of each connection."""
        return MetadataRequest(
            topics=[MetadataRequest.MetadataRequestTopic(name=self._config.topic)],
            allow_auto_topic_creation=False,
            include_cluster_authorized_operations=False,
            include_topic_authorized_operations=False,
        )

    def knows_log(self, metadata: Any) -> bool:
        """Whether the answer names the topic by its id; a broker that has just come up may not know it yet.

        :raises KafkaConnectionError: it names another log
        """
        cluster, wanted = metadata.cluster_id, self._identity
        for found in metadata.topics:
            known = topic_id(found.name, found.topic_id)
            if found.name == self._config.topic and (not found.error_code or known != found.name):
                self._compare(TopicIdentity(cluster, known, wanted.partitions))
                return True
        self._compare(TopicIdentity(cluster, wanted.topic_id, wanted.partitions))
        return False

    def _compare(self, found: TopicIdentity) -> None:
        if found != self._identity:
            self.broken = another_log(self._config, self._identity, found)
            raise KafkaConnectionError(self.broken.message)


class _Manager(KafkaConnectionManager):  # type: ignore[misc]
    """Makes connections and metadata that are guarded."""

    def __init__(self, guard: LogGuard, net: Any, **configs: Any) -> None:
        super().__init__(net, **configs)
        self._guard = guard
        self.cluster.__class__ = _Cluster
        self.cluster.guard = guard

    def get_connection(self, node_id: Any, **options: Any) -> Any:
        if self._guard.broken and self.cluster.is_bootstrap(node_id):
            raise KafkaConnectionError(self._guard.broken.message)  # or it would go on until its time is over
        return super().get_connection(node_id, **options)

    async def _connect(self, node: Any, conn: Any, **options: Any) -> None:
        conn.__class__ = _Connection
        conn.guard = self._guard
        await super()._connect(node, conn, **options)
        if conn.closed:
            self.update_backoff(node.node_id)  # kafka-python takes whoever it could connect to for one who is well


class _Connection(KafkaConnection):  # type: ignore[misc]
    """Asks when kafka-python's own questions are answered, and is closed when the answer is not ours."""

    guard: LogGuard

    async def _get_api_versions(self, timeout_at: float | None = None) -> None:
        await super()._get_api_versions(timeout_at)
        if not self.sasl_enabled:
            await self._ask(timeout_at)

    async def _sasl_authenticate(self, timeout_at: float | None = None) -> None:
        await super()._sasl_authenticate(timeout_at)
        await self._ask(timeout_at)

    async def _ask(self, timeout_at: float | None) -> None:
        if not self.guard.knows_log(await self._send_request(self.guard.question(), timeout_at=timeout_at)):
            raise KafkaConnectionError("the broker does not know the topic")


class _Cluster(ClusterMetadata):  # type: ignore[misc]
    """Takes no metadata of another log: a topic may be deleted and made again while a connection stands."""

    guard: LogGuard

    def update_metadata(self, metadata: Any) -> None:
        try:
            self.guard.knows_log(metadata)
        except KafkaConnectionError as error:
            self.failed_update(error)
        else:
            super().update_metadata(metadata)
