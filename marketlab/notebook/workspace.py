"""A place of its own for a notebook: folder, database, topic and consumer group that no other notebook has.

The folder is one of a few numbered ones in the lab's home. Its number is held by a file lock as long as the kernel
lives, however it dies; the next one that takes it begins with an empty folder.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from marketlab.files import take_slot
from marketlab.settings import PREFIX, Settings

__all__ = ["Workspace"]

KIND = "notebook"
TAPE = "ticks.tape"
#: Said to a child in other words: as an argument, or by the workspace itself.
_OWN = {"home", "topic", "group", "bootstrap_servers", "port"}


class Workspace:
    """Where one lab keeps its things.

    ``settings`` are those of the home, with this place's own folder and topic.

    :param home: the settings of the home, which the managed broker is found by
    :param shared: the home itself, as every ``marketlab`` command uses it
    """

    def __init__(self, home: Settings, *, shared: bool = False) -> None:
        self.home = home
        self.shared = shared
        self.token = secrets.token_hex(3)
        if shared:
            self._slot = None
            self.settings = home
            return
        places = home.home / "notebooks"
        self._slot = take_slot(places, KIND)
        folder = places / f"{KIND}-{self._slot.number}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.settings = home.model_copy(
            update={"home": folder, "topic": f"notebook-{self.token}", "group": f"notebook-{self.token}"}
        )

    @property
    def folder(self) -> Path:
        """Database and logs are in it."""
        return self.settings.home

    def transport(self, kind: str) -> str:
        """``kafka`` and ``tape:FILE`` as they are; ``tape`` is a tape in the folder."""
        return f"tape:{self.folder / TAPE}" if kind == "tape" else kind

    def variables(self, bootstrap_servers: str | None) -> dict[str, str]:
        """What a child is told by its environment: all that was set for this process, and which Kafka and topic."""
        given = {
            name: getattr(self.home, name)
            for name in self.home.model_fields_set - _OWN
            if name in type(self.home).model_fields
        }
        if self.home.sasl_password is not None:
            given["sasl_password"] = self.home.sasl_password.get_secret_value()
        given["topic"] = self.settings.topic
        given["group"] = self.settings.group
        given["bootstrap_servers"] = bootstrap_servers
        return {
            PREFIX + name.upper(): str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in given.items()
            if value is not None
        }

    def release(self) -> None:
        """Give the place back."""
        if self._slot is not None:
            self._slot.release()
