"""Bars of ticks: edges, empty intervals, runs, and the same numbers as pandas."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import fsum, nextafter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlab.analytics import bars
from marketlab.errors import QueryError
from marketlab.model import Bar, Tick

T = 1_730_896_200  # a whole minute


def made(*ticks: tuple[float, float], **asked: object) -> list[Bar]:
    """Bars of (timestamp after T, price), given in the order of writing."""
    rows = [Tick("A", price, T + at, run="r") for at, price in ticks]
    return bars(reversed(rows), **{"interval_s": 10, "limit": 100, **asked})  # type: ignore[arg-type]


def starts(found: list[Bar]) -> list[int]:
    return [bar.start - T for bar in found]


def test_a_bar_holds_its_left_edge_and_not_its_right_one() -> None:
    before = nextafter(T + 10, 0) - T
    [first, second] = made((0, 1.0), (before, 2.0), (10, 3.0))
    assert (first.start, first.open, first.close, first.ticks) == (T, 1.0, 2.0, 2)
    assert (second.start, second.open, second.ticks) == (T + 10, 3.0, 1)


def test_an_interval_without_ticks_is_shown_as_such_and_carries_nothing_forward() -> None:
    found = made((1, 5.0), (32, 6.0))
    assert starts(found) == [0, 10, 20, 30]
    assert found[1] == Bar(T + 10, None, None, None, None, None, 0)


def test_no_ticks_make_no_bars() -> None:
    assert made() == []
    assert made((1, 5.0), before=T) == []


def test_the_newest_come_last_and_no_more_than_are_asked_for() -> None:
    found = made(*((n, 1.0 + n) for n in range(100)), limit=3)
    assert starts(found) == [70, 80, 90]
    assert (found[-1].open, found[-1].high, found[-1].low, found[-1].close) == (91.0, 100.0, 91.0, 100.0)


def test_empty_intervals_before_the_oldest_tick_that_is_in_reach_are_bars_too() -> None:
    assert starts(made((0, 1.0), (95, 2.0), limit=4)) == [60, 70, 80, 90]


@pytest.mark.parametrize(("before", "wanted"), [(30, [10, 20]), (29.5, [10, 20]), (20, [0, 10]), (20.001, [10, 20])])
def test_before_leads_to_the_bars_that_start_before_it(before: float, wanted: list[int]) -> None:
    found = made((1, 1.0), (12, 2.0), (23, 3.0), (34, 4.0), before=T + before, limit=2)
    assert starts(found) == wanted
    assert all(bar.ticks == 1 for bar in found)


def test_pages_meet_without_a_gap_where_nothing_was_traded() -> None:
    ticks = [(1, 1.0), (95, 2.0)]
    assert starts(made(*ticks, limit=5, before=T + 50)) == [0, 10, 20, 30, 40]


def test_volume_is_unknown_when_one_size_is() -> None:
    ticks = [
        Tick("A", 1, T, size=2.0),
        Tick("A", 1, T + 1, size=0.5),
        Tick("A", 1, T + 10, size=1.0),
        Tick("A", 1, T + 11),
    ]
    assert [bar.volume for bar in bars(reversed(ticks), interval_s=10, limit=9)] == [2.5, None]


def test_a_killed_producers_bars_go_on_in_the_next_run_and_none_mixes_the_two() -> None:
    ticks = [Tick("A", 1.0, T + 5, run="r"), Tick("A", 2.0, T + 11, run="r"), Tick("A", 9.0, T + 14, run="s")]
    found = bars(reversed(ticks), interval_s=10, limit=9)
    assert [(bar.start - T, bar.open, bar.close, bar.ticks) for bar in found] == [(0, 1.0, 1.0, 1), (10, 9.0, 9.0, 1)]


def test_a_recording_that_is_played_again_counts_once_and_ends_where_it_is_now() -> None:
    first = [Tick("A", 1.0 + n, T + 10 * n, size=1.0, run="r") for n in range(6)]
    again = [Tick("A", 50.0 + n, T + 10 * n, size=1.0, run="s") for n in range(3)]
    found = bars(reversed(first + again), interval_s=10, limit=9)
    assert [(bar.start - T, bar.open, bar.volume) for bar in found] == [
        (0, 50.0, 1.0),
        (10, 51.0, 1.0),
        (20, 52.0, 1.0),
    ]


def test_two_runs_side_by_side_give_bars_of_one_each() -> None:
    ticks = [Tick("A", price, T + n, run=run) for n in range(40) for run, price in (("r", 1.0), ("s", 100.0))]
    found = bars(reversed(ticks), interval_s=10, limit=3)
    assert starts(found) == [10, 20, 30]
    assert {(bar.low, bar.high, bar.ticks) for bar in found} == {(100.0, 100.0, 10)}


def test_an_old_recording_beside_does_not_hide_what_comes_from_today() -> None:
    old = [Tick("A", 1.0, 1000.0 + n, run="old") for n in range(40)]
    new = [Tick("A", 2.0, T + n, run="new") for n in range(40)]
    side_by_side = [tick for pair in zip(old, new, strict=True) for tick in pair]
    found = bars(reversed(side_by_side), interval_s=10, limit=4)
    assert [(bar.start - T, bar.ticks) for bar in found] == [(0, 10), (10, 10), (20, 10), (30, 10)]


def test_records_without_a_run_may_stand_in_any_order() -> None:
    ticks = [Tick("A", 1.0, T + 31), Tick("A", 5.0, T - 500), Tick("A", 2.0, T + 32)]
    [bar] = bars(reversed(ticks), interval_s=10, limit=1)
    assert (bar.open, bar.close, bar.ticks) == (1.0, 2.0, 2)


def test_no_more_ticks_are_read_than_the_bars_need() -> None:
    read = 0

    def newest_first() -> Iterator[Tick]:
        nonlocal read
        for n in range(1000, 0, -1):
            read += 1
            yield Tick("A", 1.0, T + n, run="r")

    assert len(bars(newest_first(), interval_s=10, limit=2)) == 2
    assert read == 12  # ten of the bar before, one of the newest, and the first that is too old


def test_bars_that_are_not_wholly_in_reach_are_left_out() -> None:
    ticks = [(n, 1.0) for n in range(100)]
    found = made(*ticks, reach=25)
    assert [(bar.start - T, bar.ticks) for bar in found] == [(80, 10), (90, 10)]
    assert made(*ticks, reach=100)[0].start == T + 10  # whether the symbol begins there was not looked at
    assert made(*ticks, reach=101)[0].start == T


def test_a_bar_of_too_many_ticks_is_refused_in_words() -> None:
    with pytest.raises(QueryError, match="more than 8 ticks") as refused:
        made(*((n / 10, 1.0) for n in range(50)), reach=8)
    assert refused.value.pointer == "/interval"


TICKS = st.lists(
    st.tuples(st.floats(0, 900), st.floats(0.01, 1e6), st.none() | st.floats(0.01, 1e6)), min_size=1, max_size=60
)


@given(ticks=TICKS, interval_s=st.sampled_from([1, 10, 60]), limit=st.integers(1, 300))
def test_bars_are_those_of_pandas(ticks: list[tuple[float, float, float | None]], interval_s: int, limit: int) -> None:
    rows = [Tick("A", price, T + at, size, run="r") for at, price, size in sorted(ticks, key=lambda tick: tick[0])]
    found = bars(reversed(rows), interval_s=interval_s, limit=limit)

    # Whole nanoseconds, for a float of this size is no decimal; flooring keeps a tick on its side of an edge.
    index = pd.to_datetime([int(tick.timestamp) * 10**9 + int(tick.timestamp % 1 * 1e9) for tick in rows], unit="ns")
    frame = pd.Series([tick.price for tick in rows], index=index).resample(
        f"{interval_s}s", closed="left", label="left"
    )
    wanted = pd.concat([frame.first(), frame.max(), frame.min(), frame.last(), frame.count()], axis=1).tail(limit)
    assert [bar.start for bar in found] == [int(stamp.timestamp()) for stamp in wanted.index]
    for bar, (first, high, low, last, count) in zip(found, wanted.itertuples(index=False, name=None), strict=True):
        assert bar.ticks == count
        if bar.ticks:
            assert (bar.open, bar.high, bar.low, bar.close) == (first, high, low, last)
        else:
            assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (None,) * 5


@given(ticks=TICKS, interval_s=st.sampled_from([1, 10, 60]))
def test_every_tick_stands_in_one_bar_and_no_bar_is_skipped(
    ticks: list[tuple[float, float, float | None]], interval_s: int
) -> None:
    rows = [Tick("A", price, T + at, size, run="r") for at, price, size in sorted(ticks, key=lambda tick: tick[0])]
    found = bars(reversed(rows), interval_s=interval_s, limit=1000)
    assert sum(bar.ticks for bar in found) == len(rows)
    assert {later.start - bar.start for bar, later in pairwise(found)} <= {interval_s}
    if all(tick.size is not None for tick in rows):
        assert fsum(bar.volume or 0 for bar in found) == pytest.approx(fsum(tick.size or 0 for tick in rows))
