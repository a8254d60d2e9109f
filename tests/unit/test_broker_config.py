"""The managed broker's configuration as data, and what a Java properties file makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketlab.broker.config import log4j2, properties, render


def read_properties(text: str) -> dict[str, str]:
    """As ``java.util.Properties.load`` reads it, for rows of the form that we write."""
    rows = {}
    for line in text.splitlines():
        name, _, raw = line.partition("=")
        value, at = "", 0
        raw = raw.lstrip(" \t\f")
        while at < len(raw):
            if raw[at] != "\\":
                value += raw[at]
                at += 1
            elif raw[at + 1] == "u":
                value += chr(int(raw[at + 2 : at + 6], 16))
                at += 6
            else:
                value += {"n": "\n", "r": "\r", "t": "\t"}.get(raw[at + 1], raw[at + 1])
                at += 2
        rows[name] = value.encode("utf-16", "surrogatepass").decode("utf-16")
    return rows


def test_replayed_ticks_never_fall_to_retention() -> None:
    assert properties(port=9092, data_dir="data")["log.retention.ms"] == "-1"


def test_only_loopback_listens() -> None:
    rows = properties(port=9093, data_dir="data")
    assert rows["listeners"] == "PLAINTEXT://127.0.0.1:9093,CONTROLLER://127.0.0.1:0"
    assert rows["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9093"


def test_overrides_replace_add_and_remove_rows() -> None:
    rows = properties(
        port=9092,
        data_dir=Path("/var/kafka"),
        **{"num.io.threads": 8, "log.segment.bytes": 1_000_000, "background.threads": None},
    )
    assert rows["num.io.threads"] == "8"
    assert rows["log.segment.bytes"] == "1000000"
    assert rows["log.dirs"] == "/var/kafka"
    assert "background.threads" not in rows


@pytest.mark.parametrize("value", ["plain", " led by a space", "C:\\kafka", "a=b:c#d!", "Jürgen 📈", "two\nlines\tand"])
def test_any_value_survives_a_properties_file(value: str) -> None:
    text = render({"log.dirs": value})
    assert text.isascii()
    assert read_properties(text) == {"log.dirs": value}


def test_the_log_is_bounded() -> None:
    rows = read_properties(log4j2())
    assert rows["appender.file.fileName"] == "logs/server.log"
    assert rows["appender.file.policies.size.size"] == "10MB"
    assert rows["appender.file.strategy.max"] == "2"
