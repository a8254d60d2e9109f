"""The process that plays one notebook: papermill, with a line in a file for each thing that happens.

Run as ``python -m marketlab.gradebook.player ORDER``, where ORDER is a JSON file. Its parent holds the other end of its
standard input; should that end, this process does, and with it the kernel.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from marketlab.files import read_json
from marketlab.gradebook.contents import tags

__all__ = ["main"]

AUTOSAVE_S = 5  # what a cell has shown so far is kept, should it be ended from outside
HEARD_NOTHING = 3


class Diary:
    """A line for each thing that happens, on the disk before the next one can."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def note(self, event: str, **facts: Any) -> None:
        """Add a line."""
        self._file.write(json.dumps({"event": event, "at": time.time()} | facts) + "\n")
        self._file.flush()


def play(order: dict[str, Any], diary: Diary) -> None:
    """Run a notebook to its end, and say how that was."""
    # Else jsonschema, somewhere below papermill, builds a grammar of international web addresses, for a whole second.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    def begin(cell: Any, cell_index: int) -> None:
        if order["leave_out"] and order["leave_out"] in tags(cell):
            cell["metadata"]["tags"].append("skip-execution")  # before nbclient looks for it
        diary.note("began", cell=cell_index, id=cell.get("id"))

    try:
        papermill.execute_notebook(
            order["notebook"],
            order["target"],
            parameters=order["parameters"],
            cwd=order["folder"],
            progress_bar=False,
            execution_timeout=order["cell_timeout_s"],
            autosave_cell_every=AUTOSAVE_S,
            on_cell_start=begin,
            on_cell_executed=lambda cell, cell_index, execute_reply: diary.note(
                "ran", cell=cell_index, id=cell.get("id"), status=execute_reply["content"]["status"]
            ),
        )
    except PapermillExecutionError as error:
        diary.note("end", how="error", why=f"{error.ename}: {error.evalue}")
    except CellTimeoutError:
        diary.note("end", how="timeout", why=f"a cell took longer than {order['cell_timeout_s']:g} s")
    except DeadKernelError:
        diary.note("end", how="dead", why="the kernel died")
    except Exception as error:  # noqa: BLE001 (whatever it is, it is this run's result)
        diary.note("end", how="error", why=f"{type(error).__name__}: {error}")
    else:
        diary.note("end", how="returned", why="")


def main() -> None:
    """Play the notebook of an order."""
    order = read_json(Path(sys.argv[1]))
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    play(order, Diary(Path(order["diary"])))


def _end_with_parent() -> None:
    # Not sys.stdin, as in marketlab.cli.running.
    while os.read(0, 4096):
        pass
    os._exit(HEARD_NOTHING)


if __name__ == "__main__":
    main()
