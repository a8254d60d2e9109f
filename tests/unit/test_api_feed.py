"""What the feed tells, and when: over the store's twin, with a clock that the test moves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api import feed as feeding
from api.feed import Feed
from api.messages import Audience
from api.pulse import Pulse
from marketlab.errors import StoreError
from marketlab.model import Close, Record
from marketlab.testing.memory_store import MemoryStore
from tests.api_lab import NOW, ApiLab, tick


class Watch(MemoryStore):
    """A reader that can be put over another database, as when the file is replaced, and can fail."""

    error: StoreError | None = None
    looks = 0

    def replace(self, other: MemoryStore) -> None:
        self._database = other._database

    def changes(self) -> int:
        self.looks += 1
        if self.error:
            raise self.error
        return super().changes() + id(self._database)  # another database has another number, as for a file

    def latest(self, *, since: int = 0) -> list[Record]:
        self.on_latest()
        return super().latest(since=since)

    def on_latest(self) -> None:
        """Something that happens while the feed reads."""


class Bench:
    """A feed over a lab, and what it said."""

    def __init__(self) -> None:
        self.lab = ApiLab()
        self.watch = Watch(beside=self.lab.store)
        self.now = 100.0
        self.wall = NOW
        self.clients = 3
        self.lag: dict[int, int] | None = None
        pulse = Pulse(clock=lambda: self.wall, monotonic=lambda: self.now, lag=lambda: self.lag)
        self.feed = Feed(self.watch, pulse, monotonic=lambda: self.now)

    def step(self, *, after_s: float = feeding.DELTA_S, joining: bool = False) -> list[tuple[Audience, Any]]:
        self.now += after_s
        self.wall += after_s
        pushes = self.feed.step(joining=joining, clients=self.clients)
        return [(push.audience, json.loads(push.text)) for push in pushes]

    def join(self) -> Any:
        """The snapshot of somebody who joins while nothing is new."""
        [(_, snapshot)] = self.step(joining=True)
        assert snapshot["type"] == "snapshot"
        return snapshot

    def only(self, audience: Audience, **more: Any) -> Any:
        [(found, message)] = self.step(**more)
        assert found is audience
        return message


@pytest.fixture
def bench() -> Bench:
    return Bench()


def ids(records: list[dict[str, Any]]) -> list[int]:
    return [record["id"] for record in records]


# --------------------------------------------------------------------------------------------- snapshots


def test_the_first_message_is_all_that_the_store_has_to_say_now(bench: Bench) -> None:
    bench.lab.send(tick(100), tick(110, 1), tick(50, symbol="MSFT"), tick(130, 2))
    snapshot = bench.join()
    assert snapshot["data"] == bench.lab.get("/data")
    assert snapshot["alerts"] == bench.lab.get("/alerts")
    assert ids(snapshot["alerts"]) == [2, 1], "newest first"
    assert snapshot["newest_id"] == 4


def test_no_database_yet_is_an_empty_snapshot_and_then_live(bench: Bench) -> None:
    snapshot = bench.join()
    assert (snapshot["data"], snapshot["alerts"], snapshot["newest_id"]) == ([], [], 0)
    bench.lab.send(tick(100), tick(104, 1))
    delta = bench.only(Audience.FOLLOWING)
    assert (delta["seq"], delta["after_id"], delta["newest_id"]) == (snapshot["seq"] + 1, 0, 2)
    assert (ids(delta["ticks"]), ids(delta["alerts"])) == ([1, 2], [1])


def test_a_snapshot_holds_only_the_newest_alerts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "MAX_ALERTS", 3)
    bench.lab.send(*[tick(10 + 10 * n, n) for n in range(6)])
    assert ids(bench.join()["alerts"]) == [5, 4, 3]


def test_who_joins_stands_exactly_where_the_others_are(bench: Bench) -> None:
    bench.join()
    bench.lab.send(tick(100), tick(120, 1))
    (to_others, delta), (to_joiner, snapshot) = bench.step(joining=True)
    assert (to_others, to_joiner) == (Audience.FOLLOWING, Audience.JOINING)
    assert snapshot["seq"] == delta["seq"]
    assert snapshot["newest_id"] == delta["newest_id"] == 2
    bench.lab.send(tick(121, 2))
    assert bench.only(Audience.FOLLOWING)["after_id"] == 2


def test_what_is_written_while_a_snapshot_is_read_comes_once(bench: Bench) -> None:
    bench.join()
    bench.lab.send(tick(100), tick(120, 1))
    bench.watch.on_latest = lambda: bench.lab.send(tick(150, 2))  # type: ignore[method-assign]
    (_, delta), (_, snapshot) = bench.step(joining=True)
    assert snapshot["newest_id"] == delta["newest_id"] == 3
    assert ids(delta["ticks"]) == [1, 2, 3]
    bench.watch.on_latest = lambda: None  # type: ignore[method-assign]
    assert ids(delta["alerts"]) == ids(snapshot["alerts"])[::-1] == [1], "alerts are read first: no alert without tick"
    rest = bench.only(Audience.FOLLOWING)
    assert (rest["ticks"], ids(rest["alerts"])) == ([], [2])


# --------------------------------------------------------------------------------------------- deltas


def test_deltas_join_without_a_gap_and_hold_every_tick_once(bench: Bench) -> None:
    before = bench.join()
    seen: list[int] = []
    for n in range(4):
        bench.lab.send(tick(100 + n, n), tick(50 + n, n, symbol="MSFT"))
        delta = bench.only(Audience.FOLLOWING)
        assert (delta["seq"], delta["after_id"]) == (before["seq"] + 1, before["newest_id"])
        assert delta["complete"] is True
        seen += ids(delta["ticks"])
        before = delta
    assert seen == list(range(1, 9))


def test_a_tick_in_a_delta_is_a_record_of_data(bench: Bench) -> None:
    bench.join()
    bench.lab.send(tick(100), tick(120, 1))
    delta = bench.only(Audience.FOLLOWING)
    assert delta["ticks"][-1:] == bench.lab.get("/data")
    assert delta["alerts"] == bench.lab.get("/alerts")


@pytest.mark.parametrize(("clients", "pause_s"), [(1, 0.05), (200, 0.05), (500, 0.1), (1000, 0.2)])
def test_deltas_come_twenty_times_a_second_and_less_often_to_many(bench: Bench, clients: int, pause_s: float) -> None:
    bench.clients = clients
    bench.join()
    bench.lab.send(tick(100))
    assert bench.only(Audience.FOLLOWING, after_s=pause_s)["newest_id"] == 1
    bench.lab.send(tick(101, 1))
    assert bench.step(after_s=pause_s - 0.01) == []
    bench.lab.send(tick(102, 2))
    assert ids(bench.only(Audience.FOLLOWING, after_s=0.011)["ticks"]) == [2, 3]


def test_a_quiet_store_is_only_looked_at(bench: Bench) -> None:
    bench.join()
    looks = bench.watch.looks
    bench.watch.latest = bench.watch.records_after = None  # type: ignore[method-assign, assignment]
    assert [bench.step(after_s=0.02) for _ in range(10)] == [[]] * 10
    assert bench.watch.looks > looks


def test_a_commit_without_ticks_is_no_news(bench: Bench) -> None:
    bench.join()
    bench.lab.send(b"no tick")
    assert bench.step() == []


def test_every_commit_shows_in_the_status_with_ticks_or_without(bench: Bench) -> None:
    versions = [bench.join()["status"]["version"]]
    bench.lab.send(b"no tick")
    versions.append(bench.only(Audience.IDLE, after_s=1.0)["status"]["version"])
    bench.lab.send(Close("r1", "AAPL", 8, 1))
    versions.append(bench.only(Audience.IDLE, after_s=1.0)["status"]["version"])
    bench.lab.send(tick(100))
    versions.append(bench.only(Audience.FOLLOWING)["status"]["version"])
    assert len(set(versions)) == len(versions)
    assert bench.only(Audience.IDLE, after_s=1.0)["status"]["version"] == versions[-1]


def test_more_than_a_delta_carries_comes_as_the_newest_of_every_symbol(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "MAX_TICKS", 3)
    bench.lab.send(tick(1, symbol="OLD"), tick(1, symbol="MSFT"))
    bench.join()
    bench.lab.send(*[tick(100 + n, n) for n in range(3)], tick(2, 1, symbol="MSFT"), tick(103, 3))
    delta = bench.only(Audience.FOLLOWING)
    assert delta["complete"] is False
    assert [(row["symbol"], row["id"]) for row in delta["ticks"]] == [("MSFT", 6), ("AAPL", 7)]
    assert (delta["after_id"], delta["newest_id"]) == (2, 7)
    bench.lab.send(tick(104, 4))
    assert ids(bench.only(Audience.FOLLOWING)["ticks"]) == [8]


def test_exactly_what_a_delta_carries_is_complete(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "MAX_TICKS", 3)
    bench.join()
    bench.lab.send(*[tick(100 + n, n) for n in range(3)])
    assert bench.only(Audience.FOLLOWING)["complete"] is True


def test_more_alerts_than_a_delta_carries_come_as_the_newest(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "MAX_ALERTS", 2)
    bench.join()
    bench.lab.send(*[tick(10 + 10 * n, n) for n in range(5)])
    delta = bench.only(Audience.FOLLOWING)
    assert delta["complete"] is False
    assert ids(delta["alerts"]) == [3, 4]


def test_a_large_lab_is_pushed_less_often(bench: Bench) -> None:
    bench.join()

    def take_long() -> None:
        bench.now += 0.2

    bench.watch.on_latest = take_long  # type: ignore[method-assign]
    bench.step(joining=True)
    bench.lab.send(tick(100))
    assert bench.step(after_s=0.7) == []
    assert bench.only(Audience.FOLLOWING, after_s=0.2)["newest_id"] == 1


# --------------------------------------------------------------------------------------------- another database


@pytest.mark.parametrize("grown", [0, 1, 5])
def test_a_database_in_the_place_of_another_begins_with_a_snapshot(bench: Bench, grown: int) -> None:
    bench.lab.send(tick(100), tick(101, 1), tick(102, 2))
    before = bench.join()
    other = ApiLab()
    if grown:
        other.send(*[tick(7 + n, n, symbol="NEW") for n in range(grown)])
    bench.watch.replace(other.store)
    fresh = bench.only(Audience.EVERYBODY)
    assert fresh["type"] == "snapshot"
    assert fresh["data"] == other.get("/data")
    assert fresh["newest_id"] == grown
    assert fresh["seq"] > before["seq"] + 1, "who does not get it sees a gap"
    other.send(tick(9, 9, symbol="NEW"))
    delta = bench.only(Audience.FOLLOWING)
    assert (delta["seq"], delta["after_id"]) == (fresh["seq"] + 1, grown)


def begun_alike(bench: Bench) -> ApiLab:
    """Another database with the same first row and one more, put in the place of the one that was told of."""
    bench.lab.send(tick(100))
    bench.join()
    other = ApiLab()
    other.send(tick(100), tick(101, 1))
    bench.watch.replace(other.store)
    return other


def test_a_database_that_goes_on_from_a_copy_goes_on(bench: Bench) -> None:
    begun_alike(bench).store._database.identity = bench.lab.store._database.identity
    assert ids(bench.only(Audience.FOLLOWING)["ticks"]) == [2]


def test_a_database_that_only_begins_alike_is_another(bench: Bench) -> None:
    other = begun_alike(bench)
    fresh = bench.only(Audience.EVERYBODY)
    assert (fresh["newest_id"], fresh["status"]["database"]) == (2, other.store.identity())


def test_every_message_says_which_database_it_is_of(bench: Bench) -> None:
    messages = [bench.join()]
    bench.lab.send(tick(100))
    messages += [bench.only(Audience.FOLLOWING), bench.only(Audience.IDLE, after_s=1.0)]
    assert {message["status"]["database"] for message in messages} == {bench.lab.store.identity()}


# --------------------------------------------------------------------------------------------- a store that fails


def test_an_error_is_told_and_it_goes_on_after(bench: Bench) -> None:
    bench.lab.send(tick(100))
    bench.join()
    bench.watch.error = StoreError("the disk is gone", mend="Plug it in.")
    message = bench.only(Audience.IDLE)
    status = message["status"]
    assert (message["type"], status["error"], status["mend"]) == ("status", "the disk is gone", "Plug it in.")
    looks = bench.watch.looks
    assert bench.step(after_s=0.5) == []
    assert bench.watch.looks == looks, "it is not asked fifty times a second"
    bench.watch.error = None
    bench.lab.send(tick(101, 1))
    delta = bench.only(Audience.FOLLOWING, after_s=0.6)
    assert (ids(delta["ticks"]), delta["status"]["error"], delta["status"]["mend"]) == ([2], None, None)


def test_who_joins_while_the_store_fails_is_told_and_gets_its_snapshot_after(bench: Bench) -> None:
    bench.watch.error = StoreError("locked")
    assert bench.only(Audience.IDLE, joining=True)["status"]["error"] == "locked"
    bench.watch.error = None
    assert bench.only(Audience.EVERYBODY, after_s=1.1, joining=True)["type"] == "snapshot"


# --------------------------------------------------------------------------------------------- heartbeat and status


def test_a_second_without_news_is_a_heartbeat_with_the_last_number(bench: Bench) -> None:
    seq = bench.join()["seq"]
    assert [bench.step(after_s=0.3) for _ in range(3)] == [[]] * 3
    message = bench.only(Audience.IDLE, after_s=0.11)
    assert (message["type"], message["seq"]) == ("status", seq)
    assert bench.step(after_s=0.9) == []
    assert bench.only(Audience.IDLE, after_s=0.11)["seq"] == seq


def test_others_that_join_do_not_silence_the_heartbeat(bench: Bench) -> None:
    bench.join()
    audiences = [audience for _ in range(4) for audience, _ in bench.step(after_s=0.6, joining=True)]
    assert audiences.count(Audience.JOINING) == 4
    assert audiences.count(Audience.IDLE) == 2


def test_who_joins_is_told_nothing_before_its_snapshot(bench: Bench) -> None:
    bench.clients = 10_000  # looks come every two seconds, heartbeats every one
    bench.join()
    assert bench.step(after_s=1.1, joining=True) == []
    assert bench.only(Audience.IDLE, after_s=0.1)["type"] == "status", "the others are told"
    assert next(audience for audience, _ in bench.step(after_s=1.0, joining=True)) is Audience.JOINING


def test_the_status_says_how_fast_rows_come(bench: Bench) -> None:
    bench.lab.send(tick(100))
    assert bench.join()["status"]["ticks_per_second"] == 0
    for n in range(10):
        bench.lab.send(*[tick(100, 1 + n) for _ in range(4)])
        bench.step(after_s=0.5)
    bench.lab.send(*[tick(100, 20) for _ in range(4)])
    assert bench.only(Audience.FOLLOWING, after_s=0.5)["status"]["ticks_per_second"] == 8
    assert [bench.step(after_s=1.0)[0][1]["status"]["ticks_per_second"] for _ in range(6)][-1] == 0


@pytest.mark.parametrize(
    ("age_s", "delay_ms"), [(0.25, 250.0), (3599.0, 3_599_000.0), (3601.0, None), (-0.5, None), (9e8, None)]
)
def test_the_delay_is_that_of_the_newest_tick_if_it_is_of_todays_clock(
    bench: Bench, age_s: float, delay_ms: float | None
) -> None:
    bench.join()
    made = bench.wall + feeding.DELTA_S - age_s
    bench.lab.send(tick(100, made - NOW + 3600))
    status = bench.only(Audience.FOLLOWING)["status"]
    assert status["delay_ms"] == (None if delay_ms is None else pytest.approx(delay_ms, abs=0.2))
    assert status["at"] == bench.wall


def test_a_snapshot_alone_has_no_delay(bench: Bench) -> None:
    bench.lab.send(tick(100, 3600))
    assert bench.join()["status"]["delay_ms"] is None


def test_the_lag_is_that_of_all_partitions_or_unknown(bench: Bench) -> None:
    assert bench.join()["status"]["group_lag"] is None
    bench.lag = {0: 3, 2: 4}
    assert bench.join()["status"]["group_lag"] == 7
    assert bench.join()["status"]["clients"] == 3


def test_the_books_are_made_up_once_a_second_at_most_and_never_forgotten(bench: Bench) -> None:
    assert bench.join()["status"]["balanced"] is True
    bench.lab.send(tick(100, seq=1), tick(101, 2, seq=4))
    assert bench.only(Audience.FOLLOWING)["status"]["balanced"] is True
    assert bench.only(Audience.IDLE, after_s=1.0)["status"]["balanced"] is False


def test_after_a_rest_it_begins_afresh_and_the_numbers_go_on(bench: Bench) -> None:
    bench.lab.send(tick(100))
    seq = bench.join()["seq"]
    bench.feed.rest()
    bench.lab.send(tick(101, 1))
    again = bench.only(Audience.EVERYBODY, joining=True)
    assert (again["seq"] > seq, again["newest_id"]) == (True, 2)


@pytest.fixture(autouse=True)
def _no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("these tests have a clock of their own"))
