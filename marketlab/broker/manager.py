"""One managed broker a home, however many ask: start, find, lease, stop."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

from marketlab import failpoints
from marketlab.broker import detached, keeper, probe
from marketlab.broker.aot import AotCache
from marketlab.broker.failures import unusable
from marketlab.broker.jars import JarCache, kafka_version
from marketlab.broker.launcher import Launcher
from marketlab.broker.leases import Lease, holders, sweep
from marketlab.broker.locks import FileLock, held, locked
from marketlab.broker.progress import Progress, Silent
from marketlab.broker.runtime import check_platform, environment, java
from marketlab.broker.state import BrokerStatus, Memory, Rooms, read_cluster_id
from marketlab.deadline import Deadline
from marketlab.errors import BrokerError

__all__ = ["ManagedBroker"]

STOP_S = 20.0
TRAIN_S = 600.0


class ManagedBroker:
    """Apache Kafka on loopback for one home: its data, state and log are in ``<home>/broker``.

    It runs while someone holds a lease, or since ``start`` until ``stop``. Every process may make an object of its
    own for the same home; they agree through locks in that folder.

    :param home: of the lab; made when needed
    :param cache: for jars and the AOT cache, shared by all homes; default: the user's cache folder
    :param port: to listen on; None or 0: where it listened last, 9092, or the next free one; but only where it listened
        last as long as others, who look for it there, hold leases
    :param aot: use the AOT cache, and train it in the background after a start without it
    """

    def __init__(self, home: Path, *, cache: Path | None = None, port: int | None = None, aot: bool = True) -> None:
        self.home = home.absolute()
        self.rooms = Rooms(self.home / "broker")
        self.cache = cache.absolute() / "kafka" if cache else self.user_cache()
        self.port = port or None
        self._aot = aot
        self._jars = JarCache(self.cache)

    @staticmethod
    def user_cache() -> Path:
        """Where jars and the AOT cache are when nobody chose another folder."""
        return Path(platformdirs.user_cache_dir("marketlab", appauthor=False)) / "kafka"

    def acquire(self, *, progress: Progress | None = None, timeout_s: float = 60.0) -> Lease:
        """Take a lease, and start the broker if it does not run; it answers when this returns.

        :param timeout_s: for the start; fetching Kafka's jars, once per user, comes before and has its own limits
        :raises BrokerError: it cannot be had; names what was found and the mend
        """
        return self._acquire(progress or Silent(), timeout_s, stays=False)

    def start(self, *, progress: Progress | None = None, timeout_s: float = 60.0) -> BrokerStatus:
        """Start the broker if it does not run, and let it stay until ``stop``.

        :raises BrokerError: as :meth:`acquire`
        """
        self._acquire(progress or Silent(), timeout_s, stays=True).drop()
        return self.status()

    def stop(self, *, force: bool = False, timeout_s: float = STOP_S) -> bool:
        """Stop the broker, its data stays.

        :param force: also when other processes hold leases; they lose their broker
        :returns: whether one ran
        :raises BrokerError: it is used by others, whom the message names; or it does not stop
        """
        if not self.rooms.folder.exists():
            return False
        with self._locked(timeout_s):
            sweep(self.rooms.leases)
            others = {pid: name for pid, name in holders(self.rooms.leases).items() if pid != os.getpid()}
            if others and self.rooms.jvm_lives() and not force:
                who = ", ".join(f"process {pid} ({name})" for pid, name in others.items())
                raise BrokerError(
                    f"the broker is used by {who}", mend="End them first, or: marketlab broker stop --force"
                )
            replace(Memory.read(self.rooms), stays=False).write(self.rooms)
            ran = self.rooms.jvm_lives()
            keeper.end_jvm(self.rooms, timeout_s=timeout_s)
        return ran

    def status(self) -> BrokerStatus:
        """How it stands; waits for nobody and changes nothing."""
        rooms, memory = self.rooms, Memory.read(self.rooms)
        pid = rooms.jvm_pid()
        running = pid is not None and pid == memory.ready_pid
        return BrokerStatus(
            running=running,
            pid=pid,
            bootstrap_servers=memory.bootstrap_servers if running else None,
            port=memory.port,
            kafka_version=kafka_version(),
            data=rooms.data,
            log=rooms.log,
            leases=holders(rooms.leases),
            stays=memory.stays,
            cluster_id=read_cluster_id(rooms.data),
            started_at=datetime.fromisoformat(memory.started_at) if running and memory.started_at else None,
            rss=_rss(pid) if pid is not None else None,
            warm=memory.warm if running else None,
        )

    def install(self, *, progress: Progress | None = None) -> None:
        """Fetch Kafka and train the AOT cache now, so that later starts need no network and are warm.

        :raises BrokerError: it cannot be fetched, or the training fails
        """
        progress = progress or Silent()
        try:
            class_path = self._jars.ensure(progress=progress)
            if not AotCache(self.cache / "aot", java=java(), class_path=class_path).ready:
                from marketlab.broker import training

                progress.stage("Learning to start quickly (about 15 s)")
                training.train(self.cache, timeout_s=TRAIN_S)
        finally:
            progress.stage("")

    def wipe(self) -> bool:
        """Delete all topics and messages. The next start makes a new, empty cluster with another id.

        :returns: whether there were any
        :raises BrokerError: the broker runs
        """
        rooms = self.rooms
        if not rooms.data.exists():
            return False
        with self._locked(STOP_S):
            if rooms.jvm_lives():
                raise BrokerError(
                    "the broker runs, and its data cannot be deleted under it",
                    mend="Stop it first: marketlab broker stop",
                )
            # One rename decides: a kill while deleting leaves no half-empty data folder in its place.
            doomed = rooms.folder / "data.wiped"
            try:
                shutil.rmtree(doomed, ignore_errors=True)
                rooms.data.rename(doomed)
                shutil.rmtree(doomed)
            except OSError as exc:
                raise unusable(rooms.folder, exc) from exc
        return True

    def _acquire(self, progress: Progress, timeout_s: float, *, stays: bool) -> Lease:
        try:
            check_platform()
            if not self.rooms.jvm_lives() and not all(path.exists() for path in self._jars.paths):
                # Before the home's lock is taken, which nobody should hold for as long as a download may take.
                self._jars.ensure(progress=progress)
            deadline = Deadline(timeout_s)
            with self._locked(timeout_s):
                sweep(self.rooms.leases)
                told = bool(holders(self.rooms.leases))  # others look for it where it was
                lease = Lease(self.rooms.leases, on_release=self._stop_if_unused)
                try:
                    memory = self._ensure_running(progress, deadline, told=told)
                    if stays and not memory.stays:
                        memory = replace(memory, stays=True)
                        memory.write(self.rooms)
                except BaseException:  # also Ctrl-C: leave nothing behind that was started for this lease alone
                    lease.drop()
                    self._stop_unused()
                    raise
        except OSError as exc:
            raise unusable(self.rooms.folder, exc) from exc
        finally:
            progress.stage("")
        lease.port, lease.bootstrap_servers = memory.port or 0, memory.bootstrap_servers
        self._train_if_cold(memory)
        return lease

    def _ensure_running(self, progress: Progress, deadline: Deadline, *, told: bool) -> Memory:
        memory = Memory.read(self.rooms)
        if self.rooms.jvm_lives():
            return self._join(memory, progress, deadline, told=told)
        class_path = self._jars.ensure(progress=progress)
        aot = AotCache(self.cache / "aot", java=java(), class_path=class_path) if self._aot else None
        flags = aot.use() if aot else []
        launcher = Launcher(self.rooms, class_path, self.cache, flags=flags, stop_timeout_s=STOP_S)
        wanted = self.port or (memory.port if told else None)
        port = launcher.start(port=wanted, last_port=memory.port, deadline=deadline, progress=progress)
        memory = replace(
            memory,
            port=port,
            ready_pid=self.rooms.jvm_pid(),
            started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            warm=bool(flags),
        )
        with failpoints.around("broker.remember"):
            memory.write(self.rooms)
        return memory

    def _join(self, memory: Memory, progress: Progress, deadline: Deadline, *, told: bool) -> Memory:
        """The broker runs already: make sure that it answers and is watched."""
        pid = self.rooms.jvm_pid()
        if pid is None or pid != memory.ready_pid:
            # Its starter was killed before it was ready, so nobody was told of it: begin again.
            keeper.end_jvm(self.rooms, timeout_s=STOP_S)
            return self._ensure_running(progress, deadline, told=told)
        if self.port not in {None, memory.port}:
            raise BrokerError(
                f"the broker of this home already runs on port {memory.port}, wanted was {self.port}",
                mend="Use that one, or stop it first: marketlab broker stop",
            )
        if not held(self.rooms.keeper_lock):
            keeper.launch(self.rooms, command=[], stop_timeout_s=STOP_S, env=environment())
        cluster_id = read_cluster_id(self.rooms.data)
        while True:
            found = probe.ask(memory.port or 0, timeout_s=min(2.0, max(0.1, deadline.remaining_s)))
            if found and found.nodes and found.cluster_id == cluster_id:
                return memory
            if not self.rooms.jvm_lives():
                return self._ensure_running(progress, deadline, told=told)
            if deadline.passed:
                raise BrokerError(
                    f"the broker runs as process {pid} but does not answer on port {memory.port}",
                    mend=f"Its log is {self.rooms.log}; to end it: marketlab broker stop --force",
                )
            time.sleep(probe.ASK_EVERY_S)

    def _stop_if_unused(self) -> None:
        """After a release. Should another process be busy with the broker, its keeper will see to it."""
        lock = FileLock(self.rooms.lock)
        if lock.acquire(timeout_s=STOP_S):
            try:
                self._stop_unused()
            finally:
                lock.release()

    def _stop_unused(self) -> None:
        if not Memory.read(self.rooms).stays and not holders(self.rooms.leases):
            keeper.end_jvm(self.rooms, timeout_s=STOP_S)

    def _train_if_cold(self, memory: Memory) -> None:
        if not self._aot or memory.warm:
            return
        try:
            aot = AotCache(self.cache / "aot", java=java(), class_path=self._jars.paths)
        except FileNotFoundError:  # the cache was cleared under a running broker: the next start fetches anew
            return
        if not (aot.ready or aot.failed.exists() or held(aot.lock)):
            task = {"cache": str(self.cache)}
            detached.spawn("marketlab.broker.training", task, env=environment(), lean=False)

    def _locked(self, timeout_s: float) -> AbstractContextManager[FileLock]:
        return locked(self.rooms.lock, timeout_s=timeout_s, what="starting or stopping the broker")


def _rss(pid: int) -> int | None:
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None
