"""A drawing as PNG has its shapes in the order of the drawing, as the SVG has."""

from __future__ import annotations

import io
from itertools import permutations

import pytest
from PIL import Image, ImageColor

from marketlab.look import tokens
from marketlab.widgets.shapes import MARGIN_PX, Drawing, Path, Polygon, Rect, Shape

SIDE = 40
CORNERS = ((0.0, 0.0), (SIDE, 0.0), (SIDE, SIDE), (0.0, SIDE))
SHAPES: dict[str, Shape] = {
    "alert": Polygon(CORNERS, "alert"),
    "accent": Path(((0, SIDE / 2), (SIDE, SIDE / 2)), "accent", 10),
    "raised": Rect(0, 0, SIDE, SIDE, "raised"),
}


@pytest.mark.parametrize("order", list(permutations(SHAPES)), ids="-".join)
def test_the_last_shape_is_on_top(order: tuple[str, ...]) -> None:
    drawing = Drawing(SIDE, SIDE, [SHAPES[name] for name in order], "three shapes, one upon the other")
    image = Image.open(io.BytesIO(drawing.png())).convert("RGB")
    middle = 2 * (MARGIN_PX + SIDE // 2)  # twice as fine as the screen
    assert image.getpixel((middle, middle)) == ImageColor.getrgb(tokens("light")[order[-1]])
