"""Start a process of ours that outlives us, belongs to no terminal, and that nobody has to wait for."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from marketlab.errors import BrokerError

__all__ = ["answer", "become_background", "become_detached", "spawn"]

SPAWN_S = 30.0
LOWEST_PRIORITY = 19
ROOT = str(Path(__file__).resolve().parents[2])


def spawn(module: str, task: Mapping[str, object], *, env: Mapping[str, str], lean: bool) -> dict[str, object]:
    """Run ``module.main(task)`` in a new process and return its answer.

    :param lean: only the standard library and marketlab; otherwise with all packages that we can import
    :raises BrokerError: it ended without an answer; says what it printed
    """
    # -I: the user's PYTHON* variables and working folder have no say. -S: not even site-packages.
    paths = [ROOT] if lean else [ROOT, *(path for path in sys.path if path)]
    code = (
        f"import sys; sys.path += [path for path in {paths!r} if path not in sys.path]; "
        f"import json; from {module} import main; main(json.loads(sys.stdin.read()))"
    )
    done = subprocess.run(
        [sys.executable, "-I", *(["-S"] if lean else []), "-c", code],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        timeout=SPAWN_S,
        env=dict(env),
        check=False,
    )
    try:
        row: dict[str, object] = json.loads(done.stdout)
    except ValueError:
        raise BrokerError(f"{module} did not start: {done.stderr.strip()[-1000:]}") from None
    return row


def become_detached(*, new_session: bool = True) -> None:
    """Leave the parent, and its session. The first process ends at once: no zombie in a notebook's kernel."""
    if os.fork():
        os._exit(0)
    if new_session:
        os.setsid()


def become_background() -> None:
    """Give way to everything else: this process, and whatever it starts in its own session."""
    os.nice(LOWEST_PRIORITY)
    # Linux may share the processor between sessions first, and looks at niceness only within one.
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(LOWEST_PRIORITY))


def answer(row: Mapping[str, object]) -> None:
    """Answer to ``spawn``, which reads until every copy of the pipes is closed, so close them."""
    sys.stdout.write(json.dumps(row))
    sys.stdout.flush()
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    os.close(nothing)
