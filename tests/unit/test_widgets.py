"""Widgets without a front end: what they keep, draw, leave behind, and that no thread of theirs outlives them."""

from __future__ import annotations

import base64
import importlib
import threading
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

from marketlab.look import tokens
from marketlab.widgets import Lanes, LiveChart, PartitionView, WidgetError, live, registry
from marketlab.widgets.flusher import Flusher
from marketlab.widgets.live import EVIDENCE, VIEW
from marketlab.widgets.series import Series
from marketlab.widgets.verdict import VERDICT, NotYetError, Verdict
from tests.support import eventually
from tests.unit.conftest import PNG, threads

pytestmark = [pytest.mark.notebook, pytest.mark.usefixtures("nothing_is_left")]


class TopicPartition(NamedTuple):
    topic: str
    partition: int


def tick(price: float, *, at: float = 1000.0, symbol: str = "AAPL", **more: Any) -> dict[str, Any]:
    return {"symbol": symbol, "price": price, "timestamp": at, **more}


# ------------------------------------------------------------------------------------------ the thread


class Canvas:
    """Counts what is drawn; fails or waits when a test says so."""

    def __init__(self) -> None:
        self.drawn = 0
        self.drew = threading.Event()
        self.error: Exception | None = None
        self.told: list[Exception] = []

    def draw(self) -> None:
        if self.error is not None:
            raise self.error
        self.drawn += 1
        self.drew.set()

    def flusher(self, **more: Any) -> Flusher:
        flusher = Flusher(self.draw, name="canvas", hz=1000.0, on_error=self.told.append, **more)
        flusher.start()
        return flusher


def test_news_is_drawn_by_a_thread_of_its_own() -> None:
    canvas = Canvas()
    flusher = canvas.flusher()
    flusher.notify()
    assert canvas.drew.wait(5)
    flusher.close()
    assert not flusher.alive


def test_the_last_picture_is_drawn_when_it_is_closed_and_only_once() -> None:
    canvas = Canvas()
    flusher = Flusher(canvas.draw, name="canvas", hz=1000.0, on_error=canvas.told.append)
    flusher.close()  # never started: it draws all the same
    flusher.close()
    assert canvas.drawn == 1


def test_an_exception_ends_the_thread_and_is_told_once() -> None:
    canvas = Canvas()
    canvas.error = ZeroDivisionError("no room")
    flusher = canvas.flusher()
    flusher.notify()
    eventually(lambda: not flusher.alive, what="the thread's end")
    flusher.close()
    assert canvas.told == [canvas.error]


def test_a_thread_with_a_limit_ends_by_itself_and_draws_once_more() -> None:
    canvas = Canvas()
    ended = threading.Event()

    def end() -> None:
        before = canvas.drawn
        flusher.close()  # from the thread itself
        assert canvas.drawn == before + 1
        ended.set()

    flusher = Flusher(canvas.draw, name="canvas", hz=1000.0, on_error=canvas.told.append, on_end=end, max_s=0.05)
    flusher.start()
    assert ended.wait(5)
    assert canvas.told == []
    eventually(lambda: not flusher.alive, what="the thread's end")


# ------------------------------------------------------------------------------------------ the registry


def test_a_second_thing_of_one_name_closes_the_first() -> None:
    closed: list[str] = []
    first = SimpleNamespace(close=lambda: closed.append("first"))
    second = SimpleNamespace(close=lambda: closed.append("second"))
    registry.replace("thing", first)
    registry.replace("thing", second)
    registry.forget("thing", first)  # it has lost its name: this must not strike the second
    assert closed == ["first"]
    registry.close_all("thi")
    assert closed == ["first", "second"]


def test_the_registry_outlives_a_reload_of_its_module() -> None:
    closed: list[str] = []
    registry.replace("thing", SimpleNamespace(close=lambda: closed.append("before")))
    importlib.reload(registry)
    registry.replace("thing", SimpleNamespace(close=lambda: None))
    assert closed == ["before"]


# ------------------------------------------------------------------------------------------ the points


def test_points_are_bounded_and_counted_and_stand_by_time() -> None:
    series = Series("AAPL", max_points=3)
    for number in (1, 2, 4, 3):
        series.push(tick(100.0 + number, at=number))
    points = series.points()
    assert (points.total, len(points)) == (4, 3)
    assert points.prices.tolist() == [102.0, 103.0, 104.0]


def test_each_reading_gives_arrays_of_its_own() -> None:
    series = Series("AAPL", max_points=3)
    series.push(tick(100.0))
    first, second = series.points(), series.points()
    assert first.prices.dtype == np.float64
    assert not np.shares_memory(first.prices, second.prices)


def test_ticks_of_other_symbols_pass_by() -> None:
    series = Series(None, max_points=10)
    assert series.push(tick(1.0, symbol="TSLA"))
    assert not series.push(tick(2.0, symbol="AAPL"))
    assert (series.symbol, series.points().total) == ("TSLA", 1)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "AAPL",
        {},
        {"symbol": "AAPL", "price": 1.0},
        tick("dear"),  # type: ignore[arg-type]
        tick(float("nan")),
        tick(1.0, at=float("inf")),
    ],
)
def test_what_is_no_tick_is_refused_in_the_cell_that_pushes_it(wrong: Any) -> None:
    series = Series("AAPL", max_points=10)
    with pytest.raises(WidgetError, match="was wanted"):
        series.push(wrong)
    assert series.points().total == 0


# ------------------------------------------------------------------------------------------ the chart


def test_a_chart_leaves_a_picture_and_numbers_and_no_thread(outputs: dict[str, Any]) -> None:
    with LiveChart("AAPL") as chart:
        assert threads() == {"marketlab chart AAPL"}
        (bundle,) = outputs.values()
        assert bundle[VIEW]["model_id"] == chart.model_id
        for number in range(30):
            chart.push(tick(100.0 + number % 7, at=1000.0 + number, moving_average=101.0))
        chart.push(tick(110.0, at=1030.0, alert="⚠️ AAPL changed by 8.91%", change_pct=8.91))
    assert threads() == set()
    # Where the widget was there is a picture: tomorrow there is no kernel that a widget could live by.
    (bundle,) = outputs.values()
    assert VIEW not in bundle
    assert base64.b64decode(bundle["image/png"]).startswith(PNG)
    assert "<svg" in bundle["text/html"]
    assert "■ ended" in bundle["text/html"]
    evidence = bundle[EVIDENCE]
    assert evidence["frames"] >= 1
    assert {name: evidence[name] for name in ("ticks", "shown", "alerts", "first", "last", "lowest", "highest")} == {
        "ticks": 31,
        "shown": 31,
        "alerts": 1,
        "first": 100.0,
        "last": 110.0,
        "lowest": 100.0,
        "highest": 110.0,
    }


def test_the_still_shows_what_the_live_chart_showed(outputs: dict[str, Any]) -> None:
    with LiveChart("AAPL") as chart:
        chart.push(tick(100.0, at=1000.0, moving_average=100.0))
        chart.push(tick(104.0, at=1001.0, moving_average=102.0, alert="⚠️ AAPL changed by 4.00%", change_pct=4.0))
    (bundle,) = outputs.values()
    for text in ("AAPL", "104.00", "▲ +4.00 %", ">MA<", ">+4.00 %<", "■ ended", "2 ticks"):
        assert text in bundle["text/html"]
    assert bundle["text/plain"] == "AAPL at 104.00, ▲ +4.00 % over 2 ticks, 1 alert"
    assert chart.comm is None


def test_the_marks_of_a_chart_hold_what_was_pushed(outputs: dict[str, Any]) -> None:
    with LiveChart("AAPL") as chart:
        for number, change in enumerate([None, 3.1, -4.2]):
            alert = None if change is None else "⚠️"
            chart.push(tick(100.0 + number, at=1000.0 + number, alert=alert, change_pct=change))
    plot = chart._plot
    assert plot.price.y.tolist() == [100.0, 101.0, 102.0]
    assert (plot.up.y.tolist(), plot.down.y.tolist()) == ([101.0], [102.0])
    assert plot.alert_text.text.tolist() == ["+3.10 %", "−4.20 %"]
    assert plot.price.x.dtype == np.float64


def test_a_cell_that_runs_again_closes_the_chart_of_its_last_run(outputs: dict[str, Any]) -> None:
    first = LiveChart("AAPL")
    live.display(first)
    second = LiveChart("AAPL")
    assert first.ended
    assert threads() == {"marketlab chart AAPL"}
    assert VIEW not in outputs[first._display_id]
    second.finish()


def test_a_chart_with_a_limit_ends_by_itself_with_all_that_came(outputs: dict[str, Any]) -> None:
    chart = LiveChart("AAPL", max_seconds=0.1)
    live.display(chart)
    chart.push(tick(100.0))
    eventually(lambda: chart.ended and not threads(), what="the chart's end")
    assert outputs[chart._display_id][EVIDENCE]["ticks"] == 1
    chart.push(tick(101.0))  # a loop that goes on does no harm


def test_what_goes_wrong_in_a_chart_is_shown_in_it_and_kept(
    outputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("<no room>")

    chart = LiveChart("AAPL")
    monkeypatch.setattr(chart._plot, "show", fail)
    live.display(chart)
    chart.push(tick(100.0))
    eventually(lambda: chart.error, what="the error")
    chart.finish()
    assert isinstance(chart.error, ZeroDivisionError)
    assert "ZeroDivisionError: &lt;no room&gt;" in chart._status.value
    assert "ZeroDivisionError" in outputs[chart._display_id][EVIDENCE]["error"]


def test_an_empty_chart_says_so(outputs: dict[str, Any]) -> None:
    with LiveChart("AAPL") as chart:
        eventually(lambda: "waiting" in chart._status.value, what="a first look")
    assert "no tick came" in chart._status.value
    assert chart.drawing().png().startswith(PNG)
    assert chart.numbers()["last"] is None


def test_a_chart_is_low_enough_to_stand_above_the_fold() -> None:
    chart = LiveChart("AAPL", height=260)
    rows = {"head": 28, "figure": int(chart._plot.figure.layout.height.removesuffix("px")), "status": 32}
    chart.finish()
    assert sum(rows.values()) == 260


# ------------------------------------------------------------------------------------------ the lanes


def message(partition: int, offset: int, key: bytes | str | None = None) -> Any:
    return SimpleNamespace(partition=partition, offset=offset, key=key)


class FakeConsumer:
    """As much of a KafkaConsumer as the lanes ask."""

    config = {"group_id": "readers"}  # noqa: RUF012

    def __init__(self, positions: dict[int, int | None], generation: int = 1) -> None:
        self._positions = positions
        self._generation = generation

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition("t", number) for number in self._positions}

    def position(self, part: TopicPartition, *, timeout_ms: int) -> int | None:
        assert timeout_ms > 0
        return self._positions[part.partition]

    def group_metadata(self) -> Any:
        return SimpleNamespace(generation_id=self._generation)


def test_lanes_count_messages_and_keys_by_partition() -> None:
    lanes = Lanes(2)
    for offset, key in enumerate([b"AAPL", "AAPL", None]):
        lanes.add(message(1, offset), key=key)
    assert lanes.numbers()["partitions"] == [
        {"partition": 0, "messages": 0, "next_offset": 0, "keys": {}},
        {"partition": 1, "messages": 3, "next_offset": 3, "keys": {"AAPL": 2, "·": 1}},
    ]


def test_a_message_that_is_acknowledged_and_read_stands_once() -> None:
    lanes = Lanes(1)
    lanes.add(message(0, 0), key="AAPL")
    lanes.add(message(0, 0, b"AAPL"))
    assert lanes.numbers()["partitions"][0]["messages"] == 1


def test_a_partition_that_the_topic_has_not_is_refused() -> None:
    lanes = Lanes(3)
    with pytest.raises(WidgetError, match="0 to 2"):
        lanes.add(message(3, 0))
    with pytest.raises(WidgetError, match="0 to 2"):
        lanes.reads("A", {7: 0})


def test_a_consumer_is_asked_what_it_reads_and_how_far_it_is() -> None:
    lanes = Lanes(3)
    lanes.reads("A", FakeConsumer({2: 5, 0: None}))
    assert lanes.numbers()["readers"] == [{"name": "A", "group": "readers", "positions": {"0": 0, "2": 5}, "lag": 0}]
    lanes.leaves("A")
    assert lanes.numbers()["readers"] == []


@pytest.mark.parametrize(
    ("readers", "settled"),
    [
        ({"A": ({0: 0, 1: 0, 2: 0}, 1), "B": ({}, 1)}, True),
        ({"A": ({0: 0, 1: 0}, 2), "B": ({2: 0}, 2)}, True),
        ({"A": ({0: 0, 1: 0, 2: 0}, 1), "B": ({}, 2)}, False),  # A has not heard of B yet
        ({"A": ({0: 0, 1: 0}, 2), "B": ({1: 0, 2: 0}, 2)}, False),  # partition 1 has two readers
        ({"A": ({0: 0}, 2), "B": ({2: 0}, 2)}, False),  # partition 1 has none
        ({"A": ({0: 0, 1: 0, 2: 0}, 1)}, False),  # B is not there
    ],
)
def test_a_group_has_settled_when_each_partition_has_one_reader_of_one_generation(
    readers: dict[str, Any], settled: bool
) -> None:
    lanes = Lanes(3)
    lanes.reads("X", {0: 0, 1: 0, 2: 0}, group="audit")  # of another group: does not count
    for name, (positions, generation) in readers.items():
        lanes.reads(name, FakeConsumer(positions, generation))
    assert lanes.settled("AB") is settled
    assert lanes.shares("AB") == {name: sorted(positions) for name, (positions, _) in readers.items()}


def test_the_picture_says_in_words_what_it_shows() -> None:
    lanes = Lanes(2)
    lanes.add(message(0, 0), key="AAPL")
    lanes.reads("A", {0: 1, 1: 0}, group="readers")
    assert lanes.drawing().says == (
        "partition 0: next offset 1; partition 1: next offset 0; A of group readers reads 0 from 1, 1 from 0"
    )


def test_a_key_cannot_break_out_of_the_picture() -> None:
    lanes = Lanes(1)
    lanes.add(message(0, 0), key="<b>&")
    bundle = lanes._repr_mimebundle_()
    assert "&lt;b&gt;&amp;" in bundle["text/html"]
    assert "<b>" not in bundle["text/html"]
    assert bundle[EVIDENCE]["partitions"][0]["keys"] == {"<b>&": 1}


def test_colours_of_the_picture_follow_the_theme() -> None:
    lanes = Lanes(1, highlight="AAPL")
    lanes.add(message(0, 0), key="AAPL")
    drawing = lanes.drawing()
    assert "var(--ml-accent)" in drawing.svg()
    assert not any(value in drawing.svg() for value in tokens("light").values() if value.startswith("#"))
    light, dark = drawing.png(theme="light"), drawing.png(theme="dark")
    assert light.startswith(PNG)
    assert light != dark


def test_a_view_of_lanes_draws_what_is_added_and_ends(outputs: dict[str, Any]) -> None:
    lanes = Lanes(1)
    with PartitionView(lanes) as view:
        lanes.add(message(0, 0), key="TSLA")
        eventually(lambda: "TSLA" in view._svg.value, what="the message in the picture")
        lanes.add(message(0, 1), key="NFLX")
    assert "NFLX" in view._svg.value
    (bundle,) = outputs.values()
    assert bundle[EVIDENCE]["partitions"][0]["messages"] == 2


# ------------------------------------------------------------------------------------------ the verdict


def test_a_verdict_shows_what_was_seen_and_raises_only_when_something_is_not_yet() -> None:
    good = Verdict("01", {"partitions": (3, 3)})
    good.check()
    assert good._repr_mimebundle_()[VERDICT]["ok"]
    bad = Verdict("01", {"partitions": (3, 3), "<read>": (0, 23)})
    with pytest.raises(NotYetError, match="<read>: 23 was wanted, 0 was found"):
        bad.check()
    bundle = bad._repr_mimebundle_()
    assert [row["ok"] for row in bundle[VERDICT]["findings"]] == [True, False]
    assert "✗ not yet" in bundle["text/html"]
    assert "&lt;read&gt;" in bundle["text/html"]
