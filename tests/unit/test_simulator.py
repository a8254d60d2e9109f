"""The simulator: the same everywhere, alive, and sober."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from itertools import islice, pairwise
from statistics import fmean, pstdev

import pytest

from marketlab.analytics.alerts import reaches
from marketlab.errors import SourceError
from marketlab.model import Tick
from marketlab.partitioner import murmur2
from marketlab.sources import DEFAULT_SEED, DEFAULT_SYMBOLS, Simulator, simulated_clock
from marketlab.sources.clocks import START
from marketlab.sources.symbols import listing_of
from marketlab.wire import encode

RATE = 20  # ticks/s, the default
MINUTE = 60 * RATE

FIRST_TICKS = [
    '{"symbol":"TSLA","price":250.87,"timestamp":1730896201.0}',
    '{"symbol":"AMZN","price":199.07,"timestamp":1730896201.05}',
    '{"symbol":"GOOG","price":175.96,"timestamp":1730896201.1}',
    '{"symbol":"NFLX","price":779.99,"timestamp":1730896201.15}',
]
DIGEST_OF_50_000 = "fd6ac5ff6ee0ed14fcee448ad0315696bebd2e698900399d4860b3b2de5fec94"


def ticks(count: int, **arguments: object) -> list[Tick]:
    return list(islice(Simulator(clock=simulated_clock(), **arguments), count))  # type: ignore[arg-type]


def alerts(found: list[Tick]) -> list[tuple[float, str, float]]:
    """Seconds from the start, symbol and change in percent of every tick that alerts at 3 %."""
    result, previous = [], {}
    for tick in found:
        before = previous.get(tick.symbol)
        if before is not None and reaches(before, tick.price, threshold_pct=3.0):
            result.append((tick.timestamp - START, tick.symbol, (tick.price / before - 1) * 100))
        previous[tick.symbol] = tick.price
    return result


def test_the_default_seed_begins_with_these_ticks_on_every_machine_and_version() -> None:
    assert [encode(tick).decode() for tick in ticks(4)] == FIRST_TICKS
    digest = hashlib.sha256(b"\n".join(map(encode, ticks(50_000)))).hexdigest()
    assert digest == DIGEST_OF_50_000


def test_the_default_seed_alerts_within_10_s_and_three_times_in_the_first_minute_both_ways() -> None:
    found = alerts(ticks(MINUTE))
    assert 5 <= found[0][0] <= 10
    assert len(found) == 3
    assert {change > 0 for _, _, change in found} == {True, False}


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 42, 2**64])
def test_no_seed_is_silent_for_long_or_floods(seed: int) -> None:
    found = alerts(ticks(100 * MINUTE, seed=seed))
    assert 2 <= len(found) / 100 <= 4  # a minute
    moments = [0.0, *(at for at, _, _ in found), 100 * 60.0]
    assert max(later - earlier for earlier, later in pairwise(moments)) < 5 * 60
    # A jump comes 5 s after the last at the soonest, so a minute has 12 at the most.
    assert max(Counter(int(at // 60) for at, _, _ in found).values()) <= 12
    ups = sum(change > 0 for _, _, change in found)
    assert 0.3 < ups / len(found) < 0.7


def test_every_alert_is_a_jump_and_ordinary_moves_stay_far_below() -> None:
    previous: dict[str, float] = {}
    moves = []
    for tick in ticks(200_000):
        if tick.symbol in previous:
            moves.append(abs(tick.price / previous[tick.symbol] - 1))
        previous[tick.symbol] = tick.price
    moves.sort()
    jumps = [move for move in moves if move > 0.02]
    assert 200_000 / 600 < len(jumps) < 200_000 / 100
    assert moves[-len(jumps) - 1] < 0.005  # nothing between ordinary moves and jumps
    assert max(jumps) < 0.065


def test_one_symbol_moves_as_its_volatility_says() -> None:
    prices = [tick.price for tick in ticks(40_000, symbols=["TSLA"])]
    moves = [math.log(later / earlier) for earlier, later in pairwise(prices)]
    ordinary = [move for move in moves if abs(move) < 0.02]
    assert pstdev(ordinary) == pytest.approx(listing_of("TSLA").volatility, rel=0.03)
    assert abs(fmean(ordinary)) < 4 * listing_of("TSLA").volatility / math.sqrt(len(ordinary))


def test_symbols_come_about_equally_often() -> None:
    counts = Counter(tick.symbol for tick in ticks(50_000))
    assert set(counts) == set(DEFAULT_SYMBOLS)
    assert all(9_500 < count < 10_500 for count in counts.values())


def test_a_long_run_stays_within_sight_of_the_start() -> None:
    # Alerts are relative and prices are in cents: a price that wandered down to cents would alert at every tick.
    prices: dict[str, list[float]] = {symbol: [] for symbol in DEFAULT_SYMBOLS}
    for tick in ticks(600_000, seed=3):
        prices[tick.symbol].append(tick.price)
    for symbol, found in prices.items():
        start = listing_of(symbol).start_price
        assert 0.4 * start < min(found)
        assert max(found) < 2.5 * start


def test_a_price_outside_half_to_twice_its_start_is_led_back() -> None:
    from marketlab.sources.simulator import _jump

    assert _jump(0.0, 0.5, 2.01) < 0 < _jump(0.99, 0.5, 0.49)
    assert _jump(0.0, 0.5, 1.0) > 0 > _jump(0.99, 0.5, 1.0)


def test_prices_are_whole_cents() -> None:
    assert all(tick.price == round(tick.price, 2) for tick in ticks(20_000, symbols=["AAPL", "ODD/NAME"]))


def test_prices_do_not_depend_on_the_clock() -> None:
    def frozen() -> float:
        return 5.0

    real = list(islice(Simulator(clock=frozen), 1_000))
    assert [(tick.symbol, tick.price) for tick in real] == [(tick.symbol, tick.price) for tick in ticks(1_000)]
    assert {tick.timestamp for tick in real} == {5.0}


def test_another_seed_gives_other_prices() -> None:
    assert ticks(100, seed=DEFAULT_SEED) != ticks(100, seed=DEFAULT_SEED + 1)


def test_the_clock_is_looked_at_once_a_tick_and_a_simulated_one_begins_again() -> None:
    looks = []

    def clock() -> float:
        looks.append(1)
        return float(len(looks))

    assert [tick.timestamp for tick in islice(Simulator(clock=clock), 3)] == [1.0, 2.0, 3.0]
    source = Simulator(clock=simulated_clock())
    assert list(islice(source, 50)) == list(islice(source, 50))


def test_a_simulated_clock_counts_and_does_not_add_up() -> None:
    clock = simulated_clock(1_000.0, 0.1)
    moments = [clock() for _ in range(100_001)]
    assert moments[:3] == [1_000.0, 1_000.1, 1_000.2]
    assert moments[-1] == 11_000.0  # a running sum would be some 1e-8 off


def test_a_symbol_that_is_not_listed_gets_its_own_plausible_parameters() -> None:
    first, second = listing_of("BTC/EUR"), listing_of("ETH/EUR")
    assert first == listing_of("BTC/EUR")
    assert first != second
    assert first == (424.23, 0.0007609364463482052)  # in every process and on every machine
    for listing in (first, second):
        assert 20 <= listing.start_price <= 500
        assert 0.0002 <= listing.volatility <= 0.0008


def test_symbols_are_upper_cased_and_each_traded_once() -> None:
    assert {tick.symbol for tick in ticks(100, symbols=["btc/eur", "BTC/EUR", "aapl"])} == {"BTC/EUR", "AAPL"}


@pytest.mark.parametrize("symbols", [[], ["ok", ""], ["ß"], ["A" * 33], ["A B"]])
def test_what_is_no_symbol_is_refused(symbols: list[str]) -> None:
    with pytest.raises(SourceError, match="symbol"):
        Simulator(symbols=symbols, clock=simulated_clock())


def test_many_symbols_share_the_ticks() -> None:
    symbols = [f"S{number}" for number in range(300)]
    assert {tick.symbol for tick in ticks(10_000, symbols=symbols)} == set(symbols)


def test_the_default_symbols_reach_every_partition_of_the_topic() -> None:
    assert {(murmur2(symbol.encode()) & 0x7FFFFFFF) % 3 for symbol in DEFAULT_SYMBOLS} == {0, 1, 2}
