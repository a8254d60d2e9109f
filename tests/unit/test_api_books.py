"""``GET /books``: the account, and the runs of it page by page."""

from __future__ import annotations

import re
from itertools import chain
from typing import Any

import pytest

from marketlab.model import Close
from tests.api_lab import LOG, ApiLab, tick

PROBLEM = "application/problem+json"


@pytest.fixture
def lab() -> ApiLab:
    """Twelve closed runs, of which every third lacks its second tick, and one without a name."""
    lab = ApiLab()
    for number in range(12):
        run = f"run-{number:02d}"
        seqs = [1, 3] if number % 3 == 0 else [1, 2, 3]
        lab.send(*(tick(100, seq, seq=seq, run=run) for seq in seqs), Close(run, "AAPL", 3, 1))
    lab.send(tick(100, 9, run=""))
    return lab


def pages(lab: ApiLab, query: str) -> list[list[str]]:
    """The runs of each page, following the links."""
    found, link = [], f"?{query}"
    while link:
        response = lab.client.get(f"/books{link}")
        found.append([run["run"] for run in response.get_json()["runs"]])
        match = re.fullmatch(r'<(\?[^>]+)>; rel="next"', response.headers.get("Link", "<>"))
        link = match[1] if match else ""
    return found


RUNS = [f"run-{number:02d}" for number in reversed(range(12))] + [""]


@pytest.mark.parametrize("limit", [1, 5, 12, 13, 1000])
def test_following_the_links_gives_every_run_once_the_last_one_first(lab: ApiLab, limit: int) -> None:
    found = pages(lab, f"limit={limit}")
    assert list(chain(*found)) == RUNS
    assert len(found) == -(-len(RUNS) // limit)


def test_runs_that_do_not_balance_can_be_asked_for_alone(lab: ApiLab) -> None:
    assert pages(lab, "balanced=false&limit=3") == [["run-09", "run-06", "run-03"], ["run-00"]]
    assert list(chain(*pages(lab, "balanced=true&limit=2"))) == [run for run in RUNS if run not in RUNS[2:12:3]]


def test_all_else_is_of_all_runs_whichever_are_shown(lab: ApiLab) -> None:
    whole = lab.get("/books")
    assert whole["totals"] == {"open": 1, "closed": 12, "unbalanced": 4, "lost": 4}
    assert whole["balanced"] is False
    for query in ("limit=1", "balanced=true", f"before={LOG} run-01"):
        assert without_runs(lab.get(f"/books?{query}")) == without_runs(whole)
    assert [run["run"] for run in lab.get(f"/books?before={LOG} run-01")["runs"]] == ["run-00", ""]


def without_runs(books: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in books.items() if name != "runs"}


def test_a_hundred_runs_come_unless_asked_otherwise() -> None:
    lab = ApiLab()
    lab.send(*(tick(100, 1, run=f"run-{number:03d}") for number in range(103)))
    assert len(lab.get("/books")["runs"]) == 100
    assert len(lab.get("/books?limit=1000")["runs"]) == 103


def test_a_kept_answer_is_not_given_to_another_question(lab: ApiLab) -> None:
    for query in ("", "?balanced=false", "?balanced=true", "?limit=2", "?balanced=false&limit=2"):
        assert lab.get(f"/books{query}") == lab.get(f"/books{query}")
    assert len({str(lab.get(f"/books{query}")) for query in ("", "?balanced=false", "?balanced=true")}) == 3


@pytest.mark.parametrize(
    ("query", "pointer"),
    [("limit=0", "/limit"), ("limit=1001", "/limit"), ("before=7", "/before"), ("balanced=no", "/balanced"),
     ("balanced=true&balanced=true", "/balanced")],
)  # fmt: skip
def test_a_page_that_cannot_be_meant_is_refused(lab: ApiLab, query: str, pointer: str) -> None:
    response = lab.client.get(f"/books?{query}")
    assert (response.status_code, response.mimetype) == (400, PROBLEM)
    assert response.get_json()["pointer"] == pointer
