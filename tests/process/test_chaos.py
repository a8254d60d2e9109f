"""``marketlab chaos`` as a process: the short profile, what is kept, and what is wrong use."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from marketlab.chaos import PROFILES, Case, Result, cases, keep, kept, rows, this_code
from marketlab.errors import SettingsError, StoreError
from tests.process.commands import Home


@pytest.mark.broker
@pytest.mark.timeout(400)
def test_the_short_profile_passes_and_its_results_are_kept(
    home: Home, kafka_installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.process.commands.TIMEOUT_S", 380)
    done = home.json("chaos", "--profile", "short")
    assert done["passed"], done["failed"]
    assert {row["fault"] for row in done["faults"]} == {fault for fault, *_ in PROFILES["short"]}
    assert sum(row["lost"] + row["doubled"] for row in done["faults"]) == 0
    assert all(row["times"] >= 1 for row in done["faults"])
    zombies = next(row for row in done["faults"] if row["fault"] == "zombie")
    assert zombies["refused"] >= 1, "no zombie ever tried to write, so nothing was proven"
    # everything was run: the same command reads its verdict from the home, in no time and without a broker
    again = home.json("chaos", "--profile", "short", MARKETLAB_CACHE=os.devnull)
    assert again["faults"] == done["faults"]
    assert (done["reused"], again["reused"]) == (0, done["cases"])


def test_a_kept_failure_is_named_with_the_command_that_runs_it_again(home: Home) -> None:
    file = home.path / "chaos" / "results.jsonl"
    for case in cases("short", seed=5):
        keep(file, Result("short", str(case), case.fault, 1, 10, 0, 0, 0, 1.0, "now", [0.5], code=this_code()))
    assert home.json("chaos", "--seed", "5")["passed"]
    shown = home.run("chaos", "--seed", "5").out
    assert "✓ PASSED" in shown
    count = len(PROFILES["short"])
    assert f"{count} of {count} cases were run before" in shown
    with file.open("a", encoding="utf-8") as lines:
        lines.write('{"half a li')  # a kill in the middle of a line costs no more than that line
    assert home.json("chaos", "--seed", "5")["done"] == len(PROFILES["short"])


@pytest.mark.parametrize("code", ["", "0.1.0+ofotherdays"])
def test_a_verdict_on_other_code_is_none_on_this(home: Home, code: str) -> None:
    case = Case("lock", 3, 12_000, 5)
    result = Result("short", str(case), case.fault, 3, 10, 0, 0, 0, 1.0, "now", [0.5], code=code)
    keep(home.path / "chaos" / "results.jsonl", result)
    # What is to be run needs a broker, and there is no place for one.
    running = home.run("chaos", "--seed", "5", "--fault", "lock", "--json", expect=3, MARKETLAB_CACHE=os.devnull)
    assert running.out == ""


def test_a_damaged_results_file_is_named_by_line(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    file.write_text("{}\n")
    with pytest.raises(StoreError, match=r"results\.jsonl, line 1"):
        kept(file)


@pytest.mark.parametrize("wrong", [["--replay", "nonsense"], ["--replay", "zombie:1:2"], ["--fault", "flood"]])
def test_what_is_no_case_is_wrong_use(home: Home, wrong: list[str]) -> None:
    running = home.run("chaos", *wrong, expect=2)
    assert "zombie" in running.err
    assert "Traceback" not in running.err


def test_a_case_is_written_and_read_back() -> None:
    for case in (*cases("short", seed=7), *cases("long", seed=7)):
        assert Case.parse(str(case)) == case
    with pytest.raises(SettingsError, match=r"FAULT:TIMES:TICKS:SEED"):
        Case.parse("flood:1:1:1")


def test_the_long_profile_reaches_the_figures_that_are_asked_for() -> None:
    ticks = 0
    totals: dict[str, int] = {}
    for fault, parts, each, part_ticks in PROFILES["long"]:
        totals[fault] = parts * each
        ticks += parts * part_ticks * (fault in ("consumer-kill", "zombie", "rebalance"))

    assert (totals["consumer-kill"], totals["zombie"], totals["rebalance"]) == (1000, 200, 100)
    assert (totals["broker-kill"], totals["disk-full"], totals["lock"]) == (100, 100, 100)
    assert ticks >= 2_000_000


def test_parts_of_one_fault_are_added_up() -> None:
    parts = [
        Result("long", f"lock:2:10:{seed}", "lock", 2, 10, 0, 0, 1, 1.5, "now", [seed / 10], problems)
        for seed, problems in ((1, []), (2, ["one is missing"]))
    ]
    (row,) = rows(parts)
    assert (row.times, row.messages, row.refused, row.seconds, row.passed) == (4, 20, 2, 3.0, False)
    assert (row.recovery_p50_s, row.recovery_p99_s) == (0.2, 0.2)
    assert json.dumps(row.as_dict())
