"""Dead letters taken out, repaired and sent again through a log, and what becomes of their run's account."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlab.consumer import Consumer
from marketlab.dead_letters import Entry, check, mend, oldest_first, read_file, send, write_file
from marketlab.dead_letters.resend import AT_ONCE
from marketlab.errors import DeliveryError, NotFoundError, SettingsError, TransportError
from marketlab.model import DeadLetter, Reason, Rule, Tick
from marketlab.partitioner import Partitioner
from marketlab.testing.malformed import malformed
from marketlab.testing.memory_log import MemoryLog
from marketlab.testing.memory_store import MemoryStore
from marketlab.wire import encode, examine

NOW = 1_731_000_000.0
SYMBOLS = ("AAPL", "GOOG", "NFLX")


class Lab:
    """A log, a store, and what lies between them."""

    def __init__(self) -> None:
        self.log = MemoryLog(3, clock=lambda: NOW)
        self.store = MemoryStore()

    def put(self, *messages: Tick | bytes, key: str = "AAPL") -> None:
        publisher = self.log.publisher()
        for message in messages:
            value = message if isinstance(message, bytes) else encode(message)
            publisher.send(value, key=(key if isinstance(message, bytes) else message.symbol).encode())
        publisher.flush(timeout_s=5)
        publisher.close(timeout_s=1)

    def consume(self) -> None:
        log = self.log
        Consumer(lambda: log.subscribe("g"), self.store, log=log.log_id, rule=Rule()).run(threading.Event(), drain=True)

    def send(self, *repaired: tuple[DeadLetter, bytes], again: bool = False) -> dict[str, object]:
        parcels, result = check(repaired, reader=self.store, log=self.log, again=again, now=NOW)
        return send(parcels, result, store=self.store, log=self.log).as_dict()

    def account(self, run: str = "r") -> tuple[int, int, int, int, bool]:
        book = self.store.books(run=run).of_run(run)
        assert book is not None
        return book.stored, book.late, book.refused, book.lost, book.balanced


@pytest.fixture
def lab() -> Lab:
    """A closed run of five ticks, the third with its price in quotes, the fourth cut short."""
    lab = Lab()
    lines = [encode(Tick("AAPL", 100.0 + seq, NOW + seq, None, seq, "r")) for seq in range(1, 6)]
    lines[2] = lines[2].replace(b"103.0", b'"103.0"')
    lines[3] = lines[3][:30]
    lab.put(*lines, b'{"type":"close","run":"r","symbol":"AAPL","last_seq":5,"symbols":1}')
    lab.consume()
    assert lab.account() == (3, 0, 1, 1, False)
    return lab


def test_repaired_messages_go_through_the_log_and_the_books_balance(lab: Lab) -> None:
    quoted, cut = oldest_first(lab.store)
    mended = mend(quoted)
    assert mended is not None
    assert mend(cut) is None
    whole = encode(Tick("AAPL", 104.0, NOW + 4, None, 4, "r"))
    assert lab.send((cut, whole), (quoted, mended.value))["sent"] == [quoted.id, cut.id]
    assert lab.account() == (3, 0, 1, 1, False), "they are on the log, and not in the store before they are consumed"
    lab.consume()
    assert lab.account() == (3, 2, 0, 0, True)
    (partition,) = (book for book in lab.store.books().partitions if book.counts.received)
    assert (partition.counts.dead_lettered, partition.reasons) == (2, {"bad_price": 1, "not_json": 1})
    marked = {letter.id: letter for letter in oldest_first(lab.store)}
    assert marked[cut.id].repaired == whole
    assert all(letter.resent_at and letter.raw in (quoted.raw, cut.raw) for letter in marked.values())
    assert list(lab.store.problems()) == []


def test_what_was_sent_is_left_alone_the_next_time(lab: Lab) -> None:
    quoted, _ = oldest_first(lab.store)
    repaired = mend(quoted)
    assert repaired is not None
    lab.send((quoted, repaired.value))
    assert lab.send((quoted, repaired.value)) == {
        "sent": [],
        "already_sent": [quoted.id],
        "in_doubt": [],
        "taken_by_another": [],
    }
    assert lab.send((quoted, repaired.value), again=True)["sent"] == [quoted.id]
    lab.consume()
    assert lab.account() == (3, 1, 0, 1, False)
    assert lab.store.books(run="r").runs[0].duplicate == 1


@pytest.mark.parametrize("again", [False, True])
def test_of_two_resends_at_once_one_sends_a_letter_and_the_other_says_so(lab: Lab, again: bool) -> None:
    quoted, cut = oldest_first(lab.store)
    repaired = mend(quoted)
    assert repaired is not None
    if again:
        lab.store.begin_resend([(quoted, repaired.value)])  # begun and not acknowledged: both are asked to send it
    letters = [(quoted, repaired.value)]
    first = check(letters, reader=lab.store, log=lab.log, again=again, now=NOW)
    second = check([*letters, (cut, encode(Tick("AAPL", 104.0, NOW + 4, None, 4, "r")))],
                   reader=lab.store, log=lab.log, again=again, now=NOW)  # fmt: skip
    assert send(*first, store=lab.store, log=lab.log).sent == [quoted.id]
    result = send(*second, store=lab.store, log=lab.log).as_dict()
    assert (result["sent"], result["taken_by_another"]) == ([cut.id], [quoted.id])
    lab.consume()
    assert lab.account() == (3, 2, 0, 0, True)
    assert lab.store.books(run="r").runs[0].duplicate == 0


def test_a_letter_that_is_given_twice_is_refused(lab: Lab) -> None:
    quoted, _ = oldest_first(lab.store)
    value = encode(Tick("AAPL", 103.0, NOW + 3, None, 3, "r"))
    with pytest.raises(SettingsError, match=f"dead letter {quoted.id} may be sent once"):
        lab.send((quoted, value), (quoted, value))


def test_while_the_log_is_away_nothing_is_begun(lab: Lab) -> None:
    quoted, _ = oldest_first(lab.store)
    lab.log.stop()
    with pytest.raises(TransportError):
        lab.send((quoted, encode(Tick("AAPL", 103.0, NOW + 3, None, 3, "r"))))
    assert lab.store.dead_letter(quoted.id) == quoted


def test_a_letter_whose_sending_was_never_acknowledged_is_in_doubt(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    quoted, _ = oldest_first(lab.store)
    value = encode(Tick("AAPL", 103.0, NOW + 3, None, 3, "r"))
    monkeypatch.setattr("marketlab.dead_letters.resend.FLUSH_S", 0.05)
    begun = lab.store.begin_resend
    with monkeypatch.context() as patch:
        patch.setattr(lab.store, "begin_resend", lambda letters: (begun(letters), lab.log.stop())[0])
        with pytest.raises(DeliveryError) as caught:
            lab.send((quoted, value))
    assert "--again" in (caught.value.mend or "")
    letter = lab.store.dead_letter(quoted.id)
    assert (letter.repaired, letter.resent_at) == (value, None)
    assert letter.resend_begun_at is not None
    lab.log.start()
    assert lab.send((quoted, value))["in_doubt"] == [quoted.id]
    assert lab.send((quoted, value), again=True)["sent"] == [quoted.id]
    lab.consume()
    assert lab.account()[:3] == (3, 1, 0)


def test_parts_that_were_acknowledged_stay_sent_when_a_later_one_fails(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Lab()
    count = AT_ONCE + 10
    lab.put(*(b"{%d" % number for number in range(count)))
    lab.consume()
    letters = list(oldest_first(lab.store))
    assert len(letters) == count
    monkeypatch.setattr("marketlab.dead_letters.resend.FLUSH_S", 0.05)
    ended = lab.store.end_resend
    monkeypatch.setattr(lab.store, "end_resend", lambda ids: (ended(ids), lab.log.stop()))
    with pytest.raises(DeliveryError, match=f"{AT_ONCE} dead letters were sent, the next 10 may have been"):
        lab.send(*((letter, encode(Tick("AAPL", 1.0, NOW + letter.id))) for letter in letters))
    after = list(oldest_first(lab.store))
    assert [letter.id for letter in after if letter.resent_at is None] == [letter.id for letter in letters[AT_ONCE:]]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"still not a tick", "refused again: not_json"),
        (encode(Tick("AAPL", 1.0, NOW + 90_000, None, 3, "r")), "refused again: timestamp_ahead"),
        (encode(Tick("AAPL", 1.0, NOW, None, 4, "r")), "must keep run, symbol and seq"),
        (encode(Tick("GOOG", 1.0, NOW, None, 3, "r")), "must keep run, symbol and seq"),
        (encode(Tick("AAPL", 1.0, NOW, None, 3, "s")), "must keep run, symbol and seq"),
        (encode(Tick("AAPL", 1.0, NOW)), "must keep run, symbol and seq"),
    ],
)
def test_what_would_be_refused_or_counted_elsewhere_is_not_sent(lab: Lab, value: bytes, why: str) -> None:
    quoted, cut = oldest_first(lab.store)
    ends = dict(_ends(lab.log))
    with pytest.raises(SettingsError, match=why) as caught:
        lab.send((cut, encode(Tick("AAPL", 104.0, NOW + 4, None, 4, "r"))), (quoted, value))
    assert f"dead letter {quoted.id}" in caught.value.message
    assert dict(_ends(lab.log)) == ends, "nothing of it was sent"
    assert all(letter.resend_begun_at is None for letter in oldest_first(lab.store))


def _ends(log: MemoryLog) -> Iterator[tuple[int, int]]:
    subscription = log.subscribe("looking")
    try:
        yield from subscription.end_offsets(timeout_s=1).items()
    finally:
        subscription.close(timeout_s=1)


def elsewhere(symbol: str) -> str:
    """A name that belongs on another partition than this one."""
    partition_of = Partitioner(3)
    return next(s for s in (f"S{n}" for n in range(99)) if partition_of(s.encode()) != partition_of(symbol.encode()))


def test_a_symbol_that_is_not_that_of_the_key_cannot_have_been_meant(lab: Lab) -> None:
    _, cut = oldest_first(lab.store)
    with pytest.raises(SettingsError, match="under the key b'AAPL'"):
        lab.send((cut, encode(Tick("GOOG", 1.0, NOW, None, 4, "r"))))
    assert lab.send((cut, encode(Tick("GOOG", 1.0, NOW))))["sent"] == [cut.id], "without a seq no account goes wrong"


def test_without_a_key_a_symbol_that_belongs_on_another_partition_cannot_have_been_meant(lab: Lab) -> None:
    lab.log.append(0, b"no key")
    lab.consume()
    *_, letter = oldest_first(lab.store)
    assert letter.key is None
    other = next(s for s in ("AAPL", elsewhere("AAPL")) if Partitioner(3)(s.encode()) != 0)
    with pytest.raises(SettingsError, match="belongs on"):
        lab.send((letter, encode(Tick(other, 1.0, NOW, None, 4, "r"))))


def test_a_letter_goes_back_under_its_own_key_to_where_it_came_from() -> None:
    lab, exchange = Lab(), elsewhere("AAPL")
    lines = [encode(Tick("AAPL", 100.0 + seq, NOW + seq, None, seq, "r")) for seq in range(1, 4)]
    lines[1] = lines[1].replace(b"102.0", b'"102.0"')
    lab.put(*lines, b'{"type":"close","run":"r","symbol":"AAPL","last_seq":3,"symbols":1}', key=exchange)
    lab.consume()
    (letter,) = oldest_first(lab.store)
    assert letter.key == exchange.encode()
    mended = mend(letter)
    assert mended is not None
    assert lab.send((letter, mended.value))["sent"] == [letter.id]
    lab.consume()
    assert lab.account() == (2, 1, 0, 0, True)
    (partition,) = (book.partition for book in lab.store.partition_books() if book.counts.received)
    assert partition == letter.partition == Partitioner(3)(exchange.encode())


def test_a_letter_of_another_home_or_log_is_refused(lab: Lab) -> None:
    quoted, _ = oldest_first(lab.store)
    value = encode(Tick("AAPL", 103.0, NOW + 3, None, 3, "r"))
    with pytest.raises(SettingsError, match="as it stands in this home"):
        lab.send((msgspec.structs.replace(quoted, raw=b"other"), value))
    with pytest.raises(NotFoundError):
        lab.send((msgspec.structs.replace(quoted, id=99), value))
    lab.log = MemoryLog(3)
    with pytest.raises(SettingsError, match="back to the log it came from"):
        lab.send((quoted, value))


# ------------------------------------------------------------------------------------------------ the file


def letter(raw: bytes, number: int = 1, key: bytes | None = None) -> DeadLetter:
    return DeadLetter(raw, "log", 0, number, NOW, Reason.NOT_JSON, "why", id=number, key=key)


@given(st.lists(st.tuples(st.binary(max_size=40), *(st.none() | st.binary(max_size=40),) * 2), max_size=5))
def test_any_bytes_come_back_from_the_file_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[bytes, bytes | None, bytes | None]]
) -> None:
    path = tmp_path_factory.mktemp("letters") / "letters.jsonl"
    entries = [Entry(letter(raw, number, key), repaired) for number, (raw, key, repaired) in enumerate(rows, start=1)]
    assert write_file(path, entries) == len(entries)
    assert list(read_file(path)) == entries
    assert [name.name for name in path.parent.iterdir()] == [path.name]


def test_a_repaired_message_may_be_written_as_an_object(tmp_path: Path) -> None:
    path = tmp_path / "letters.jsonl"
    write_file(path, [Entry(letter(b"{"), None)])
    line = json.loads(path.read_text())
    path.write_text(json.dumps(line | {"repaired": {"symbol": "ÄAPL", "price": 1}}) + "\n\n")
    (entry,) = read_file(path)
    assert entry.repaired == '{"symbol":"ÄAPL","price":1}'.encode()


@pytest.mark.parametrize(
    "line",
    ["no json", "[]", "{}", '{"id":1}', None, "wrong base64", "number", "unknown reason"],
)
def test_a_line_that_is_none_of_ours_is_named_by_its_number(tmp_path: Path, line: str | None) -> None:
    path = tmp_path / "letters.jsonl"
    write_file(path, [Entry(letter(b"{"), None)])
    good = json.loads(path.read_text())
    bad = {
        "wrong base64": {"repaired_b64": "§"},
        "number": {"repaired": 7},
        "unknown reason": {"reason": "bad_luck"},
    }
    text = json.dumps(good | bad[line]) if line in bad else json.dumps(None) if line is None else line
    path.write_text(f"{json.dumps(good)}\n{text}\n")
    with pytest.raises(SettingsError, match="line 2") as caught:
        list(read_file(path))
    assert "repaired" in (caught.value.mend or "")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        list(read_file(tmp_path / "nowhere.jsonl"))


# ------------------------------------------------------------------------------------------------ poison


def test_every_reason_is_given_to_what_deserves_it_and_good_ticks_go_on_between(lab: Lab) -> None:
    lab = Lab()
    bad = malformed(7, sent_at_s=NOW, large_every=50)
    expected: dict[str, int] = {}
    for number in range(1, 1801):
        message = next(bad)
        expected[message.reason.value] = expected.get(message.reason.value, 0) + 1
        lab.put(message.value or b"", key=message.key.decode())
        lab.put(Tick("AAPL", 100.0 + number % 3, NOW - 5000 + number, None, number, "good"))
    lab.consume()
    assert lab.store.dead_letter_counts() == dict(sorted(expected.items())) == lab.store.books().reasons
    assert set(expected) == {reason.value for reason in Reason}
    assert lab.account("good") == (1800, 0, 0, 0, True)
    assert all(partition.balanced for partition in lab.store.books().partitions)


@given(st.integers())
def test_generated_messages_deserve_their_reasons(seed: int) -> None:
    for message, _ in zip(malformed(seed, sent_at_s=NOW, large_every=10), range(60), strict=False):
        refusal = examine(message.value, NOW)
        assert getattr(refusal, "reason", refusal) is message.reason, message.value
