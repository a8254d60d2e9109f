"""Where everything stands in the picture of a writer: what was read, what is durable, and the queue between. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marketlab.axis import round_ticks
from marketlab.widgets.shapes import Drawing, Path, Polygon, Shape, Text

__all__ = ["Moment", "draw_queue"]

WIDTH, HEIGHT = 860, 220
LEFT, TOP, RIGHT, FOOT = 4, 24, 176, 24
NAMES_X = WIDTH - RIGHT + 56  # between it and the plot stand the numbers of the axis
LEAST_S = 4.0  # seconds along the axis
APART = 18  # pixels between two names at the lines' ends

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """What was known at a time in seconds: rows that were read, and of these the durable ones."""

    at: float
    read: int
    durable: int


def draw_queue(moments: Sequence[Moment], kills: Sequence[float]) -> Drawing:
    """The picture.

    :param moments: in order
    :param kills: when the writer was killed, in the same seconds
    """
    if not moments:
        return Drawing(WIDTH, 44, [Text(0, 22, "nothing was read yet", 14)], "nothing was read yet")
    plot = _Plot(moments)
    last = moments[-1]
    read, durable = plot.steps([m.read for m in moments]), plot.steps([m.durable for m in moments])
    ticks = round_ticks(0, plot.most, most=5)
    shapes: list[Shape] = [Path(((LEFT, plot.y(n)), (plot.right, plot.y(n))), "rule", 1.0) for n in ticks]
    shapes += [Text(plot.right + 8, plot.y(n), f"{n:,.0f}") for n in ticks]
    shapes += [
        Text(plot.x(plot.first + s), HEIGHT - FOOT / 2 + 2, f"{s:.0f} s", anchor="middle" if s else "start")
        for s in round_ticks(0, plot.last - plot.first)
    ]
    shapes.append(Polygon((*read, *reversed(durable)), "rule"))
    for at in kills:
        if at >= plot.first:
            shapes.append(Path(((plot.x(at), TOP - 8), (plot.x(at), plot.bottom)), "control", 1.0, dashed=True))
            shapes.append(Text(plot.x(at), TOP - 16, "kill -9", 12, "ink", "middle"))
    shapes += [Path(durable, "accent", 1.5), Path(read, "ink", 1.25, dashed=True)]
    low = plot.y(last.durable)
    high = min(plot.y(last.read), low - APART)
    shapes.append(Text(NAMES_X, high, f"{last.read:,} read", 13, "ink"))
    shapes.append(Text(NAMES_X, low, f"{last.durable:,} durable", 13, "accent", bold=True))
    said = f"{last.read:,} rows read, {last.durable:,} durable, {last.read - last.durable:,} in the queue; "
    return Drawing(WIDTH, HEIGHT, shapes, said + f"killed {len(kills)} times")


class _Plot:
    def __init__(self, moments: Sequence[Moment]) -> None:
        self.moments = moments
        self.first = moments[0].at
        self.last = max(moments[-1].at, self.first + LEAST_S)
        self.most = max(1, *(max(m.read, m.durable) for m in moments)) * 1.05
        self.right, self.bottom = WIDTH - RIGHT, HEIGHT - FOOT

    def x(self, at: float) -> float:
        return LEFT + (at - self.first) / (self.last - self.first) * (self.right - LEFT)

    def y(self, rows: float) -> float:
        return self.bottom - rows / self.most * (self.bottom - TOP)

    def steps(self, rows: Sequence[int]) -> Points:
        """Counts do not slope: each holds until the next one."""
        points: list[tuple[float, float]] = []
        for moment, count in zip(self.moments, rows, strict=True):
            if points:
                points.append((self.x(moment.at), points[-1][1]))
            points.append((self.x(moment.at), self.y(count)))
        return tuple(points)
