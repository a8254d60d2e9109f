"""The recordings that come along: made again from their script, and with the oddities of real ones."""

from __future__ import annotations

import gzip
import importlib.util
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from marketlab.sources import Replay, synthetic_recordings
from tests.house import ROOT

FILES = synthetic_recordings()


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_recordings", ROOT / "scripts" / "write_recordings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclass asks for it
    spec.loader.exec_module(module)
    return module


def test_they_are_what_their_script_makes(script: ModuleType) -> None:
    made = {f"synthetic_{market.symbol.lower()}_20250131.gz": script.text(market) for market in script.MARKETS}
    assert {path.name: gzip.decompress(path.read_bytes()).decode() for path in FILES} == made


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_has_the_oddities_of_a_real_file(path: Path) -> None:
    replay = Replay(path)
    ticks = list(replay)
    times = [tick.timestamp for tick in ticks]
    assert set(replay.skipped) == {"bookTicker", "depth", "snapshot"}
    assert {tick.symbol[:3] for tick in ticks} == {"SYN"}
    assert all(a <= b for a, b in pairwise(times))
    assert len(set(times)) < len(times) * 0.75
    assert len({(tick.timestamp, tick.price, tick.size) for tick in ticks}) < len(ticks)
    assert max(b - a for a, b in pairwise(times)) > 2
    assert times[0] < 1_738_368_000 < times[-1]  # midnight
    assert max(abs(b.price / a.price - 1) for a, b in pairwise(ticks)) < 0.001


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_stamps_of_receipt_only_grow_and_lie_behind_the_exchange(path: Path) -> None:
    stamps = [int(line.split(b" ", 1)[0]) for line in gzip.decompress(path.read_bytes()).splitlines()]
    assert all(a < b for a, b in pairwise(stamps))
    first = next(iter(Replay(path)))
    assert 1.2 < first.timestamp - stamps[0] / 1e9 < 1.3
