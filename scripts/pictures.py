"""What the scripts that take pictures share: small files, and a size that none may exceed."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from marketlab.look import tokens

LARGEST_BYTES = 150_000
COLOURS = 128


def save(shot: bytes, path: Path) -> None:
    """Keep a screenshot as a PNG of few colours."""
    [picture] = of_few_colours([shot])
    picture.save(path, optimize=True)
    report(path, LARGEST_BYTES)


def of_few_colours(shots: Sequence[bytes]) -> list[Image.Image]:
    """Screenshots in one palette, in which the look's own colours stand as they are.

    An alarm's red is rare, and a mean of it and its edges would dull it. Each pixel gets the nearest colour, which
    Pillow only comes near to: it takes four shades for one.
    """
    images = [Image.open(io.BytesIO(shot)).convert("RGB") for shot in shots]
    written = {value for theme in ("light", "dark") for value in tokens(theme).values() if value.startswith("#")}
    own = [ImageColor.getrgb(value) for value in sorted(written)]
    others = images[-1].quantize(colors=COLOURS - len(own)).getpalette() or []
    palette = np.concatenate([own, np.reshape(others, (-1, 3))]).astype(np.int32)
    return [_painted(image, palette) for image in images]


def _painted(image: Image.Image, palette: NDArray[np.int32]) -> Image.Image:
    red, green, blue = np.asarray(image, dtype=np.int32).transpose(2, 0, 1)
    found, places = np.unique((red << 16) | (green << 8) | blue, return_inverse=True)
    colours = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
    nearest = ((colours[:, None] - palette) ** 2).sum(axis=2).argmin(axis=1)
    painted = Image.fromarray(nearest[places].reshape(red.shape).astype(np.uint8), mode="P")
    painted.putpalette(palette.astype(np.uint8).tobytes())
    return painted


def report(path: Path, most: int) -> None:
    """Say how large a picture has become; one that is too large ends the script."""
    size = path.stat().st_size
    print(f"{path}  {size:,} bytes", flush=True)
    if size > most:
        sys.exit(f"{path} must be at most {most:,} bytes")
