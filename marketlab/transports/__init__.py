"""Logs of messages behind :class:`marketlab.ports.Transport`: Kafka and tapes.

A port's promises are kept here and nowhere else: whoever reads or writes ticks sees :mod:`marketlab.ports` only. The
twin in memory is :mod:`marketlab.testing.memory_log`; one contract suite holds all of them to the same behaviour.

Importing this loads no Kafka client: that takes a quarter of a second, and a tape needs none.
"""

from marketlab.transports.kafka import KafkaTransport
from marketlab.transports.kafka_admin import (
    PartitionDescription,
    TopicDescription,
    delete_topics,
    describe_topic,
    ensure_topic,
    trim_topic,
)
from marketlab.transports.kafka_config import KafkaConfig
from marketlab.transports.tape import TapeTransport
from marketlab.transports.tape_writer import TapeWriter

__all__ = [
    "KafkaConfig",
    "KafkaTransport",
    "PartitionDescription",
    "TapeTransport",
    "TapeWriter",
    "TopicDescription",
    "delete_topics",
    "describe_topic",
    "ensure_topic",
    "trim_topic",
]
