"""The repository as a thing to look at: its root, its tracked files, its lines."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.support import require

__all__ = ["ROOT", "fences", "markdown_files", "tracked_files"]

ROOT = Path(__file__).resolve().parent.parent


def tracked_files() -> list[Path]:
    """Every file that git knows; skips where there is no checkout."""
    require(shutil.which("git") and (ROOT / ".git").exists(), "this is no git checkout, so no file is known as public")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    # A file that is deleted in the working tree is listed until the commit.
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def markdown_files() -> list[Path]:
    """Documents of the repository, without what a tool or an environment has put there."""
    folders = ["", "docs", "docs/decisions", "changelog.d"]
    return sorted(path for folder in folders for path in (ROOT / folder).glob("*.md"))


def fences(text: str, language: str) -> list[str]:
    """The contents of the fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
