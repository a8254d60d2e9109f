"""Stamps of replayed files: told where it is safe, refused where it is not."""

from __future__ import annotations

import datetime as dt
import time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlab.errors import SourceError
from marketlab.sources import Replay
from marketlab.sources.stamps import SCALES, reader
from marketlab.sources.times import plan_stamps

DAY = dt.date(2014, 5, 1)
MIDNIGHT = 1398902400.0


def replay(folder: Path, *stamps: object, name: str = "ticks.csv", column: str = "timestamp", **said: object) -> Replay:
    path = folder / name
    path.write_text(f"{column};price\n" + "".join(f"{stamp};1.5\n" for stamp in stamps))
    return Replay(path, symbol="X", **said)  # type: ignore[arg-type]


def times(folder: Path, *stamps: object, **said: object) -> list[float]:
    return [tick.timestamp for tick in replay(folder, *stamps, **said)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stamp", "unit", "expected"),
    [
        ("1723161255", "seconds", 1723161255.0),
        ("1723161255.342", "seconds", 1723161255.342),
        ("1.723161255342E+09", "seconds", 1723161255.342),
        ("1723161255342", "milliseconds", 1723161255.342),
        ("1723161255342.5", "milliseconds", 1723161255.3425),
        ("1723161255342123", "microseconds", 1723161255.342123),
        ("1723161255342123456", "nanoseconds", 1723161255.3421235),
        ("631152000", "seconds", 631152000.0),  # 1990-01-01
        ("4102444799", "seconds", 4102444799.0),  # 2099-12-31
        ("631152000000", "milliseconds", 631152000.0),
        ("2024-08-08T23:54:15.342Z", "ISO 8601", 1723161255.342),
        ("2024-08-08 23:54:15.342123456+00:00", "ISO 8601", 1723161255.342123),
        ("2024-08-09 01:54:15.342+02:00", "ISO 8601", 1723161255.342),
        ("2024-08-08 23:54:15", "without a time zone, taken as UTC", 1723161255.0),
        ("2024-08-08", "taken as UTC", 1723075200.0),
    ],
)
def test_the_unit_is_told_by_size_or_form_and_said(tmp_path: Path, stamp: str, unit: str, expected: float) -> None:
    found = replay(tmp_path, stamp)
    assert [tick.timestamp for tick in found] == [expected]
    assert unit in found.describe()


def test_a_time_without_a_zone_is_utc_wherever_the_machine_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert times(tmp_path, "2024-08-08 23:54:15") == [1723161255.0]
        assert times(tmp_path, "09:30:00", date=DAY) == [MIDNIGHT + 34200.0]
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("stamp", ["631151999", "4102444800", "99999999999", "631151999999", "9" * 22, "-5", "1e30"])
def test_a_number_that_is_a_date_in_no_unit_is_refused(tmp_path: Path, stamp: str) -> None:
    with pytest.raises(SourceError, match=r"is in no unit a date of 1990 to 2100|is neither a number") as refused:
        replay(tmp_path, stamp)
    assert stamp in str(refused.value)
    assert "--time-unit" in (refused.value.mend or "") or "--columns" in (refused.value.mend or "")


def test_stamps_in_several_units_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="several units: 1723161255 and 1723161255342"):
        replay(tmp_path, "1723161255", "1723161255342")


def test_a_few_strange_stamps_are_bad_rows_and_never_misread(tmp_path: Path) -> None:
    strange = ["1723161255342", "4102444800", "5", "", "x", "2024-08-08"]
    found = replay(tmp_path, *["1723161255"] * 100, *strange)
    assert {tick.timestamp for tick in found} == {1723161255.0}
    assert found.skipped == {"bad_timestamp": 5, "missing_field": 1}


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_a_stamp_of_a_coarser_unit_far_down_a_file_is_a_bad_row_too(tmp_path: Path, unit: str) -> None:
    good = 1723161255 * SCALES[unit]
    found = replay(tmp_path, *[good] * 1_200, good // 1_000, time_unit=unit)
    assert len(list(found)) == 1_200
    assert found.skipped == {"bad_timestamp": 1}


@pytest.mark.parametrize(
    ("stamp", "unit", "expected"),
    [
        ("473385600", "s", 473385600.0),  # 1985: said, so taken
        ("473385600000", "ms", 473385600.0),
        ("5000000000000000", "us", 5e9),
        ("20240808", "iso", 1723075200.0),
        ("2024-08-08", "iso", 1723075200.0),
    ],
)
def test_a_stated_unit_is_taken(tmp_path: Path, stamp: str, unit: str, expected: float) -> None:
    assert times(tmp_path, stamp, time_unit=unit) == [expected]


@pytest.mark.parametrize(
    ("stamp", "unit", "message"),
    [
        ("1723161255342", "s", "says seconds, but 1723161255342 is a date in milliseconds"),
        ("1723161255", "ms", "says milliseconds, but 1723161255 is a date in seconds"),
        ("1723161255342123456", "us", "says microseconds, but 1723161255342123456 is a date in nanoseconds"),
        ("500000000000", "s", "500000000000 would be after the year 5000"),
        ("2024-08-08", "ms", "says milliseconds, but '2024-08-08' is not a number"),
        ("1723161255", "iso", "says iso, but '1723161255' is no ISO 8601 time"),
    ],
)
def test_a_stated_unit_that_the_stamps_contradict_is_refused(
    tmp_path: Path, stamp: str, unit: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        replay(tmp_path, stamp, time_unit=unit)


@pytest.mark.parametrize("time_unit", [None, "ms"])
def test_stamps_from_midnight_are_refused_without_the_day(tmp_path: Path, time_unit: str | None) -> None:
    with pytest.raises(SourceError, match="stamps like 34200000 count from midnight") as refused:
        replay(tmp_path, "34200000", time_unit=time_unit)
    assert "--date YYYY-MM-DD" in (refused.value.mend or "")


@pytest.mark.parametrize("name", ["eurusd_20140501.csv", "20140501_eurusd.csv", "eurusd-2014-05-01-quotes.csv"])
def test_a_date_in_the_name_is_suggested_and_not_used(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match="which day is not known") as refused:
        replay(tmp_path, "34200000", name=name)
    assert "--date 2014-05-01" in (refused.value.mend or "")


def test_what_is_missing_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "ticks.csv"
    path.write_text("time,price\n34200000,1.5\n")
    with pytest.raises(SourceError, match="day is not known; and no column is known to hold the symbol") as refused:
        Replay(path)
    assert "--date" in (refused.value.mend or "")
    assert "--symbol" in (refused.value.mend or "")


@pytest.mark.parametrize(
    ("stamps", "unit", "expected"),
    [
        (["0", "1787", "34200000"], None, [0.0, 1.787, 34200.0]),
        (["34200.123456789"], None, [34200.123456789]),
        (["34200000000"], None, [34200.0]),
        (["34200000000000"], None, [34200.0]),
        (["34200"], "s", [34200.0]),
        (["34200"], "ms", [34.2]),
        (["9:30:00", "09:30:00.5", "23:59"], None, [34200.0, 34200.5, 86340.0]),
        (["09:30:00.123456"], "iso", [34200.123456]),
    ],
)
def test_stamps_from_midnight_of_a_day(
    tmp_path: Path, stamps: list[str], unit: str | None, expected: list[float]
) -> None:
    found = replay(tmp_path, *stamps, date=DAY, time_unit=unit)
    assert [tick.timestamp for tick in found] == [float(Decimal(str(after)) + Decimal(MIDNIGHT)) for after in expected]
    assert "2014-05-01, taken as UTC" in found.describe()


def test_whole_numbers_that_could_be_seconds_or_milliseconds_of_the_day_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="up to 34200, could be seconds or milliseconds since midnight") as refused:
        replay(tmp_path, "1787", "34200", date=DAY)
    assert "--time-unit s or --time-unit ms" in (refused.value.mend or "")


def test_a_stamp_that_disproves_the_unit_that_was_told_stops_the_replay(tmp_path: Path) -> None:
    found = replay(tmp_path, *[90_000] * 1_500, 86_400_000, date=DAY)
    ticks = iter(found)
    assert [next(ticks).timestamp for _ in range(1_500)] == [MIDNIGHT + 90.0] * 1_500
    with pytest.raises(SourceError, match=r"seemed to be milliseconds .* but 86400000 is another day"):
        next(ticks)


def test_with_the_unit_stated_a_stamp_of_another_day_is_a_bad_row(tmp_path: Path) -> None:
    found = replay(tmp_path, *[90_000] * 1_500, 86_400_000, -1, date=DAY, time_unit="ms")
    assert len(list(found)) == 1_500
    assert found.skipped == {"bad_timestamp": 2}


@pytest.mark.parametrize(
    ("stamp", "unit", "message"),
    [
        ("1723161255", None, "1723161255 is a date in seconds since 1970"),
        ("1723161255342", "ms", "1723161255342 is a date in milliseconds since 1970"),
        ("100000", "s", "100000 seconds after midnight of 2014-05-01 is another day"),
        ("2024-08-08T01:00:00", None, "have a date of their own"),
    ],
)
def test_a_day_that_the_stamps_contradict_is_refused(
    tmp_path: Path, stamp: str, unit: str | None, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        replay(tmp_path, stamp, date=DAY, time_unit=unit)


def test_times_of_day_are_refused_without_the_day(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="times like '09:30:00' count from midnight"):
        replay(tmp_path, "09:30:00")


def test_eight_digits_could_be_a_day_and_the_mend_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="stamps like 20240808") as refused:
        replay(tmp_path, "20240808")
    assert "--time-unit iso" in (refused.value.mend or "")


def test_a_column_named_with_its_unit_states_it(tmp_path: Path) -> None:
    found = replay(tmp_path, "473385600000", column="timestamp_ms")
    assert [tick.timestamp for tick in found] == [473385600.0]
    assert "milliseconds, as the file says" in found.describe()
    with pytest.raises(SourceError, match="the file says microseconds, but 1723161255342 is a date in milliseconds"):
        replay(tmp_path, "1723161255342", column="time_us")


def test_an_empty_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="column of the timestamps is empty"):
        replay(tmp_path, "", "")


@given(number=st.integers(0, 10**20), unit=st.sampled_from(sorted(SCALES)), midnight=st.integers(0, 20_000))
def test_every_stamp_is_rounded_once_as_text_and_as_number(number: int, unit: str, midnight: int) -> None:
    exact = Decimal(midnight * 86_400) + Decimal(number).scaleb(-{"s": 0, "ms": 3, "us": 6, "ns": 9}[unit])
    read = reader(unit, midnight_s=midnight * 86_400)
    assert read(str(number)) == read(number) == float(exact)


@given(cells=st.lists(st.text(max_size=20) | st.integers() | st.floats() | st.none() | st.booleans(), max_size=5))
def test_no_stamps_raise_anything_but_a_source_error(cells: list[object]) -> None:
    try:
        stamps = plan_stamps(cells, unit=None, date=None, file="file")
    except SourceError:
        return
    for cell in cells:
        try:
            assert isinstance(stamps.read(cell), float)
        except (ValueError, TypeError, ArithmeticError):
            continue
