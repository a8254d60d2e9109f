"""Train the AOT cache: run a broker on throwaway data, let it do what brokers do, and keep what its JVM learned.

Takes about 15 s of one core, most of it after the broker has ended. In the background it runs at the lowest
priority, belongs to nobody, and leaves either a whole cache or none.
"""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import Any

from marketlab.broker import detached, keeper
from marketlab.broker.aot import AotCache
from marketlab.broker.config import HOST
from marketlab.broker.jars import JarCache
from marketlab.broker.launcher import Launcher
from marketlab.broker.leases import Lease
from marketlab.broker.locks import FileLock, locked
from marketlab.broker.progress import Silent
from marketlab.broker.runtime import java
from marketlab.broker.state import Rooms
from marketlab.deadline import Deadline
from marketlab.errors import BrokerError

__all__ = ["train"]

BACKGROUND_S = 1800.0  # on a busy machine the lowest priority gets little
NEEDED_BYTES = 400_000_000  # the cache, its draft, and what the JVM recorded
TOPIC = "training"
MESSAGES = 200


def main(task: dict[str, Any]) -> None:
    """Train in the background; a second one at the same time leaves it to the first."""
    detached.become_detached()
    detached.answer({"pid": os.getpid()})
    detached.become_background()
    os.chdir("/")
    cache = Path(task["cache"])
    lock = FileLock(_aot(cache).lock)
    if lock.acquire(timeout_s=0):
        try:
            _train(cache, timeout_s=BACKGROUND_S, background=True)
        except BrokerError as exc:
            _aot(cache).failed.write_text(f"{exc}\n", encoding="utf-8")
        finally:
            lock.release()


def train(cache: Path, *, timeout_s: float) -> None:
    """Train now, unless it has been done; waits for another who is at it.

    :param cache: ``ManagedBroker.cache``; the jars are there
    :raises BrokerError: the broker does not start, or its JVM writes no cache
    """
    with locked(_aot(cache).lock, timeout_s=timeout_s, what="training the start"):
        if not _aot(cache).ready:
            _train(cache, timeout_s=timeout_s, background=False)


def _aot(cache: Path) -> AotCache:
    return AotCache(cache / "aot", java=java(), class_path=JarCache(cache).paths)


def _train(cache: Path, *, timeout_s: float, background: bool) -> None:
    deadline = Deadline(timeout_s)
    aot = _aot(cache)
    aot.failed.unlink(missing_ok=True)
    free = shutil.disk_usage(cache).free
    if free < NEEDED_BYTES:
        raise BrokerError(
            f"no space left on device: training needs {NEEDED_BYTES / 1e6:.0f} MB in {cache}, "
            f"{free / 1e6:.0f} MB are free",
            mend="Free some space, or name another folder with MARKETLAB_CACHE.",
        )
    rooms = Rooms(cache / "training")
    draft = rooms.folder / "draft.aot"
    keeper.end_jvm(rooms, timeout_s=0)  # of a training that was killed
    shutil.rmtree(rooms.folder, ignore_errors=True)
    launcher = Launcher(
        rooms,
        JarCache(cache).paths,
        cache,
        flags=aot.train(draft),
        stop_timeout_s=timeout_s,
        new_session=not background,
    )
    with locked(rooms.lock, timeout_s=0, what="training the start"):
        # Should this process be killed, its lease ends, and the keeper ends the JVM.
        lease = Lease(rooms.leases, on_release=lambda: None)
        try:
            port = launcher.start(port=_free_port(), last_port=None, deadline=deadline, progress=Silent())
            _use(port)
        finally:
            keeper.end_jvm(rooms, timeout_s=max(5.0, deadline.remaining_s))
            lease.release()
    if not draft.is_file():
        raise BrokerError(f"the JVM wrote no AOT cache: {rooms.output.read_text(errors='replace')[-500:].strip()}")
    draft.replace(aot.path)
    shutil.rmtree(rooms.folder, ignore_errors=True)
    aot.sweep()


def _use(port: int) -> None:
    """What the first minute of a pipeline asks of a broker: a topic, messages, a group that reads them."""
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

    servers = f"{HOST}:{port}"
    admin = KafkaAdminClient(bootstrap_servers=servers)
    admin.create_topics({TOPIC: {"num_partitions": 3}}, wait_for_metadata=True)
    producer = KafkaProducer(bootstrap_servers=servers)
    for number in range(MESSAGES):
        producer.send(TOPIC, key=str(number % 7).encode(), value=b"x" * 65)
    producer.flush(timeout=30)
    producer.close(timeout=5)
    consumer = KafkaConsumer(
        TOPIC, bootstrap_servers=servers, group_id=TOPIC, auto_offset_reset="earliest", consumer_timeout_ms=20_000
    )
    for _ in zip(range(MESSAGES), consumer, strict=False):
        pass
    consumer.commit()
    consumer.close()
    admin.close()


def _free_port() -> int:
    """Away from 9092, where the next broker that someone starts may want to listen."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
