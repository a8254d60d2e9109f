"""Explaining an alert: confirmed, different, or gone."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext

import msgspec
import pytest

from marketlab.analytics import Engine
from marketlab.errors import TransportError
from marketlab.model import Alert, Rule, Tick
from marketlab.partitioner import Partitioner
from marketlab.ports import Transport
from marketlab.provenance import Explainer, explain
from marketlab.testing.memory_log import MemoryLog
from marketlab.wire import encode
from tests.support import eventually

PRICES = (100.0, 101.0, 100.5, 100.0, 104.0)
VALUES = [encode(Tick("AAPL", price, 1_730_896_200.0 + n, seq=n + 1, run="r")) for n, price in enumerate(PRICES)]


@pytest.fixture
def alert() -> Alert:
    engine = Engine("log", rule=Rule(), load=lambda _: {})
    batch = engine.batch()
    engine.add(batch, partition=1, offsets=range(5), values=VALUES, record_times_ms=[1_731_000_000_000] * 5)
    (found,) = batch.alerts
    return found


class Log:
    def __init__(self, **changed: bytes | None) -> None:
        self.values: dict[int, bytes | None] = dict(enumerate(VALUES)) | {
            int(name.removeprefix("at_")): value for name, value in changed.items()
        }

    def __call__(self, partition: int, offsets: Iterable[int]) -> dict[int, bytes | None]:
        assert partition == 1
        return {offset: self.values[offset] for offset in offsets if self.values[offset] is not None}


def test_the_log_confirms_an_alert(alert: Alert) -> None:
    explanation = explain(alert, read=Log())
    assert explanation.verdict == "confirmed"
    assert explanation.fires
    assert explanation.recomputed_average == alert.moving_average == sum(PRICES) / 5
    assert [tick.read_again for tick in explanation.ticks] == list(PRICES)
    assert (explanation.previous.offset, explanation.previous.price) == (3, 100.0)


@pytest.mark.parametrize("offset", range(5))
def test_one_changed_tick_is_noticed(alert: Alert, offset: int) -> None:
    other = encode(Tick("AAPL", PRICES[offset] + 0.01, 1_730_896_200.0))
    explanation = explain(alert, read=Log(**{f"at_{offset}": other}))
    assert explanation.verdict == "differs"


@pytest.mark.parametrize(
    "other",
    [encode(Tick("GOOG", PRICES[2], 1_730_896_202.0, seq=3, run="r")),
     encode(Tick("AAPL", PRICES[2], 1_730_896_202.0, seq=3, run="s")), b"not a tick", b"\xff"],
)  # fmt: skip
def test_another_message_at_the_place_differs_and_is_shown(alert: Alert, other: bytes) -> None:
    explanation = explain(alert, read=Log(at_2=other))
    assert (explanation.verdict, explanation.recomputed_average) == ("differs", alert.moving_average)
    seen = explanation.ticks[2]
    assert (seen.raw, seen.read_again, seen.same) == (other, None, False)


@pytest.mark.parametrize("changed", [{"timestamp": 1_730_896_205.0}, {"seq": 9}])
def test_another_time_or_number_of_the_alerts_own_tick_differs(alert: Alert, changed: dict[str, float]) -> None:
    own = msgspec.structs.replace(Tick("AAPL", 104.0, 1_730_896_204.0, seq=5, run="r"), **changed)
    assert explain(alert, read=Log(at_4=encode(own))).verdict == "differs"


def test_the_very_bytes_are_given_as_text_or_in_base64(alert: Alert) -> None:
    shown = explain(alert, read=Log(at_0=b"\xff", at_1=None)).as_dict()["window"]
    assert (shown[0]["raw_b64"], "raw" in shown[0]) == ("/w==", False)
    assert shown[1]["raw"] is None
    assert [tick["raw"] for tick in shown[2:]] == [value.decode() for value in VALUES[2:]]


@pytest.mark.parametrize("offset", range(5))
def test_a_tick_that_is_gone_is_said_and_the_rest_recomputed(alert: Alert, offset: int) -> None:
    explanation = explain(alert, read=Log(**{f"at_{offset}": None}))
    assert explanation.verdict == "gone"
    assert explanation.recomputed_average == alert.moving_average


def unreachable(partition: int, offsets: Iterable[int]) -> dict[int, bytes | None]:
    raise TransportError("nobody answers")


def test_without_the_log_the_stored_prices_are_recomputed_and_it_is_said(alert: Alert) -> None:
    explanation = explain(alert, read=unreachable)
    assert (explanation.verdict, explanation.fires) == ("unreachable", True)
    assert explanation.detail == "nobody answers; recomputed from what was stored"
    assert explanation.as_dict()["window"][0] == {
        "offset": 0,
        "price": 100.0,
        "price_again": None,
        "same": False,
        "raw": None,
    }


def test_an_alert_that_does_not_follow_from_what_was_stored_differs_even_without_the_log(alert: Alert) -> None:
    wrong = msgspec.structs.replace(alert, moving_average=alert.moving_average + 0.01)
    assert explain(wrong, read=unreachable).verdict == "differs"


# ------------------------------------------------------------------------------------------ within a time


@pytest.fixture
def log() -> MemoryLog:
    log = MemoryLog()
    publisher = log.publisher()
    for value in VALUES:
        publisher.send(value, key=b"AAPL")
    publisher.flush(timeout_s=5)
    publisher.close(timeout_s=5)
    return log


def alert_on(log: MemoryLog, alert: Alert) -> Alert:
    return msgspec.structs.replace(alert, log=log.log_id, partition=Partitioner(3)(b"AAPL"))


def test_the_log_is_opened_for_each_question_and_closed_again(alert: Alert, log: MemoryLog) -> None:
    closed: list[bool] = []

    @contextmanager
    def opened() -> Iterator[Transport]:
        yield log
        closed.append(True)

    explainer = Explainer(opened, timeout_s=5, topic="stock-ticks")
    assert [explainer(alert_on(log, alert)).verdict for _ in range(3)] == ["confirmed"] * 3
    assert explainer(alert_on(log, alert)).topic == "stock-ticks"
    closed.pop()
    assert closed == [True] * 3


def test_another_log_is_no_witness(alert: Alert, log: MemoryLog) -> None:
    explanation = Explainer(lambda: nullcontext(MemoryLog()), timeout_s=5, topic="other")(alert_on(log, alert))
    assert (explanation.verdict, explanation.topic) == ("gone", None)
    assert explanation.detail.startswith(f"the alert came from {log.log_id}, this log is ")


def test_a_log_that_is_away_is_unreachable(alert: Alert, log: MemoryLog) -> None:
    log.stop()
    explanation = Explainer(lambda: nullcontext(log), timeout_s=5)(alert_on(log, alert))
    assert explanation.verdict == "unreachable"


def test_a_log_that_hangs_holds_nobody_up(alert: Alert, log: MemoryLog) -> None:
    free = threading.Event()

    @contextmanager
    def opened() -> Iterator[Transport]:
        assert free.wait(30)
        yield log

    slow = Explainer(opened, timeout_s=0.05)
    try:
        for _ in range(2):
            explanation = slow(alert_on(log, alert))
            assert explanation.verdict == "unreachable"
            assert explanation.detail.startswith("the log did not answer within 0.05 s")
        assert slow(alert_on(log, alert)).detail.startswith("the log is being read for others")
    finally:
        free.set()
    eventually(lambda: slow(alert_on(log, alert)).verdict == "confirmed", what="a free place")


def test_a_mistake_of_ours_is_not_taken_for_an_absent_log(alert: Alert, log: MemoryLog) -> None:
    def opened() -> nullcontext[Transport]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Explainer(opened, timeout_s=5)(alert_on(log, alert))
