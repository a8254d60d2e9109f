"""In a notebook's kernel: writes down which threads have died, for no exit code and no output tells that for certain.

A thread's exception is printed below whatever cell was run last, if one was; the notebook goes on and ends well.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path

__all__ = ["deaths", "watch"]


def watch(path: Path | str) -> None:
    """From now on add a line to a file for each thread that ends with an exception; say it as before, too."""
    told = threading.excepthook

    def died(args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not SystemExit:
            name = args.thread.name if args.thread else "?"
            line = json.dumps({"thread": name, "error": f"{args.exc_type.__name__}: {args.exc_value}"})
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        told(args)

    threading.excepthook = died


def deaths(path: Path) -> list[str]:
    """What was written down, a sentence a thread."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    found = [json.loads(line) for line in lines]
    return [f"the thread {death['thread']} died: {death['error']}" for death in found]
