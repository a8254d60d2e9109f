"""The managed broker, for real: one however many ask, leased, restarted with its data, and clear when it cannot be."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from marketlab.broker import ManagedBroker
from marketlab.broker.failures import PortTakenError
from marketlab.broker.locks import held, held_by
from marketlab.chaos.ground import quiet_port
from marketlab.errors import BrokerError
from tests.support import eventually, require

pytestmark = [pytest.mark.broker, pytest.mark.usefixtures("kafka_installed")]

#: Takes a lease, says what it got, and holds it until its input ends; then releases it.
HOLDER = """
import json, os, sys
from pathlib import Path
from marketlab.broker import ManagedBroker
broker = ManagedBroker(Path(sys.argv[1]))
with broker.acquire() as lease:
    print(json.dumps([lease.bootstrap_servers, broker.status().pid]), flush=True)
    sys.stdin.read()
"""

Acquire = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose broker ends with the test."""
    home = tmp_path / "home"
    yield home
    ManagedBroker(home).stop(force=True)


@pytest.fixture
def broker(home: Path) -> ManagedBroker:
    return ManagedBroker(home)


@pytest.fixture
def holder(home: Path) -> Iterator[Acquire]:
    """Starts processes that acquire the home's broker; they end with the test."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLDER, str(home)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def told(process: subprocess.Popen[str]) -> tuple[str, int]:
    """What a holder got: bootstrap servers, and the JVM's pid."""
    assert process.stdout is not None
    servers, pid = json.loads(process.stdout.readline())
    return servers, pid


def send(servers: str, topic: str, messages: range) -> None:
    from kafka import KafkaAdminClient, KafkaProducer

    admin = KafkaAdminClient(bootstrap_servers=servers)
    if topic not in admin.list_topics():
        admin.create_topics({topic: {"num_partitions": 1}}, wait_for_metadata=True)
    admin.close()
    producer = KafkaProducer(bootstrap_servers=servers)
    futures = [producer.send(topic, str(number).encode()) for number in messages]
    producer.flush()
    assert [future.get(timeout=20).offset for future in futures] == list(messages)
    producer.close()


def read(servers: str, topic: str, count: int) -> list[int]:
    from kafka import KafkaConsumer, TopicPartition

    consumer = KafkaConsumer(bootstrap_servers=servers, consumer_timeout_ms=20_000)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek_to_beginning()
    numbers = [int(message.value) for _, message in zip(range(count), consumer, strict=False)]
    consumer.close()
    return numbers


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def test_a_message_comes_back_and_the_broker_stops_with_its_lease(broker: ManagedBroker) -> None:
    before = set(psutil.Process().children())  # a browser of other tests may be among them
    with broker.acquire() as lease:
        status = broker.status()
        assert status.running
        assert status.bootstrap_servers == lease.bootstrap_servers == f"127.0.0.1:{lease.port}"
        assert list(status.leases) == [os.getpid()]
        assert (status.rss or 0) > 50_000_000
        send(lease.bootstrap_servers, "t", range(3))
        assert read(lease.bootstrap_servers, "t", 3) == [0, 1, 2]
    status = broker.status()
    assert (status.running, status.pid, status.leases) == (False, None, {})
    assert status.cluster_id
    assert set(psutil.Process().children()) <= before


def test_a_killed_broker_comes_back_on_its_port_with_every_message(home: Path) -> None:
    broker = ManagedBroker(home, port=quiet_port())
    with broker.acquire() as first:
        send(first.bootstrap_servers, "t", range(2000))
        before = broker.status()
        kill(before.pid)
        eventually(lambda: not broker.status().running, what="the death")
        with broker.acquire() as second:
            assert second.bootstrap_servers == first.bootstrap_servers
            after = broker.status()
            assert after.pid != before.pid
            assert after.cluster_id == before.cluster_id
            assert read(second.bootstrap_servers, "t", 2000) == list(range(2000))
            send(second.bootstrap_servers, "t", range(2000, 2010))


def test_five_at_once_get_one_broker(holder: Acquire, broker: ManagedBroker) -> None:
    processes = [holder() for _ in range(5)]
    got = {told(process) for process in processes}
    assert len(got) == 1
    assert sorted(broker.status().leases) == sorted(process.pid for process in processes)
    for process in processes[1:]:
        process.communicate()
        assert process.returncode == 0
        assert broker.status().running
    processes[0].communicate()
    assert not broker.status().running


def test_the_broker_of_killed_holders_stops_by_itself(holder: Acquire, broker: ManagedBroker) -> None:
    processes = [holder(), holder()]
    pids = {told(process)[1] for process in processes}
    for process in processes:
        process.kill()
    assert len(pids) == 1
    eventually(lambda: not psutil.pid_exists(pids.copy().pop()), what="the stop of the broker")
    assert broker.status().pid is None


def test_who_joins_a_broker_without_a_keeper_brings_one(holder: Acquire, broker: ManagedBroker) -> None:
    _, pid = told(holder())
    kill(held_by(broker.rooms.keeper_lock))
    eventually(lambda: not held(broker.rooms.keeper_lock), what="the death of the keeper")
    with broker.acquire():
        assert broker.status().pid == pid
        assert held(broker.rooms.keeper_lock)


def test_a_starter_that_is_killed_midway_does_not_block_the_next(holder: Acquire, broker: ManagedBroker) -> None:
    process = holder()
    eventually(broker.rooms.jvm_pid, what="the JVM's process")
    process.kill()
    with broker.acquire(timeout_s=60) as lease:
        send(lease.bootstrap_servers, "t", range(1))


def test_one_that_was_started_to_stay_outlives_its_leases(broker: ManagedBroker) -> None:
    status = broker.start()
    assert status.running
    assert status.stays
    assert status.leases == {}
    with broker.acquire():
        pass
    assert broker.status().pid == status.pid
    assert broker.start().pid == status.pid
    assert broker.stop() is True
    assert broker.status().pid is None
    assert not broker.status().stays
    assert broker.stop() is False


def test_stop_names_who_uses_it_and_force_stops_it_still(holder: Acquire, broker: ManagedBroker) -> None:
    process = holder()
    _, pid = told(process)
    with pytest.raises(BrokerError, match=rf"used by process {process.pid} \(-c\)") as caught:
        broker.stop()
    assert "--force" in str(caught.value.mend)
    assert broker.status().pid == pid
    assert broker.stop(force=True) is True
    assert broker.status().pid is None


def test_an_explicit_port_that_is_taken_is_refused_at_once(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        broker = ManagedBroker(home, port=port)
        with pytest.raises(PortTakenError, match=f"port {port} is taken") as caught:
            broker.acquire()
        assert "--port" in str(caught.value.mend)
        assert broker.status().leases == {}


def test_a_remembered_port_that_is_taken_is_left_for_another(broker: ManagedBroker) -> None:
    with broker.acquire() as lease:
        first = lease.port
    with socket.create_server(("127.0.0.1", first)), broker.acquire() as lease:
        assert lease.port != first
        send(lease.bootstrap_servers, "t", range(1))


def test_another_port_than_the_running_brokers_is_refused(broker: ManagedBroker, home: Path) -> None:
    with (
        broker.acquire() as lease,
        pytest.raises(BrokerError, match=f"already runs on port {lease.port}, wanted was {lease.port + 1}"),
    ):
        ManagedBroker(home, port=lease.port + 1).acquire()


def test_a_damaged_data_folder_is_named_and_can_be_wiped(broker: ManagedBroker) -> None:
    with broker.acquire():
        first = broker.status()
        with pytest.raises(BrokerError, match="the broker runs"):
            broker.wipe()
    meta = first.data / "meta.properties"
    meta.write_bytes(meta.read_bytes()[:20])
    with pytest.raises(BrokerError, match=f"data folder {first.data} is damaged") as caught:
        broker.acquire()
    assert "marketlab broker wipe" in str(caught.value.mend)
    assert broker.wipe() is True
    with broker.acquire():
        assert broker.status().cluster_id not in {None, first.cluster_id}


def test_damage_that_only_kafka_sees_is_named_too(broker: ManagedBroker) -> None:
    with broker.acquire():
        data = broker.status().data
    (data / "recovery-point-offset-checkpoint").write_text("not a checkpoint")
    with pytest.raises(BrokerError, match=f"data folder {data} is damaged .*Malformed line"):
        broker.acquire()
    assert broker.status().leases == {}
    assert broker.status().pid is None


def test_a_broker_that_does_not_answer_is_named(broker: ManagedBroker) -> None:
    with broker.acquire():
        pid = broker.status().pid or 0
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(BrokerError, match=f"runs as process {pid} but does not answer"):
                broker.acquire(timeout_s=0.5)
        finally:
            os.kill(pid, signal.SIGCONT)


def test_nothing_is_asked_of_the_network_once_kafka_is_here(
    broker: ManagedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with broker.acquire():
        assert broker.status().running


def test_any_folder_will_do(tmp_path: Path) -> None:
    broker = ManagedBroker(tmp_path / "a, b=c" / "Jürgen's 📈")
    with broker.acquire() as lease:
        send(lease.bootstrap_servers, "t", range(3))
        assert broker.rooms.log.exists()
        assert (broker.rooms.data / "t-0").is_dir()


def test_a_full_disk_is_named_and_messages_are_there_once_there_is_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)]
    root = sys.platform == "linux" and os.geteuid() == 0
    mounted = root and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    require(mounted, "a small disk can only be mounted by root on Linux")
    broker = ManagedBroker(disk / "home")
    try:
        with broker.acquire() as lease:
            send(lease.bootstrap_servers, "t", range(2000))
        fill = disk / "fill"
        with fill.open("wb") as file:
            file.write(b"x" * (shutil.disk_usage(disk).free - 100_000))
        with pytest.raises(BrokerError, match="no space left on device") as caught:
            broker.acquire()
        assert "Free some space" in str(caught.value.mend)
        fill.unlink()
        with broker.acquire() as lease:
            assert read(lease.bootstrap_servers, "t", 2000) == list(range(2000))
    finally:
        broker.stop(force=True)
        eventually(lambda: not held(broker.rooms.keeper_lock), what="the end of the keeper")
        subprocess.run(["umount", str(disk)], check=True)
