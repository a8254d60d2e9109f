"""The conda environment is what scripts/setup installs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.house import ROOT
from tests.support import require


def test_conda_s_pip_section_asks_for_nothing_that_setup_has_not_installed(tmp_path: Path) -> None:
    uv = Path(sys.executable).parent / "uv"
    made_by_setup = (Path(sys.prefix) / "made-from").is_file() and uv.is_file()
    require(made_by_setup, "this environment was not made by scripts/setup")
    section = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"][-1]["pip"]
    # As conda does it: the section as a file beside the environment's, for its relative names count from there.
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    asked = tmp_path / "condaenv.requirements.txt"
    asked.write_text("\n".join(section) + "\n", encoding="utf-8")
    command = [uv, "pip", "install", "--dry-run", "--offline", "--no-config", "--python", sys.executable, "-r", asked]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Would make no changes" in done.stderr
