"""Where ticks come from: the seeded simulator, the uniform prices of the first lesson, and recorded files."""

from marketlab.sources.clocks import simulated_clock
from marketlab.sources.replay import Replay
from marketlab.sources.request import parse_columns
from marketlab.sources.simulator import DEFAULT_SEED, Simulator
from marketlab.sources.symbols import DEFAULT_SYMBOLS
from marketlab.sources.synthetic import synthetic_recordings
from marketlab.sources.uniform import Uniform

__all__ = [
    "DEFAULT_SEED",
    "DEFAULT_SYMBOLS",
    "Replay",
    "Simulator",
    "Uniform",
    "parse_columns",
    "simulated_clock",
    "synthetic_recordings",
]
