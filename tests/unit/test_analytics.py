"""The statistics: averages against pandas, alerts against decimal, lines as people read them."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marketlab.analytics import MovingAverage, alert_text, price_text, reaches, tick_line
from marketlab.analytics.sequence import close, fill, note_break, refuse, repair, see
from marketlab.model import Rule, StreamKey, StreamState

prices = st.floats(min_value=1e-6, max_value=1e11)


@given(st.lists(prices, min_size=1, max_size=60), st.integers(1, 9))
def test_the_moving_average_is_pandas_rolling_mean_on_every_prefix(values: list[float], window: int) -> None:
    pandas = pytest.importorskip("pandas")
    average = MovingAverage(window)
    ours = [average.update(value) for value in values]
    theirs = [pandas.Series(values[max(0, i - window) : i]).mean() for i in range(1, len(values) + 1)]
    assert ours == pytest.approx(theirs, rel=1e-12)


@given(st.lists(prices, min_size=1, max_size=30))
def test_a_huge_price_leaves_no_trace_once_it_is_out_of_the_window(values: list[float]) -> None:
    with_it, without = MovingAverage(5), MovingAverage(5)
    with_it.update(1e16)
    ours = [with_it.update(value) for value in values]
    theirs = [without.update(value) for value in values]
    assert ours[5:] == theirs[5:]


def test_a_window_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, was 0"):
        MovingAverage(0)


def exactly(previous: float, price: float, threshold_pct: float) -> bool:
    before, after = Decimal(repr(previous)), Decimal(repr(price))
    return abs(after - before) / before >= Decimal(repr(threshold_pct)) / 100


cents = st.integers(1, 10_000_000).map(lambda n: n / 100)
thresholds = st.sampled_from([3.0, 0.1, 0.05, 1.5, 50.0, 100.0, 7.25])


@given(cents, cents, thresholds)
@example(100.0, 103.0, 3.0)
@example(100.0, 97.0, 3.0)
@example(0.01, 0.02, 100.0)
def test_alerts_agree_with_decimal(previous: float, price: float, threshold: float) -> None:
    assert reaches(previous, price, threshold_pct=threshold) is exactly(previous, price, threshold)


@given(st.integers(1, 10_000_000), thresholds, st.integers(-2, 2), st.booleans())
def test_alerts_agree_with_decimal_on_both_sides_of_the_boundary(
    units: int, threshold: float, nudge: int, fall: bool
) -> None:
    before = Decimal(units) / 100
    move = before * Decimal(repr(threshold)) / 100
    after = (before - move if fall else before + move) + Decimal(nudge) / 10_000_000
    if after <= 0:
        return
    previous, price = float(before), float(after)
    assert reaches(previous, price, threshold_pct=threshold) is exactly(previous, price, threshold)


def test_every_pair_that_is_exactly_three_percent_as_printed_alerts() -> None:
    for cent in range(100, 200_000, 100):
        before = Decimal(cent) / 100
        for after in (before * Decimal("1.03"), before * Decimal("0.97")):
            assert reaches(float(before), float(after), threshold_pct=3.0), (before, after)


@pytest.mark.parametrize(
    ("price", "text"),
    [(215.0, "215.00"), (215.67, "215.67"), (0.00141342, "0.00141342"), (61837.63, "61837.63"), (1e-07, "0.0000001")],
)
def test_a_price_never_loses_a_digit(price: float, text: str) -> None:
    assert price_text(price) == text


@given(st.floats(min_value=1e-12, max_value=1e12))
@example(2.0**-24)
def test_a_price_as_text_is_the_price(price: float) -> None:
    assert float(price_text(price)) == price


def test_lines_are_as_the_seed_has_them() -> None:
    assert tick_line("AAPL", 314.66, 312.1199, window=5) == "AAPL | Price: 314.66 | MA(5): 312.12"
    assert tick_line("AAPL", 314.66, None, window=5) == "AAPL | Price: 314.66 | late"
    assert alert_text("AAPL", 3.4501) == "⚠️ AAPL changed by 3.45%"
    assert alert_text("AAPL", -3.4501) == "⚠️ AAPL changed by -3.45%"


# ------------------------------------------------------------------------------------------------- sequences


def stream() -> StreamState:
    return StreamState(StreamKey("log", 0, "run", "AAPL"), Rule())


@given(st.lists(st.integers(1, 30), max_size=60), st.integers(0, 30))
def test_gaps_are_what_a_set_says_is_missing(arrivals: list[int], last: int) -> None:
    state, seen = stream(), set[int]()
    for seq in arrivals:
        answer = see(state, seq)
        if seq in seen:
            assert answer is None
        else:
            assert answer is (seq > max(seen, default=0))
        seen.add(seq)
    close(state, last, symbols=None)
    wanted = set(range(1, max([last, *seen], default=0) + 1)) - seen
    assert {seq for first, end in state.gaps for seq in range(first, end + 1)} == wanted
    assert state.lost == len(wanted)
    assert state.gaps == sorted(state.gaps)
    assert all(first <= end for first, end in state.gaps)


def test_a_number_is_taken_out_of_its_gap_once() -> None:
    gaps = [[1, 1], [5, 9]]
    assert fill(gaps, 1)
    assert fill(gaps, 9)
    assert not fill(gaps, 9)
    assert gaps == [[5, 8]]


def test_closing_twice_changes_nothing() -> None:
    state = stream()
    see(state, 1)
    close(state, 3, symbols=2)
    gaps = [list(gap) for gap in state.gaps]
    close(state, 3, symbols=2)
    assert (state.gaps, state.last_seq, state.run_symbols) == (gaps, 3, 2)
    assert math.isinf(state.newest)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: see(state, 9),
        lambda state: see(state, 3),
        lambda state: close(state, 9, symbols=1),
        lambda state: note_break(state, 8, 8, offset=9, timestamp=None),
        lambda state: refuse(state, 7),
        lambda state: repair(state, 6),
    ],
)
def test_whoever_changes_what_a_stream_holds_of_numbers_says_so(change: Callable[[StreamState], object]) -> None:
    state = stream()
    for seq in (1, 2, 5, 6):
        see(state, seq)
    refuse(state, 6)
    state.ranges_changed = False
    see(state, 7)
    see(state, 7)
    assert not repair(state, 7)
    assert not state.ranges_changed
    change(state)
    assert state.ranges_changed
