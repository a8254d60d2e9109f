"""``scripts/audit`` tells a clean answer from a weakness and from no answer at all."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "audit"
CLEAN = {"name": "flask", "version": "3.1.2", "vulns": []}
WEAK = {"name": "flask", "version": "0.1", "vulns": [{"id": "PYSEC-2018-66", "fix_versions": ["1.0"]}]}
UNASKED = {"name": "jinja2", "skip_reason": "Dependency not found on PyPI and could not be audited: jinja2 (3.1.6)"}


@pytest.mark.parametrize(
    ("packages", "code", "says"),
    [
        ([CLEAN], 0, "no weakness is known in 1 packages"),
        ([CLEAN, WEAK], 1, "flask 0.1: PYSEC-2018-66, mended in 1.0"),
        ([WEAK, UNASKED], 1, "PYSEC-2018-66"),
        ([CLEAN, UNASKED], 3, "not reached: 1 of 2 packages could not be asked about"),
        ([], 3, "nothing was looked at"),
        (None, 3, "not reached: the index does not answer"),
    ],
)
def test_no_answer_is_not_taken_for_a_clean_one(
    tmp_path: Path, packages: list[object] | None, code: int, says: str
) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")
    uvx = tmp_path / ".venv" / "bin" / "uvx"
    uvx.parent.mkdir(parents=True)
    answer = "" if packages is None else json.dumps({"dependencies": packages})
    uvx.write_text(f"#!/bin/sh\necho 'the index does not answer' >&2\ncat <<'END'\n{answer}\nEND\nexit 1\n")
    uvx.chmod(0o755)
    done = subprocess.run(
        [sys.executable, tmp_path / "scripts" / "audit"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, says in done.stdout + done.stderr) == (code, True), done


def test_without_the_tool_nothing_is_reached(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")
    done = subprocess.run(
        [sys.executable, tmp_path / "scripts" / "audit"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (3, "")
