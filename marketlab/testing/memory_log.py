"""A log of messages in memory: the twin of Kafka that a test can stop, trim and make fail.

It keeps every promise of :mod:`marketlab.ports` and breaks in Kafka's ways: a broker that is away gives empty polls and
unacknowledged messages, a rebalance is reported before the next message, a static member that was replaced is fenced.
Nothing waits longer than it must, and no thread is started.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from marketlab.ports import Publisher, Subscription, Transport
from marketlab.testing.memory_clients import MemoryPublisher, MemorySubscription
from marketlab.testing.memory_state import LogState, Member, Message

__all__ = ["MemoryLog"]


class MemoryLog(Transport):
    """A log that lives as long as this object.

    Several publishers and subscriptions may use it at once, each from a thread of its own.

    :param partitions: number of partitions
    :param clock: seconds since the epoch; stamps record times
    :param capacity: messages that a publisher holds back while the log is stopped, before ``send`` fails
    """

    def __init__(self, partitions: int = 3, *, clock: Callable[[], float] = time.time, capacity: int = 50_000) -> None:
        self._state = LogState(partitions, clock=clock, capacity=capacity)

    @property
    def log_id(self) -> str:
        """``memory:ID``."""
        return self._state.log_id

    @property
    def partitions(self) -> int:
        """Number of partitions."""
        return len(self._state.partitions)

    def publisher(self) -> Publisher:
        """A new publisher."""
        return MemoryPublisher(self._state)

    def subscribe(self, group: str, *, instance_id: str | None = None) -> Subscription:
        """A new member; one with the ``instance_id`` of another takes its place and partitions, and fences it."""
        log = self._state
        with log.changed:
            log.require_running("subscribe")
            member = Member(instance_id)
            members = log.group(group).members
            for index, other in enumerate(members):
                if instance_id is not None and other.instance_id == instance_id:
                    other.fenced = True
                    member.assign(other.partitions)
                    members[index] = member  # nobody else notices
                    log.changed.notify_all()
                    break
            else:
                members.append(member)
                log.share_out(group)
        return MemorySubscription(log, group, member)

    def held(self, *, timeout_s: float) -> dict[int, range]:  # noqa: ARG002
        """The offsets that the log holds, by partition."""
        log = self._state
        with log.changed:
            log.require_running("ask what it holds")
            return {partition: range(held.oldest, held.end) for partition, held in enumerate(log.partitions)}

    def read(self, partition: int, offsets: Iterable[int], *, timeout_s: float) -> dict[int, bytes | None]:  # noqa: ARG002
        """The values at these offsets; those that are gone are left out."""
        log = self._state
        with log.changed:
            log.require_running("read")
            held = log.partitions[partition]
            return {
                offset: held.messages[offset - held.oldest].value
                for offset in offsets
                if held.oldest <= offset < held.end
            }

    def close(self) -> None:
        """Nothing to give up: the log stays."""

    # ------------------------------------------------------------------------------------------ what a test does

    def stop(self) -> None:
        """Take the broker away: polls are empty, sends are held back, questions fail."""
        with self._state.changed:
            self._state.running = False

    def start(self) -> None:
        """Bring the broker back; what publishers hold back is delivered at their next call."""
        with self._state.changed:
            self._state.running = True
            self._state.changed.notify_all()

    def trim(self, partition: int, before: int) -> None:
        """Forget the messages of a partition before an offset, as retention does."""
        with self._state.changed:
            held = self._state.partitions[partition]
            before = min(max(before, held.oldest), held.end)
            del held.messages[: before - held.oldest]
            held.oldest = before

    def fail_deliveries(self, count: int, *, reason: str = "scripted failure") -> None:
        """Let the next ``count`` messages fail for good instead of being appended."""
        with self._state.changed:
            self._state.failures += [reason] * count

    def append(
        self,
        partition: int,
        value: bytes | None,
        *,
        key: bytes | None = None,
        record_time_ms: int | None = None,
        headers: Iterable[tuple[str, bytes]] = (),
    ) -> int:
        """Put one message on a partition of choice, past every publisher.

        :returns: its offset
        """
        log = self._state
        with log.changed:
            held = log.partitions[partition]
            at = log.now_ms() if record_time_ms is None else record_time_ms
            held.messages.append(Message(key, value, at, tuple(headers)))
            log.changed.notify_all()
            return held.end - 1

    def rebalance(self, group: str) -> None:
        """Assign the partitions of a group anew; each member hears of it at its next poll."""
        with self._state.changed:
            self._state.share_out(group)

    def evict(self, subscription: Subscription) -> None:
        """Drop a member as for missed heartbeats: the others get its partitions, it joins again at its next poll.

        :raises TypeError: the subscription is not of a log in memory
        """
        if not isinstance(subscription, MemorySubscription):
            raise TypeError(f"wanted a subscription of a MemoryLog, found {type(subscription).__name__}")
        with self._state.changed:
            self._state.leave(subscription.group, subscription.member)
            subscription.member.evicted = True

    def expire(self, group: str, instance_id: str) -> None:
        """End the membership of a static member that has been away for too long."""
        with self._state.changed:
            for member in list(self._state.group(group).members):
                if member.instance_id == instance_id:
                    self._state.leave(group, member)

    def committed(self, group: str) -> dict[int, int]:
        """What the members of a group last reported, by partition."""
        with self._state.changed:
            return dict(self._state.group(group).committed)
