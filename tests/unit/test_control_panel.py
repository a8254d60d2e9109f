"""The panel that lets ticks flow, and the player behind it."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from marketlab.widgets import Choice, ControlPanel
from marketlab.widgets.live import EVIDENCE
from marketlab.widgets.player import Pace, Player
from tests.support import eventually
from tests.unit.conftest import threads

pytestmark = [pytest.mark.notebook, pytest.mark.usefixtures("nothing_is_left")]


def ticks(many: int = 1_000_000) -> Iterator[dict[str, Any]]:
    for number in range(many):
        yield {"symbol": "AAPL", "price": 100.0 + number, "timestamp": float(number)}


class Taker:
    """Keeps what it is handed."""

    def __init__(self) -> None:
        self.prices: list[float] = []
        self.error: Exception | None = None

    def __call__(self, tick: Any) -> None:
        if self.error is not None:
            raise self.error
        self.prices.append(tick["price"])

    def has(self, many: int) -> None:
        eventually(lambda: len(self.prices) >= many, what=f"{many} ticks")


def test_a_player_takes_the_source_to_its_end() -> None:
    taker = Taker()
    player = Player(lambda: ticks(5), taker, pace=Pace(rate=1e6))
    player.start()
    assert player.join(10)
    assert (player.state, player.taken, taker.prices) == ("ended", 5, [100.0, 101.0, 102.0, 103.0, 104.0])


def test_a_step_lets_exactly_one_tick_through() -> None:
    taker = Taker()
    player = Player(ticks, taker, pace=Pace(rate=1e-6))  # the next one is due in twelve days
    player.start(paused=True)
    for many in (1, 2, 3):
        player.step()
        taker.has(many)
        assert player.state == "paused"
    player.stop()
    assert (player.state, len(taker.prices)) == ("stopped", 3)
    assert threads() == set()


def test_pace_is_by_rate_or_by_the_recording_and_its_speed() -> None:
    first, second = ({"timestamp": 10.0}, {"timestamp": 14.0})
    assert Pace(rate=20.0).gap_s(first, None) == 0.05
    assert Pace(speed=2.0).gap_s(first, second) == 2.0
    assert Pace(speed=2.0).gap_s(second, first) == 0.0  # a recording that goes back in time is not waited for
    assert Pace(speed=math.inf).gap_s(first, second) == 0.0
    assert Pace(speed=2.0).gap_s(None, first) == 0.0


def test_what_a_taker_raises_ends_the_run_and_is_kept() -> None:
    taker = Taker()
    taker.error = ZeroDivisionError("no room")
    player = Player(ticks, taker, pace=Pace(rate=1e6))
    player.start()
    assert player.join(10)
    assert (player.state, player.error) == ("failed", taker.error)


@pytest.fixture
def taker() -> Taker:
    return Taker()


def press(panel: ControlPanel, name: str) -> None:
    panel._buttons[name].click()


def test_the_buttons_start_pause_step_and_stop(outputs: dict[str, Any], taker: Taker) -> None:
    asked: list[Choice] = []

    def open_ticks(choice: Choice) -> Iterator[dict[str, Any]]:
        asked.append(choice)
        return ticks()

    with ControlPanel(open_ticks, taker, sources=["simulator", "uniform"], rate=1000.0) as panel:
        panel._source.value, panel._symbols.value = "uniform", " aapl , TSLA,"
        press(panel, "start")
        taker.has(3)
        press(panel, "pause")
        eventually(lambda: "⏸ paused" in panel._status.value, what="the pause")
        stood = len(taker.prices)
        press(panel, "step")
        taker.has(stood + 1)
        press(panel, "start")
        taker.has(stood + 4)
        press(panel, "stop")
        assert panel.state == "stopped"
    assert asked == [Choice("uniform", ("AAPL", "TSLA"))]
    (bundle,) = outputs.values()
    assert bundle[EVIDENCE]["ticks"] == len(taker.prices)
    assert bundle[EVIDENCE]["state"] == "stopped"
    assert threads() == set()


def test_the_buttons_that_make_no_sense_cannot_be_pressed(outputs: dict[str, Any], taker: Taker) -> None:
    with ControlPanel(lambda _: ticks(), taker, sources=["simulator", "replay:a.csv"], rate=1000.0) as panel:
        assert [name for name, button in panel._buttons.items() if button.disabled] == ["pause", "stop"]
        assert (panel._rate.disabled, panel._speed.disabled) == (False, True)
        panel._source.value = "replay:a.csv"
        assert (panel._rate.disabled, panel._speed.disabled, panel._symbols.disabled) == (True, False, True)
        panel._source.value = "simulator"
        panel.start()
        eventually(lambda: panel._source.disabled, what="fields that are fixed")
        assert [name for name, button in panel._buttons.items() if button.disabled] == ["start", "step"]


def test_the_rate_can_be_changed_while_ticks_flow(outputs: dict[str, Any], taker: Taker) -> None:
    with ControlPanel(lambda _: ticks(), taker, rate=100.0) as panel:
        panel.start()
        panel._rate.value = 200.0
        assert panel._player is not None
        assert panel._player.pace.rate == 200.0


def test_a_mistake_in_the_learners_function_is_shown_and_start_begins_anew(
    outputs: dict[str, Any], taker: Taker
) -> None:
    with ControlPanel(lambda _: ticks(), taker, rate=1000.0) as panel:
        taker.error = KeyError("<symbl>")
        panel.start()
        eventually(lambda: "KeyError" in panel._error.value, what="the error")
        assert "&lt;symbl&gt;" in panel._error.value
        assert panel.state == "failed"
        taker.error = None
        panel.start()
        taker.has(2)
        eventually(lambda: panel._error.value == "", what="no error")


def test_a_source_that_cannot_be_opened_is_shown(outputs: dict[str, Any], taker: Taker) -> None:
    def open_ticks(_: Choice) -> Iterator[dict[str, Any]]:
        raise FileNotFoundError("no such file")

    with ControlPanel(open_ticks, taker) as panel:
        panel.start()
        eventually(lambda: "no such file" in panel._error.value, what="the error")
    assert panel.numbers()["failure"] == "FileNotFoundError('no such file')"


def test_a_panel_plays_by_itself_and_ends_with_its_source_or_its_limit(outputs: dict[str, Any], taker: Taker) -> None:
    with ControlPanel(lambda _: ticks(5), taker, rate=1000.0) as panel:
        panel.play()
    assert len(taker.prices) == 5
    other = ControlPanel(lambda _: ticks(), taker, rate=1000.0, max_ticks=3)
    other.start()
    assert other.wait(10)
    assert other.state == "stopped"
    eventually(lambda: not threads(), what="the threads' end")


def test_a_cell_that_runs_again_stops_the_flow_of_its_last_run(taker: Taker) -> None:
    first = ControlPanel(lambda _: ticks(), taker, rate=1000.0)
    first.start()
    second = ControlPanel(lambda _: ticks(), taker)
    assert first.ended
    assert [name for name in threads() if "player" in name] == []
    second.finish()


def test_closing_from_the_players_own_thread_does_not_wait_for_itself(taker: Taker) -> None:
    done = threading.Event()

    def take(_: Any) -> None:
        panel.finish()
        done.set()

    panel = ControlPanel(lambda _: ticks(), take, rate=1000.0)
    panel.start()
    assert done.wait(10)
    eventually(lambda: not threads(), what="the threads' end")
