"""What is told about a durable batch: the analytics log and the lines in the terminal."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlab import listeners
from marketlab.analytics import tick_line
from marketlab.listeners import AnalyticsLog, Printer
from marketlab.model import Batch, DeadLetter, Reason, Rule, StreamKey, StreamState, TickRow

STATE = StreamState(StreamKey("log", 2, "r1", "AAPL"), Rule())


def row(price: float, average: float | None, *, alert: str | None = None, offset: int = 0) -> TickRow:
    return STATE, 1, price, 1730896201.25, 3.0, average, None, alert, average is None, 7, offset


def batch(*rows: TickRow) -> Batch:
    return Batch("log", rows=list(rows))


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_log_holds_the_lines_that_people_see(tmp_path: Path) -> None:
    log = AnalyticsLog(tmp_path / "logs" / "analytics.log", window=5)
    log(batch(row(314.66, 312.12345), row(325.5, 315.0, alert="⚠️ AAPL changed by 3.44%")))
    log.close()
    assert lines(tmp_path / "logs" / "analytics.log") == [
        {"timestamp": 1730896201.25, "symbol": "AAPL", "event": "AAPL | Price: 314.66 | MA(5): 312.12"},
        {"timestamp": 1730896201.25, "symbol": "AAPL", "event": "AAPL | Price: 325.50 | MA(5): 315.00"},
        {"timestamp": 1730896201.25, "symbol": "AAPL", "event": "⚠️ AAPL changed by 3.44%", "level": "warning"},
    ]


@given(
    st.floats(min_value=1e-9, max_value=1e12, exclude_max=True)
    | st.integers(1, 10**13).map(lambda cents: cents / 100)
    | st.just(0.00141342),
    st.none() | st.floats(min_value=1e-9, max_value=1e12),
)
def test_the_quick_way_to_a_line_says_what_the_plain_one_says(price: float, average: float | None) -> None:
    log = AnalyticsLog.__new__(AnalyticsLog)
    log._window = 5
    (line,) = log.text(batch(row(price, average))).splitlines()
    assert json.loads(line)["event"] == tick_line("AAPL", price, average, window=5)


def test_the_log_is_rotated_and_keeps_a_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "LOG_BYTES", 200)
    log = AnalyticsLog(tmp_path / "analytics.log", window=5)
    for number in range(40):
        log(batch(row(100.0 + number, 100.0)))
    log.close()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["analytics.log", *(f"analytics.log.{n}" for n in range(1, listeners.LOG_FILES + 1))]
    assert all(lines(path) for path in tmp_path.iterdir() if path.stat().st_size)


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full on this system")
    (tmp_path / "analytics.log").symlink_to(full)
    log = AnalyticsLog(tmp_path / "analytics.log", window=5)
    log(batch(row(100.0, 100.0)))
    log.close()


def test_a_log_whose_rotation_failed_is_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "LOG_BYTES", 200)
    folder = tmp_path / "logs"
    log = AnalyticsLog(folder / "analytics.log", window=5)
    shutil.rmtree(folder)
    folder.touch()  # so that it cannot be made again either
    for number in range(4):
        log(batch(row(100.0 + number, 100.0), row(100.5, 100.0), row(101.5, 100.0)))
    folder.unlink()
    log(batch(row(110.0, 100.0)))
    log.close()
    assert [line["event"] for line in lines(folder / "analytics.log")] == ["AAPL | Price: 110.00 | MA(5): 100.00"]


def test_the_terminal_shows_each_tick_its_average_and_its_alert() -> None:
    said: list[str] = []
    Printer(said.append, window=5)(batch(row(325.5, 315.0, alert="⚠️ AAPL changed by 3.44%")))
    assert said == [
        "Received: {'symbol': 'AAPL', 'price': 325.5, 'timestamp': 1730896201.25, 'size': 3.0, 'seq': 7}",
        "AAPL | Price: 325.50 | MA(5): 315.00",
        "⚠️ AAPL changed by 3.44%",
    ]


def test_what_nobody_can_read_is_summed_up() -> None:
    said: list[str] = []
    Printer(said.append, window=5)(batch(*[row(1.0, 1.0, alert="x")] * 1234))
    assert said[-1] == "… 1,034 more ticks in this batch, 1,034 alerts among them"


def test_what_was_refused_is_said() -> None:
    said: list[str] = []
    letter = DeadLetter(b"{", "log", 2, 9, 1.0, Reason.NOT_JSON, "not JSON at character 1")
    Printer(said.append, window=5)(Batch("log", dead_letters=[letter]))
    assert said == ["Refused: partition 2 offset 9: not_json: not JSON at character 1"]
