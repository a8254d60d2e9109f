"""Explaining an alert: confirmed, different, or gone."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest

from marketlab.analytics import Engine
from marketlab.model import Alert, Rule, Tick
from marketlab.provenance import explain
from marketlab.wire import encode

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
    assert [tick.raw for tick in explanation.ticks] == VALUES
    assert explanation.as_dict()["previous"]["raw"] == VALUES[3].decode()


@pytest.mark.parametrize("offset", range(5))
def test_one_changed_tick_is_noticed(alert: Alert, offset: int) -> None:
    other = encode(Tick("AAPL", PRICES[offset] + 0.01, 1_730_896_200.0))
    explanation = explain(alert, read=Log(**{f"at_{offset}": other}))
    assert explanation.verdict == "differs"


def test_a_tick_of_another_symbol_at_the_place_is_noticed(alert: Alert) -> None:
    other = encode(Tick("GOOG", PRICES[2], 1_730_896_200.0))
    explanation = explain(alert, read=Log(at_2=other))
    assert explanation.verdict == "differs"
    assert [tick.found for tick in explanation.ticks] == ["same", "same", "differs", "same", "same"]
    assert explanation.ticks[2].raw == other


@pytest.mark.parametrize(
    "other",
    [
        b"no tick any more",
        encode(Tick("AAPL", PRICES[2], 1_730_896_202.0, seq=3, run="another")),
    ],
)
def test_other_bytes_at_the_place_are_no_less_noticed_for_being_no_tick_of_the_run(alert: Alert, other: bytes) -> None:
    assert explain(alert, read=Log(at_2=other)).verdict == "differs"


@pytest.mark.parametrize("changed", [{"timestamp": 1.0}, {"seq": 9}, {"seq": None}])
def test_the_same_price_in_another_tick_is_noticed(alert: Alert, changed: dict[str, float | None]) -> None:
    other = msgspec.structs.replace(Tick("AAPL", PRICES[4], 1_730_896_204.0, seq=5, run="r"), **changed)
    explanation = explain(alert, read=Log(at_4=encode(other)))
    assert (explanation.verdict, explanation.recomputed_average) == ("differs", alert.moving_average)


@pytest.mark.parametrize("changed", [{"text": "⚠️ AAPL changed by 9.99%"}, {"change_pct": 4.1}, {"moving_average": 1.0}])
def test_an_alert_that_does_not_come_out_is_noticed_though_the_ticks_are_the_same(
    alert: Alert, changed: dict[str, float | str]
) -> None:
    assert explain(msgspec.structs.replace(alert, **changed), read=Log()).verdict == "differs"
    assert explain(msgspec.structs.replace(alert, **changed), read=None).verdict == "differs"


@pytest.mark.parametrize("offset", range(5))
def test_a_tick_that_is_gone_is_said_and_the_rest_recomputed(alert: Alert, offset: int) -> None:
    explanation = explain(alert, read=Log(**{f"at_{offset}": None}))
    assert explanation.verdict == "gone"
    assert explanation.recomputed_average == alert.moving_average


def test_without_the_log_the_stored_prices_are_recomputed(alert: Alert) -> None:
    explanation = explain(alert, read=None)
    assert (explanation.verdict, explanation.fires) == ("gone", True)
    assert explanation.as_dict()["ticks"][0] == {
        "offset": 0, "price": 100.0, "read_again": None, "found": "gone", "raw": None
    }  # fmt: skip
