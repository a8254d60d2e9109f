"""Replay of real recordings; their counts and oddities were found with other tools."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path

import pytest

from marketlab.errors import SourceError
from marketlab.model import Tick
from marketlab.sources import Replay

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def real(name: str) -> Path:
    path = DATA / name
    if not path.is_file():  # no `require`: recordings are never part of the project, so nothing could install them
        pytest.skip(f"the recording {name} is not in {DATA.parent.name}/{DATA.name} beside the project")
    return path


BTC, ETH = "binance_spot_btcusdt_20240808.gz", "binance_spot_ethusdt_20240808.gz"
QUOTES, BARS = "fxcm_eurusd_tick_quote_20140501.zip", "fxcm_gbpusd_m1_bid_201202.csv"


@pytest.mark.parametrize(
    ("name", "symbol", "trades", "skipped", "low", "high"),
    [
        (BTC, "BTCUSDT", 9_757, {"bookTicker": 28_040, "depth": 3_451, "snapshot": 1}, 61_583.22, 61_860.80),
        (ETH, "ETHUSDT", 6_106, {"bookTicker": 24_077, "depth": 3_434, "snapshot": 1}, 2_679.00, 2_685.37),
    ],
)
def test_a_raw_capture_gives_its_trades_and_counts_the_rest(
    name: str, symbol: str, trades: int, skipped: dict[str, int], low: float, high: float
) -> None:
    replay = Replay(real(name))
    ticks = list(replay)
    assert len(ticks) == trades
    assert replay.skipped == skipped
    assert {tick.symbol for tick in ticks} == {symbol}
    assert (min(tick.price for tick in ticks), max(tick.price for tick in ticks)) == (low, high)
    assert all(earlier.timestamp <= later.timestamp for earlier, later in pairwise(ticks))


def test_the_first_trade_is_the_one_in_the_file_to_the_last_digit() -> None:
    first = next(iter(Replay(real(BTC))))
    assert first == Tick("BTCUSDT", 61837.63, 1723161255.342, 0.02)


def test_quotes_become_mids_of_the_day_that_was_said() -> None:
    replay = Replay(real(QUOTES), symbol="EUR/USD", date=dt.date(2014, 5, 1))
    ticks = list(replay)
    assert (len(ticks), replay.skipped) == (51_053 - 3_991, {"crossed_quote": 3_991})
    assert ticks[0] == Tick("EUR/USD", 1.38728, 1398902400 + 1.787)
    assert ticks[-1] == Tick("EUR/USD", 1.38626, 1398902400 + 86_387.638)
    for part in ("mid prices", "crossed quotes", "milliseconds since midnight of 2014-05-01", "UTC"):
        assert part in replay.describe()


def test_columns_and_unit_may_be_said_and_change_nothing() -> None:
    told = Replay(real(QUOTES), symbol="EUR/USD", date=dt.date(2014, 5, 1))
    said = Replay(
        real(QUOTES),
        symbol="EUR/USD",
        date=dt.date(2014, 5, 1),
        time_unit="ms",
        columns={"timestamp": 0, "bid": 1, "ask": 2},
    )
    assert list(told) == list(said)


def test_quotes_without_the_day_are_refused_and_the_name_suggests_it() -> None:
    for said in ({}, {"time_unit": "ms"}, {"columns": {"timestamp": 0, "bid": 1, "ask": 2}}):
        with pytest.raises(SourceError, match="of which day is not known") as refused:
            Replay(real(QUOTES), symbol="EUR/USD", **said)  # type: ignore[arg-type]
        assert "--date 2014-05-01" in (refused.value.mend or "")


def test_bars_become_their_closes_one_minute_after_their_beginnings() -> None:
    replay = Replay(real(BARS), symbol="GBP/USD")
    ticks = list(replay)
    assert (len(ticks), replay.skipped.total()) == (30_117, 0)
    assert ticks[0] == Tick("GBP/USD", 1.57576, dt.datetime(2012, 2, 1, 0, 1, tzinfo=dt.UTC).timestamp())
    assert ticks[-1] == Tick("GBP/USD", 1.59208, dt.datetime(2012, 3, 1, 0, 1, tzinfo=dt.UTC).timestamp())
    assert "closes of bars of 60 s" in replay.describe()


def test_the_price_and_the_open_columns_of_bars_can_be_asked_for_by_name() -> None:
    opens = list(Replay(real(BARS), symbol="GBP/USD", columns={"price": "open"}))
    assert (opens[0].price, opens[0].timestamp) == (1.57597, 1328054400.0)


def test_bars_without_a_symbol_are_refused() -> None:
    with pytest.raises(SourceError, match="no column is known to hold the symbol"):
        Replay(real(BARS))
