"""Drills for what is done to the account itself: dead letters sent again, and a prune."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from marketlab.dead_letters import check, mend, oldest_first, send
from marketlab.digest import digest
from marketlab.errors import PrunedError
from marketlab.model import Close, Rule, Tick
from marketlab.store import SqliteStore, prune, pruning
from marketlab.wire import encode, encode_close
from tests.chaos.drill import LIVES, NOW_MS, KilledError, Place, at_failpoints

__all__ = ["ACCOUNT_DRILLS"]

NOW = NOW_MS / 1000
OLD = NOW + 1  # whatever was sent is older, and a run that was written by the test is younger
LONG_AGO = 1_000.0


def _quoted(tick: Tick) -> bytes:
    return encode(tick).replace(b'"price":%s' % str(tick.price).encode(), b'"price":"%s"' % str(tick.price).encode())


# --------------------------------------------------------------------------------------------- sent again


def _spoilt(folder: Path) -> Place:
    """A closed run of nine ticks of which every third is refused and can be mended."""
    ticks = [Tick("A", 100.0 + n, 10.0 + n, seq=n, run="r") for n in range(1, 10)]
    values = [encode(tick) if tick.seq is None or tick.seq % 3 else _quoted(tick) for tick in ticks]
    place = Place(folder, [[*values, encode_close(Close("r", "A", 9, 1))], []])
    place.consume()
    return place


def _sent(place: Place) -> dict[int, int]:
    """How often what was sent in the place of each letter stands on the log, by id."""
    on_log = [
        value for partition, held in place.log.held(timeout_s=1).items()
        for value in place.log.read(partition, held, timeout_s=1).values()
    ]  # fmt: skip
    with place.store() as store:
        return {letter.id: on_log.count(_mended(letter)) for letter in oldest_first(store)}


def _mended(letter: Any) -> bytes:
    mended = mend(letter)
    assert mended is not None
    return mended.value


def _checked(place: Place, store: SqliteStore, *, again: bool = False) -> Any:
    letters = [(letter, _mended(letter)) for letter in oldest_first(store)]
    return check(letters, reader=store, log=place.log, again=again, now=NOW)


def _resend(place: Place, *, again: bool = False) -> None:
    with place.store() as store:
        send(*_checked(place, store, again=again), store=store, log=place.log)


def _run(place: Place) -> tuple[int, ...]:
    with place.store() as store:
        book = store.books(run="r").of_run("r")
        assert book is not None
        return book.stored, book.late, book.refused, book.lost, book.balanced


def sent_again(folder: Path) -> Iterator[str]:
    """Refused becomes late, once."""
    place = _spoilt(folder)
    if _run(place) != (6, 0, 3, 0, True):
        yield f"before it was sent again the run was {_run(place)}"
    _resend(place)
    _resend(place)
    place.consume()
    if set(_sent(place).values()) != {1} or _run(place) != (6, 3, 0, 0, True):
        yield f"sent {_sent(place)}, the run is {_run(place)}"


def sent_by_two_at_once(folder: Path) -> Iterator[str]:
    """Both have looked before either begins."""
    place = _spoilt(folder)
    with place.store() as store, place.store() as other:
        first, second = _checked(place, store), _checked(place, other)
        send(*first, store=store, log=place.log)
        send(*second, store=other, log=place.log)
    if set(_sent(place).values()) != {1}:
        yield f"two at once sent {_sent(place)}"


def killed_while_it_is_sent_again(folder: Path) -> Iterator[str]:
    """Killed at every failpoint: what a letter says of itself is true, and all of them arrive in the end."""
    for point in range(LIVES):
        place = _spoilt(folder)
        if not _killed(point, lambda place=place: _resend(place)):  # type: ignore[misc]
            return
        sent = _sent(place)
        with place.store() as store:
            for letter in oldest_first(store):
                if letter.resent_at is not None and not sent[letter.id]:
                    yield f"letter {letter.id} is marked as sent, and is not on the log"
                if letter.resend_begun_at is None and sent[letter.id]:
                    yield f"letter {letter.id} is on the log, and does not say so"
        _resend(place)
        if any(count > 1 for count in _sent(place).values()):
            yield f"nobody asked for it, and {_sent(place)} were sent"
        _resend(place, again=True)
        place.consume()
        if _run(place) != (6, 3, 0, 0, True):
            yield f"in the end the run is {_run(place)}"


# --------------------------------------------------------------------------------------------- pruned


def _aged(folder: Path) -> Place:
    """Two runs of one symbol, one tick of each in turn: one is old, and one began as long ago and goes on."""
    turns = [
        encode(Tick("A", 100.0 + n * 37 % 11, 10.0 + n, seq=n, run=run)) for n in range(1, 9) for run in ("old", "long")
    ]
    bad = [b"not a tick %d" % number for number in range(4)]
    place = Place(folder, [[*bad, *turns, encode_close(Close("old", "A", 8, 1))], []])
    place.consume()
    with closing(apsw.Connection(str(place.database))) as connection:
        connection.execute("UPDATE runs SET first_seen = ?", (LONG_AGO,))
        connection.execute("UPDATE runs SET last_seen = ? WHERE run = 'old'", (LONG_AGO,))
    return place


def _digest(store: SqliteStore, place: Place, run: str) -> str | None:
    """Its digest, or None if it was pruned."""
    try:
        return digest(store.digest_rows(run, log=place.log.log_id), rules=[Rule()])
    except PrunedError:
        return None


def _books(store: SqliteStore) -> list[tuple[object, ...]]:
    books = store.books()
    runs = [(run.run, run.state, run.produced, run.stored, run.late, run.lost, run.balanced) for run in books.runs]
    return [(part.partition, part.counts, part.next_offset, part.reasons) for part in books.partitions] + runs


def killed_while_it_prunes(folder: Path) -> Iterator[str]:
    """Killed at every failpoint: nothing that stays is touched, and of what goes nobody is told a half."""
    for point in range(LIVES):
        place = _aged(folder)
        with place.store() as store:
            whole, books = {run: _digest(store, place, run) for run in ("old", "long")}, _books(store)
            history = [record for record in store.history("A", limit=99) if record.run == "long"]
        killed = _killed(point, lambda place=place: _prune(place))  # type: ignore[misc]
        with place.store() as store:
            yield from store.problems()
            if _digest(store, place, "old") not in (None, whole["old"]):
                yield "a digest was made of half a run"
        if killed:
            _prune(place)
        with place.store() as store:
            yield from store.problems()
            if (_digest(store, place, "old"), _digest(store, place, "long")) != (None, whole["long"]):
                yield "the old run was to go and the other to stay"
            if _books(store) != books:
                yield f"the books were {books}, are {_books(store)}"
            if [record for record in store.history("A", limit=99) if record.run == "long"] != history:
                yield "the history of the symbol lost what was to stay"
            if len(store.dead_letters(limit=9)) != 1:
                yield "all dead letters but the last were to go"
        straggler = encode(Tick("A", 100.0, 30.0, seq=10, run="old"))
        place.log.append(0, straggler, record_time_ms=NOW_MS)
        place.consume()
        with place.store() as store:
            book = store.books(run="old").of_run("old")
            if book is None or (book.stored, book.lost) != (9, 1):
                yield f"the account of the pruned run did not go on: {book}"
        if not killed:
            return


def _prune(place: Place) -> None:
    prune(place.database, before=OLD)


# --------------------------------------------------------------------------------------------- how they are killed


def _killed(point: int, act: Any) -> bool:
    """Do it, and kill it at the failpoint of this number; False if there is none."""
    left = point

    def hit(_: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KilledError

    try:
        with at_failpoints(hit), pytest.MonkeyPatch.context() as patch:
            patch.setattr(pruning, "CHUNK", 5)
            patch.setattr(pruning, "open_writing", _careless)
            act()
    except KilledError:
        return True
    return False


def _careless(database: Path, *, busy_timeout_s: float) -> apsw.Connection:
    """A test need not survive a loss of power."""
    connection = _open_writing(database, busy_timeout_s=busy_timeout_s)
    connection.pragma("synchronous", "off")
    return connection


_open_writing = pruning.open_writing

ACCOUNT_DRILLS = (sent_again, sent_by_two_at_once, killed_while_it_is_sent_again, killed_while_it_prunes)
