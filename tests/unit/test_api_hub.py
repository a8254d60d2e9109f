"""How messages are given out: mailboxes for one, a thread while somebody is there, and never a wait for anybody."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api import hub as hubs
from api.hub import FAILED, GOING_AWAY, Client, FullError, Hub
from api.messages import Audience, Push

SNAPSHOT = Push(Audience.JOINING, "snapshot")
RESET = Push(Audience.EVERYBODY, "reset")
BEAT = Push(Audience.IDLE, "beat")


def delta(number: int) -> Push:
    return Push(Audience.FOLLOWING, f"delta {number}")


class Script:
    """A feed that says what the test puts in: each step waits for the next line."""

    def __init__(self) -> None:
        self.lines: queue.Queue[list[Push] | Exception] = queue.Queue()
        self.rests = 0
        self.asked: list[tuple[bool, int]] = []
        self.steps = threading.Semaphore(0)

    def rest(self) -> None:
        self.rests += 1

    def step(self, *, joining: bool, clients: int) -> list[Push]:
        self.asked.append((joining, clients))
        self.steps.release()
        try:
            line = self.lines.get_nowait()
        except queue.Empty:
            return []
        if isinstance(line, Exception):
            raise line
        return line


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "POLL_S", 0.001)
    monkeypatch.setattr(hubs, "GOODBYE_S", 0.005)


def in_a_loop(act: Coroutine[Any, Any, None]) -> None:
    """Run in a thread of its own: the browser's tests of the same session leave a running loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, act).result(timeout=60)


def run(act: Callable[[Hub, Script], Awaitable[None]], *, most: int = 10) -> Script:
    """Let a test use a hub in a loop, and see that its thread ends with it."""
    script = Script()

    async def all_of_it() -> None:
        hub = Hub(script, most=most)  # type: ignore[arg-type]
        async with asyncio.timeout(20):
            await act(hub, script)
            await hub.stop()
        assert not any(thread.name == "push" for thread in threading.enumerate())

    in_a_loop(all_of_it())
    return script


# --------------------------------------------------------------------------------------------- a mailbox


def test_a_client_gets_its_snapshot_before_anything_else() -> None:
    async def act() -> None:
        client = Client()
        assert client.joining
        client.give(delta(1))
        client.give(SNAPSHOT)
        assert not client.joining
        assert await client.take() == "snapshot"
        client.give(SNAPSHOT)
        client.give(delta(2))
        assert await client.take() == "delta 2", "the snapshot was for somebody else"

    in_a_loop(act())


def test_the_newest_takes_the_place_of_what_was_not_taken() -> None:
    async def act() -> None:
        client = Client()
        client.give(SNAPSHOT)
        await client.take()
        for number in range(1000):
            client.give(delta(number))
        client.give(BEAT)
        assert await client.take() == "delta 999"
        client.give(BEAT)
        assert await client.take() == "beat"

    in_a_loop(act())


def test_a_snapshot_that_was_not_taken_stays() -> None:
    async def act() -> None:
        for kind in (SNAPSHOT, RESET):
            client = Client()
            client.give(kind)
            client.give(delta(1))
            client.give(BEAT)
            assert await client.take() == kind.text
        client = Client()
        client.give(SNAPSHOT)
        client.give(RESET)
        assert await client.take() == "reset", "a newer one is better"

    in_a_loop(act())


def test_who_waits_for_a_snapshot_is_still_told_how_it_stands() -> None:
    async def act() -> None:
        client = Client()
        client.give(BEAT)
        assert await client.take() == "beat"
        assert client.joining

    in_a_loop(act())


def test_after_the_end_nothing_is_taken() -> None:
    async def act() -> None:
        client = Client()
        client.give(SNAPSHOT)
        client.end(GOING_AWAY)
        client.end(None)
        assert await client.take() is None
        assert client.close_code == GOING_AWAY

    in_a_loop(act())


# --------------------------------------------------------------------------------------------- the hub


def test_everybody_gets_the_same_text_and_nobody_waits_for_another() -> None:
    async def act(hub: Hub, script: Script) -> None:
        reading, stuck = hub.join(), hub.join()
        script.lines.put([SNAPSHOT])
        texts = [await reading.take()]
        for number in range(5):
            script.lines.put([delta(number)])
            texts.append(await reading.take())
        assert texts == ["snapshot", *(f"delta {number}" for number in range(5))]
        assert await stuck.take() == "snapshot"

    script = run(act)
    assert (True, 2) in script.asked, "the feed is told that somebody waits"
    assert script.asked[-1] == (False, 2)


def test_the_feed_rests_while_nobody_is_connected() -> None:
    async def act(hub: Hub, script: Script) -> None:
        assert script.asked == []
        for _ in range(3):
            client = hub.join()
            script.lines.put([RESET])
            assert await client.take() == "reset"
            thread = hub._thread
            hub.leave(client)
            hub.leave(client)
            assert thread is not None
            await asyncio.to_thread(thread.join, 20)
            assert not thread.is_alive()
            steps = len(script.asked)
        assert hub.clients == 0
        assert len(script.asked) == steps

    assert run(act).rests == 3


def test_who_joins_just_after_the_last_one_left_is_served() -> None:
    async def act(hub: Hub, script: Script) -> None:
        for _ in range(200):
            client = hub.join()
            script.lines.put([RESET])
            assert await client.take() == "reset"
            hub.leave(client)

    run(act)


def test_too_many_are_told_so() -> None:
    async def act(hub: Hub, script: Script) -> None:
        first, _ = hub.join(), hub.join()
        with pytest.raises(FullError):
            hub.join()
        hub.leave(first)
        hub.join()

    run(act, most=2)


def test_a_stop_ends_all_and_does_not_wait_for_those_that_stay() -> None:
    async def act(hub: Hub, script: Script) -> None:
        client = hub.join()
        await hub.stop()
        assert await client.take() is None
        assert client.close_code == GOING_AWAY
        late = hub.join()
        assert (await late.take(), late.close_code) == (None, GOING_AWAY)

    run(act)


def test_a_fault_closes_all_and_the_next_one_is_served(caplog: pytest.LogCaptureFixture) -> None:
    async def act(hub: Hub, script: Script) -> None:
        client = hub.join()
        script.lines.put(RuntimeError("a fault of ours"))
        assert await client.take() is None
        assert client.close_code == FAILED
        hub.leave(client)
        again = hub.join()
        script.lines.put([RESET])
        assert await again.take() == "reset"

    run(act)
    assert "a fault of ours" in caplog.text
