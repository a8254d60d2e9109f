"""What a user does about bad messages, old runs and lost ticks."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tests.cli import Cli


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    (tmp_path / "lab").mkdir()
    return Cli(tmp_path / "lab" / ".marketlab", monkeypatch, capsys)


def make_tape(cli: Cli, *, ticks: int = 200) -> Path:
    """A tape with a run of so many ticks."""
    tape = cli.home.parent / "tape.jsonl"
    cli("produce", "--ticks", str(ticks), "--rate", "0", "--seed", "7", "--transport", f"tape:{tape}")
    return tape


def edit(tape: Path, *, line: int, old: str, new: str) -> dict[str, object]:
    """Change one message of a tape, as a fault on the way would."""
    lines = tape.read_text(encoding="utf-8").splitlines()
    row: dict[str, object] = json.loads(lines[line])
    value = str(row["value"])
    assert old in value
    lines[line] = json.dumps(row | {"value": value.replace(old, new)})
    tape.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return row


# ------------------------------------------------------------------------------------------------ dead letters


def test_dead_letters_are_taken_out_mended_and_sent_again_over_a_tape(cli: Cli) -> None:
    tape = make_tape(cli)
    log = ("--transport", f"tape:{tape}")
    edit(tape, line=20, old='"price":', new='"price":"1e3","note":')  # a number in quotes
    row = edit(tape, line=30, old='"seq":', new='"seq":-')  # which one cannot be known
    cli("consume", "--drain", *log)
    (run,) = cli.json("books", expect=1)["runs"]
    assert (run["produced"], run["stored"], run["refused"], run["lost"]) == (200, 198, 1, 1)
    file = cli.home.parent / "letters.jsonl"
    assert cli.json("dead-letters", "export", str(file))["dead_letters"] == 2
    cli("dead-letters", "export", str(file), expect=2)
    repaired = cli.json("dead-letters", "repair", str(file))
    assert (repaired["mended"], repaired["left"], repaired["mends"]) == (1, 1, {"number": 1})
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line["repaired"] is None for line in lines] == [False, True]
    lines[1]["repaired"] = json.loads(str(row["value"]))  # by somebody who knows
    file.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    assert cli.json("dead-letters", "resend", str(file), *log, "--dry-run")["may_be_sent"] == [1, 2]
    assert cli.json("dead-letters", "resend", str(file), *log)["sent"] == [1, 2]
    cli("consume", "--drain", *log)
    (run,) = cli.json("books")["runs"]
    assert (run["produced"], run["stored"], run["late"], run["refused"], run["lost"]) == (200, 198, 2, 0, 0)
    assert cli.json("dead-letters", "resend", str(file), *log)["already_sent"] == [1, 2]
    assert "sent again" in cli("dead-letters", "show", "2").out
    assert cli.json("dead-letters", "export", str(file), "--force")["dead_letters"] == 0
    assert cli.json("dead-letters", "export", str(file), "--force", "--all")["dead_letters"] == 2


def test_what_cannot_be_mended_or_named_is_wrong_use(cli: Cli) -> None:
    tape = make_tape(cli)
    edit(tape, line=20, old='"price":', new='"price":-')
    log = ("--transport", f"tape:{tape}")
    cli("consume", "--drain", *log)
    assert "cannot be mended with certainty" in cli("dead-letters", "resend", "--id", "1", *log, expect=2).err
    assert "refused again" in cli("dead-letters", "resend", "--id", "1", "--value", "x", *log, expect=2).err
    cli("dead-letters", "resend", *log, expect=2)
    cli("dead-letters", "resend", "--value", "x", *log, expect=2)
    file = cli.home.parent / "letters.jsonl"
    cli("dead-letters", "export", str(file))
    assert "nothing is repaired" in cli("dead-letters", "resend", str(file), *log, expect=2).err


def test_what_a_terminal_would_obey_is_not_shown_to_it(cli: Cli) -> None:
    tape = make_tape(cli)
    edit(tape, line=20, old='{"symbol"', new="\x1b]0;owned\x07\x1b[2J")
    cli("consume", "--drain", "--transport", f"tape:{tape}")
    for running in (cli("dead-letters", "show", "1"), cli("dead-letters", "list")):
        assert "\x1b" not in running.out
        assert "owned" in running.out


# ------------------------------------------------------------------------------------------------ old runs, backups


def test_a_pruned_run_keeps_its_account_and_says_that_its_digest_is_gone(cli: Cli) -> None:
    tape = make_tape(cli)
    cli("consume", "--drain", "--transport", f"tape:{tape}")
    (run,) = cli.json("digest")["runs"]
    backup = cli.home.parent / "backup.db"
    made = cli.json("backup", str(backup))
    assert made["ticks"] == 200
    assert "already" in cli("backup", str(backup), expect=2).err
    assert cli.json("prune", "--keep", "7d")["ticks"] == 0
    assert cli.json("prune", "--keep", "0s", "--dry-run")["ticks"] == 195
    books = cli.json("books")
    pruned = cli.json("prune", "--keep", "0s")
    assert (pruned["ticks"], pruned["runs"], pruned["log_messages"]) == (195, 1, None)
    now = cli.json("books")
    assert now["runs"][0].pop("pruned_at") is not None
    assert books["runs"][0].pop("pruned_at") is None
    assert now == books
    assert "can no longer be made" in cli("digest", "--run", run, expect=1).err
    assert cli.json("digest")["runs"] == {run: None}
    assert "pruned" in cli("books").out
    (cli.home / "marketlab.db").unlink()
    backup.rename(cli.home / "marketlab.db")
    assert cli.json("digest", "--run", run)["runs"][run]
    cli("prune", expect=2)


def test_pruning_and_backing_up_nothing_says_so(cli: Cli) -> None:
    assert "no database" in cli("prune", "--keep", "1d", expect=2).err
    assert "no database" in cli("backup", str(cli.home.parent / "b.db"), expect=3).err


# ------------------------------------------------------------------------------------------------ faults that are found


def test_doctor_holds_the_rows_against_the_books(cli: Cli) -> None:
    tape = make_tape(cli)
    cli("consume", "--drain", "--transport", f"tape:{tape}")
    assert cli.json("doctor", "--deep")["ok"]
    with closing(apsw.Connection(str(cli.home / "marketlab.db"))) as connection:
        connection.execute("DELETE FROM ticks WHERE id = 7")
    assert cli.json("books")["balanced"], "the books are counters of their own"
    result = cli.json("doctor", expect=1)
    (wrong,) = (finding for finding in result["findings"] if finding["state"] == "wrong")
    assert (wrong["what"], bool(wrong["mend"])) == ("its contents", True)
    assert "its account says" in wrong["found"]


def test_explain_is_exit_1_when_the_log_says_something_else(cli: Cli) -> None:
    tape = make_tape(cli, ticks=2000)
    cli("consume", "--drain", "--transport", f"tape:{tape}")
    log = ("--transport", f"tape:{tape}")
    alert = cli.json("explain", *log)["alert"]
    rows = [json.loads(line) for line in tape.read_text(encoding="utf-8").splitlines()[1:]]
    line = 1 + next(
        n for n, row in enumerate(rows) if (row["partition"], row["offset"]) == (alert["partition"], alert["offset"])
    )
    edit(tape, line=line, old='"price":', new='"price":1')
    explained = cli.json("explain", *log, expect=1)
    assert explained["verdict"] == "differs"
    this = explained["current"]
    assert str(this["price_again"]) == f"1{this['price']}"
    assert explained["previous"]["price_again"] == explained["previous"]["price"]
    assert "DIFFERS" in cli("explain", *log, expect=1).out
