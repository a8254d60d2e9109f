"""Books that balance, and books that must not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marketlab.books import PartitionBook, StreamBook, balance
from marketlab.digest import DigestRow, digest
from marketlab.model import BINS, Break, Counts, Rule

COUNTS = {"received": 15, "stored": 5, "late": 4, "duplicate": 3, "dead_lettered": 2, "control": 1}
REASONS = {"bad_price": 1, "not_json": 1}
STREAM = StreamBook("log", 0, "run", "AAPL", produced=10, stored=7, late=2, duplicate=3, refused=1)


def test_a_partition_balances_when_every_message_is_in_a_bin() -> None:
    assert PartitionBook("log", 0, Counts(**COUNTS), reasons=REASONS).balanced


@pytest.mark.parametrize("name", COUNTS)
def test_one_message_more_or_less_anywhere_and_a_partition_does_not_balance(name: str) -> None:
    for by in (-1, 1):
        book = PartitionBook("log", 0, Counts(**{**COUNTS, name: COUNTS[name] + by}), reasons=REASONS)
        assert not book.balanced
        assert not balance([book], []).balanced


@pytest.mark.parametrize("reasons", [{}, {"bad_price": 1}, {**REASONS, "empty": 1}])
def test_one_reason_more_or_less_and_a_partition_does_not_balance(reasons: dict[str, int]) -> None:
    assert not PartitionBook("log", 0, Counts(**COUNTS), reasons=reasons).balanced


def test_dead_letters_of_all_partitions_are_told_by_reason() -> None:
    books = [PartitionBook("log", number, Counts(), reasons=REASONS) for number in range(3)]
    assert balance(books, []).as_dict()["dead_letters"] == {"bad_price": 3, "not_json": 3}


def test_a_closed_run_balances_when_every_tick_is_accounted_for() -> None:
    (book,) = balance([], [STREAM]).runs
    assert (book.state, book.produced, book.lost, book.balanced) == ("closed", 10, 0, True)


@pytest.mark.parametrize("name", ["produced", "stored", "late", "refused"])
def test_one_tick_more_or_less_anywhere_and_a_run_does_not_balance(name: str) -> None:
    for by in (-1, 1):
        (book,) = balance([], [replace(STREAM, **{name: getattr(STREAM, name) + by})]).runs
        assert not book.balanced


def test_duplicates_do_not_count_as_produced() -> None:
    (book,) = balance([], [replace(STREAM, duplicate=99)]).runs
    assert book.balanced
    assert book.duplicate == 99


def test_a_lost_tick_is_named_and_unbalances_even_though_the_sum_comes_out() -> None:
    (book,) = balance([], [replace(STREAM, stored=6, gaps=((4, 4),))]).runs
    assert book.lost == 1
    assert book.produced == book.stored + book.late + book.refused + book.lost
    assert not book.balanced
    (gap,) = book.as_dict()["gaps"]
    assert gap == {"symbol": "AAPL", "from": 4, "to": 4, "partition": 0, "before": None, "after": None}


def test_a_lost_tick_is_named_with_the_messages_between_which_it_is_missing() -> None:
    breaks = (Break(4, 6, 13, 3.0, 14, 7.0), Break(9, 9, None, None, 20, None))
    (book,) = balance([], [replace(STREAM, gaps=((4, 4), (6, 6), (9, 9)), breaks=breaks)]).runs
    first, second, third = book.as_dict()["gaps"]
    assert (first["before"], first["after"]) == ({"offset": 13, "timestamp": 3.0}, {"offset": 14, "timestamp": 7.0})
    assert (second["from"], second["before"]) == (6, first["before"])
    assert (third["before"], third["after"]) == (None, {"offset": 20, "timestamp": None})
    assert book.gaps == {"AAPL": [[4, 4], [6, 6], [9, 9]]}


def test_lost_is_counted_from_the_gaps_and_not_as_the_remainder() -> None:
    (book,) = balance([], [replace(STREAM, stored=5)]).runs
    assert book.lost == 0
    assert not book.balanced


def test_a_run_is_open_until_every_symbol_is_closed() -> None:
    other = replace(STREAM, symbol="GOOG", produced=None)
    (book,) = balance([], [STREAM, other]).runs
    assert (book.state, book.produced, book.balanced) == ("open", None, True)


def test_a_run_is_open_while_a_whole_symbol_that_was_announced_is_missing() -> None:
    (book,) = balance([], [replace(STREAM, run_symbols=2)]).runs
    assert book.state == "open"


def test_an_open_run_with_a_gap_does_not_balance() -> None:
    books = balance([], [replace(STREAM, produced=None, gaps=((3, 5),))])
    assert books.runs[0].lost == 3
    assert not books.balanced


def test_runs_of_one_name_on_two_logs_are_two_runs() -> None:
    books = balance([], [STREAM, replace(STREAM, log="other")])
    assert [book.log for book in books.runs] == ["log", "other"]
    assert books.of_run("run", log="other") is books.runs[1]


def test_no_books_balance() -> None:
    assert balance([], []).as_dict() == {
        "balanced": True,
        "dead_letters": {},
        "partitions": [],
        "totals": {"open": 0, "closed": 0, "unbalanced": 0, "lost": 0},
        "runs": [],
    }


def test_the_bins_are_all_counted() -> None:
    assert set(Counts().as_dict()) == {"received", *BINS}
    total = Counts(**COUNTS)
    total += Counts(**COUNTS)
    assert total.as_dict() == {name: 2 * value for name, value in COUNTS.items()}


# --------------------------------------------------------------------------------------------------- digest

ROWS: list[DigestRow] = [
    ("AAPL", 1, 215.67, 1730896201.0, None, 215.67, None, False),
    ("AAPL", 2, 222.2, 1730896202.0, 3.0, 218.935, "⚠️ AAPL changed by 3.03%", False),
    ("AAPL", 3, 222.0, 1730896200.0, None, None, None, True),
]


def test_the_digest_of_these_rows_is_this_for_ever() -> None:
    assert digest(ROWS, rules=[Rule()]) == "fb71d0f510597a3390bc4cb1e84f64e98e700420c4b8ae5ffd0d28657a27ae45"


@pytest.mark.parametrize("row", range(3))
@pytest.mark.parametrize("column", range(8))
def test_every_field_of_every_row_counts(row: int, column: int) -> None:
    others = ("GOOG", 9, 1.5, 2.5, 99.0, 98.0, "x", not ROWS[row][7])
    changed = list(ROWS)
    changed[row] = (*ROWS[row][:column], others[column], *ROWS[row][column + 1 :])  # type: ignore[assignment]
    assert digest(changed, rules=[Rule()]) != digest(ROWS, rules=[Rule()])


@pytest.mark.parametrize("rule", [Rule(window=6), Rule(threshold_pct=3.1)])
def test_the_rule_counts(rule: Rule) -> None:
    assert digest(ROWS, rules=[rule]) != digest(ROWS, rules=[Rule()])
