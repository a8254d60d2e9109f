"""A topic as lanes: which key lies in which partition at which offset, and who reads how far."""

from __future__ import annotations

import base64
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from marketlab.widgets.errors import WidgetError
from marketlab.widgets.lanes_drawing import CELLS, LaneState, ReaderState, draw_lanes
from marketlab.widgets.shapes import Drawing
from marketlab.widgets.style import STYLE

__all__ = ["Lanes"]


POSITION_MS = 1000  # a consumer without a limit would wait for a broker that is gone for ever


class Located(Protocol):
    """Whatever says where a message lies: what a producer is answered, or what a consumer reads."""

    @property
    def partition(self) -> int: ...

    @property
    def offset(self) -> int: ...


@dataclass(slots=True)
class _Lane:
    next_offset: int = 0
    newest: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=CELLS))
    keys: Counter[str] = field(default_factory=Counter)
    count: int = 0


class Lanes:
    """What is known of a topic; shows itself as a still picture of this moment.

    ::

        lanes = Lanes(partitions=3)
        lanes.add(producer.send(topic, key=b"AAPL", value=b"…").get(timeout=5), key="AAPL")
        lanes.reads("A", consumer)
        lanes

    :param partitions: of the topic
    :param highlight: the key whose messages are filled with the accent
    """

    def __init__(self, partitions: int, *, highlight: str | None = None) -> None:
        self.highlight = highlight
        self.on_change: Callable[[], None] = lambda: None
        self._lanes = [_Lane() for _ in range(partitions)]
        self._readers: dict[str, ReaderState] = {}
        self._lock = threading.Lock()

    def add(self, message: Located, *, key: str | bytes | None = None) -> None:
        """Put a message where it lies. One that is there already changes nothing.

        :param message: what ``producer.send(…).get()`` returns, or what a consumer read
        :param key: its key, where the message does not carry it
        :raises WidgetError: the topic has no such partition
        """
        lane = self._lane(message.partition)
        found = getattr(message, "key", None) if key is None else key
        text = found.decode(errors="replace") if isinstance(found, bytes) else found or "·"
        with self._lock:
            if message.offset < lane.next_offset:
                return  # acknowledged and read: the same message
            lane.newest.append((message.offset, text))
            lane.next_offset = message.offset + 1
            lane.keys[text] += 1
            lane.count += 1
        self.on_change()

    def reads(self, name: str, consumer: Any, *, group: str | None = None) -> None:
        """Say who reads which partitions, and how far it is.

        :param name: what to call the reader, best one letter
        :param consumer: a KafkaConsumer, which is asked; or {partition: next offset}
        :param group: its group; a consumer is asked for it
        """
        generation = 0
        if isinstance(consumer, Mapping):
            positions = {int(partition): int(offset) for partition, offset in consumer.items()}
        else:
            # An assignment that is a moment old has no position yet; where it will read is then not known.
            positions = {
                part.partition: consumer.position(part, timeout_ms=POSITION_MS) or 0 for part in consumer.assignment()
            }
            generation = consumer.group_metadata().generation_id
            group = group or consumer.config.get("group_id")
        for partition in positions:
            self._lane(partition)
        with self._lock:
            # Without its namespace, which says who the learner is and not what the group does.
            own = (group or "readers").rpartition(".")[2]
            self._readers[name] = ReaderState(name, own, positions, generation)
        self.on_change()

    def leaves(self, *names: str) -> None:
        """Readers are gone."""
        with self._lock:
            for name in names:
                self._readers.pop(name, None)
        self.on_change()

    def shares(self, names: Iterable[str]) -> dict[str, list[int]]:
        """Which partitions these readers have: ``{"A": [0, 1], "B": [2]}``."""
        with self._lock:
            return {name: sorted(self._readers[name].positions) for name in names if name in self._readers}

    def settled(self, names: Iterable[str]) -> bool:
        """Whether these readers share the partitions out, so that each is read by exactly one of them.

        Consumers must also be of one generation of their group: one that does not know yet that another has joined
        still believes in its old share.
        """
        with self._lock:
            readers = [self._readers.get(name) for name in names]
        if not all(readers):
            return False
        shared = sorted(partition for reader in readers if reader for partition in reader.positions)
        generations = {reader.generation for reader in readers if reader}
        return shared == list(range(len(self._lanes))) and len(generations) == 1

    def drawing(self) -> Drawing:
        """The picture of this moment."""
        with self._lock:
            lanes = [LaneState(lane.next_offset, tuple(lane.newest)) for lane in self._lanes]
            readers = list(self._readers.values())
        return draw_lanes(lanes, readers, highlight=self.highlight)

    def numbers(self) -> dict[str, Any]:
        """Messages, next offset and keys of every partition, and each reader's next offsets and lag in messages."""
        with self._lock:
            ends = [lane.next_offset for lane in self._lanes]
            lanes = [
                {"partition": number, "messages": lane.count, "next_offset": lane.next_offset, "keys": dict(lane.keys)}
                for number, lane in enumerate(self._lanes)
            ]
            readers = [
                {
                    "name": r.name,
                    "group": r.group,
                    "positions": {str(p): n for p, n in sorted(r.positions.items())},
                    "lag": sum(max(0, ends[p] - n) for p, n in r.positions.items()),
                }
                for r in self._readers.values()
            ]
        return {"partitions": lanes, "readers": readers}

    def _lane(self, partition: int) -> _Lane:
        if not 0 <= partition < len(self._lanes):
            raise WidgetError(
                f"a partition from 0 to {len(self._lanes) - 1} was wanted, {partition} was found",
                mend=f"Lanes(partitions={partition + 1}) has room for it.",
            )
        return self._lanes[partition]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from marketlab.widgets.live import EVIDENCE

        drawing = self.drawing()
        return {
            "text/plain": drawing.says,
            "text/html": f'{STYLE}<div class="marketlab">{drawing.svg()}</div>',
            "image/png": base64.b64encode(drawing.png()).decode(),
            EVIDENCE: {"widget": "Lanes"} | self.numbers(),
        }
