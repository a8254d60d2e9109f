"""The configuration of a single-node Kafka for a laptop, as data: the managed broker and any other can use it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["HOST", "NODE_ID", "log4j2", "properties", "render"]

HOST = "127.0.0.1"
NODE_ID = 1

#: What does not depend on the place. Each value that differs from Kafka's default has its reason.
BASE: Mapping[str, object] = {
    "process.roles": "broker,controller",
    "node.id": NODE_ID,
    "controller.listener.names": "CONTROLLER",
    # The quorum is in the formatted folder; the setting must be there, and nothing is ever asked of the address.
    "controller.quorum.bootstrap.servers": f"{HOST}:1",
    # One node holds one copy of everything.
    "default.replication.factor": 1,
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    # 50 by default, each with three files: the first consumer would wait for all of them.
    "offsets.topic.num.partitions": 1,
    "transaction.state.log.num.partitions": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    "group.initial.rebalance.delay.ms": 0,
    # A misspelt topic is an error, not a new topic.
    "auto.create.topics.enable": "false",
    # Replayed ticks carry old times, and the default of 7 days would delete them.
    "log.retention.ms": -1,
    "log.cleaner.dedupe.buffer.size": 2 * 1024 * 1024,  # 128 MB by default, half the heap
    # After kill -9 the controller refuses the restarted broker until the old session is over.
    "broker.session.timeout.ms": 1500,
    "broker.heartbeat.interval.ms": 300,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "background.threads": 4,
    "group.coordinator.threads": 1,
}


def properties(*, port: int, data_dir: str | Path, **overrides: object) -> dict[str, str]:
    """``server.properties`` of one node on loopback.

    :param port: of the listener for clients; 0 lets the system choose
    :param data_dir: ``log.dirs``; relative names are relative to the broker's working folder
    :param overrides: Kafka's own names, as in ``**{"log.segment.bytes": 1_000_000}``; None removes a row
    """
    rows = {
        **BASE,
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:0",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "log.dirs": data_dir,
        **overrides,
    }
    return {name: str(value) for name, value in rows.items() if value is not None}


def render(rows: Mapping[str, str]) -> str:
    """As a Java properties file: ASCII, with whatever has a meaning there escaped."""
    return "".join(f"{name}={_escape(value)}\n" for name, value in rows.items())


def _escape(value: str) -> str:
    text = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    if text.startswith(" "):
        text = "\\" + text
    utf16 = text.encode("utf-16-be", "surrogatepass")
    units = [int.from_bytes(utf16[at : at + 2], "big") for at in range(0, len(utf16), 2)]
    return "".join(chr(unit) if 0x20 <= unit < 0x7F else f"\\u{unit:04x}" for unit in units)


def log4j2(*, file: str = "logs/server.log") -> str:
    """A log file of 10 MB that keeps its two predecessors; relative to the broker's working folder."""
    return render(
        {
            "rootLogger.level": "INFO",
            "rootLogger.appenderRef.file.ref": "file",
            # Prints every setting seven times, 2,000 lines a start.
            "logger.config.name": "org.apache.kafka.common.config.AbstractConfig",
            "logger.config.level": "WARN",
            "appender.file.type": "RollingFile",
            "appender.file.name": "file",
            "appender.file.fileName": file,
            "appender.file.filePattern": f"{file}.%i",
            "appender.file.layout.type": "PatternLayout",
            "appender.file.layout.pattern": "%d{yyyy-MM-dd HH:mm:ss.SSS} %-5p %m (%c{1})%n",
            "appender.file.policies.type": "Policies",
            "appender.file.policies.size.type": "SizeBasedTriggeringPolicy",
            "appender.file.policies.size.size": "10MB",
            "appender.file.strategy.type": "DefaultRolloverStrategy",
            "appender.file.strategy.max": "2",
        }
    )
