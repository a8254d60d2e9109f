"""What all live widgets share: pace, limits, a pull, a verdict, being heard, and a word where nobody draws them."""

from __future__ import annotations

import itertools
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlab.widgets import BooksPanel, LiveChart, StatusLine, WidgetError, live
from marketlab.widgets.flusher import Flusher
from marketlab.widgets.hearing import hear_while_busy
from marketlab.widgets.live import EVIDENCE
from marketlab.widgets.unseen import NOTE, Unseen
from marketlab.widgets.view import LEAST_S, View
from tests.support import eventually
from tests.unit.conftest import threads

pytestmark = [pytest.mark.notebook, pytest.mark.usefixtures("nothing_is_left")]


def tick(price: float, *, at: float = 1000.0, **more: Any) -> dict[str, Any]:
    return {"symbol": "AAPL", "price": price, "timestamp": at, **more}


# ------------------------------------------------------------------------------------------ the pace


class FakeTime:
    """A clock that only moves when somebody waits, and remembers for what."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def wait(self, event: threading.Event, seconds: float) -> None:
        if not event.is_set():
            self.now += seconds


def flush(*, busy: bool, **more: Any) -> list[float]:
    """When a flusher that lives for ten seconds draws, in the thread of the test."""
    time, drawn = FakeTime(), []

    def draw() -> None:
        drawn.append(round(time.now, 6))
        if busy:
            flusher.notify()

    flusher = Flusher(
        draw, name="canvas", hz=5.0, max_s=10.0, on_error=pytest.fail, clock=time.clock, wait=time.wait, **more
    )
    flusher.run()
    return drawn


def test_however_often_there_is_news_it_draws_five_times_a_second() -> None:
    drawn = flush(busy=True)
    assert len(drawn) == 46  # the first one after a second, for until then there was no news
    assert min(after - before for before, after in itertools.pairwise(drawn)) == pytest.approx(0.2)


def test_without_news_it_looks_now_and_then_and_one_that_asks_does_so_all_the_time() -> None:
    assert len(flush(busy=False)) < 12
    assert len(flush(busy=False, asks=True)) > 20


def test_it_ends_by_itself_once_its_time_is_up_or_enough_has_come() -> None:
    ended: list[str] = []
    flush(busy=True, on_end=lambda: ended.append("time"))
    time = FakeTime()
    flusher = Flusher(
        lambda: flusher.end(),  # noqa: PLW0108 (there is no flusher yet)
        name="canvas", hz=5.0, on_error=pytest.fail, on_end=lambda: ended.append("enough"),
        clock=time.clock, wait=time.wait,
    )  # fmt: skip
    flusher.run()
    assert ended == ["time", "enough"]


def test_a_chart_ends_after_so_many_ticks_with_all_that_came(outputs: dict[str, Any]) -> None:
    chart = LiveChart("AAPL", max_ticks=3)
    live.display(chart)
    for number in range(3):
        chart.push(tick(100.0 + number, at=1000.0 + number))
    assert chart.wait(10)
    assert outputs[chart._display_id][EVIDENCE]["ticks"] == 3
    eventually(lambda: not threads(), what="the thread's end")


# ------------------------------------------------------------------------------------------ a pull


def test_a_widget_with_a_pull_asks_for_news_by_itself(outputs: dict[str, Any]) -> None:
    prices = iter(range(100, 200))
    with LiveChart("AAPL", pull=lambda: [tick(float(next(prices)))], hz=100.0) as chart:
        eventually(lambda: chart.numbers()["ticks"] >= 3, what="three ticks")


@pytest.mark.parametrize(("end", "ticks"), [("finish", 2), ("close", 1)])
def test_at_its_end_a_widget_asks_once_more_and_when_it_is_closed_it_does_not(
    end: str, ticks: int, outputs: dict[str, Any]
) -> None:
    news = iter([[tick(100.0)], [tick(101.0)]])
    chart = LiveChart("AAPL", pull=lambda: next(news), hz=0.01)  # between two questions there is all a test's time
    live.display(chart)
    chart.notify(pushed=0)
    eventually(lambda: chart.frames, what="the first frame")
    getattr(chart, end)()
    assert outputs[chart._display_id][EVIDENCE]["ticks"] == ticks


def test_what_goes_wrong_in_a_pull_is_shown(outputs: dict[str, Any]) -> None:
    def fail() -> list[Any]:
        raise ConnectionError("nobody answers")

    with BooksPanel(fail) as panel:
        eventually(lambda: panel.error, what="the error")
    (bundle,) = outputs.values()
    assert "nobody answers" in panel._status.value
    assert bundle[EVIDENCE]["verdict"] == {
        "ok": False,
        "wrong": ["it stopped: nobody answers", "it drew no frame", "nothing was pushed into it"],
    }


def test_it_ends_when_something_else_is_over(outputs: dict[str, Any]) -> None:
    over = threading.Event()
    line = StatusLine("sent", pull=lambda: [{"sent": 1}], hz=100.0)
    live.display(line)
    line.end_when(over.is_set)
    eventually(lambda: line.frames > 2, what="some frames")
    assert not line.ended
    over.set()
    assert line.wait(10)
    assert outputs[line._display_id][EVIDENCE]["verdict"] == {"ok": True, "wrong": []}


# ------------------------------------------------------------------------------------------ heard and seen


def test_the_front_ends_choice_of_a_subshell_holds() -> None:
    routed = SimpleNamespace(comm=SimpleNamespace(_reply_subshell_for=lambda data, default: None))
    other = SimpleNamespace(comm=None)
    hear_while_busy(routed, other)  # type: ignore[arg-type]
    assert routed.comm._reply_subshell_for is None


class Watched:
    """A widget that is looked for every second."""

    def __init__(self, outputs: dict[str, Any], *, listens: bool = True) -> None:
        self.outputs = outputs
        self.listens = listens
        self.now = 0.0
        self.chart = LiveChart("AAPL")
        self.unseen = Unseen("below", now=0.0, listens=lambda: self.listens)

    def after(self, seconds: int, *, seen: bool = False) -> bool:
        """Whether it says something after so many seconds more."""
        for _ in range(seconds):
            self.now += 1.0
            self.unseen.look(seen, self.chart.drawing, now=self.now)
        return "below" in self.outputs


def test_after_five_seconds_without_a_view_it_says_so_with_a_picture(outputs: dict[str, Any]) -> None:
    watched = Watched(outputs)
    assert not watched.after(4)
    assert watched.after(1)
    assert outputs["below"]["text/plain"].startswith(NOTE)
    assert "data:image/png;base64," in outputs["below"]["text/html"]
    first = outputs["below"]
    watched.after(2)
    assert outputs["below"] is not first  # made anew


def test_once_somebody_sees_it_the_word_is_taken_back_for_good(outputs: dict[str, Any]) -> None:
    watched = Watched(outputs)
    assert watched.after(6)
    assert not watched.after(1, seen=True)
    assert not watched.after(20)


def test_while_the_kernel_cannot_hear_its_front_end_no_time_counts(outputs: dict[str, Any]) -> None:
    watched = Watched(outputs, listens=False)
    assert not watched.after(60)
    watched.listens = True
    assert not watched.after(4)
    assert watched.after(1)


# ------------------------------------------------------------------------------------------ zoom and pause

moves = st.lists(st.sampled_from(["closer", "wider", "earlier", "later"]), max_size=20)
spans = st.floats(3.0, 1e6)


@given(moves=moves, span=spans, more=st.floats(0.0, 1e5))
def test_every_view_is_a_part_of_what_there_is(moves: list[str], span: float, more: float) -> None:
    view = View()
    for move in moves:
        view = getattr(view, move)(0.0, span)
    low, high = view.range(0.0, span + more)  # more has come since
    assert 0.0 <= low < high <= span + more
    assert high - low >= min(LEAST_S, span) - 1e-6


def test_a_view_in_the_past_stands_still_and_one_of_the_newest_moves_on() -> None:
    newest = View().closer(0.0, 80.0)
    past = newest.earlier(0.0, 80.0)
    assert (newest.range(0.0, 80.0), past.range(0.0, 80.0)) == ((40.0, 80.0), (20.0, 60.0))
    assert (newest.range(0.0, 100.0), past.range(0.0, 100.0)) == ((60.0, 100.0), (20.0, 60.0))
    assert past.later(0.0, 80.0) == newest
    assert newest.wider(0.0, 80.0) == View()


def test_a_zoom_survives_new_ticks(outputs: dict[str, Any]) -> None:
    with LiveChart("AAPL", hz=100.0) as chart:
        for number in range(80):
            chart.push(tick(100.0 + number, at=float(number)))
        chart._look("closer")
        chart.push(tick(200.0, at=100.0))
    assert chart._plot.x.max - chart._plot.x.min == pytest.approx(79.0 / 2)
    assert chart._plot.x.max == 100.0


def test_a_paused_chart_stands_still_and_says_how_far_it_is_behind(outputs: dict[str, Any]) -> None:
    with LiveChart("AAPL", hz=100.0) as chart:
        chart.push(tick(100.0))
        eventually(lambda: "1 ticks" in chart._status.value, what="the first tick")
        chart._press_pause()
        for number in range(412):
            chart.push(tick(101.0 + number))
        eventually(lambda: "⏸ 412 behind" in chart._status.value, what="the lag")
        assert chart._plot.price.y.tolist() == [100.0]
        assert chart._pause.description == "Go on"
        chart._press_pause()
        eventually(lambda: "413 ticks" in chart._status.value, what="everything")
    assert len(chart._plot.price.y) == 413


def test_a_chart_that_is_finished_while_it_is_paused_shows_everything(outputs: dict[str, Any]) -> None:
    with LiveChart("AAPL") as chart:
        chart.push(tick(100.0))
        chart.pause()
        chart.push(tick(101.0))
    assert len(chart._plot.price.y) == 2


def test_a_status_line_knows_its_stations(outputs: dict[str, Any]) -> None:
    with StatusLine("sent", "stored") as line:
        line.push({"sent": 1412})
        line.say("<link> fine")
        with pytest.raises(WidgetError, match="sent, stored were wanted, received was found"):
            line.push({"received": 3})
    assert line.drawing().says == "sent 1,412, stored –"
    assert "&lt;link&gt; fine" in line._status.value


def test_axis_labels_are_there_before_the_values_that_need_them(outputs: dict[str, Any]) -> None:
    chart = LiveChart("AAPL")
    sent: list[set[str]] = []
    chart._plot.times.observe(
        lambda change: sent.append({str(round(value)) for value in change["new"]} - set(chart._plot.times.tick_labels)),
        "tick_values",
    )
    with chart:
        for number in range(0, 4000, 50):
            chart.push(tick(100.0 + number % 7, at=float(number)))
            chart._flusher._draw()
    assert len(sent) > 5
    assert set().union(*sent) == set()


def test_no_time_stands_where_half_of_it_would_be_cut_off(outputs: dict[str, Any]) -> None:
    chart = LiveChart("AAPL")
    with chart:
        for number in range(11):  # the first time would stand at the very left
            chart.push(tick(100.0 + number % 3, at=1_000_000_000.0 + number))
        chart._flusher._draw()
        assert [time_s - chart._plot.x.min for time_s in chart._plot.times.tick_values] == [2.0, 4.0, 6.0, 8.0, 10.0]
