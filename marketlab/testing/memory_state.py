"""What the clients of a log in memory share: messages, groups and whether the broker is there."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import NamedTuple

from marketlab.errors import OffsetOutOfRangeError, TransportError
from marketlab.partitioner import Partitioner

__all__ = ["Group", "HeldPartition", "LogState", "Member", "Message"]


class Message(NamedTuple):
    """One message; its partition and offset follow from where it stands."""

    key: bytes | None
    value: bytes | None
    record_time_ms: int
    headers: tuple[tuple[str, bytes], ...] = ()


class HeldPartition:
    """Messages of one partition; ``oldest`` is the offset of the first one still held."""

    def __init__(self) -> None:
        self.oldest = 0
        self.messages: list[Message] = []

    @property
    def end(self) -> int:
        """The offset after the last message."""
        return self.oldest + len(self.messages)


class Member:
    """One subscription's place in a group."""

    def __init__(self, instance_id: str | None) -> None:
        self.instance_id = instance_id
        self.partitions: frozenset[int] = frozenset()
        #: The assignment that the subscription has not been told of yet.
        self.news: frozenset[int] | None = None
        self.fenced = False
        self.evicted = False

    def assign(self, partitions: frozenset[int]) -> None:
        """Own these partitions from now on."""
        self.partitions = self.news = partitions


class Group:
    """Members in the order in which they joined, and the offsets that they reported."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.committed: dict[int, int] = {}

    def share_out(self, partitions: int) -> None:
        """Give every member a range of partitions, static members first and by name, as Kafka's range assignor does."""
        ranked = sorted(self.members, key=lambda member: (member.instance_id is None, member.instance_id or ""))
        share, extra = divmod(partitions, len(ranked)) if ranked else (0, 0)
        first = 0
        for rank, member in enumerate(ranked):
            count = share + (rank < extra)
            member.assign(frozenset(range(first, first + count)))
            first += count


class LogState:
    """The log itself. Everything here is touched only while ``changed`` is held."""

    def __init__(self, partitions: int, *, clock: Callable[[], float], capacity: int) -> None:
        self.log_id = f"memory:{uuid.uuid4().hex}"
        self.changed = threading.Condition()
        self.partitions = [HeldPartition() for _ in range(partitions)]
        self.partitioner = Partitioner(partitions)
        self.clock = clock
        self.capacity = capacity
        self.running = True
        self.failures: list[str] = []  # reasons for which the next messages fail
        self._groups: dict[str, Group] = {}

    def now_ms(self) -> int:
        """The record time of a message that is sent now."""
        return int(self.clock() * 1000)

    def group(self, name: str) -> Group:
        """The group of that name; a new one has no members."""
        return self._groups.setdefault(name, Group())

    def share_out(self, name: str) -> None:
        """Assign the partitions of a group anew."""
        self.group(name).share_out(len(self.partitions))
        self.changed.notify_all()

    def leave(self, name: str, member: Member) -> None:
        """End a membership, if it has not ended yet."""
        members = self.group(name).members
        if member in members:
            members.remove(member)
            self.share_out(name)

    def require_running(self, act: str) -> None:
        """Fail as a client of a dead broker does.

        :raises TransportError: the log is stopped
        """
        if not self.running:
            raise TransportError(f"{self.log_id}: wanted to {act}, but the log is stopped", mend="Start it again.")

    def checked(self, partition: int, offset: int) -> int:
        """The offset, if reading may begin there.

        :raises OffsetOutOfRangeError: it is below the oldest or above the end
        """
        held = self.partitions[partition]
        if not held.oldest <= offset <= held.end:
            raise OffsetOutOfRangeError(
                f"{self.log_id}, partition {partition}: offset {offset} is wanted, "
                f"{held.oldest} to {held.end} can be had"
            )
        return offset
