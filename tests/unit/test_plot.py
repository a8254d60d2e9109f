"""marketlab plot: what is drawn, what is said, and what happens where there is no window."""

from __future__ import annotations

import json
import math
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from marketlab.cli import plot as plot_command
from marketlab.cli.needs import MissingExtraError, need
from marketlab.errors import NotFoundError, StoreError
from marketlab.figures import PriceLine, change_text, draw_prices, headline, new_figure, png
from marketlab.model import Rule
from marketlab.plot_live import STALE_S, NoWindowError, PlotLive, picture, price_line
from marketlab.ports import PostedTick
from marketlab.settings import Settings
from marketlab.testing.memory_store import MemoryStore

RULE = Rule()
PNG = b"\x89PNG\r\n"


def post(store: MemoryStore, *prices: float, symbol: str = "AAPL", at: float = 1000.0, **more: Any) -> None:
    store.post(
        [PostedTick(symbol, price, at + number, moving_average=price, **more) for number, price in enumerate(prices)]
    )


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


# ------------------------------------------------------------------------------------------ what is read


def test_a_line_holds_the_newest_ticks_oldest_first(store: MemoryStore) -> None:
    post(store, 1.0, 2.0, 3.0, 4.0)
    line = price_line(store, "AAPL", ticks=3, rule=RULE)
    assert (line.prices, line.times, line.averages) == ([2.0, 3.0, 4.0], [1001.0, 1002.0, 1003.0], [2.0, 3.0, 4.0])
    assert all(math.isnan(change) for change in line.alerts)


def test_only_the_run_that_was_written_last_is_shown(store: MemoryStore) -> None:
    post(store, 1.0, 2.0, run="old")
    post(store, 7.0, 8.0, run="new", at=99_000.0)
    assert price_line(store, "AAPL", ticks=10, rule=RULE).prices == [7.0, 8.0]


@pytest.mark.parametrize(
    ("alert", "change_pct", "shown"),
    [("⚠️ AAPL changed by 3.45%", 3.449, 3.449), ("⚠️ AAPL changed by -3.45%", None, -3.45), (None, 3.449, None)],
)
def test_an_alert_has_the_change_that_it_speaks_of(
    store: MemoryStore, alert: str | None, change_pct: float | None, shown: float | None
) -> None:
    post(store, 1.0, alert=alert, change_pct=change_pct)
    (found,) = price_line(store, "AAPL", ticks=10, rule=RULE).alerts
    assert math.isnan(found) if shown is None else found == shown


def test_a_symbol_that_was_never_seen_is_told_with_those_that_were(store: MemoryStore) -> None:
    with pytest.raises(NotFoundError, match="no tick is stored yet"):
        price_line(store, "AAPL", ticks=10, rule=RULE)
    post(store, 1.0, symbol="TSLA")
    with pytest.raises(NotFoundError, match="no tick of AAPL is stored; there are TSLA"):
        price_line(store, "AAPL", ticks=10, rule=RULE)


# ------------------------------------------------------------------------------------------ what is drawn


def line_of(*prices: float, alerts: dict[int, float] | None = None) -> PriceLine:
    count = range(len(prices))
    alerts = alerts or {}
    return PriceLine(
        "AAPL", [1000.0 + n for n in count], prices, prices, [alerts.get(n, math.nan) for n in count], window=5
    )


def texts(line: PriceLine, **more: Any) -> list[str]:
    figure = new_figure(800, 400)
    draw_prices(figure, line, **more)
    assert png(figure).startswith(PNG)
    found = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    return [text.get_text() for text in found]


def test_price_change_average_and_alerts_are_named() -> None:
    shown = texts(line_of(100.0, 103.0, 99.0, alerts={1: 3.0, 2: -3.88}), note="3 ticks")
    assert {"AAPL", "99.00", "▼ −1.00 %", "MA(5)", "+3.00 %", "−3.88 %", "3 ticks"} <= set(shown)


def test_alerts_alone_are_red_and_their_glyph_shows_the_way() -> None:
    figure = new_figure(800, 400)
    draw_prices(figure, line_of(100.0, 103.0, 99.0, alerts={1: 3.0, 2: -3.88}))
    drawn = [(drawn.get_marker(), drawn.get_color()) for drawn in figure.axes[0].lines]
    assert [pair for pair in drawn if pair[1] == "#c62828"] == [("^", "#c62828"), ("v", "#c62828")]


def test_no_label_is_cut_off_at_the_left_edge() -> None:
    figure = new_figure(800, 400)
    count = range(101)  # from a whole minute on, so that a label belongs under the first tick
    line = PriceLine(
        "AAPL", [60_000.0 + n for n in count], [1.0 + n for n in count], [math.nan] * 101, [math.nan] * 101
    )
    draw_prices(figure, line)
    figure.draw_without_rendering()
    labels = [label for label in figure.axes[0].get_xticklabels() if label.get_text()]
    assert labels
    assert all(label.get_window_extent().x0 >= 0 for label in labels)


def test_an_empty_line_says_so() -> None:
    assert {"–", "no tick yet"} <= set(texts(line_of()))


def test_one_tick_alone_can_be_drawn() -> None:
    assert "100.00" in texts(line_of(100.0))


def test_the_decimals_are_those_that_the_symbol_needs() -> None:
    assert headline(line_of(0.5, 0.00141342)) == ("0.00141342", "▼ −99.72 %")
    assert headline(line_of(61837.63)) == ("61,837.63", "0.00 %")
    assert change_text(0.414) == "▲ +0.41 %"


def test_a_picture_without_alerts_names_the_largest_move() -> None:
    assert picture(line_of(100.0, 100.053), rule=RULE).startswith(PNG)
    live = PlotLive(filled(100.0, 100.053), "AAPL", ticks=10, rule=RULE)
    assert "no alert ≥ 3 %, largest move 0.053 %" in note(live)


# ------------------------------------------------------------------------------------------ the window


def filled(*prices: float) -> MemoryStore:
    store = MemoryStore()
    post(store, *prices)
    return store


def note(live: PlotLive) -> str:
    figure = new_figure(800, 400)
    live.update(figure)
    return str(figure.texts[-1].get_text())


def test_the_window_follows_the_store(store: MemoryStore) -> None:
    live = PlotLive(store, "AAPL", ticks=10, rule=RULE)
    assert "waiting for the first tick" in note(live)
    post(store, 100.0, 101.0)
    assert "● LIVE · the newest 2 ticks" in note(live)
    post(store, 102.0, at=2000.0)
    assert "the newest 3 ticks" in note(live)


def test_the_window_says_how_old_its_newest_tick_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("marketlab.plot_live.time.monotonic", lambda: now)
    live = PlotLive(filled(100.0), "AAPL", ticks=10, rule=RULE)
    assert "● LIVE" in note(live)
    now += STALE_S + 2
    assert "◌ STALE 12 s" in note(live)


def test_a_window_of_a_misspelt_symbol_does_not_wait_for_it() -> None:
    with pytest.raises(NotFoundError, match="there are AAPL"):
        PlotLive(filled(100.0), "APPL", ticks=10, rule=RULE)


def test_an_error_or_a_stop_closes_the_window(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    live, stop = PlotLive(store, "AAPL", ticks=10, rule=RULE), threading.Event()
    figure, closed = new_figure(800, 400), []
    live._tick(figure, stop, closed.append)
    assert closed == []

    def fail() -> int:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(store, "changes", fail)
    live._tick(figure, stop, closed.append)
    assert isinstance(live._error, StoreError)
    stop.set()
    live._tick(figure, stop, closed.append)
    assert closed == [figure, figure]


def test_without_a_display_there_is_no_window_but_a_hint(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NoWindowError, match="DISPLAY") as caught:
        PlotLive(store, "AAPL", ticks=10, rule=RULE).show(threading.Event())
    assert "--png" in str(caught.value.mend)


def test_a_matplotlib_that_only_draws_pictures_opens_no_window(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib as mpl

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setitem(mpl.rcParams, "backend", "agg")
    with pytest.raises(NoWindowError, match="agg"):
        PlotLive(store, "AAPL", ticks=10, rule=RULE).show(threading.Event())


# ------------------------------------------------------------------------------------------ the command


@pytest.fixture
def run(store: MemoryStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setattr(plot_command, "open_reader", lambda _: store)
    settings = Settings(home=tmp_path)
    return lambda *arguments: CliRunner().invoke(plot_command.plot, arguments, obj=settings)


def test_the_command_writes_a_picture(run: Any, store: MemoryStore, tmp_path: Path) -> None:
    post(store, 100.0, 104.0, alert="⚠️ AAPL changed by 4.00%", change_pct=4.0)
    target = tmp_path / "aapl.png"
    result = run("aapl", "--png", str(target), "--json", "--theme", "dark")
    assert result.exit_code == 0, result.output
    assert target.read_bytes().startswith(PNG)
    assert json.loads(result.stdout) == {"symbol": "AAPL", "ticks": 2, "alerts": 2, "png": str(target)}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [(("AAPL", "--png", "x.png"), NotFoundError), (("A B", "--png", "x.png"), None), (("AAPL", "--json"), None)],
)
def test_what_cannot_be_drawn_is_refused(run: Any, arguments: tuple[str, ...], error: type | None) -> None:
    result = run(*arguments)
    assert result.exit_code != 0
    assert error is None or isinstance(result.exception, error)


def test_a_file_that_cannot_be_written_is_named(run: Any, store: MemoryStore, tmp_path: Path) -> None:
    post(store, 100.0, 101.0)
    result = run("AAPL", "--png", str(tmp_path / "no" / "such" / "folder.png"))
    assert "folder.png was to be written: No such file or directory" in str(result.exception)


def test_a_part_that_is_not_installed_is_named_with_what_brings_it() -> None:
    need("json", extra="plot")
    with pytest.raises(MissingExtraError, match="not installed: no_such_module") as caught:
        need("json", "no_such_module", extra="plot")
    assert ".[plot]" in str(caught.value.mend)
