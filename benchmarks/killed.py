"""`marketlab up`, and a `kill -9` of its consumer every two seconds, once it is back: does it end balanced?

    python benchmarks/killed.py [--for 60] [--rate 5000] [--every 2] [--json]

The seconds are from a kill to the next commit by the new consumer. Exits 1 if the run does not end balanced, with
every tick of its producer in the store.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from marketlab.settings import Settings, load_settings
from marketlab.wiring import open_reader

LOOK_S = 0.01


def consumer_of(up: int) -> psutil.Process | None:
    """The consumer that a running `marketlab up` has as a child just now."""
    with suppress(psutil.Error):
        for child in psutil.Process(up).children():
            if "consume" in child.cmdline():
                return child
    return None


def kill_again_and_again(
    settings: Settings, up: subprocess.Popen[str], *, every_s: float, seconds: float
) -> list[float]:
    """Kill for so long, and watch until it ends; the seconds of each recovery."""
    recoveries: list[float] = []
    killed_at, before, next_kill, end = 0.0, 0, None, 0.0
    with open_reader(settings) as reader:
        while up.poll() is None:
            received = sum(book.counts.received for book in reader.partition_books())
            now = time.monotonic()
            if killed_at and received > before:
                recoveries.append(now - killed_at)
                killed_at = 0.0
            if next_kill is None and received:  # from the first commit on
                next_kill, end = now + every_s, now + seconds
            due = next_kill is not None and next_kill <= now < end and not killed_at
            if due and (victim := consumer_of(up.pid)):
                next_kill = now + every_s
                with suppress(psutil.NoSuchProcess):
                    victim.kill()
                    victim.wait(5)
                    killed_at, before = now, sum(book.counts.received for book in reader.partition_books())
            time.sleep(LOOK_S)
    return recoveries


def main() -> int:
    """Run it, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--for", dest="seconds", type=int, default=60)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--every", type=float, default=2.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="marketlab-killed-") as folder:
        home = Path(folder) / ".marketlab"
        settings = load_settings(home=home)
        command = [sys.executable, "-m", "marketlab", "--home", str(home), "up", "--for", f"{given.seconds}s"]
        command += ["--rate", str(given.rate), "--port", "0", "--json"]
        up = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
        recoveries = sorted(kill_again_and_again(settings, up, every_s=given.every, seconds=given.seconds))
        out, err = up.communicate(timeout=60)
        if up.returncode:
            print(err, file=sys.stderr)
        result = json.loads(out) if out.strip() else {}
    at = {share: round(recoveries[min(len(recoveries) - 1, int(len(recoveries) * share))], 2) for share in (0.5, 0.99)}
    figures = {
        "kills": len(recoveries),
        "recovery_p50_s": at[0.5],
        "recovery_p99_s": at[0.99],
        **{name: result.get(name) for name in ("produced", "stored", "lost", "duplicate", "balanced")},
        "exit_code": up.returncode,
    }
    print(json.dumps(figures) if given.json else "\n".join(f"{name:<16}{value}" for name, value in figures.items()))
    return 0 if result.get("balanced") and result["produced"] == result["stored"] and up.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
