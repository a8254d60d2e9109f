"""The uniform prices of the first lesson: still there by name, and wrong in the way that the lesson shows."""

from __future__ import annotations

import hashlib
from itertools import islice

import pytest

from marketlab.analytics.alerts import reaches
from marketlab.errors import SourceError
from marketlab.model import Tick
from marketlab.sources import DEFAULT_SYMBOLS, Uniform, simulated_clock
from marketlab.wire import encode

FIRST_TICKS = [
    '{"symbol":"AAPL","price":438.97,"timestamp":1730896201.0}',
    '{"symbol":"AMZN","price":202.03,"timestamp":1730896201.05}',
    '{"symbol":"NFLX","price":279.8,"timestamp":1730896201.1}',
]
DIGEST_OF_50_000 = "4dc30bff289cd536a299433078313205134aa5b33faa3308b1a6e46a503203c2"


def ticks(count: int, **arguments: object) -> list[Tick]:
    return list(islice(Uniform(clock=simulated_clock(), **arguments), count))  # type: ignore[arg-type]


def test_the_default_seed_begins_with_these_ticks_on_every_machine_and_version() -> None:
    assert [encode(tick).decode() for tick in ticks(3)] == FIRST_TICKS
    assert hashlib.sha256(b"\n".join(map(encode, ticks(50_000)))).hexdigest() == DIGEST_OF_50_000


def test_prices_fill_100_to_500_in_cents() -> None:
    prices = [tick.price for tick in ticks(50_000)]
    assert 100.0 <= min(prices) < 100.1
    assert 499.9 < max(prices) <= 500.0
    assert all(price == round(price, 2) for price in prices)
    assert sum(prices) / len(prices) == pytest.approx(300.0, abs=2.0)


def test_95_percent_of_ticks_alert() -> None:
    previous: dict[str, float] = {}
    alerting = compared = 0
    for tick in ticks(50_000):
        before = previous.get(tick.symbol)
        if before is not None:
            compared += 1
            alerting += reaches(before, tick.price, threshold_pct=3.0)
        previous[tick.symbol] = tick.price
    assert 0.95 < alerting / compared < 0.96


def test_symbols_come_at_random_from_those_given() -> None:
    assert {tick.symbol for tick in ticks(200)} == set(DEFAULT_SYMBOLS)
    assert {tick.symbol for tick in ticks(200, symbols=["bch/eur"])} == {"BCH/EUR"}
    assert ticks(100, seed=1) != ticks(100, seed=2)


def test_what_is_no_symbol_is_refused() -> None:
    with pytest.raises(SourceError, match="symbol"):
        Uniform(symbols=["no symbol"], clock=simulated_clock())
