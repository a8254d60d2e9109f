"""The producer's loop: pace, sequence, closing records, and sends that fail."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from marketlab.errors import DeliveryError, TransportError
from marketlab.model import Close, Tick
from marketlab.ports import Publisher
from marketlab.producer import Pace, Producer, new_run
from marketlab.testing import memory_clients
from marketlab.testing.memory_log import MemoryLog
from marketlab.wire import decode


class Desk(Publisher):
    """A publisher that keeps what it is given and fails when told to."""

    def __init__(self, *, fail_send: int | None = None, fail_flush: list[tuple[str, int]] | None = None) -> None:
        self.sent: list[tuple[bytes, bytes]] = []
        self.closed = False
        self.flushed_at: list[int] = []  # messages before each flush
        self._fail_send = fail_send
        self._fail_flush = fail_flush

    def send(self, value: bytes, *, key: bytes, tag: object = None) -> None:
        if len(self.sent) == self._fail_send:
            self._fail_send = None
            raise DeliveryError("one failed", failures=[(("AAPL", 1), "broker gone")])
        self.sent.append((key, value))

    def flush(self, *, timeout_s: float) -> None:
        self.flushed_at.append(len(self.sent))
        if self._fail_flush:
            raise DeliveryError("some failed", failures=[(tag, "broker gone") for tag in self._fail_flush])

    def close(self, *, timeout_s: float) -> None:
        self.closed = True

    @property
    def messages(self) -> list[object]:
        return [decode(value, 2e9) for _, value in self.sent]


def quotes(*symbols: str) -> Iterator[Tick]:
    for number, symbol in enumerate(symbols, start=1):
        yield Tick(symbol, 100.0 + number, 1730896200.0 + number)


def run(desk: Desk, ticks: Iterator[Tick], **limits: object) -> Producer:
    producer = Producer(desk, run="r1")
    producer.run(ticks, threading.Event(), pace=Pace(), **limits)  # type: ignore[arg-type]
    return producer


def test_ticks_are_stamped_per_symbol_and_the_run_is_closed() -> None:
    desk = Desk()
    summary = run(desk, quotes("AAPL", "GOOG", "AAPL")).summary
    ticks, closes = desk.messages[:3], desk.messages[3:]
    assert [(t.symbol, t.seq, t.run) for t in ticks] == [("AAPL", 1, "r1"), ("GOOG", 1, "r1"), ("AAPL", 2, "r1")]  # type: ignore[attr-defined]
    assert closes == [Close("r1", "AAPL", 2, 2), Close("r1", "GOOG", 1, 2)]
    assert {(key, decode(value, 2e9).symbol) for key, value in desk.sent} == {(b"AAPL", "AAPL"), (b"GOOG", "GOOG")}
    assert (summary.produced, desk.closed) == (3, True)


def test_the_limit_counts_ticks_over_all_symbols() -> None:
    desk = Desk()
    assert run(desk, quotes(*"ABCDEF"), max_ticks=4).summary.produced == 4
    assert len(desk.sent) == 8


def test_no_time_means_no_ticks_and_a_closed_publisher() -> None:
    desk = Desk()
    assert run(desk, quotes("A"), max_s=0.0).summary.produced == 0
    assert desk.closed


def test_a_stop_closes_the_run_with_what_was_sent() -> None:
    desk, stop = Desk(), threading.Event()
    producer = Producer(desk, run="r1", on_sent=lambda _: stop.set())
    producer.run(quotes(*"AAAA"), stop, pace=Pace())
    assert desk.messages[1:] == [Close("r1", "A", 1, 1)]


def test_a_stop_while_the_log_is_away_names_what_was_sent_instead_of_waiting_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory_clients, "STOPPED_S", 0.2)
    log, stop = MemoryLog(), threading.Event()

    def the_log_goes_and_somebody_wants_to_leave(_: Tick) -> None:
        log.stop()
        stop.set()

    producer = Producer(log.publisher(), run="r1", on_sent=the_log_goes_and_somebody_wants_to_leave)
    with pytest.raises(DeliveryError, match=r"1 closing records were not .* within 0\.2 s of the stop"):
        producer.run(quotes(*"AAAA"), stop, pace=Pace())
    assert [name[:2] for name in producer.summary.failed] == [("A", 0)]


def test_a_failed_send_is_reported_by_symbol_and_sequence_and_the_run_is_closed() -> None:
    desk = Desk(fail_send=2)
    producer = Producer(desk, run="r1")
    with pytest.raises(DeliveryError, match=r"1 of 2 .*AAPL 1"):
        producer.run(quotes(*["AAPL"] * 5), threading.Event(), pace=Pace())
    assert producer.summary.failed == [("AAPL", 1, "broker gone")]
    assert desk.messages[-1] == Close("r1", "AAPL", 2, 1)
    assert desk.closed


def test_after_a_failure_what_was_sent_is_settled_first_and_each_loss_is_named_once() -> None:
    desk = Desk(fail_send=2, fail_flush=[("AAPL", 1), ("AAPL", 2)])
    producer = Producer(desk, run="r1")
    with pytest.raises(DeliveryError, match=r"2 of 2"):
        producer.run(quotes(*["AAPL"] * 5), threading.Event(), pace=Pace())
    assert [name[:2] for name in producer.summary.failed] == [("AAPL", 1), ("AAPL", 2)]
    assert desk.flushed_at == [2, 3], "before the closing record and after it"


def test_what_the_flush_finds_missing_is_reported() -> None:
    desk = Desk(fail_flush=[("AAPL", 2), ("GOOG", 1)])
    producer = Producer(desk, run="r1")
    with pytest.raises(DeliveryError, match="2 of 3"):
        producer.run(quotes("AAPL", "GOOG", "AAPL"), threading.Event(), pace=Pace())
    assert [name[:2] for name in producer.summary.failed] == [("AAPL", 2), ("GOOG", 1)]
    assert producer.summary.as_dict()["failed"]


def test_a_failure_that_is_reported_while_the_run_is_closed_leaves_no_symbol_unclosed() -> None:
    desk = Desk(fail_send=3)
    producer = Producer(desk, run="r1")
    with pytest.raises(DeliveryError, match=r"1 of 3 ticks were .*AAPL 1"):
        producer.run(quotes("AAPL", "GOOG", "AAPL"), threading.Event(), pace=Pace())
    assert desk.messages[3:] == [Close("r1", "AAPL", 2, 2), Close("r1", "GOOG", 1, 2)]


class FullDesk(Desk):
    """A publisher whose buffer stays full after so many messages, with what it holds never acknowledged."""

    def send(self, value: bytes, *, key: bytes, tag: object = None) -> None:
        if len(self.sent) == 2:
            raise TransportError("no room")
        super().send(value, key=key, tag=tag)


def test_a_log_that_goes_away_for_good_leaves_every_tick_named() -> None:
    desk = FullDesk(fail_flush=[("AAPL", 1), ("GOOG", 1)])
    producer = Producer(desk, run="r1")
    with pytest.raises(DeliveryError, match="2 of 2") as caught:
        producer.run(quotes("AAPL", "GOOG", "AAPL"), threading.Event(), pace=Pace())
    assert [tag for tag, _ in caught.value.failures] == [("AAPL", 1), ("GOOG", 1)]
    assert str(caught.value.__cause__) == "no room"


def test_a_log_that_goes_away_before_the_run_is_closed_is_an_error() -> None:
    desk = FullDesk()
    with pytest.raises(TransportError, match="no room"):
        run(desk, quotes("AAPL", "GOOG"))
    assert desk.closed


def test_a_closing_record_that_failed_is_called_so() -> None:
    desk = Desk(fail_flush=[("AAPL", 0)])
    with pytest.raises(DeliveryError, match=r"0 of 1 ticks and 1 closing records .* the closing record of AAPL"):
        run(desk, quotes("AAPL"))


def test_an_error_of_the_source_still_closes_the_run() -> None:
    def broken() -> Iterator[Tick]:
        yield Tick("A", 1.0, 1.0)
        raise OSError("the disk is gone")

    desk = Desk()
    with pytest.raises(OSError, match="the disk is gone"):
        run(desk, broken())
    assert desk.messages[-1] == Close("r1", "A", 1, 1)
    assert desk.closed


def test_runs_have_names_of_their_own() -> None:
    names = {new_run() for _ in range(100)}
    assert len(names) == 100
    assert all(len(name) <= 64 for name in names)


class Clock:
    """Monotonic time that a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("marketlab.producer.time.monotonic", lambda: self.now)


def test_a_rate_spaces_ticks_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    pace = Pace(rate=20)
    assert [pace.next_due_s() for _ in range(3)] == pytest.approx([1000.0, 1000.05, 1000.1])


def test_a_recording_keeps_its_own_pace_times_the_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    pace = Pace(speed=2)
    assert pace.recorded
    assert [pace.due_s(Tick("A", 1.0, t)) for t in (50.0, 51.0, 61.0)] == [1000.0, 1000.5, 1005.5]


def test_as_fast_as_it_goes_is_always_due() -> None:
    for pace in (Pace(rate=0), Pace(speed=float("inf"))):
        assert not pace.recorded
        assert pace.next_due_s() == float("-inf")


def test_after_a_long_sleep_the_missed_ticks_do_not_come_in_one_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    pace = Pace(rate=10)
    pace.next_due_s()
    clock.now += 3600
    assert [pace.next_due_s() - clock.now for _ in range(3)] == pytest.approx([0.0, 0.1, 0.2])
