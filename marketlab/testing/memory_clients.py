"""Publisher and subscription of a log in memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from marketlab.deadline import Deadline, Leave
from marketlab.errors import DeliveryError, TransportError
from marketlab.ports import Assigned, Chunk, Messages, Publisher, Subscription
from marketlab.testing.memory_state import LogState, Member, Message

__all__ = ["MemoryPublisher", "MemorySubscription"]

STOPPED_S = 4.0  # as Kafka's publisher
LOOK_S = 0.1  # between two looks for a stop


class MemoryPublisher(Publisher):
    """Appends at once; holds messages back while the log is stopped."""

    def __init__(self, log: LogState) -> None:
        with log.changed:
            log.require_running("publish")
        self._log = log
        self._waiting: list[tuple[int, Message, object]] = []
        self._failures: list[tuple[object, str]] = []
        self._closed = False
        self._leave = Deadline(None)

    def send(self, value: bytes, *, key: bytes, tag: object = None) -> None:
        """Append one message, or hold it back; it was not taken if this raises."""
        log = self._log
        with log.changed:
            if self._closed:
                raise TransportError(f"{log.log_id}: the publisher is closed")
            self._deliver()
            self._raise_failures()
            if len(self._waiting) >= log.capacity:
                raise TransportError(
                    f"{log.log_id}: {len(self._waiting)} messages wait for the log, which is stopped; no room for more",
                    mend="Start it again.",
                )
            self._waiting.append((log.partitioner(key), Message(key, value, log.now_ms()), tag))
            self._deliver()

    def heed(self, stop: threading.Event) -> None:
        """Wait for the log to run no longer than :data:`STOPPED_S` after a stop."""
        self._leave = Leave(stop, STOPPED_S)

    def flush(self, *, timeout_s: float) -> None:
        """Wait for the log to run; name what failed and what still waits."""
        log = self._log
        deadline = Deadline(timeout_s)
        with log.changed:
            while self._waiting and not (log.running or deadline.passed or self._leave.passed):
                log.changed.wait(min(LOOK_S, deadline.remaining_s))
            self._deliver()
            limit = f"{STOPPED_S:g} s of the stop" if self._leave.passed else f"{timeout_s:g} s"
            self._raise_failures([(tag, f"not acknowledged within {limit}") for _, _, tag in self._waiting])

    def close(self, *, timeout_s: float) -> None:  # noqa: ARG002
        """Drop what still waits. Idempotent."""
        with self._log.changed:
            self._closed = True
            self._waiting.clear()

    def _deliver(self) -> None:
        log = self._log
        if not log.running or not self._waiting:
            return
        for partition, message, tag in self._waiting:
            if log.failures:
                self._failures.append((tag, log.failures.pop(0)))
            else:
                log.partitions[partition].messages.append(message)
        self._waiting.clear()
        log.changed.notify_all()

    def _raise_failures(self, late: list[tuple[object, str]] | None = None) -> None:
        failures, self._failures = [*self._failures, *(late or ())], []
        if failures:
            raise DeliveryError(
                f"{self._log.log_id}: {len(failures)} messages were not acknowledged: {failures[0][1]}",
                failures=failures,
            )


class MemorySubscription(Subscription):
    """One member of a group."""

    def __init__(self, log: LogState, group: str, member: Member) -> None:
        self.group = group
        self.member = member
        self._log = log
        self._owned: frozenset[int] = frozenset()
        self._next: dict[int, int] = {}  # next offset of every partition that was sought, the longest unserved first
        self._paused = False
        self._closed = False

    def poll(self, *, timeout_s: float, max_messages: int = 5000) -> Assigned | Messages:
        """What came; waits on the log's own condition, so that it is woken by the message itself."""
        log, deadline = self._log, Deadline(timeout_s)
        with log.changed:
            while True:
                self._require_member()
                if log.running:
                    if (assigned := self._news()) is not None:
                        return assigned
                    if not self._paused and (chunks := self._take(max_messages)):
                        return Messages(chunks)
                if deadline.passed:
                    return Messages()
                log.changed.wait(deadline.remaining_s)

    def seek(self, offsets: Mapping[int, int | None]) -> dict[int, int]:
        """Begin each partition at its offset, or none of them if one cannot be had."""
        log = self._log
        with log.changed:
            self._require_member()
            if not log.running and self.member.news is None:
                self.member.news = self._owned
            log.require_running("seek")
            begin = {}
            for partition, wanted in offsets.items():
                if partition not in self._owned:
                    raise ValueError(f"partition {partition} is not assigned")
                begin[partition] = log.checked(
                    partition, log.partitions[partition].oldest if wanted is None else wanted
                )
            self._next |= begin
            return begin

    def end_offsets(self, *, timeout_s: float) -> dict[int, int]:  # noqa: ARG002
        """The offset after the last message of every partition."""
        log = self._log
        with log.changed:
            self._require_member()
            log.require_running("ask for the end")
            return {partition: held.end for partition, held in enumerate(log.partitions)}

    def pause(self) -> None:
        """Deliver nothing until :meth:`resume`."""
        self._paused = True

    def resume(self) -> None:
        """Deliver again."""
        self._paused = False

    def report(self, next_offsets: Mapping[int, int]) -> None:
        """Keep the offsets of the partitions that are owned; :meth:`MemoryLog.committed` shows them."""
        log = self._log
        with log.changed:
            if log.running and not self._closed and not self.member.fenced:
                owned = {partition: offset for partition, offset in next_offsets.items() if partition in self._owned}
                log.group(self.group).committed |= owned

    def close(self, *, timeout_s: float) -> None:  # noqa: ARG002
        """Leave the group. A static member keeps its place, as in Kafka: it is expected back."""
        log = self._log
        with log.changed:
            if not self._closed:
                self._closed = True
                if self.member.instance_id is None:
                    log.leave(self.group, self.member)

    def _news(self) -> Assigned | None:
        """The change of assignment that was not reported yet."""
        log, member = self._log, self.member
        if member.evicted:
            member.evicted = False
            log.group(self.group).members.append(member)
            log.share_out(self.group)
        if member.news is None:
            return None
        self._owned, member.news = member.news, None
        self._next = {}  # nothing is delivered before the caller has sought again
        return Assigned(self._owned)

    def _take(self, room: int) -> list[Chunk]:
        chunks = []
        for partition, begin in list(self._next.items()):
            held = self._log.partitions[partition]
            start = self._log.checked(partition, begin) - held.oldest
            messages = held.messages[start : start + room]
            if messages:
                room -= len(messages)
                del self._next[partition]
                self._next[partition] = begin + len(messages)
                chunks.append(_chunk(partition, begin, messages))
            if not room:
                break
        return chunks

    def _require_member(self) -> None:
        if self._closed:
            raise TransportError(f"{self._log.log_id}: the subscription is closed")
        if self.member.fenced:
            raise TransportError(
                f"{self._log.log_id}: member {self.member.instance_id} of group {self.group} was replaced by another",
                mend="Two consumers use one instance id: stop one of them.",
            )


def _chunk(partition: int, begin: int, messages: list[Message]) -> Chunk:
    return Chunk(
        partition=partition,
        offsets=list(range(begin, begin + len(messages))),
        values=[message.value for message in messages],
        record_times_ms=[message.record_time_ms for message in messages],
        keys=[message.key for message in messages],
        headers=[message.headers for message in messages],
    )
