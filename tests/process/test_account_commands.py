"""Watched books, and dead letters and old messages on a real Kafka, as commands in processes of their own."""

from __future__ import annotations

import json
import signal

import pytest

from marketlab.transports import KafkaConfig, KafkaTransport
from tests.process.commands import Home
from tests.support import eventually


@pytest.mark.broker
def test_a_repaired_message_goes_through_kafka_by_its_key(kafka_home: Home, broker: str) -> None:
    topic = kafka_home._variables["MARKETLAB_TOPIC"]
    good = b'{"symbol":"AAPL","price":101.5,"timestamp":1731000000.0,"seq":%d,"run":"r"}'
    with KafkaTransport(KafkaConfig(bootstrap_servers=broker, topic=topic)) as log:
        publisher = log.publisher()
        for value in (good % 1, (good % 2).replace(b"101.5", b'"101.5"'), good % 3,
                      b'{"type":"close","run":"r","symbol":"AAPL","last_seq":3,"symbols":1}'):  # fmt: skip
            publisher.send(value, key=b"AAPL")
        publisher.flush(timeout_s=20)
        publisher.close(timeout_s=5)
    kafka_home.run("consume", "--drain")
    assert kafka_home.json("books")["runs"][0]["refused"] == 1
    assert kafka_home.json("dead-letters", "resend", "--id", "1")["sent"] == [1]
    kafka_home.run("consume", "--drain")
    books = kafka_home.json("books")
    assert (books["runs"][0]["late"], books["runs"][0]["refused"], books["balanced"]) == (1, 0, True)
    assert sum(row["received"] > 0 for row in books["partitions"]) == 1, "the same key, the same partition"


def test_watched_books_are_shown_after_every_commit_and_end_with_the_exit_code_of_the_last(home: Home) -> None:
    tape = home.path.parent / "tape.jsonl"
    home.run("produce", "--ticks", "200", "--rate", "0", "--transport", f"tape:{tape}")
    with home.running("books", "--watch", "--json") as watching:
        eventually(lambda: watching.out.count("\n") >= 1, what="the empty books")
        home.run("consume", "--drain", "--transport", f"tape:{tape}")
        eventually(lambda: '"stored": 200' in watching.out, what="the books with all ticks")
        watching.process.send_signal(signal.SIGINT)
        assert watching.wait() == 0
    shown = [json.loads(line) for line in watching.out.splitlines()]
    assert shown[0]["partitions"] == []
    assert shown[-1] == home.json("books")


def test_watched_books_that_do_not_balance_end_with_exit_1(home: Home) -> None:
    tape = home.path.parent / "tape.jsonl"
    home.run("produce", "--ticks", "200", "--rate", "0", "--transport", f"tape:{tape}")
    lines = tape.read_text(encoding="utf-8").splitlines()
    tape.write_text("\n".join([*lines[:20], *lines[21:]]) + "\n", encoding="utf-8")
    home.run("consume", "--drain", "--transport", f"tape:{tape}")
    with home.running("books", "--watch") as watching:
        eventually(lambda: "NOT BALANCED" in watching.out, what="the verdict")
        watching.process.send_signal(signal.SIGINT)
        assert watching.wait() == 1
    assert "Traceback" not in watching.err


@pytest.mark.broker
def test_a_prune_trims_the_managed_brokers_log_no_further_than_it_was_read(home: Home, kafka_installed: None) -> None:
    home.run("broker", "start")
    try:
        home.run("produce", "--ticks", "300", "--rate", "0", "--seed", "7")
        home.run("consume", "--drain")
        unread = 5 + home.json("produce", "--ticks", "50", "--rate", "0")["produced"]  # and five closing records
        assert home.json("prune", "--keep", "0s")["log_messages"] == 305
        rows = home.json("topic", "describe")["partitions"]
        assert sum(row["end"] - row["oldest"] for row in rows) == unread
        assert home.json("explain")["verdict"] == "gone"
        assert home.json("consume", "--drain")["received"] == unread
        assert [run.stored for run in home.books().runs] == [300, 50]
        assert home.books().balanced
    finally:
        home.run("broker", "stop", "--force")
