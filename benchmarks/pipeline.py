"""How fast the whole consumer is: poll to durable commit, books and log on, next to a real broker.

    python benchmarks/pipeline.py --ticks 1000000 --symbols 100

Produces first, then drains with a consumer of its own process, as a user would run them; prints rates, memory and
the share of each stage. Figures compare only within one run on one machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def marketlab(home: Path, *arguments: str) -> dict[str, object]:
    """Run one command in a process of its own; its JSON and its resident memory at the most, in MB."""
    command = [sys.executable, "-m", "marketlab", "--home", str(home), *arguments, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(arguments)} failed with {os.waitstatus_to_exitcode(status)}")
    return {**json.loads(output or b"{}"), "rss_mb": round(usage.ru_maxrss / 1024, 1), "cpu_s": usage.ru_utime}


def main() -> None:
    """Produce, drain, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=1_000_000)
    parser.add_argument("--symbols", type=int, default=100)
    parser.add_argument("--runs", type=int, default=1, help="producer runs that the ticks are spread over")
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="marketlab-bench-"))
    os.environ["MARKETLAB_HOME"] = str(home)
    symbols = ",".join(f"S{number:04d}" for number in range(given.symbols))
    marketlab(home, "broker", "start")
    try:
        each = given.ticks // given.runs
        rates = []
        for number in range(given.runs):
            made = marketlab(
                home, "produce", "--rate", "0", "--ticks", str(each), "--seed", str(number), "--symbols", symbols
            )
            rates.append(each / float(str(made["seconds"])))
        print(f"produce: {min(rates):,.0f} to {max(rates):,.0f} ticks/s in {given.runs} runs, {made['rss_mb']} MB")
        drained = marketlab(home, "consume", "--drain")
        seconds = float(str(drained["seconds"]))
        print(
            f"consume: {drained['received']:,} messages in {seconds:.1f} s = "
            f"{int(str(drained['received'])) / seconds:,.0f}/s, {drained['rss_mb']} MB, cpu {drained['cpu_s']:.1f} s"
        )
        books = marketlab(home, "books")
        print(f"books balanced: {books['balanced']}; database {(home / 'marketlab.db').stat().st_size / 1e6:,.0f} MB")
    finally:
        marketlab(home, "broker", "stop", "--force")
        if not given.keep:
            shutil.rmtree(home)


if __name__ == "__main__":
    main()
