"""Sending repaired messages through the log, in the place of the dead letters that they were.

A message that is sent again keeps its run, symbol and sequence number: then its run's account moves it from refused
(or lost, if its number could not be read) to late, and the sum stays what it was. Everything is checked before
anything is sent. What is about to be sent is taken first, by one resend of however many run, and marked once the log
has acknowledged it; a crash in between leaves a letter that says so, and that is not sent a second time without being
asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from marketlab.errors import DeliveryError, SettingsError
from marketlab.model import DeadLetter, Refusal, Tick
from marketlab.partitioner import Partitioner
from marketlab.ports import Store, StoreReader, Transport
from marketlab.wire import examine

__all__ = ["Parcel", "Result", "check", "send"]

AT_ONCE: Final = 500  # letters between two marks
FLUSH_S: Final = 30.0


class Parcel(NamedTuple):
    """A repaired message that may be sent in the place of a letter."""

    letter: DeadLetter
    value: bytes
    key: bytes


@dataclass(slots=True)
class Result:
    """What became of the letters: ids."""

    sent: list[int] = field(default_factory=list)
    already: list[int] = field(default_factory=list)  # sent before
    in_doubt: list[int] = field(default_factory=list)  # begun before, never acknowledged
    taken: list[int] = field(default_factory=list)  # by another resend, since they were checked

    def as_dict(self) -> dict[str, object]:
        """As ``marketlab dead-letters resend --json`` prints it."""
        return {
            "sent": self.sent,
            "already_sent": self.already,
            "in_doubt": self.in_doubt,
            "taken_by_another": self.taken,
        }


def check(
    letters: Iterable[tuple[DeadLetter, bytes]], *, reader: StoreReader, log: Transport, again: bool, now: float
) -> tuple[list[Parcel], Result]:
    """What may be sent of these letters and repaired messages, the oldest first.

    :param again: also what was sent already, or may have been
    :param now: seconds since the epoch
    :raises SettingsError: one of them may not be sent, for the books would go wrong or it would be refused again
    """
    log_id, partition_of = log.log_id, Partitioner(log.partitions)
    parcels, result = [], Result()
    last = None
    for letter, value in sorted(letters, key=lambda item: item[0].id):
        if letter.id == last:
            raise SettingsError(
                f"dead letter {letter.id} may be sent once, was given twice", mend="Keep one of the two."
            )
        last = letter.id
        kept = reader.dead_letter(letter.id)
        if (kept.raw, kept.log, kept.partition, kept.offset) != (
            letter.raw, letter.log, letter.partition, letter.offset,
        ):  # fmt: skip
            raise SettingsError(
                f"dead letter {letter.id} must be as it stands in this home, was another message",
                mend="Was the file taken from another home, or `raw` edited? Only `repaired` may be.",
            )
        if kept.log != log_id:
            raise SettingsError(
                f"dead letter {letter.id} must go back to the log it came from, {kept.log}; this is {log_id}",
                mend="Name that log with --transport, or use its cluster.",
            )
        parcel = Parcel(kept, value, _key(kept, value, partition_of, now))
        if kept.resent_at is not None and not again:
            result.already.append(kept.id)
        elif kept.resend_begun_at is not None and not again:
            result.in_doubt.append(kept.id)
        else:
            parcels.append(parcel)
    return parcels, result


def send(parcels: Sequence[Parcel], result: Result, *, store: Store, log: Transport) -> Result:
    """Send them, and mark what the log has acknowledged.

    :raises DeliveryError: some were not acknowledged; those that were handed over with them are left in doubt
    :raises TransportError: the log cannot be reached
    """
    publisher = log.publisher()
    try:
        for first in range(0, len(parcels), AT_ONCE):
            part = parcels[first : first + AT_ONCE]
            ours = store.begin_resend((parcel.letter, parcel.value) for parcel in part)
            for parcel in part:
                if parcel.letter.id in ours:
                    publisher.send(parcel.value, key=parcel.key, tag=parcel.letter.id)
            publisher.flush(timeout_s=FLUSH_S)
            store.end_resend(ours)
            result.sent += sorted(ours)
            result.taken += [parcel.letter.id for parcel in part if parcel.letter.id not in ours]
    except DeliveryError as error:
        raise DeliveryError(
            f"{error.message}; {len(result.sent)} dead letters were sent, the next {len(ours)} may have been",
            failures=error.failures,
            mend="`marketlab dead-letters resend --again` sends them once more: those that carry a seq then count as "
            "duplicates, not twice.",
        ) from error
    finally:
        publisher.close(timeout_s=2.0)
    return result


def _key(letter: DeadLetter, value: bytes, partition_of: Partitioner, now: float) -> bytes:
    """The key of a repaired message: that of the letter, or else the symbol, as of every message of that symbol."""
    item = examine(value, now)
    if isinstance(item, Refusal):
        raise SettingsError(
            f"dead letter {letter.id} would be refused again: {item.reason}: {item.detail}",
            mend="Put a message into `repaired` that is a tick or a closing record.",
        )
    found = (item.run, item.symbol, item.seq if isinstance(item, Tick) else None)
    counted = letter.symbol is not None and letter.seq is not None  # then "" is a run as well
    wanted = (letter.run if counted else letter.run or found[0], letter.symbol or found[1], letter.seq or found[2])
    if found != wanted:
        raise SettingsError(
            f"dead letter {letter.id} must keep run, symbol and seq, which could be read as {wanted}; was {found}",
            mend="Its run's account counts it by these three.",
        )
    symbol = item.symbol.encode()
    key = symbol if letter.key is None else letter.key
    if isinstance(item, Tick) and item.seq is None:
        return key
    mend = "A wrong symbol would count it in the account of another; without a seq it may be sent all the same."
    if letter.symbol is None and key != symbol:
        raise SettingsError(
            f"dead letter {letter.id} was sent under the key {letter.key!r}, and {item.symbol} is another: it cannot "
            f"have been one of {item.symbol}",
            mend=mend,
        )
    if partition_of(key) != letter.partition:
        raise SettingsError(
            f"dead letter {letter.id} came from partition {letter.partition}, and {item.symbol} belongs on "
            f"{partition_of(key)}: it cannot have been one of {item.symbol}",
            mend=mend,
        )
    return key
