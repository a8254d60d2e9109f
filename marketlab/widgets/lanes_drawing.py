"""Where everything stands in the picture of a topic's partitions. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from marketlab.widgets.shapes import Drawing, Path, Rect, Shape, Text

__all__ = ["CELLS", "LaneState", "ReaderState", "draw_lanes"]

CELLS = 12  # messages that are shown of a partition, the newest
EDGE, LEFT, CELL, GAP, CELL_HEIGHT = 4, 98, 38, 3, 26
HEAD, LANE = 20, 60
CELL_TOP = 18  # in the lane, below the readers' marks
BRACKETS = LEFT + (CELLS + 1) * (CELL + GAP) + 16
COLUMN = 84
FEW = 2  # groups that are shown
KEY_LETTERS = 5


@dataclass(frozen=True, slots=True)
class LaneState:
    """A partition: the offset that the next message will get, and the newest messages as (offset, key)."""

    next_offset: int
    newest: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class ReaderState:
    """A consumer of a group, and what it reads next of each of its partitions.

    ``generation``: how often its group had shared out the partitions when it was asked.
    """

    name: str
    group: str
    positions: Mapping[int, int]
    generation: int = 0


def draw_lanes(lanes: Sequence[LaneState], readers: Sequence[ReaderState], *, highlight: str | None = None) -> Drawing:
    """The picture: a lane a partition, a bracket a consumer.

    :param highlight: the key whose messages are filled with the accent
    """
    groups = list(dict.fromkeys(reader.group for reader in readers))[:FEW]
    shapes: list[Shape] = []
    idle = 0
    for number, lane in enumerate(lanes):
        shapes += _lane(number, lane, highlight)
        shapes += _marks(number, lane, [reader for reader in readers if reader.group in groups])
    for column, group in enumerate(groups):
        members = [reader for reader in readers if reader.group == group]
        shapes += _brackets(column, group, members)
        idle = max(idle, sum(not member.positions for member in members))
    height = HEAD + LANE * len(lanes) + 20 * idle
    width = BRACKETS + COLUMN * max(1, len(groups))
    return Drawing(width, height, shapes, _sentence(lanes, readers))


def _lane(number: int, lane: LaneState, highlight: str | None) -> Iterator[Shape]:
    top = _cell_top(number)
    middle = top + CELL_HEIGHT / 2
    yield Text(EDGE, middle, f"partition {number}", 13, "ink")
    first = lane.newest[0][0] if lane.newest else lane.next_offset
    if first > 0:
        yield Text(LEFT - 5, middle, "…", 12, "muted", "end")
    for place, (offset, key) in enumerate(lane.newest):
        x = _cell_x(place)
        marked = key == highlight
        yield Rect(x, top, CELL, CELL_HEIGHT, "accent" if marked else "raised", "accent" if marked else "rule")
        yield Text(x + CELL / 2, middle, key[:KEY_LETTERS], 11, "on-fill" if marked else "ink", "middle")
        yield Text(x + CELL / 2, top + CELL_HEIGHT + 8, f"{offset}", 10, "muted", "middle")
    x = _cell_x(len(lane.newest))
    yield Rect(x, top, CELL, CELL_HEIGHT, None, "control")
    yield Text(x + CELL / 2, top + CELL_HEIGHT + 8, f"{lane.next_offset}", 10, "muted", "middle")


def _marks(number: int, lane: LaneState, readers: Sequence[ReaderState]) -> Iterator[Shape]:
    """How far each group has read: a line before the message that it reads next."""
    marks: dict[float, list[str]] = {}
    for reader in readers:
        if number in reader.positions:
            behind = max(0, lane.next_offset - reader.positions[number])
            place = len(lane.newest) - behind
            # What lies between mark and dashes is unread; what cannot be seen for being too far back is told.
            text = reader.name if place >= 0 else f"{reader.name} {behind:,} behind"
            marks.setdefault(_cell_x(max(0, place)) - GAP / 2, []).append(text)
    top = _cell_top(number)
    for x, texts in marks.items():
        yield Path(((x, top - 5), (x, top + CELL_HEIGHT + 3)), "ink", 2)
        yield Text(x, top - 11, ", ".join(texts), 11, "ink", "middle" if x > LEFT else "start")


def _brackets(column: int, group: str, members: Sequence[ReaderState]) -> Iterator[Shape]:
    x = BRACKETS + column * COLUMN
    yield Text(x, HEAD / 2 - 2, f"group {group}"[:14], 11, "muted")
    lowest, idle = 0.0, 0
    for member in members:
        for first, last in _spans(sorted(member.positions)):
            top, bottom = _cell_top(first), _cell_top(last) + CELL_HEIGHT
            yield Path(((x, top), (x + 7, top), (x + 7, bottom), (x, bottom)), "ink", 1.5)
            yield Text(x + 14, (top + bottom) / 2, member.name, 13, "ink", "start", bold=True)
            lowest = max(lowest, bottom)
    for member in members:
        if not member.positions:
            yield Text(x, lowest + 22 + 20 * idle, f"{member.name} has none", 12, "ink")
            idle += 1


def _spans(partitions: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Neighbours as (first, last)."""
    for number in partitions:
        if number - 1 not in partitions:
            last = number
            while last + 1 in partitions:
                last += 1
            yield number, last


def _cell_x(place: int) -> float:
    return LEFT + place * (CELL + GAP)


def _cell_top(number: int) -> float:
    return HEAD + number * LANE + CELL_TOP


def _sentence(lanes: Sequence[LaneState], readers: Sequence[ReaderState]) -> str:
    parts = [f"partition {number}: next offset {lane.next_offset}" for number, lane in enumerate(lanes)]
    for reader in readers:
        told = ", ".join(f"{partition} from {offset}" for partition, offset in sorted(reader.positions.items()))
        parts.append(f"{reader.name} of group {reader.group} reads {told or 'nothing'}")
    return "; ".join(parts)
