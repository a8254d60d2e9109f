"""The look in Python: colours, axes, still pictures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlab.axis import HOLD_S, SteadyRange, round_ticks, time_labels, time_ticks
from marketlab.look import tokens, widget_css

ranges = st.tuples(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def test_the_tokens_are_those_of_the_page() -> None:
    assert (tokens("light")["accent"], tokens("dark")["accent"]) == ("#0b66c3", "#4da3ff")
    assert set(tokens("dark")) == set(tokens("light"))


def test_widgets_recolour_nothing_but_themselves() -> None:
    selectors = [rule.partition("{")[0] for rule in widget_css().split("}") if rule]
    assert selectors == [".marketlab", '[data-jp-theme-light="false"] .marketlab']


@given(ranges)
def test_ticks_are_few_round_and_within(limits: tuple[float, float]) -> None:
    low, high = limits
    ticks = round_ticks(low, high)
    slack = max((high - low) * 1e-6, 2 * math.ulp(max(abs(low), abs(high))))  # no float lies closer
    assert len(ticks) <= 7
    assert len(ticks) >= 4 or high - low < 1e-9 * max(abs(low), abs(high)), "but where floats are too far apart"
    assert all(low - slack <= tick <= high + slack for tick in ticks)
    assert ticks == sorted(set(ticks))


@given(st.floats(1e8, 4e9), st.floats(1.0, 1e8))
def test_times_are_few_and_within(start: float, span: float) -> None:
    ticks = time_ticks(start, start + span)
    assert len(ticks) <= 7
    assert all(start - 1e-3 <= tick <= start + span + 1e-3 for tick in ticks)
    assert len(set(time_labels(ticks))) == len(ticks) or span > 86400


def test_a_range_grows_at_once_and_shrinks_only_after_a_while() -> None:
    steady = SteadyRange()
    assert steady.fit(100.0, 110.0, now=0.0) == (99.0, 111.0)
    assert steady.fit(104.0, 106.0, now=HOLD_S - 1) == (99.0, 111.0)
    assert steady.fit(104.0, 120.0, now=HOLD_S - 1)[1] > 120.0
    low, high = steady.fit(104.0, 106.0, now=HOLD_S)
    assert (low, high) == (99.0, pytest.approx(121.6))
    assert steady.fit(104.0, 106.0, now=2 * HOLD_S) == (pytest.approx(103.8), pytest.approx(106.2))


def test_one_price_alone_has_room_around_it() -> None:
    low, high = SteadyRange().fit(100.0, 100.0, now=0.0)
    assert low < 100.0 < high
    assert math.isfinite(high - low)
