"""One start of the JVM: format the data, write the configuration, launch, wait for a Kafka answer."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from marketlab import failpoints
from marketlab.broker import config, keeper, ports, probe
from marketlab.broker.failures import SPACE_MEND, PortTakenError, damaged, explain
from marketlab.broker.formatting import FormatError, Formatter
from marketlab.broker.progress import Progress
from marketlab.broker.runtime import environment, java_command
from marketlab.broker.state import Rooms, damage, read_cluster_id
from marketlab.deadline import Deadline
from marketlab.errors import BrokerError

__all__ = ["Launcher"]

NEEDED_BYTES = 8_000_000  # an empty broker writes 0.3 MB, a recovering one rebuilds its indexes
READ_BYTES = 1 << 20  # of the log, when a start has failed


@dataclass(frozen=True, slots=True)
class Launcher:
    """How to start the broker of one folder. Everything here happens under the home's lock.

    ``class_path``: verified jars; ``cache``: where a formatted folder is kept for the next home; ``flags``: more flags
    for the JVM that runs the broker; ``stop_timeout_s``: how long the keeper lets it stop; ``new_session``: see
    :func:`keeper.launch`.
    """

    rooms: Rooms
    class_path: Sequence[Path]
    cache: Path
    flags: Sequence[str] = ()
    stop_timeout_s: float = 20.0
    new_session: bool = True

    def start(self, *, port: int | None, last_port: int | None, deadline: Deadline, progress: Progress) -> int:
        """Start the JVM and wait until it answers as the cluster of our data.

        :param port: the one to listen on, or None for the best free one
        :returns: the port
        :raises BrokerError: it does not start; names the reason and the mend
        """
        rooms = self.rooms
        self._check_space()
        for folder in (rooms.leases, rooms.logs):
            folder.mkdir(parents=True, exist_ok=True)
        temporary = rooms.folder / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)  # native libraries that a killed broker unpacked
        temporary.mkdir()
        (rooms.folder / "log4j2.properties").write_text(config.log4j2(), encoding="ascii")
        cluster_id = self._prepare_data(deadline, progress)
        progress.stage("Starting Apache Kafka")
        for candidate in self._ports(port, last_port):
            before = _size(rooms.log)
            with failpoints.around("broker.launch"):
                self._launch(candidate)
            try:
                self.await_answer(candidate, cluster_id=cluster_id, log_from=before, deadline=deadline)
            except PortTakenError:
                if port is not None:
                    raise
                continue  # another start was quicker: the next one
            return candidate
        raise PortTakenError(
            f"none of the {ports.TRIED_PORTS} ports from {ports.DEFAULT_PORT} on is free",
            mend="Name a free one with --port or MARKETLAB_BROKER_PORT.",
        )

    def await_answer(self, port: int, *, cluster_id: str, log_from: int, deadline: Deadline) -> None:
        """Wait until the JVM that was launched takes requests, and end it when it does not.

        :param log_from: where in the log this start begins, in bytes
        """
        while True:
            found = probe.ask(port, timeout_s=min(2.0, max(0.1, deadline.remaining_s)))
            if found and found.nodes and found.cluster_id == cluster_id:
                return
            lives = self.rooms.jvm_lives()
            if not lives or deadline.passed:
                happened = "it did not answer in time" if lives else "it ended before it answered"
                keeper.end_jvm(self.rooms, timeout_s=0)
                raise self._explain(log_from, port=port, happened=happened)
            time.sleep(probe.ASK_EVERY_S)

    def _check_space(self) -> None:
        folder = next(path for path in (self.rooms.folder, *self.rooms.folder.parents) if path.exists())
        free = shutil.disk_usage(folder).free
        if free < NEEDED_BYTES:
            raise BrokerError(
                f"no space left on device: the broker needs {NEEDED_BYTES / 1e6:.0f} MB to start in "
                f"{self.rooms.folder}, {free / 1e6:.1f} MB are free",
                mend=SPACE_MEND,
            )

    def _ports(self, port: int | None, last_port: int | None) -> Iterator[int]:
        if port is None:
            yield from ports.candidates(last_port)
            return
        if not ports.is_free(port):
            who = ports.listener(port)
            raise PortTakenError(
                f"port {port} is taken" + (f" by {who}" if who else ""),
                mend="End that program, or name a free port with --port or MARKETLAB_BROKER_PORT, or none for the next "
                "free one; a broker that others have been told of stays on its port.",
            )
        yield port

    def _prepare_data(self, deadline: Deadline, progress: Progress) -> str:
        """Format a new data folder, or look at the one that is there; returns the cluster id."""
        data = self.rooms.data
        if not data.exists() or not any(data.iterdir()):
            self._format(deadline, progress)
        problem = damage(data)
        if problem:
            raise damaged(data, detail=problem)
        return read_cluster_id(data) or ""

    def _format(self, deadline: Deadline, progress: Progress) -> None:
        progress.stage("Preparing Kafka's data folder")
        before = _size(self.rooms.log)
        flags = [flag for flag in self.flags if not flag.startswith("-XX:AOTCacheOutput")]
        try:
            with failpoints.around("broker.format"):
                Formatter(self.rooms, self.class_path, flags, self.cache).format(deadline=deadline)
        except FormatError as exc:
            raise self._explain(before, port=0, happened=str(exc)) from exc

    def _launch(self, port: int) -> None:
        rows = config.properties(port=port, data_dir=self.rooms.data.name)
        (self.rooms.folder / "server.properties").write_text(config.render(rows), encoding="ascii")
        command = java_command(
            "kafka.Kafka",
            arguments=["server.properties"],
            class_path=self.class_path,
            folder=self.rooms.folder,
            flags=self.flags,
        )
        keeper.launch(
            self.rooms,
            command=command,
            stop_timeout_s=self.stop_timeout_s,
            env=environment(),
            new_session=self.new_session,
        )

    def _explain(self, log_from: int, *, port: int, happened: str) -> BrokerError:
        self._check_space()  # a full disk leaves no log to read the reason from
        text = _read(self.rooms.log, log_from) + "\n" + _read(self.rooms.output, 0)
        return explain(text, data=self.rooms.data, port=port, log=self.rooms.log, happened=happened)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _read(path: Path, start: int) -> str:
    """A file from a byte on; from its beginning when it has become shorter, for then it was rotated."""
    try:
        with path.open("rb") as file:
            file.seek(start if start <= _size(path) else 0)
            return file.read(READ_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
