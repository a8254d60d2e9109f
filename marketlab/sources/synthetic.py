"""The recordings that come with the package: synthetic, with the oddities that real files have."""

from __future__ import annotations

from pathlib import Path

__all__ = ["synthetic_recordings"]

#: Made by scripts/write_recordings.py, which says what is true to life in them.
FOLDER = Path(__file__).with_name("recordings")


def synthetic_recordings() -> list[Path]:
    """Two raw captures of an exchange that does not exist, of two minutes and one clock: SYNBTC and SYNETH.

    >>> [path.name for path in synthetic_recordings()]
    ['synthetic_synbtc_20250131.gz', 'synthetic_syneth_20250131.gz']
    """
    return sorted(FOLDER.glob("synthetic_*.gz"))
