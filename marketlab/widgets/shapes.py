"""A small drawing out of a few shapes, painted as SVG for a notebook or as PNG for evidence.

Colours are names of tokens (:mod:`marketlab.look`), so the SVG follows JupyterLab's theme. Lengths are pixels, x to the
right and y down; a text's ``y`` is the middle of its small letters.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from marketlab.figures import PX, new_figure, png
from marketlab.look import Theme, tokens

__all__ = ["Anchor", "Drawing", "Path", "Polygon", "Rect", "Shape", "Text"]

Anchor = Literal["start", "middle", "end"]
RADIUS = 3
DASH = (6, 4)
MARGIN_PX = 8  # around a PNG, which has a ground of its own
BASELINE = 0.36  # of a text's size, from its middle down to its baseline


@dataclass(frozen=True, slots=True)
class Rect:
    """A filled box, or a dashed outline if it has no fill."""

    x: float
    y: float
    width: float
    height: float
    fill: str | None = None
    stroke: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text."""

    x: float
    y: float
    text: str
    size: int = 12
    colour: str = "muted"
    anchor: Anchor = "start"
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Path:
    """An open line through points."""

    points: tuple[tuple[float, float], ...]
    colour: str = "ink"
    width: float = 1.5
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Polygon:
    """A filled area."""

    points: tuple[tuple[float, float], ...]
    fill: str


Shape = Rect | Text | Path | Polygon


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes in order, the last one on top, and one sentence that says the same to those who cannot see it."""

    width: int
    height: int
    shapes: Sequence[Shape]
    says: str

    def svg(self) -> str:
        """As SVG, no wider than its place."""
        body = "".join(_svg(shape) for shape in self.shapes)
        return (
            f'<svg role="img" aria-label="{html.escape(self.says)}" viewBox="0 0 {self.width} {self.height}" '
            f'style="display:block;width:100%;max-width:{self.width}px">{body}</svg>'
        )

    def png(self, *, theme: Theme = "light") -> bytes:
        """As PNG, twice as fine as the screen."""
        from matplotlib.patches import FancyBboxPatch
        from matplotlib.patches import Polygon as PolygonPatch

        ink = tokens(theme)
        figure = new_figure(self.width + 2 * MARGIN_PX, self.height + 2 * MARGIN_PX, scale=2)
        figure.set_facecolor(ink["surface"])
        axes = figure.add_axes((0, 0, 1, 1), facecolor="none")
        axes.set(xlim=(-MARGIN_PX, self.width + MARGIN_PX), ylim=(self.height + MARGIN_PX, -MARGIN_PX))
        axes.set_axis_off()
        for place, shape in enumerate(self.shapes):  # matplotlib alone would put lines above areas, and texts above all
            if isinstance(shape, Text):
                axes.text(
                    shape.x, shape.y, shape.text, color=ink[shape.colour], size=shape.size * PX * 0.92,
                    ha={"start": "left", "middle": "center", "end": "right"}[shape.anchor], va="center_baseline",
                    weight="bold" if shape.bold else "normal", zorder=place,
                )  # fmt: skip
            elif isinstance(shape, Path):
                axes.plot(
                    *zip(*shape.points, strict=True), color=ink[shape.colour], linewidth=shape.width * PX,
                    linestyle=(0, DASH) if shape.dashed else "-", solid_joinstyle="round",
                    zorder=place,
                )  # fmt: skip
            elif isinstance(shape, Polygon):
                axes.add_patch(PolygonPatch(shape.points, facecolor=ink[shape.fill], edgecolor="none", zorder=place))
            else:
                box = FancyBboxPatch(
                    (shape.x, shape.y), shape.width, shape.height, boxstyle=f"round,pad=0,rounding_size={RADIUS}",
                    facecolor=ink[shape.fill] if shape.fill else "none",
                    edgecolor=ink[shape.stroke] if shape.stroke else "none",
                    linewidth=PX, linestyle="-" if shape.fill else (0, (3, 3)), zorder=place,
                )  # fmt: skip
                axes.add_patch(box)
        return png(figure)


def _svg(shape: Shape) -> str:
    if isinstance(shape, Text):
        weight = ' font-weight="600"' if shape.bold else ""
        return (
            f'<text x="{shape.x:g}" y="{shape.y + BASELINE * shape.size:g}" font-size="{shape.size}"{weight} '
            f'text-anchor="{shape.anchor}" style="fill:{_var(shape.colour)}">{html.escape(shape.text)}</text>'
        )
    if isinstance(shape, Path):
        dash = f";stroke-dasharray:{DASH[0]} {DASH[1]}" if shape.dashed else ""
        line = f"fill:none;stroke:{_var(shape.colour)};stroke-width:{shape.width};stroke-linejoin:round{dash}"
        return f'<polyline points="{_points(shape.points)}" style="{line}"/>'
    if isinstance(shape, Polygon):
        return f'<polygon points="{_points(shape.points)}" style="fill:{_var(shape.fill)}"/>'
    fill = _var(shape.fill) if shape.fill else "none"
    stroke = f"stroke:{_var(shape.stroke)};" if shape.stroke else ""
    dash = "" if shape.fill else "stroke-dasharray:3 3;"
    return (
        f'<rect x="{shape.x:g}" y="{shape.y:g}" width="{shape.width:g}" height="{shape.height:g}" rx="{RADIUS}" '
        f'style="fill:{fill};{stroke}{dash}"/>'
    )


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _var(token: str) -> str:
    return f"var(--ml-{token})"
