"""What the scripts that take pictures share: small files, and a size that none may exceed."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image

LARGEST_BYTES = 150_000
COLOURS = 128


def save(shot: bytes, path: Path) -> None:
    """Keep a screenshot as a PNG of few colours."""
    image = Image.open(io.BytesIO(shot)).convert("RGB")
    image.quantize(colors=COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    report(path, LARGEST_BYTES)


def report(path: Path, most: int) -> None:
    """Say how large a picture has become; one that is too large ends the script."""
    size = path.stat().st_size
    print(f"{path}  {size:,} bytes", flush=True)
    if size > most:
        sys.exit(f"{path} must be at most {most:,} bytes")
