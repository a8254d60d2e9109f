"""``marketlab up`` as a process: what it prints, how it ends, and what a kill of any of its processes does."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import socket
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from marketlab.chaos.ground import quiet_port
from marketlab.supervisor import MAX_DEATHS
from tests.process.commands import Home
from tests.support import eventually

TICKS = ("--source", "simulator", "--seed", "7", "--ticks", "3000", "--rate", "0")
FIGURES = {
    "run", "produced", "stored", "late", "duplicate", "dead_lettered", "refused", "lost", "balanced", "skipped",
    "alerts", "digest", "seconds", "ticks_per_second",
}  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of 3,000 ticks that nothing disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    digest = Home(folder / ".marketlab").json("up", *TICKS, "--transport", f"tape:{folder / 'tape.jsonl'}")["digest"]
    assert isinstance(digest, str)
    return digest


@pytest.mark.broker
def test_up_moves_ticks_through_kafka_into_balanced_books(kafka_home: Home, undisturbed: str) -> None:
    running = kafka_home.run("up", *TICKS, "--json")
    result = running.json
    assert set(result) >= FIGURES
    assert (result["produced"], result["stored"], result["balanced"], result["lost"]) == (3000, 3000, True, 0)
    assert re.fullmatch("[0-9a-f]{64}", result["digest"])
    again = kafka_home.json("up", *TICKS)
    assert again["run"] != result["run"]
    assert again["digest"] == result["digest"] == undisturbed
    books = kafka_home.json("books")
    assert books["balanced"]
    assert [run["produced"] for run in books["runs"]] == [3000, 3000]
    assert kafka_home.digests() == {result["run"]: undisturbed, again["run"]: undisturbed}


@pytest.mark.broker
def test_the_halves_alone_do_what_up_does(kafka_home: Home, tmp_path: Path, undisturbed: str) -> None:
    made = kafka_home.json("produce", *TICKS)
    assert (made["produced"], set(made) >= {"run", "produced", "seconds"}) == (3000, True)
    read = kafka_home.json("consume", "--drain")
    assert {"received", "stored", "late", "duplicate", "dead_lettered", "control", "alerts", "seconds"} <= set(read)
    assert (read["received"], read["stored"], read["control"]) == (3005, 3000, 5)
    assert kafka_home.digests() == {made["run"]: undisturbed}
    # the same messages from a tape, in another home, give the same digest
    tape = tmp_path / "tape.jsonl.gz"
    assert kafka_home.json("record", str(tape))["messages"] == 3005
    other = Home(tmp_path / "other" / ".marketlab")
    assert other.json("consume", "--drain", "--transport", f"tape:{tape}")["stored"] == 3000
    assert other.digests() == {made["run"]: undisturbed}
    lag = [row["lag"] for row in kafka_home.json("topic", "describe")["partitions"]]
    assert lag == [0, 0, 0]


@pytest.mark.broker
@pytest.mark.parametrize("victim", ["consume", "produce", "up"])
def test_kill_9_of_any_process_and_a_new_start_end_balanced(kafka_home: Home, victim: str, undisturbed: str) -> None:
    slow = ("--source", "simulator", "--seed", "7", "--ticks", "3000", "--rate", "1500", "--clock", "simulated")
    with kafka_home.running("up", *slow, "--json") as running:
        eventually(lambda: kafka_home.stored() > 200, timeout_s=60, what="ticks in the store")
        if victim == "up":
            children = [running.child("produce"), running.child("consume")]
            running.process.kill()
            assert running.wait() == -signal.SIGKILL
            eventually(lambda: not any(alive(child) for child in children), what="the end of both children")
        else:
            running.child(victim).kill()
            assert running.wait() == 0, running.err
            assert running.json["balanced"]
            assert running.json["digest"] == undisturbed
    result = kafka_home.json("up", *TICKS)
    assert (result["balanced"], result["stored"], result["digest"]) == (True, 3000, undisturbed)
    assert kafka_home.books().balanced


@pytest.mark.broker
def test_kill_9_of_the_broker_ends_balanced(tmp_path: Path, kafka_installed: None, undisturbed: str) -> None:
    home = Home(tmp_path / ".marketlab", MARKETLAB_BROKER_PORT=str(quiet_port()))
    slow = ("--source", "simulator", "--seed", "7", "--ticks", "3000", "--rate", "500", "--clock", "simulated")
    with home.running("up", *slow, "--json") as running:
        eventually(lambda: home.stored() > 200, timeout_s=90, what="ticks in the store")
        pid = home.json("broker", "status")["pid"]
        os.kill(pid, signal.SIGKILL)
        assert running.wait() == 0, running.err
    assert (running.json["balanced"], running.json["stored"], running.json["digest"]) == (True, 3000, undisturbed)


@pytest.mark.parametrize(
    "point",
    [
        "before:store.claim",
        "after:store.claim",
        "before:store.commit:3",
        "after:store.commit:3",
        "after:consumer.poll:2",
        "after:consumer.analyse:2",
    ],
)
def test_dying_at_a_failpoint_loses_and_repeats_nothing(home: Home, undisturbed: str, point: str) -> None:
    tape = f"tape:{home.path.parent / 'tape.jsonl'}"
    home.run("produce", *TICKS, "--transport", tape, "--json")
    small = {"MARKETLAB_BATCH_SIZE": "100"}
    home.run(
        "consume", "--drain", "--transport", tape, "--json",
        expect=-signal.SIGKILL, MARKETLAB_FAILPOINT=point, **small,
    )  # fmt: skip
    home.run("consume", "--drain", "--transport", tape, "--json", **small)
    assert home.books().balanced
    assert list(home.digests().values()) == [undisturbed]


def alive(process: object) -> bool:
    return process.is_running() and process.status() != "zombie"  # type: ignore[attr-defined]


def test_ctrl_c_drains_closes_the_run_and_is_no_failure(home: Home) -> None:
    tape = f"tape:{home.path.parent / 'tape.jsonl'}"
    with home.running("up", "--transport", tape, "--rate", "200", "--json") as running:
        eventually(lambda: home.stored() > 20, timeout_s=60, what="ticks in the store")
        running.process.send_signal(signal.SIGINT)
        assert running.wait() == 0, running.err
    result = running.json
    assert result["balanced"]
    assert result["produced"] == result["stored"] > 20


def test_a_second_up_in_one_home_says_where_the_first_one_is(home: Home) -> None:
    tape = f"tape:{home.path.parent / 'tape.jsonl'}"
    with home.running("up", "--transport", tape, "--json") as first:
        eventually((home.path / "run" / "up.json").exists, what="word of the first one")
        second = home.run("up", "--transport", tape, "--json", expect=3)
        assert str(first.process.pid) in second.err
        assert second.out == ""
        first.process.send_signal(signal.SIGTERM)
        assert first.wait() == 0


def test_a_port_that_is_taken_is_exit_3_even_when_the_run_is_short(home: Home) -> None:
    tape = f"tape:{home.path.parent / 'tape.jsonl'}"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        running = home.run("up", "--transport", tape, "--ticks", "5", "--rate", "0", "--port", port, expect=3)
    assert port in running.err


def test_a_short_run_says_where_its_dashboard_was(home: Home) -> None:
    tape = f"tape:{home.path.parent / 'tape.jsonl'}"
    result = home.json("up", "--transport", tape, "--ticks", "5", "--rate", "0", "--port", "0")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/dashboard", result["dashboard_url"])


def test_a_run_ends_by_itself_after_its_time(home: Home) -> None:
    tape = f"tape:{home.path.parent / 'tape.jsonl'}"
    result = home.json("up", "--transport", tape, "--for", "1s", "--rate", "100")
    assert result["balanced"]
    assert 0 < result["produced"] <= 110


def test_a_replay_counts_what_is_no_tick(home: Home) -> None:
    capture = home.path.parent / "capture.gz"
    capture.parent.mkdir(parents=True)
    trade = {"e": "trade", "s": "BTCUSDT", "p": "61837.63", "q": "0.02", "T": 1723161255342, "t": 1}
    with gzip.open(capture, "wt") as file:
        for number in range(3):
            event = trade | {"T": trade["T"] + number}  # type: ignore[operator]
            file.write(f"172316125408789656{number} " + json.dumps({"stream": "btcusdt@trade", "data": event}) + "\n")
        file.write(
            "1723161254087891268 " + json.dumps({"stream": "btcusdt@bookTicker", "data": {"s": "BTCUSDT"}}) + "\n"
        )
    tape = f"tape:{home.path.parent / 'tape.jsonl'}"
    result = home.json("up", "--source", f"replay:{capture}", "--rate", "0", "--transport", tape)
    assert (result["stored"], result["skipped"], result["balanced"]) == (3, {"bookTicker": 1}, True)


def test_an_error_of_a_child_is_shown_with_its_mend_and_exit_code(home: Home) -> None:
    tape = f"tape:{home.path.parent / 'tape.jsonl'}"
    running = home.run("up", "--source", "replay:/nowhere/ticks.csv", "--transport", tape, "--json", expect=2)
    assert "/nowhere/ticks.csv" in running.err
    assert "Traceback" not in running.err
    assert running.out == ""


def test_a_killed_api_comes_back_at_the_same_address_and_up_says_so(home: Home) -> None:
    tape = f"tape:{home.path.parent / 'tape.jsonl'}"
    state = home.path / "run" / "up.json"

    def url() -> str | None:
        return json.loads(state.read_text()).get("dashboard_url") if state.exists() else None

    def answers(address: str) -> bool:
        with suppress(OSError), urllib.request.urlopen(address, timeout=5) as response:
            return response.status == 200
        return False

    with home.running("up", "--transport", tape, "--port", "0") as running:
        address = eventually(url, what="the dashboard's address")
        assert address is not None
        eventually(lambda: answers(address), what="an answer")
        killed = running.child("serve")
        killed.kill()
        eventually(lambda: "API was ended by signal 9 (SIGKILL), started again" in running.err, what="word of it")
        eventually(lambda: answers(address), what="an answer of the new one")
        assert running.child("serve").pid != killed.pid
        running.process.send_signal(signal.SIGINT)
        assert running.wait() == 0


@pytest.mark.broker
def test_a_consumer_that_is_killed_again_and_again_is_brought_back_each_time_and_up_says_so(kafka_home: Home) -> None:
    kills = MAX_DEATHS + 2
    with kafka_home.running("up", "--rate", "500", "--seed", "7") as running:
        seen, killed = 0, set()
        for _ in range(kills):
            eventually(lambda seen=seen: kafka_home.stored() > seen, timeout_s=60, what="more ticks")  # type: ignore[misc]
            victim = running.child("consume")
            killed.add(victim.pid)
            seen = kafka_home.stored()
            victim.kill()
            victim.wait(20)
        running.process.send_signal(signal.SIGINT)
        assert running.wait() == 0, running.err
    assert len(killed) == kills
    assert "consumer was ended by signal 9 (SIGKILL), started again" in running.err
    books = kafka_home.books()
    assert books.balanced
    assert [run.state for run in books.runs] == ["closed"]
