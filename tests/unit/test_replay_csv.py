"""Replay of delimited text: columns, delimiters, headers, numbers, and the rows that are no ticks."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlab.errors import SourceError
from marketlab.model import Tick
from marketlab.sources import Replay, parse_columns

T = 1723161254


def write(folder: Path, text: str | bytes, name: str = "ticks.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def ticks(folder: Path, text: str | bytes, **said: object) -> list[Tick]:
    return list(Replay(write(folder, text), **said))  # type: ignore[arg-type]


ONE = [Tick("AAPL", 215.67, float(T), 3.0)]


@pytest.mark.parametrize(
    "text",
    [
        f"timestamp,symbol,price,size\n{T},AAPL,215.67,3\n",
        f"timestamp,symbol,price,size\n{T},AAPL,215.67,3",  # no newline at the end
        f"timestamp,symbol,price,size\r\n{T},AAPL,215.67,3\r\n",
        f"timestamp,symbol,price,size\r{T},AAPL,215.67,3\r",
        f"\ufefftimestamp,symbol,price,size\n{T},AAPL,215.67,3\n",
        f"timestamp;symbol;price;size\n{T};AAPL;215.67;3\n",
        f"timestamp\tsymbol\tprice\tsize\n{T}\tAAPL\t215.67\t3\n",
        f"timestamp|symbol|price|size\n{T}|AAPL|215.67|3\n",
        f"timestamp  symbol price size\n{T} AAPL  215.67    3\n",
        f'"timestamp","symbol","price","size"\n"{T}","AAPL","215.67","3"\n',
        f"timestamp, symbol, price, size\n{T}, AAPL, 215.67, 3\n",
        f"Time,Ticker,Last,Qty\n{T},aapl,215.67,3\n",
        f"<TS>,<TICKER>,<LAST>,<VOLUME>\n{T},AAPL,215.67,3\n",
        f"time,timestamp,symbol,last,price,volume,size\n7,{T},AAPL,1.0,215.67,9,3\n",  # the wire's own names win
        f"id,price,venue,timestamp,size,symbol\n7,215.67,Xé,{T},3,AAPL\n",
        f"timestamp;symbol;price;size\n{T};AAPL;215,67;3,0\n",  # decimal comma
        f'timestamp,symbol,price,size\n{T},AAPL,"215,67","3,0"\n',
        f"timestamp,symbol,price,size\n{T},AAPL,2.1567e2,3\n",
        f"timestamp,symbol,price,size\n{T},AAPL,215.67,3,\n",  # a delimiter after the last cell
        f"timestamp,symbol,price,size\r\n{T},AAPL,215.67,3,\r\n",
    ],
)
def test_every_common_form_gives_the_same_tick(tmp_path: Path, text: str) -> None:
    assert ticks(tmp_path, text) == ONE


@pytest.mark.parametrize("columns", ["timestamp=0,symbol=1,price=2,size=3", "size=3,price=2,symbol=1,timestamp=0"])
def test_without_a_header_columns_go_by_position(tmp_path: Path, columns: str) -> None:
    assert ticks(tmp_path, f"{T},AAPL,215.67,3\n", columns=parse_columns(columns)) == ONE


def test_columns_go_by_name_or_position_and_the_rest_is_told_by_name(tmp_path: Path) -> None:
    text = f"when,symbol,deal,price,size\n{T},AAPL,215.67,1.0,3\n"
    assert ticks(tmp_path, text, columns={"timestamp": "when", "price": 2}) == ONE
    assert ticks(tmp_path, text, columns={"timestamp": "WHEN", "price": "deal"}) == ONE


def test_the_symbol_is_said_where_the_file_has_none(tmp_path: Path) -> None:
    text = f"timestamp,price\n{T},215.67\n"
    assert ticks(tmp_path, text, symbol="bch/eur") == [Tick("BCH/EUR", 215.67, float(T))]
    with pytest.raises(SourceError, match="no column is known to hold the symbol") as refused:
        ticks(tmp_path, text)
    assert "--symbol" in (refused.value.mend or "")


def test_a_symbol_that_the_file_says_itself_is_not_overruled(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"--symbol MSFT was given, but the file names its symbols itself"):
        ticks(tmp_path, f"timestamp,symbol,price\n{T},AAPL,1.5\n", symbol="MSFT")


def test_a_header_can_be_said(tmp_path: Path) -> None:
    text = f"1,2,AAPL\n{T},215.67,AAPL\n"
    columns = {"timestamp": 0, "price": 1, "symbol": 2}
    assert len(ticks(tmp_path, text, columns=columns, header=True)) == 1
    replay = Replay(write(tmp_path, f"timestamp,price,symbol\n{T},215.67,AAPL\n"), columns=columns, header=False)
    assert len(list(replay)) == 1
    assert replay.skipped == {"bad_price": 1}  # the names were read as a row


def test_an_unusual_delimiter_can_be_said_by_sign_or_by_name(tmp_path: Path) -> None:
    assert ticks(tmp_path, f"timestamp^symbol^price^size\n{T}^AAPL^215.67^3\n", delimiter="^") == ONE
    assert ticks(tmp_path, f"timestamp\tsymbol\tprice\tsize\n{T}\tAAPL\t215.67\t3\n", delimiter="tab") == ONE


def test_a_semicolon_file_with_decimal_commas_and_no_header_is_told_by_what_gives_ticks(tmp_path: Path) -> None:
    columns = {"timestamp": 0, "price": 1, "size": 2}
    replay = Replay(write(tmp_path, f"{T},5;61837,63;0,02\n{T},75;61837,5;1\n"), columns=columns, symbol="BTC/EUR")
    assert list(replay) == [Tick("BTC/EUR", 61837.63, T + 0.5, 0.02), Tick("BTC/EUR", 61837.5, T + 0.75, 1.0)]
    assert "semicolons" in replay.describe()
    assert "decimal comma" in replay.describe()


def test_two_delimiters_that_would_both_do_are_refused(tmp_path: Path) -> None:
    text = "2024-08-08 10,5\n2024-08-08 11,5\n"  # 5 at ten o'clock, or 10.5 on that day
    columns = {"timestamp": 0, "price": 1}
    with pytest.raises(SourceError, match="ticks by commas and by spaces") as refused:
        ticks(tmp_path, text, columns=columns, symbol="X")
    assert "--delimiter" in (refused.value.mend or "")
    assert [tick.price for tick in ticks(tmp_path, text, columns=columns, symbol="X", delimiter=",")] == [5.0, 5.0]
    assert [tick.price for tick in ticks(tmp_path, text, columns=columns, symbol="X", delimiter=" ")] == [10.5, 11.5]


def test_without_header_and_columns_nothing_is_guessed(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no header") as refused:
        ticks(tmp_path, f"{T},215.67,3\n", symbol="AAPL")
    assert f"'{T},215.67,3'" in str(refused.value)
    assert "--columns timestamp=0,price=1,size=2" in str(refused.value)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("timestamp,symbol,value", "no column is known to hold a price .*the columns are timestamp, symbol, value"),
        ("when,symbol,price", "no column is known to hold a timestamp"),
        ("time,date,symbol,price", "time and date could each be the timestamp"),
        ("timestamp,symbol,last,px", "last and px could each be the price"),
    ],
)
def test_columns_that_are_not_known_or_known_twice_are_refused(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as refused:
        ticks(tmp_path, f"{header}\n{T},AAPL,1.5,1.5\n")
    assert "--columns" in (refused.value.mend or "")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"price": "cost"}, "price = 'cost' is not there; the columns are timestamp, symbol, price"),
        ({"price": 3}, "price = column 3 was wanted, the last column is 2"),
        ({"prize": 2}, "a column can be .* was 'prize'"),
        ({"price": -1}, "from 0 on, was -1"),
        ({"price": 2, "bid": 1}, "a row has a price, or bid and ask, or a close, was price, bid"),
    ],
)
def test_columns_that_cannot_be_meant_are_refused(tmp_path: Path, columns: dict[str, int], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        ticks(tmp_path, f"timestamp,symbol,price\n{T},AAPL,1.5\n", columns=columns)


def test_positions_beyond_the_last_column_and_names_without_a_header_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="price = column 5 was wanted, the last column is 1"):
        ticks(tmp_path, f"{T},1.5\n", columns={"timestamp": 0, "price": 5}, symbol="X")
    with pytest.raises(SourceError, match="the columns have no names"):
        ticks(tmp_path, f"{T},1.5\n", columns={"timestamp": 0, "price": "last"}, symbol="X")


@pytest.mark.parametrize("text", ["timestamp", "timestamp=", "=1", "timestamp=0,timestamp=1", ""])
def test_a_columns_argument_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(SourceError, match="role=column"):
        parse_columns(text)


def test_quotes_become_mid_prices_exact_to_the_last_digit_and_crossed_ones_are_counted(tmp_path: Path) -> None:
    text = f"timestamp,symbol,bid,ask\n{T},EUR/USD,1.38727,1.38729\n{T},EUR/USD,1.3,1.3\n{T},EUR/USD,1.31,1.3\n"
    replay = Replay(write(tmp_path, text))
    assert [tick.price for tick in replay] == [1.38728, 1.3]  # a locked quote has a price, a crossed one has none
    assert replay.skipped == {"crossed_quote": 1}
    assert "mid prices" in replay.describe()


def test_a_price_column_wins_over_quotes_beside_it(tmp_path: Path) -> None:
    replay = Replay(write(tmp_path, f"timestamp,symbol,price,bid,ask\n{T},X,5,1,2\n"))
    assert [tick.price for tick in replay] == [5.0]
    assert "mid" not in replay.describe()
    replay = Replay(write(tmp_path, f"timestamp,symbol,price,bid,ask\n{T},X,5,1,2\n"), columns={"bid": "bid"})
    assert [tick.price for tick in replay] == [1.5]


def test_a_file_called_quote_without_header_is_stamp_bid_ask_only_if_the_numbers_agree(tmp_path: Path) -> None:
    replay = Replay(write(tmp_path, f"{T},1.5,1.54\n", "eurusd_quote.csv"), symbol="EUR/USD")
    assert [tick.price for tick in replay] == [1.52]
    assert "quotes, as the file's name says" in replay.describe()
    for row, name in [(f"{T},1.5,1000\n", "eurusd_quote.csv"), (f"{T},1.5,1.54\n", "eurusd.csv")]:
        with pytest.raises(SourceError, match="no header"):
            Replay(write(tmp_path, row, name), symbol="EUR/USD")


BARS = "timestamp,open,high,low,close,volume\n" + "".join(
    f"{T + after},1,3,1,{price},9\n" for after, price in [(0, 2.0), (60, 2.5), (240, 2.25)]
)


def test_bars_become_their_closes_at_their_ends(tmp_path: Path) -> None:
    replay = Replay(write(tmp_path, BARS), symbol="GBP/USD")
    # The gap of 180 s is a pause of three bars and does not make a bar longer; volume is no size of the last trade.
    assert [(tick.timestamp - T, tick.price, tick.size) for tick in replay] == [
        (60.0, 2.0, None), (120.0, 2.5, None), (300.0, 2.25, None),
    ]  # fmt: skip
    assert "closes of bars of 60 s" in replay.describe()
    assert "60 s later" in replay.describe()


def test_closes_can_be_read_as_plain_prices_at_the_stamps_as_they_stand(tmp_path: Path) -> None:
    replay = Replay(write(tmp_path, BARS), symbol="GBP/USD", columns={"price": "close"})
    assert [tick.timestamp - T for tick in replay] == [0.0, 60.0, 240.0]
    assert "bars" not in replay.describe()


@pytest.mark.parametrize("stamps", [[0], [0, 60, 150], [0, 0]])
def test_bars_of_unknown_length_are_refused(tmp_path: Path, stamps: list[int]) -> None:
    text = "timestamp,close\n" + "".join(f"{T + stamp},1.5\n" for stamp in stamps)
    with pytest.raises(SourceError, match="how long a bar is cannot be told") as refused:
        ticks(tmp_path, text, symbol="X")
    assert "--columns price=close" in (refused.value.mend or "")


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("", "blank"),
        ("   ", "blank"),
        (f"{T},AAPL", "short_row"),
        (f"{T},AAPL,1,234.5,3", "long_row"),  # a thousands sign without quotes: the price would be 1
        (f'{T},"AAPL,1.5,3', "broken_quotes"),
        (f'{T},"AAPL"x,1.5,3', "broken_quotes"),
        (f"{T},,1.5,3", "missing_field"),
        (",AAPL,1.5,3", "missing_field"),
        (f"{T},AAPL, ,3", "missing_field"),
        (f"{T},A PL,1.5,3", "bad_symbol"),
        (f"{T},ÄPL,1.5,3", "bad_symbol"),
        (f"{T},{'A' * 33},1.5,3", "bad_symbol"),
        (f"{T},AAPL,0,3", "bad_price"),
        (f"{T},AAPL,-1.5,3", "bad_price"),
        (f"{T},AAPL,1e12,3", "bad_price"),
        (f"{T},AAPL,x,3", "bad_price"),
        (f"{T},AAPL,1_000,3", "bad_price"),
        (f'{T},AAPL,"1,5",3', "bad_price"),
        (f"{T},AAPL,nan,3", "not_finite"),
        (f"{T},AAPL,-inf,3", "not_finite"),
        (f"{T},AAPL,1e999,3", "not_finite"),
        ("x,AAPL,1.5,3", "bad_timestamp"),
        ("-5,AAPL,1.5,3", "bad_timestamp"),
        ("nan,AAPL,1.5,3", "bad_timestamp"),
        (f"{T}000,AAPL,1.5,3", "bad_timestamp"),  # milliseconds among seconds
        ("5,AAPL,1.5,3", "bad_timestamp"),
        (f"{T},AAPL,1.5,0", "bad_size"),
        (f"{T},AAPL,1.5,-1", "bad_size"),
        (f"{T},AAPL,1.5,x", "bad_size"),
        (f"{T},AAPL,1.5,inf", "bad_size"),
    ],
)
def test_a_row_that_is_no_tick_is_counted_by_kind_and_the_rest_goes_on(tmp_path: Path, row: str, kind: str) -> None:
    head = "timestamp,symbol,price,size\n" + f"{T},AAPL,215.67,3\n" * 2
    # Once among the rows that are looked at first, once far behind them.
    for good in (20, 1_500):
        replay = Replay(write(tmp_path, f"{head}{row}\n" + f"{T},AAPL,215.67,3\n" * good))
        assert list(replay) == ONE * (good + 2)
        assert replay.skipped == {kind: 1}


def test_a_size_may_be_left_out(tmp_path: Path) -> None:
    found = ticks(tmp_path, f"timestamp,symbol,price,size\n{T},AAPL,1.5,\n{T},AAPL,1.5, \n")
    assert [tick.size for tick in found] == [None, None]


def test_bytes_that_are_not_utf8_do_no_harm_where_nobody_reads_them(tmp_path: Path) -> None:
    text = f"timestamp,symbol,price,note\n{T},AAPL,1.5,caf".encode() + b"\xe9\n" + f"{T},".encode() + b"\xe9,1.5,\n"
    replay = Replay(write(tmp_path, text))
    assert len(list(replay)) == 1
    assert replay.skipped == {"bad_symbol": 1}


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        (["1,234"], "'1,234' could mean 1.234 or 1234"),
        (["1.234,56"], "signs between thousands"),
        (["1 234.56"], "signs between thousands"),
        (["1,234,567.5"], "signs between thousands"),
        (["215.67", "215,67"], "both like '215.67' and '215,67'"),
    ],
)
def test_numbers_that_could_mean_two_things_are_refused(tmp_path: Path, prices: list[str], message: str) -> None:
    text = "timestamp;price\n" + "".join(f"{T};{price}\n" for price in prices)
    with pytest.raises(SourceError, match=message) as refused:
        ticks(tmp_path, text, symbol="X")
    assert "61837.63" in (refused.value.mend or "")


def test_a_file_without_any_tick_is_refused_with_its_first_row_and_what_was_tried(tmp_path: Path) -> None:
    replay = Replay(write(tmp_path, f"timestamp,symbol,price\n{T},AAPL,-1\n{T},AAPL,x\n"))
    with pytest.raises(SourceError, match="no row is a tick") as refused:
        list(replay)
    for part in ("2 bad_price", "'timestamp,symbol,price'", "CSV by commas, header", "price = price", "--columns"):
        assert part in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "only blank lines"),
        ("timestamp,symbol,price\n", "there are no rows below the header"),
        ("timestamp,symbol,price\n1,2\n", "there are no rows .*: 1 short_row"),
        ("hello\n", "no columns were found"),
        ("hello, world\n", "no column is known to hold a price"),
    ],
)
def test_a_file_that_cannot_hold_ticks_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        Replay(write(tmp_path, text), symbol=None)


def test_a_symbol_delimiter_or_unit_that_is_none_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    for said in ({"symbol": "a b"}, {"delimiter": "::"}, {"delimiter": '"'}, {"time_unit": "hours"}):
        with pytest.raises(SourceError, match=next(iter(said)).split("_")[0]):
            Replay(path, **said)  # type: ignore[arg-type]


def test_the_order_of_the_file_is_kept_even_where_time_runs_back(tmp_path: Path) -> None:
    stamps = [T + 5, T, T + 9, T + 9, T + 1]
    text = "timestamp,symbol,price\n" + "".join(f"{stamp},AAPL,1.5\n" for stamp in stamps)
    assert [tick.timestamp for tick in ticks(tmp_path, text)] == stamps


def test_every_packing_gives_the_same_ticks(tmp_path: Path) -> None:
    text = f"timestamp,symbol,price,size\n{T},AAPL,215.67,3\n".encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__MACOSX/._ticks.csv", b"litter")
        archive.writestr("data/ticks.csv", text)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("ticks.csv.gz", gzip.compress(text))
    halves = gzip.compress(text[:20]) + gzip.compress(text[20:])
    for name, data in [
        ("a.csv.gz", gzip.compress(text)), ("misnamed.csv", gzip.compress(text)), ("two.gz", halves),
        ("a.zip", packed.getvalue()), ("b.zip", inner.getvalue()),
    ]:  # fmt: skip
        assert list(Replay(write(tmp_path, data, name))) == ONE, name


_symbols = st.text("ABCXYZ019.-/:_=", min_size=1, max_size=32)
_prices = st.floats(min_value=1e-9, max_value=9.99e11)
_stamps = st.floats(min_value=631_152_000, max_value=4_102_444_799)
_sizes = st.none() | st.floats(min_value=1e-9, max_value=1e15)


@given(
    rows=st.lists(st.builds(Tick, _symbols, _prices, _stamps, _sizes), min_size=1, max_size=20),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
    header=st.booleans(),
)
def test_whatever_is_written_as_csv_comes_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Tick], delimiter: str, quoting: int, end: str, header: bool
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    if header:
        writer.writerow(["symbol", "price", "timestamp", "size"])
    writer.writerows([row.symbol, repr(row.price), repr(row.timestamp), row.size] for row in rows)
    path = write(tmp_path_factory.mktemp("csv"), text.getvalue())
    columns = None if header else {"symbol": 0, "price": 1, "timestamp": 2, "size": 3}
    replay = Replay(path, columns=columns, delimiter=delimiter, header=header)
    assert list(replay) == rows
    assert not replay.skipped
