"""The smaller commands as processes: what they print, and their exit codes."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from marketlab.books import Books
from marketlab.store import SqliteReader
from tests.process.commands import Home
from tests.support import eventually


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str]:
    """A home with a run of 2,000 ticks and two messages that are none, and its tape."""
    folder = tmp_path_factory.mktemp("lab")
    home, tape = Home(folder / ".marketlab"), folder / "tape.jsonl"
    home.run("produce", "--ticks", "2000", "--rate", "0", "--seed", "7", "--transport", f"tape:{tape}")
    lines = tape.read_text().splitlines()
    ends = [json.loads(line) for line in lines[1:]]
    end = max(row["offset"] for row in ends if row["partition"] == 1) + 1
    with tape.open("a") as file:
        for offset, value in enumerate(['{"symbol":"NFLX","price":-1,"timestamp":5}', "\u0007[bold]no"], start=end):
            row = {"partition": 1, "offset": offset, "key": "NFLX", "value": value, "timestamp_ms": 1_731_000_000_000}
            file.write(json.dumps({**ends[0], **row}) + "\n")
    home.run("consume", "--drain", "--transport", f"tape:{tape}")
    return home, f"tape:{tape}"


def test_books_show_every_bin_and_balance(lab: tuple[Home, str]) -> None:
    running = lab[0].run("books")
    assert "2,000" in running.out
    assert running.out.rstrip().endswith("balanced")
    books = lab[0].json("books")
    assert books["balanced"]
    assert sum(row["dead_lettered"] for row in books["partitions"]) == 2


def test_unbalanced_books_are_exit_1_and_name_what_is_missing(home: Home) -> None:
    tape = home.path.parent / "tape.jsonl"
    home.run("produce", "--ticks", "50", "--rate", "0", "--transport", f"tape:{tape}")
    lines = tape.read_text().splitlines()
    dropped = json.loads(next(line for line in lines[10:] if '"seq":3' in json.loads(line)["value"]))
    tick = json.loads(dropped["value"])
    kept = [line for line in lines if json.loads(line) != dropped]
    tape.write_text("\n".join(kept) + "\n")
    home.run("consume", "--drain", "--transport", f"tape:{tape}")
    running = home.run("books", expect=1)
    assert "NOT BALANCED" in running.out
    assert f"{tick['symbol']} {tick['seq']} of run {tick['run']}" in running.out
    (run,) = home.json("books", expect=1)["runs"]
    assert (run["lost"], run["produced"], run["stored"]) == (1, 50, 49)
    (gap,) = run["gaps"]
    assert (gap["symbol"], gap["from"], gap["to"]) == (tick["symbol"], tick["seq"], tick["seq"])
    rows = [json.loads(line) for line in kept[1:]]
    seen = {json.loads(row["value"]).get("seq"): row for row in rows if row["key"] == tick["symbol"]}
    before, after = seen[tick["seq"] - 1], seen[tick["seq"] + 1]
    assert gap["partition"] == dropped["partition"]
    for found, row in ((gap["before"], before), (gap["after"], after)):
        assert found == {"offset": row["offset"], "timestamp": json.loads(row["value"])["timestamp"]}
    assert f"between offset {before['offset']} (" in running.out


def test_dead_letters_are_listed_and_shown_whole(lab: tuple[Home, str]) -> None:
    home, _ = lab
    listed = home.json("dead-letters", "list")
    assert listed["counts"] == {"bad_price": 1, "not_json": 1}
    newest = listed["dead_letters"][0]
    assert (newest["reason"], newest["raw"]) == ("not_json", "\u0007[bold]no")
    shown = home.run("dead-letters", "show", str(newest["id"])).out
    assert newest["raw_hex"][:4] in shown.replace(" ", "")
    assert "[bold]no" in shown
    assert [row["reason"] for row in home.json("dead-letters", "list", "--reason", "bad_price")["dead_letters"]] == [
        "bad_price"
    ]
    assert "no dead letter" in home.run("dead-letters", "show", "99", expect=2).err.lower()


def test_explain_reads_the_ticks_again(lab: tuple[Home, str]) -> None:
    home, tape = lab
    explanation = home.json("explain", "--transport", tape)
    assert explanation["verdict"] == "confirmed"
    number = str(explanation["alert"]["id"])
    assert "confirmed" in home.run("explain", number, "--transport", tape).out
    home.run("explain", "9999", "--transport", tape, expect=2)


def test_explain_on_another_log_says_that_the_ticks_are_gone(lab: tuple[Home, str], tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    Home(tmp_path / ".marketlab").run("produce", "--ticks", "1", "--rate", "0", "--transport", f"tape:{other}")
    assert lab[0].json("explain", "--transport", f"tape:{other}")["verdict"] == "gone"


def test_the_digest_of_an_unknown_run_is_a_mistake(lab: tuple[Home, str]) -> None:
    assert "no run" in lab[0].run("digest", "--run", "nobody", expect=2).err


def test_consuming_again_reads_nothing_twice(lab: tuple[Home, str]) -> None:
    assert lab[0].json("consume", "--drain", "--transport", lab[1])["received"] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("up", "--source", "replay:x.csv", "--rate", "5"),
        ("up", "--speed", "2"),
        ("up", "--source", "nowhere"),
        ("up", "--ticks", "0"),
        ("up", "--for", "soon"),
        ("up", "--columns", "price=0"),
        ("produce", "--transport", "carrier-pigeon"),
        ("produce", "--symbols", "a b", "--transport", "tape:t.jsonl"),
        ("consume", "--sink", "floor"),
        ("nonsense",),
        ("dead-letters", "list", "--reason", "bad_luck"),
    ],
)
def test_wrong_use_is_exit_2_with_a_word_about_it(home: Home, arguments: tuple[str, ...]) -> None:
    running = home.run(*arguments, expect=2)
    assert running.out == ""
    assert running.err
    assert "Traceback" not in running.err


def test_a_misspelt_variable_is_named(home: Home) -> None:
    assert "MARKETLAB_WINDWO" in home.run("books", expect=2, MARKETLAB_WINDWO="3").err


def test_a_tape_that_is_not_there_is_exit_3_with_the_mend(home: Home) -> None:
    running = home.run("consume", "--drain", "--transport", "tape:nowhere.jsonl", expect=3)
    assert "nowhere.jsonl" in running.err
    assert "record" in running.err


def test_a_database_of_another_program_is_refused(home: Home) -> None:
    import sqlite3

    home.path.mkdir(parents=True)
    with sqlite3.connect(home.path / "marketlab.db") as other:
        other.execute("CREATE TABLE theirs (x)")
        other.execute("PRAGMA application_id = 4711")
    other.close()
    tape = home.path.parent / "tape.jsonl"
    home.run("produce", "--ticks", "5", "--rate", "0", "--transport", f"tape:{tape}")
    assert "marketlab.db" in home.run("consume", "--drain", "--transport", f"tape:{tape}", expect=3).err


def test_settings_show_every_name_and_hide_the_password(home: Home) -> None:
    running = home.run("settings", MARKETLAB_SASL_PASSWORD="hunter2")
    assert "MARKETLAB_WINDOW = 5" in running.out
    assert "hunter2" not in running.out


def test_doctor_finds_this_machine_fit(home: Home) -> None:
    result = home.json("doctor")
    assert result["ok"], result
    assert {finding["what"] for finding in result["findings"]} >= {"python", "packages", "java runtime", "database"}


def test_doctor_names_what_is_wrong_and_the_mend(home: Home) -> None:
    home.path.mkdir(parents=True)
    (home.path / "marketlab.db").write_text("this is no database at all, and long enough to be looked at" * 20)
    result = home.json("doctor", expect=1, MARKETLAB_BOOTSTRAP_SERVERS="127.0.0.1:1")
    wrong = {finding["what"]: finding for finding in result["findings"] if finding["state"] == "wrong"}
    assert set(wrong) == {"broker", "database"}
    assert all(finding["mend"] for finding in wrong.values())


def test_the_http_sink_posts_what_the_api_shows_and_a_second_time_adds_nothing(
    lab: tuple[Home, str], tmp_path: Path
) -> None:
    _, tape = lab
    home = Home(tmp_path / "api" / ".marketlab")
    sender = Home(tmp_path / "sender" / ".marketlab")
    with home.running("serve", "--port", "0", "--json") as api:
        eventually(lambda: api.out.endswith("\n"), what="the address of the API")
        url = json.loads(api.out.splitlines()[0])["url"]
        for _ in range(2):
            sent = sender.json("consume", "--drain", "--transport", tape, "--sink", "http", "--api", url)
            assert sent["stored"] == 2000
        with SqliteReader(home.path / "marketlab.db") as reader:
            rows = [record for symbol in reader.latest() for record in reader.history(symbol.symbol, limit=1000)]
        assert len(rows) == 2000
    books: Books = home.books()
    assert books.runs == []


def test_beyond_this_machine_only_the_holder_of_the_token_may_write(lab: tuple[Home, str], tmp_path: Path) -> None:
    home, sender = Home(tmp_path / "api" / ".marketlab"), Home(tmp_path / "sender" / ".marketlab")
    assert "marketlab token --write" in home.run("serve", "--host", "0.0.0.0", "--port", "0", expect=2).err
    token = home.run("token", "--write").out.strip()
    assert home.run("token", "--show").out.strip() == token
    assert home.run("token").out.strip() != token, "another one each time"
    assert token not in home.run("settings").out
    with home.running("serve", "--host", "0.0.0.0", "--port", "0", "--json") as api:
        eventually(lambda: api.out.endswith("\n"), what="the address of the API")
        url = json.loads(api.out.splitlines()[0])["url"]
        arguments = ("consume", "--drain", "--quiet", "--transport", lab[1], "--sink", "http", "--api", url)
        refused = sender.run(*arguments, expect=3)
        assert "wants a token" in refused.err
        assert "MARKETLAB_TOKEN" in refused.err
        sender.run(*arguments, MARKETLAB_TOKEN=token)
    with SqliteReader(home.path / "marketlab.db") as reader:
        assert reader.latest()
    assert token not in api.out + api.err + refused.err


@pytest.mark.parametrize("token", ["", "short"])
def test_a_token_that_can_be_guessed_stops_the_server_at_its_start(home: Home, token: str) -> None:
    stopped = home.run("serve", "--port", "0", expect=2, MARKETLAB_TOKEN=token)
    assert "32 to 512 characters" in stopped.err


def test_the_http_sink_says_when_the_api_is_not_there_and_stops_when_told(
    lab: tuple[Home, str], tmp_path: Path
) -> None:
    sender = Home(tmp_path / ".marketlab")
    arguments = ("consume", "--transport", lab[1], "--sink", "http", "--api", "http://127.0.0.1:1")
    with sender.running(*arguments) as running:
        eventually(lambda: "cannot be reached" in running.err, what="word of the API")
        running.process.terminate()
        assert running.wait() == 3
    assert "marketlab serve" in running.err


def test_a_stop_while_kafka_is_looked_for_ends_at_once(home: Home) -> None:
    with home.running("consume", MARKETLAB_BOOTSTRAP_SERVERS="127.0.0.1:1") as running:
        eventually(lambda: any((home.path / "run").glob("consumer*")), what="the place of a consumer")
        running.process.send_signal(signal.SIGTERM)
        assert running.wait(15) == 0, "Kafka is looked for twice as long"
    assert (running.out, running.err) == ("", "")
