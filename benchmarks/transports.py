"""What the port costs: ticks a second through every transport, beside the bare client.

    python benchmarks/transports.py [--ticks 200000] [--rounds 3] [--bootstrap-servers HOST:PORT] [--json]

Each figure is the best of the rounds, in ticks a second of wall time and in microseconds of this process's CPU a tick;
where others use the machine too, the second is the steadier one. Ticks are 80 bytes, of 100 symbols, on 3 partitions.
Without ``--bootstrap-servers`` a managed broker is started in a temporary home; it shares the machine with the client.
Each round makes a topic of its own; clients are made and groups joined outside the clock.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from marketlab.broker import ManagedBroker
from marketlab.ports import Assigned, Subscription, Transport
from marketlab.testing.memory_log import MemoryLog
from marketlab.transports import KafkaConfig, KafkaTransport, TapeTransport, ensure_topic

PARTITIONS = 3
KEYS = [f"SYM{number:02}".encode() for number in range(100)]
BATCH = 5000

#: (ticks a second, CPU microseconds a tick)
Figure = tuple[float, float]


def ticks(count: int) -> list[tuple[bytes, bytes]]:
    """Keys and values as the producer sends them."""
    value = b'{"symbol":"%s","price":215.67,"timestamp":1730896201.0,"seq":%d,"run":"bench"}'
    return [(KEYS[number % 100], value % (KEYS[number % 100], number)) for number in range(count)]


@contextmanager
def clock(count: int, figures: list[Figure]) -> Iterator[None]:
    """Time what happens to ``count`` ticks."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    figures.append((count / wall, cpu / count * 1e6))


def publish(log: Transport, sent: list[tuple[bytes, bytes]], figures: list[Figure]) -> None:
    publisher = log.publisher()
    with clock(len(sent), figures):
        for number, (key, value) in enumerate(sent):
            publisher.send(value, key=key, tag=number)
        publisher.flush(timeout_s=60)
    publisher.close(timeout_s=5)


def consume(log: Transport, count: int, figures: list[Figure]) -> None:
    subscription: Subscription = log.subscribe("bench")
    while not isinstance(assigned := subscription.poll(timeout_s=1), Assigned):
        pass
    subscription.seek(dict.fromkeys(assigned.partitions))
    got = 0
    with clock(count, figures):
        while got < count:
            polled = subscription.poll(timeout_s=1, max_messages=BATCH)
            got += 0 if isinstance(polled, Assigned) else len(polled)
    subscription.close(timeout_s=5)


def bare_publish(servers: str, topic: str, sent: list[tuple[bytes, bytes]], figures: list[Figure]) -> None:
    """kafka-python as its manual has it, with the same batches, and no look at what becomes of a message."""
    producer = KafkaProducer(bootstrap_servers=servers, linger_ms=5, batch_size=256 * 1024)
    producer.partitions_for(topic)
    with clock(len(sent), figures):
        for key, value in sent:
            producer.send(topic, value, key)
        producer.flush()
    producer.close()


def bare_consume(servers: str, topic: str, count: int, figures: list[Figure], **options: object) -> None:
    """kafka-python's poll, and nothing done with the records."""
    places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
    consumer = KafkaConsumer(bootstrap_servers=servers, group_id=None, auto_offset_reset="earliest", **options)
    consumer.assign(places)
    consumer.end_offsets(places)
    got = 0
    with clock(count, figures):
        while got < count:
            got += sum(map(len, consumer.poll(timeout_ms=1000, max_records=BATCH).values()))
    consumer.close()


def one_round(servers: str, folder: Path, count: int, figures: dict[str, list[Figure]]) -> None:
    def row(name: str) -> list[Figure]:
        return figures.setdefault(name, [])

    sent = ticks(count)
    config = KafkaConfig(bootstrap_servers=servers, topic=f"bench-{os.urandom(4).hex()}")
    ensure_topic(config, partitions=PARTITIONS, timeout_s=30)
    bare_publish(servers, config.topic, sent, row("kafka publish, bare"))
    large = {"max_partition_fetch_bytes": 8 * 1024 * 1024, "metrics_enabled": False}
    bare_consume(servers, config.topic, count, row("kafka consume, bare, default fetches"))
    bare_consume(servers, config.topic, count, row("kafka consume, bare"), **large)
    with KafkaTransport(config) as log:
        consume(log, count, row("kafka consume"))
        publish(log, sent, row("kafka publish"))
    admin = KafkaAdminClient(bootstrap_servers=servers)
    admin.delete_topics([config.topic])
    admin.close()

    path = folder / f"{config.topic}.jsonl"
    with TapeTransport(path, topic="bench", partitions=PARTITIONS) as tape:
        publish(tape, sent, row("tape publish"))
        consume(tape, count, row("tape consume"))
    path.unlink()
    with MemoryLog(PARTITIONS) as memory:
        publish(memory, sent, row("memory publish"))
        consume(memory, count, row("memory consume"))


def best(rounds: list[Figure]) -> Figure:
    return max(rate for rate, _ in rounds), min(cpu for _, cpu in rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ticks", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bootstrap-servers", default=None)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures: dict[str, list[Figure]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = options.bootstrap_servers
        if servers is None:
            servers = stack.enter_context(ManagedBroker(folder / "home").acquire()).bootstrap_servers
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            one_round(servers, folder, options.ticks, figures)
    result = {name: best(rounds) for name, rounds in figures.items()}
    if options.json:
        print(json.dumps({name: {"ticks_per_s": round(rate), "cpu_us": cpu} for name, (rate, cpu) in result.items()}))
        return
    print(f"{'':38}{'ticks/s':>12}{'CPU µs a tick':>16}")
    for name, (rate, cpu) in result.items():
        print(f"{name:38}{rate:>12,.0f}{cpu:>16.2f}")


if __name__ == "__main__":
    main()
