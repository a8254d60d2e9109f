"""Replay of JSON Lines, raw captures, tapes and Parquet."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import json
import subprocess
import sys
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import msgspec
import pytest

from marketlab.errors import SourceError
from marketlab.model import Close, Tick
from marketlab.sources import Replay
from marketlab.transports import tape_format
from marketlab.wire import encode, encode_close
from tests.support import require

T = 1723161255
ONE = [Tick("AAPL", 215.67, float(T), 3.0)]


def write(folder: Path, lines: list[object], name: str = "ticks.jsonl") -> Path:
    path = folder / name
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts))
    return path


# --------------------------------------------------------------------------------------------- JSON Lines


@pytest.mark.parametrize(
    "row",
    [
        {"symbol": "AAPL", "price": 215.67, "timestamp": float(T), "size": 3},
        {"timestamp": str(T), "price": "215.67", "size": "3.0", "symbol": "aapl"},
        {"ts": T * 1_000_000_000, "last": 215.67, "qty": 3, "ticker": "AAPL", "nested": {"price": 7}},
        {"time": "2024-08-08T23:54:15Z", "px": 215.67, "quantity": 3, "pair": "AAPL", "note": None},
        {"symbol": "AAPL", "price": 215.67, "timestamp": T, "size": 3, "seq": 9, "run": "old"},
    ],
)
def test_json_lines_are_read_by_name(tmp_path: Path, row: dict[str, object]) -> None:
    assert list(Replay(write(tmp_path, [row]))) == ONE


def test_json_columns_go_by_name_only(tmp_path: Path) -> None:
    path = write(tmp_path, [{"when": T, "deal": 215.67, "who": "AAPL", "much": 3, "price": 1}])
    columns = {"timestamp": "when", "price": "deal", "symbol": "who", "size": "much"}
    assert list(Replay(path, columns=columns)) == ONE
    with pytest.raises(SourceError, match="names, not positions"):
        Replay(path, columns={"price": 1})


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("", "blank"),
        ('{"symbol":"AAPL","price":215.', "not_json"),
        ("NaN", "not_json"),
        ('{"price": 1e999}', "not_json"),
        ("[1, 2]", "not_an_object"),
        ("7", "not_an_object"),
        ("[" * 5_000, "not_json"),
        ({"type": "close", "run": "r", "symbol": "AAPL", "last_seq": 3}, "control"),
        ({"symbol": "AAPL", "timestamp": T}, "missing_field"),
        ({"symbol": "AAPL", "timestamp": T, "price": None}, "missing_field"),
        ({"symbol": "AAPL", "timestamp": T, "price": True}, "bad_price"),
        ({"symbol": "AAPL", "timestamp": T, "price": {"x": 1}}, "bad_price"),
        ({"symbol": "AAPL", "timestamp": True, "price": 1.5}, "bad_timestamp"),
        ({"symbol": "AAPL", "timestamp": [], "price": 1.5}, "bad_timestamp"),
        ({"symbol": 7, "timestamp": T, "price": 1.5}, "bad_symbol"),
        ({"symbol": ["AAPL"], "timestamp": T, "price": 1.5}, "bad_symbol"),
        ({"symbol": "AAPL", "timestamp": T, "price": 1.5, "size": False}, "bad_size"),
        ({"symbol": "AAPL", "timestamp": T, "price": 10**300}, "bad_price"),
    ],
)
def test_a_json_line_that_is_no_tick_is_counted_by_kind(tmp_path: Path, row: object, kind: str) -> None:
    good = {"symbol": "AAPL", "price": 215.67, "timestamp": T, "size": 3}
    replay = Replay(write(tmp_path, [good, row, good]))
    assert list(replay) == ONE * 2
    assert replay.skipped == {kind: 1}


def test_a_json_array_is_refused_with_the_command_that_makes_lines_of_it(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="JSON array") as refused:
        Replay(write(tmp_path, ['[{"symbol": "AAPL"},', "{}]"]))
    assert "jq -c" in (refused.value.mend or "")


def test_json_without_any_object_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no JSON object"):
        Replay(write(tmp_path, ["{", "{"]))


# --------------------------------------------------------------------------------------------- captures


def trade(**other: object) -> dict[str, object]:
    data = {"e": "trade", "E": T * 1000 + 1, "s": "BTCUSDT", "t": 1, "p": "61837.63", "q": "0.02", "T": T * 1000 + 342}
    return {"stream": "btcusdt@trade", "data": data | other}


TRADE = Tick("BTCUSDT", 61837.63, T + 0.342, 0.02)


def test_only_trades_of_a_capture_are_ticks_and_everything_else_is_counted_by_kind(tmp_path: Path) -> None:
    messages = [
        {"stream": "btcusdt@depth@100ms", "data": {"e": "depthUpdate", "b": [["1", "2"]]}},
        {"stream": "btcusdt@bookTicker", "data": {"s": "BTCUSDT", "b": "1", "a": "2"}},
        trade(),
        {"lastUpdateId": 5, "bids": [["1", "2"]], "asks": []},
        {"result": None, "id": 1},
        {"stream": "btcusdt@aggTrade", "data": {"e": "aggTrade", "s": "BTCUSDT", "p": "1", "q": "1", "T": 5}},
        trade(),  # real trades repeat in every value but their id
        trade(p="0"),
        trade(T=5.5),
        trade(p=None),
    ]
    lines = [f"{T * 10**9 + number} {json.dumps(message)}" for number, message in enumerate(messages)]
    replay = Replay(write(tmp_path, [*lines, f"{T}000000000 {{", "", "17 {}", lines[2]], "capture.txt"))
    assert list(replay) == [TRADE, TRADE, TRADE]
    assert replay.skipped == {
        "depth": 1, "bookTicker": 1, "snapshot": 1, "other": 1, "aggTrade": 1, "bad_price": 1, "not_a_message": 3,
        "not_json": 1, "blank": 1,
    }  # fmt: skip
    assert "raw exchange capture" in replay.describe()


def test_captures_are_known_without_stamps_and_without_streams(tmp_path: Path) -> None:
    assert list(Replay(write(tmp_path, [trade()]))) == [TRADE]
    assert list(Replay(write(tmp_path, [trade()["data"]]))) == [TRADE]
    assert list(Replay(write(tmp_path, [f"{T}123456789 {json.dumps(trade()['data'])}"]))) == [TRADE]


def test_a_capture_that_begins_in_the_middle_of_a_line_is_still_one(tmp_path: Path) -> None:
    line = f"{T}123456789 {json.dumps(trade())}"
    replay = Replay(write(tmp_path, [line[40:], line, line]))
    assert list(replay) == [TRADE] * 2
    assert replay.skipped == {"not_json": 1}


def test_a_capture_without_trades_is_refused_with_the_kinds_that_are_there(tmp_path: Path) -> None:
    line = f"{T}123456789 " + json.dumps({"stream": "btcusdt@bookTicker", "data": {}})
    with pytest.raises(SourceError, match=r"no row is a tick \(2 bookTicker\)"):
        list(Replay(write(tmp_path, [line, line])))


def test_kinds_of_messages_cannot_fill_the_memory(tmp_path: Path) -> None:
    lines = [f"{T}123456789 " + json.dumps({"stream": f"x@kind{number}", "data": {}}) for number in range(500)]
    replay = Replay(write(tmp_path, [*lines, f"{T}123456789 {json.dumps(trade())}"]))
    assert list(replay) == [TRADE]
    assert len(replay.skipped) <= 51
    assert replay.skipped.total() == 500


@pytest.mark.parametrize(
    "said",
    [
        {"columns": {"price": 1}}, {"symbol": "X"}, {"date": dt.date(2024, 8, 8)}, {"delimiter": ","},
        {"header": False}, {"time_unit": "ns"},
    ],
)  # fmt: skip
def test_what_a_capture_says_itself_is_not_overruled(tmp_path: Path, said: dict[str, object]) -> None:
    path = write(tmp_path, [f"{T}123456789 {json.dumps(trade())}"])
    with pytest.raises(SourceError, match="--" + next(iter(said)).replace("_", "-")):
        Replay(path, **said)  # type: ignore[arg-type]
    assert list(Replay(path, time_unit="ms")) == [TRADE]


# --------------------------------------------------------------------------------------------- tapes


def tape(folder: Path, values: list[bytes | None], name: str = "tape.jsonl") -> Path:
    """A tape as the recorder writes it."""
    header = tape_format.new_header(topic="stock-ticks", partitions=3)
    lines = [tape_format.encode_header(header)]
    for offset, value in enumerate(values):
        record = tape_format.to_record(
            partition=offset % 3, offset=offset, key=b"AAPL", value=value, timestamp_ms=T * 1000
        )
        lines.append(msgspec.json.encode(record) + b"\n")
    path = folder / name
    path.write_bytes(b"".join(lines) if not name.endswith(".gz") else gzip.compress(b"".join(lines)))
    return path


@pytest.mark.parametrize("name", ["tape.jsonl", "tape.jsonl.gz"])
def test_a_tape_gives_the_ticks_inside_it_without_run_and_sequence(tmp_path: Path, name: str) -> None:
    ticks = [Tick("AAPL", 215.67, float(T), 3.0, seq, "run-1") for seq in (1, 2)]
    values = [encode(ticks[0]), encode_close(Close("run-1", "AAPL", 2)), encode(ticks[1])]
    replay = Replay(tape(tmp_path, values, name))
    assert list(replay) == ONE * 2
    assert replay.skipped == {"control": 1}
    assert "stock-ticks" in replay.describe()


def test_messages_of_a_tape_that_are_no_ticks_are_counted_by_reason(tmp_path: Path) -> None:
    values = [
        b"", None, b"\xff\xfe", b"{", b'{"symbol":"AAPL","price":-1,"timestamp":1}', encode(ONE[0]),
        b'{"symbol":"AAPL","price":1,"timestamp":%d}' % (T + 10 * 86_400),
    ]  # fmt: skip
    path = tape(tmp_path, values)
    with path.open("a") as file:
        file.write('{"partition":0,"offset":7}\n\n{"partition":0,"off')
    replay = Replay(path)
    assert list(replay) == ONE
    assert replay.skipped == {
        "empty": 2, "not_utf8": 1, "not_json": 2, "bad_price": 1, "timestamp_ahead": 1, "not_a_record": 1, "blank": 1,
    }  # fmt: skip


def test_the_order_of_a_tape_is_that_of_its_lines(tmp_path: Path) -> None:
    ticks = [Tick("AAPL", float(price), float(T - price)) for price in range(1, 50)]
    assert list(Replay(tape(tmp_path, [encode(tick) for tick in ticks]))) == ticks


def test_bytes_of_a_tape_are_read_from_base64(tmp_path: Path) -> None:
    header = {"format": "marketlab-tape", "version": 1, "topic": "t", "partitions": 1, "tape": "x"}
    value = base64.b64encode(encode(ONE[0])).decode()
    assert list(
        Replay(write(tmp_path, [header, {"partition": 0, "offset": 0, "value_b64": value, "timestamp_ms": T * 1000}]))
    ) == ONE  # fmt: skip


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"format": "marketlab-tape", "version": 2, "topic": "t", "partitions": 1, "tape": "x"}, "found version 2"),
        ({"format": "marketlab-tape", "version": 1}, "header of the tape is damaged"),
    ],
)
def test_a_tape_that_is_not_understood_is_refused(tmp_path: Path, header: object, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        Replay(write(tmp_path, [header]))


def test_a_tape_of_control_records_only_holds_no_tick(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no row is a tick \(1 control\)"):
        list(Replay(tape(tmp_path, [encode_close(Close("run-1", "AAPL", 2))])))


def test_what_a_tape_says_itself_is_not_overruled(tmp_path: Path) -> None:
    path = tape(tmp_path, [encode(ONE[0])])
    for said in ({"symbol": "X"}, {"time_unit": "s"}, {"columns": {"price": "p"}}):
        with pytest.raises(SourceError, match="a tape says this itself"):
            Replay(path, **said)  # type: ignore[arg-type]


# --------------------------------------------------------------------------------------------- Parquet


@pytest.fixture
def pyarrow() -> None:
    require(find_spec("pyarrow"), "pyarrow is not installed (the extra parquet)")


def parquet(folder: Path, columns: dict[str, object], *, row_group_size: int = 1_000) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "ticks.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=row_group_size)
    return path


def column(values: list[object], type_name: str, *arguments: object) -> object:
    import pyarrow as pa

    return pa.array(values, getattr(pa, type_name)(*arguments))


MOMENT = dt.datetime(2024, 8, 8, 23, 54, 15, 342_123, dt.UTC)


@pytest.mark.usefixtures("pyarrow")
def test_a_timestamp_type_says_its_unit(tmp_path: Path) -> None:
    for stamps, expected in [
        (column([MOMENT], "timestamp", "us", "UTC"), T + 0.342123),
        (column([MOMENT], "timestamp", "ns", "Europe/Berlin"), T + 0.342123),
        (column([MOMENT.replace(tzinfo=None, microsecond=342_000)], "timestamp", "ms"), T + 0.342),
        (column([dt.datetime(1985, 1, 1)], "timestamp", "s"), 473385600.0),  # noqa: DTZ001
        (column([dt.date(2024, 8, 8)], "date32"), 1723075200.0),
        (column([T * 1000], "int64"), float(T)),
        (column([T + 0.5], "float64"), T + 0.5),
        (column(["2024-08-08T23:54:15Z"], "string"), float(T)),
    ]:
        path = parquet(tmp_path, {"timestamp": stamps, "symbol": ["aapl"], "price": [215.67], "extra": [[1, 2]]})
        assert list(Replay(path)) == [Tick("AAPL", 215.67, expected)], stamps


@pytest.mark.usefixtures("pyarrow")
def test_every_row_of_every_row_group_comes_in_order(tmp_path: Path) -> None:
    count = 40_000
    path = parquet(
        tmp_path,
        {
            "price": [1.0 + row for row in range(count)],
            "unused": ["x"] * count,
            "timestamp": [T + row for row in range(count)],
            "symbol": column([["AAPL", "GOOG"][row % 2] for row in range(count)], "string").dictionary_encode(),  # type: ignore[attr-defined]
            "size": [float(row % 3) or None for row in range(count)],
        },
        row_group_size=7_000,
    )
    replay = Replay(path)
    ticks = list(replay)
    assert [tick.price for tick in ticks] == [1.0 + row for row in range(count)]
    assert ticks[1] == Tick("GOOG", 2.0, T + 1.0, 1.0)
    assert not replay.skipped


@pytest.mark.usefixtures("pyarrow")
def test_parquet_quotes_bars_decimals_and_positions(tmp_path: Path) -> None:
    stamps = [T, T + 60]
    quotes = parquet(tmp_path, {"timestamp": stamps, "bid": [1.38727, 2.0], "ask": [1.38729, 1.0]})
    replay = Replay(quotes, symbol="EUR/USD")
    assert [tick.price for tick in replay] == [1.38728]
    assert replay.skipped == {"crossed_quote": 1}
    bars = parquet(tmp_path, {"timestamp": stamps, "close": column([Decimal("1.25"), None], "decimal128", 9, 2)})
    replay = Replay(bars, symbol="EUR/USD")
    assert list(replay) == [Tick("EUR/USD", 1.25, T + 60.0)]
    assert replay.skipped == {"missing_field": 1}
    assert [tick.price for tick in Replay(bars, symbol="X", columns={"timestamp": 0, "price": 1})] == [1.25]


@pytest.mark.usefixtures("pyarrow")
def test_a_stated_unit_that_the_type_contradicts_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"timestamp": column([MOMENT], "timestamp", "us"), "price": [1.5], "symbol": ["X"]})
    with pytest.raises(SourceError, match="says seconds, but 1723161255342123 is a date in microseconds"):
        Replay(path, time_unit="s")
    assert len(list(Replay(path, time_unit="us"))) == 1


@pytest.mark.usefixtures("pyarrow")
def test_parquet_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    whole = parquet(tmp_path, {"timestamp": [T], "price": [1.5], "symbol": ["X"]}).read_bytes()
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(whole[:-20])
    with pytest.raises(SourceError, match="damaged or cut off"):
        Replay(cut)
    with pytest.raises(SourceError, match="there are no rows"):
        Replay(parquet(tmp_path, {"timestamp": [], "price": [], "symbol": []}))
    packed = tmp_path / "ticks.gz"
    packed.write_bytes(gzip.compress(whole))
    with pytest.raises(SourceError, match="Parquet inside gzip"):
        Replay(packed)


def test_without_pyarrow_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ticks.parquet"
    path.write_bytes(b"PAR1" + bytes(20) + b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SourceError, match="needs pyarrow") as refused:
        Replay(path)
    assert "[parquet]" in (refused.value.mend or "")


def test_pyarrow_is_not_imported_for_other_files(tmp_path: Path) -> None:
    path = write(tmp_path, [{"symbol": "AAPL", "price": 1.5, "timestamp": T}])
    code = (
        "import sys; from marketlab.sources import Replay; list(Replay(sys.argv[1])); print('pyarrow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"
