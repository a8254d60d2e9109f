"""A new data folder. Kafka's own tool formats the first one; the others are copies with a cluster id of their own.

The tool is a JVM of its own, half as long as the start itself, and what it writes (600 bytes) depends on nothing
but Kafka's version: only ``meta.properties`` names the cluster. A copied directory id does no harm, for it has to
be unique within a cluster, and each of ours has one directory.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from marketlab.broker import config
from marketlab.broker.jars import kafka_version
from marketlab.broker.runtime import environment, java_command
from marketlab.broker.state import Rooms
from marketlab.deadline import Deadline

__all__ = ["FormatError", "Formatter"]

META = "meta.properties"


class FormatError(Exception):
    """Kafka's tool did not format the folder; what it printed is in ``rooms.output``."""


@dataclass(frozen=True, slots=True)
class Formatter:
    """Formats the data folder of one broker.

    ``class_path``, ``flags``: for the JVM of Kafka's tool; ``cache``: where the first result is kept
    """

    rooms: Rooms
    class_path: Sequence[Path]
    flags: Sequence[str]
    cache: Path

    def format(self, *, deadline: Deadline) -> None:
        """Make the data folder, whole or not at all; there is none yet, or an empty one.

        :raises FormatError: Kafka's tool failed, or took too long
        :raises OSError: the folder cannot be written, or the tool not run
        """
        # Beside its place and moved there when it is whole: a kill in between leaves no half-made folder.
        draft = self.rooms.folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        cluster_id = _new_cluster_id()
        if not self._copy(draft, cluster_id):
            self._run_tool(draft, cluster_id, deadline)
            self._keep(draft)
        if self.rooms.data.exists():
            self.rooms.data.rmdir()
        draft.replace(self.rooms.data)

    @property
    def _kept(self) -> Path:
        base = hashlib.sha256(json.dumps(dict(config.BASE)).encode()).hexdigest()[:8]
        return self.cache / f"formatted-{kafka_version()}-{base}.json"

    def _copy(self, draft: Path, cluster_id: str) -> bool:
        """Write what was kept; False when there is nothing whole."""
        try:
            kept = json.loads(self._kept.read_text(encoding="ascii"))
            if kept["sha256"] != _digest(kept["files"]):
                return False
        except (OSError, ValueError, KeyError, TypeError):
            return False
        for name, content in kept["files"].items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(base64.b64decode(content))
        meta = (draft / META).read_text(encoding="latin-1")
        (draft / META).write_text(re.sub(r"(?m)^cluster\.id=.*$", f"cluster.id={cluster_id}", meta), "latin-1")
        return True

    def _keep(self, draft: Path) -> None:
        files = {
            path.relative_to(draft).as_posix(): base64.b64encode(path.read_bytes()).decode()
            for path in sorted(draft.rglob("*"))
            if path.is_file()
        }
        scratch = self._kept.with_suffix(f".{os.getpid()}")
        self.cache.mkdir(parents=True, exist_ok=True)
        scratch.write_text(json.dumps({"sha256": _digest(files), "files": files}), encoding="ascii")
        scratch.replace(self._kept)

    def _run_tool(self, draft: Path, cluster_id: str, deadline: Deadline) -> None:
        rooms = self.rooms
        rows = config.properties(port=0, data_dir=draft.name)
        (rooms.folder / "format.properties").write_text(config.render(rows), encoding="ascii")
        command = java_command(
            "kafka.tools.StorageTool",
            arguments=["format", "--standalone", "-t", cluster_id, "-c", "format.properties"],
            class_path=self.class_path,
            folder=rooms.folder,
            flags=self.flags,
        )
        with rooms.output.open("wb") as output:
            try:
                done = subprocess.run(
                    command,
                    cwd=rooms.folder,
                    env=environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=max(1.0, deadline.remaining_s),
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise FormatError("formatting its data folder took too long") from None
        if done.returncode:
            raise FormatError(f"formatting its data folder ended with code {done.returncode}")


def _new_cluster_id() -> str:
    """16 random bytes as Kafka writes them; none may begin with a hyphen, which commands take for an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        if not text.startswith("-"):
            return text


def _digest(files: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
