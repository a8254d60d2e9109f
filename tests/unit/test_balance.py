"""The books as a pair of scales: how they tip, what they say, and what is weighed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlab.notebook.weighing import weigh
from marketlab.widgets import Balance, BalanceBeam, WidgetError
from marketlab.widgets.balance import PIVOT
from marketlab.widgets.live import EVIDENCE
from marketlab.widgets.shapes import Path
from tests.unit.conftest import PNG

pytestmark = [pytest.mark.notebook, pytest.mark.usefixtures("nothing_is_left")]

counts = st.integers(0, 10_000)


def ends(balance: Balance) -> tuple[float, float]:
    """How far the left and the right end of the beam are below the pivot."""
    (beam,) = (shape for shape in balance.drawing().shapes if isinstance(shape, Path) and shape.width == 3)
    return beam.points[0][1] - PIVOT[1], beam.points[1][1] - PIVOT[1]


@given(sent=counts, stored=counts, late=counts)
def test_the_heavier_side_sinks_and_only_equal_ones_are_level(sent: int, stored: int, late: int) -> None:
    balance = Balance(sent, {"stored": stored, "late": late})
    left, right = ends(balance)
    assert left == pytest.approx(-right)
    assert (left > 0) == (sent > stored + late)
    assert (left == 0) == balance.level == (sent == stored + late)


@given(sent=st.integers(1, 10**9), missing=st.integers(1, 10**9))
def test_one_tick_of_many_can_be_seen_to_be_missing_and_all_of_them_stay_in_the_picture(
    sent: int, missing: int
) -> None:
    drawing = Balance(sent, {"stored": sent - min(missing, sent)}).drawing()
    assert abs(ends(Balance(sent, {"stored": sent - min(missing, sent)}))[0]) >= 8
    for shape in drawing.shapes:
        if isinstance(shape, Path):
            assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in shape.points)


@pytest.mark.parametrize(
    ("balance", "says"),
    [
        (Balance(3, {"stored": 3}), "level: nothing is missing"),
        (Balance(3, {"stored": 1}, ["AAPL 2–3"]), "missing AAPL 2–3"),
        (Balance(9, {}, ["A 1", "B 1", "C 1", "D 1"]), "missing A 1, B 1, C 1 and 1 more"),
        (Balance(3, {"stored": 1}, waiting=["partition 0 from 1 to 2"]), "not read yet: partition 0 from 1 to 2"),
        (Balance(3, {"stored": 1}), "2 too few were found again"),
        (Balance(3, {"stored": 5}), "2 too many were found again"),
    ],
)
def test_what_is_missing_is_named(balance: Balance, says: str) -> None:
    assert balance.says == says
    assert repr(balance).endswith(f"; {says}")
    assert says in re.sub(r"\s+", " ", balance.drawing().svg())


def test_a_balance_shows_itself_and_leaves_its_numbers() -> None:
    bundle = Balance(10, {"stored": 5, "late": 1}, ["AAPL 7", "AAPL 9"])._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/png", EVIDENCE}
    assert bundle[EVIDENCE] == {
        "widget": "Balance", "sent": 10, "kept": {"stored": 5, "late": 1}, "missing": ["AAPL 7", "AAPL 9"],
        "waiting": [], "level": False,
    }  # fmt: skip


def test_a_live_beam_asks_remembers_how_far_it_tipped_and_has_its_buttons(outputs: dict[str, Any]) -> None:
    given_out = iter([Balance(5, {"stored": 1}), Balance(9, {"stored": 2}), *[Balance(9, {"stored": 9})] * 500])
    pressed: list[str] = []
    beam = BalanceBeam(
        lambda: next(given_out), hz=50, kill=lambda: pressed.append("kill"), start=lambda: pressed.append("start")
    )
    with beam:
        beam.end_when(lambda: beam._balance.level)
        beam.wait(20)
        for button in beam._parts:
            if hasattr(button, "click"):
                button.click()
    (bundle,) = outputs.values()
    assert bundle[EVIDENCE]["level"]
    assert bundle[EVIDENCE]["deepest"] == 7
    assert bundle[EVIDENCE]["error"] is None
    assert pressed == ["kill", "start"]
    assert beam.drawing().png().startswith(PNG)


def test_only_a_balance_can_be_pushed(outputs: dict[str, Any]) -> None:
    with BalanceBeam() as beam, pytest.raises(WidgetError, match="a Balance was wanted, 3 was found"):
        beam.push(3)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------ what is weighed


def partition(number: int, next_offset: int | None, **bins: int) -> dict[str, Any]:
    counted = dict.fromkeys(("stored", "late", "duplicate", "dead_lettered", "control"), 0) | bins
    return {"partition": number, "next_offset": next_offset, "received": sum(counted.values()), **counted}


def run(*gaps: tuple[str, int, int]) -> dict[str, Any]:
    lost = sum(last - first + 1 for _, first, last in gaps)
    return {"lost": lost, "gaps": [{"symbol": s, "from": first, "to": last} for s, first, last in gaps]}


def test_a_log_that_was_read_whole_is_level() -> None:
    books = {"partitions": [partition(0, 12, stored=9, late=1, dead_lettered=1, control=1)], "runs": [run()]}
    balance = weigh(books, {0: range(12), 1: range(0)})
    assert balance.level
    assert balance.kept == {"stored": 9, "late": 1, "dead-lettered": 1, "control": 1}


def test_what_was_not_read_yet_is_named_by_partition_and_offset() -> None:
    books = {"partitions": [partition(0, 4, stored=4)], "runs": [run()]}
    balance = weigh(books, {0: range(7), 1: range(3, 5)})
    assert (balance.sent, balance.found) == (4 + 3 + 2, 4)
    assert balance.waiting == ["partition 0 from 4 to 6", "partition 1 from 3 to 4"]


def test_what_is_lost_was_sent_although_it_is_not_on_the_log() -> None:
    books = {"partitions": [partition(0, 4, stored=4)], "runs": [run(("AAPL", 3, 3), ("NFLX", 5, 7))]}
    balance = weigh(books, {0: range(4)})
    assert balance.sent - balance.found == 4
    assert balance.missing == ["AAPL 3", "NFLX 5–7"]


def test_a_log_that_was_trimmed_behind_the_store_is_level() -> None:
    books = {"partitions": [partition(0, 10, stored=10)], "runs": []}
    assert weigh(books, {0: range(6, 10)}).level
