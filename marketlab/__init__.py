"""marketlab: build, watch, break and prove a real streaming pipeline on a laptop."""

__version__ = "0.1.0"
