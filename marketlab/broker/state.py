"""What a home remembers of its broker, and where. Whether the broker runs is known by a lock alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path

from marketlab.broker.config import HOST
from marketlab.broker.locks import held, held_by

__all__ = ["BrokerStatus", "Memory", "Rooms", "damage", "own_pid_space", "read_cluster_id"]


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """The managed broker of one home at one moment."""

    #: It runs and has answered; a broker that is starting does not count.
    running: bool
    #: Of the JVM; None while it does not run.
    pid: int | None
    #: ``host:port`` for clients; None while it does not run.
    bootstrap_servers: str | None
    #: Where it listens, or listened last; None before the first start.
    port: int | None
    kafka_version: str
    #: Kafka's folder with all messages; may not exist yet.
    data: Path
    #: Kafka's log file; may not exist yet.
    log: Path
    #: Processes that use it, as pid → their command.
    leases: dict[int, str]
    #: ``broker start`` asked for it to stay when the last lease ends.
    stays: bool
    #: Of the data; None before the first start.
    cluster_id: str | None
    started_at: datetime | None
    #: Resident memory in bytes; None while it does not run.
    rss: int | None
    #: Whether this start used the AOT cache; None while it does not run.
    warm: bool | None

    def to_json(self) -> dict[str, object]:
        """As plain JSON values: paths as text, the time as ISO 8601, leases as a list."""
        row: dict[str, object] = asdict(self)
        row["data"], row["log"] = str(self.data), str(self.log)
        row["started_at"] = self.started_at.isoformat() if self.started_at else None
        row["leases"] = [{"pid": pid, "command": command} for pid, command in self.leases.items()]
        return row


@dataclass(frozen=True, slots=True)
class Rooms:
    """The files of one managed broker; ``folder`` is also the working folder of its JVM."""

    folder: Path

    @property
    def lock(self) -> Path:
        """Held around check-and-start, and around check-and-stop."""
        return self.folder / "lock"

    @property
    def jvm_lock(self) -> Path:
        """Held by the JVM itself, who inherits it: held means the broker's process lives. Its text is the pid."""
        return self.folder / "jvm.lock"

    @property
    def keeper_lock(self) -> Path:
        """Held by the keeper."""
        return self.folder / "keeper.lock"

    @property
    def leases(self) -> Path:
        """A file a holder."""
        return self.folder / "leases"

    @property
    def memory(self) -> Path:
        """See :class:`Memory`."""
        return self.folder / "state.json"

    @property
    def data(self) -> Path:
        """Kafka's log folder."""
        return self.folder / "data"

    @property
    def logs(self) -> Path:
        """Kafka's own log and what the JVM printed."""
        return self.folder / "logs"

    @property
    def log(self) -> Path:
        """Kafka's log file."""
        return self.logs / "server.log"

    @property
    def output(self) -> Path:
        """What the JVM printed since the last start."""
        return self.logs / "jvm.out"

    def jvm_lives(self) -> bool:
        """Whether the JVM lives, ready or not."""
        return held(self.jvm_lock)

    def jvm_pid(self) -> int | None:
        """The JVM's pid, or None while none lives, or where its pid means another process: another container."""
        pid = held_by(self.jvm_lock)
        try:
            return pid if self.jvm_lock.read_text().split()[1] == own_pid_space() else None
        except (OSError, IndexError):
            return None


@dataclass(frozen=True, slots=True)
class Memory:
    """What outlives a start: changed only under the home's lock, and replaced in one rename."""

    port: int | None = None
    #: ``broker start`` asked for it; until ``broker stop``, across a crash.
    stays: bool = False
    #: The JVM that has answered; another pid, or none, is not ready.
    ready_pid: int | None = None
    started_at: str | None = None
    warm: bool = False

    @classmethod
    def read(cls, rooms: Rooms) -> Memory:
        """As last written; the defaults when there is nothing that can be read."""
        try:
            row = json.loads(rooms.memory.read_text(encoding="utf-8"))
            return cls(**{field.name: row[field.name] for field in fields(cls)})
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def write(self, rooms: Rooms) -> None:
        """Replace what was remembered."""
        draft = rooms.memory.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self)), encoding="utf-8")
        draft.replace(rooms.memory)

    @property
    def bootstrap_servers(self) -> str:
        """For clients."""
        return f"{HOST}:{self.port}"


def own_pid_space() -> str:
    """Where our pids hold: two containers may share a home, and must not kill by each other's numbers."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return "pid"


def read_cluster_id(data: Path) -> str | None:
    """The cluster id in a formatted folder, or None where there is none to read."""
    return _meta(data).get("cluster.id") or None


def damage(data: Path) -> str | None:
    """What is wrong with an existing data folder, as far as it can be seen without Kafka; None if nothing."""
    meta = _meta(data)
    for key in ("version", "cluster.id", "node.id", "directory.id"):
        if not meta.get(key):
            return f"meta.properties has no {key}" if meta else "meta.properties is missing or empty"
    metadata = data / "__cluster_metadata-0"
    # The first snapshot names the one voter. Without it Kafka would wait for a leader for ever.
    if not any(metadata.glob("*.checkpoint")):
        return "__cluster_metadata-0 holds no snapshot"
    return None


def _meta(data: Path) -> dict[str, str]:
    try:
        text = (data / "meta.properties").read_text(encoding="latin-1")
    except OSError:
        return {}
    rows = (line.partition("=") for line in text.splitlines() if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in rows}
