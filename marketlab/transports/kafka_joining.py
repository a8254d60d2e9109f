"""A join of a consumer group that outlasts the poll it was begun in.

kafka-python 3.0.12 goes on with a join that an earlier poll left under way, but one that was answered between two polls
it forgets, and joins again; that makes every other member join again too. Members who do something between their polls
can chase each other so for ever. Here an answer is kept until a poll has taken it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kafka.coordinator.consumer import ConsumerCoordinator

__all__ = ["keep_joins"]


def keep_joins(consumer: Any) -> None:
    """Let a consumer, not subscribed yet, keep the answers to its joins."""
    consumer._coordinator.__class__ = _KeepingCoordinator


class _KeepingCoordinator(ConsumerCoordinator):  # type: ignore[misc]
    """Hands out its own join as one that is under way until it is awaited."""

    @property
    def _join_task(self) -> _Kept | None:
        return self.__dict__.get("_join_task")

    @_join_task.setter
    def _join_task(self, task: Any) -> None:
        self.__dict__["_join_task"] = task and _Kept(task)


class _Kept:
    """A future that does not look done; whoever waits for it has its value or error at once when it is."""

    is_done = False

    def __init__(self, future: Any) -> None:
        self.future = future
        self.add_callback = future.add_callback
        self.add_errback = future.add_errback

    def __await__(self) -> Iterator[Any]:
        yield from self.future.__await__()
