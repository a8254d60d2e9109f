"""What is new in the store, as messages: read once and encoded once, however many listen.

The store's file is watched, so it does not matter which process wrote. Where the feed stands is the last record it
told of; the next question begins *with* that record, and if another one is found in its place, or none, an older copy
of the database stands there now. Then, or if it is another database, everybody begins again with a snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from api.messages import Audience, Delta, Heartbeat, Push, Snapshot
from api.pulse import Pulse
from marketlab.errors import MarketlabError
from marketlab.model import Alert, Record
from marketlab.ports import StoreReader

__all__ = ["Feed"]

DELTA_S = 0.05  # at least, between two deltas
HEARTBEAT_S = 1.0  # at most, between two messages
RETRY_S = 1.0  # after the store could not be read
SEND_S = 40e-6  # of processor time for each client and message
SHARE = 0.2  # of the time, at most, that goes into either reading or sending: a large lab is pushed less often

MAX_TICKS = 1000  # in one delta
MAX_ALERTS = 50  # in one message


class Feed:
    """Follows a store. For one thread.

    :param reader: nobody else's
    :param pulse: makes the status
    :param monotonic: seconds, for intervals
    """

    def __init__(self, reader: StoreReader, pulse: Pulse, *, monotonic: Callable[[], float]) -> None:
        self._reader, self._pulse, self._monotonic = reader, pulse, monotonic
        self._seq = 0
        self.rest()

    def rest(self) -> None:
        """Forget where the feed stands, for nobody listens; the next step must be for somebody who joins."""
        self._version: int | None = None
        self._database: str | None = None
        self._last: Record | None = None
        self._alert_id = 0
        self._begun = False
        self._next_look = self._next_heartbeat = 0.0
        self._pulse.rest()

    def step(self, *, joining: bool, clients: int) -> list[Push]:
        """The messages that are due now, in the order in which they must be given out.

        :param joining: somebody waits for a snapshot
        :param clients: connections, for the status
        """
        began = self._monotonic()
        looks = began >= self._next_look
        pushes = self._look_and_time(began, joining, clients) if looks else []
        if any(push.audience is not Audience.JOINING for push in pushes):
            self._next_heartbeat = began + HEARTBEAT_S
        # Who joins hears nothing before its snapshot, unless there is none to be had.
        elif began >= self._next_heartbeat and (looks or not joining or self._pulse.failing):
            self._next_heartbeat = began + HEARTBEAT_S
            pushes.append(self._push(Audience.IDLE, Heartbeat(self._seq, self._pulse.status(clients=clients))))
        return pushes

    def _look_and_time(self, began: float, joining: bool, clients: int) -> list[Push]:
        try:
            pushes = self._look(joining, clients)
        except MarketlabError as error:
            self._pulse.fail(error)
            self._next_look, self._next_heartbeat = began + RETRY_S, began
            return []
        if pushes:
            took_s = max(self._monotonic() - began, clients * SEND_S)
            self._next_look = began + max(DELTA_S, took_s / SHARE)
        return pushes

    def _look(self, joining: bool, clients: int) -> list[Push]:
        version = self._reader.changes()  # before anything is read: a commit in between is seen at the next look
        changed = version != self._version
        if changed:
            database = self._reader.identity()
            self._begun &= self._database in {None, database}  # in another one, what was told of does not stand
            self._database = database
        self._pulse.see(self._database, version)
        pushes = self._read(joining, clients) if changed or joining else []
        self._version = version
        self._pulse.make_up_books(self._reader, changed=changed)
        return pushes

    def _read(self, joining: bool, clients: int) -> list[Push]:
        if not self._begun:
            return [self._restart(clients)]
        alerts = self._reader.alerts_after(self._alert_id, limit=MAX_ALERTS + 1)  # before ticks, so that theirs are in
        latest = self._reader.latest() if joining else None
        rows = self._rows_after_last(upto=None if latest is None else _newest(latest))
        if rows is None:
            return [self._restart(clients)]
        pushes = []
        if rows or alerts:
            pushes.append(self._delta(rows, alerts, latest, clients))
        if latest is not None:
            pushes.append(self._snapshot(Audience.JOINING, latest, clients))
        return pushes

    def _rows_after_last(self, *, upto: Record | None) -> list[Record] | None:
        """What was written since, one row more than a delta carries at the most; None if it is another database."""
        last = self._last
        if last is None:
            rows = self._reader.records_after(0, limit=MAX_TICKS + 1)
        else:
            rows = self._reader.records_after(last.id - 1, limit=MAX_TICKS + 2)
            if rows[:1] != [last]:
                return None
            del rows[0]
        return rows if upto is None else [row for row in rows if row.id <= upto.id]

    def _delta(self, rows: list[Record], alerts: list[Alert], latest: list[Record] | None, clients: int) -> Push:
        after_id = self._last.id if self._last else 0
        complete = len(rows) <= MAX_TICKS and len(alerts) <= MAX_ALERTS
        if not complete:
            alerts = [alert for alert in self._newest_alerts() if alert.id > self._alert_id][::-1]
            changed = self._reader.latest(since=after_id) if latest is None else latest
            rows = sorted((record for record in changed if record.id > after_id), key=lambda record: record.id)
        if rows:
            self._last = rows[-1]
            self._pulse.note(rows)
        if alerts:
            self._alert_id = alerts[-1].id
        self._seq += 1
        return self._push(
            Audience.FOLLOWING,
            Delta(
                self._seq,
                after_id,
                self._last.id if self._last else 0,
                complete,
                rows,
                alerts,
                self._pulse.status(clients=clients),
            ),
        )

    def _restart(self, clients: int) -> Push:
        """Begin with what the store holds now; whoever follows begins again too, in a line of ``seq`` of its own."""
        alerts = self._newest_alerts()
        latest = self._reader.latest()
        self._alert_id = alerts[0].id if alerts else 0
        self._last = _newest(latest)
        self._pulse.begin(self._last)
        self._pulse.make_up_books(self._reader, changed=True)
        self._begun = True
        self._seq += 2  # a client that does not get this message sees the gap
        return self._snapshot(Audience.EVERYBODY, latest, clients)

    def _snapshot(self, audience: Audience, latest: Sequence[Record], clients: int) -> Push:
        return self._push(
            audience,
            Snapshot(
                self._seq,
                self._last.id if self._last else 0,
                latest,
                self._newest_alerts(upto=self._alert_id),
                self._pulse.status(clients=clients),
            ),
        )

    def _newest_alerts(self, *, upto: int | None = None) -> list[Alert]:
        return self._reader.alerts(limit=MAX_ALERTS, before=None if upto is None else upto + 1)

    @staticmethod
    def _push(audience: Audience, message: Snapshot | Delta | Heartbeat) -> Push:
        return Push(audience, msgspec.json.encode(message).decode())


def _newest(latest: Sequence[Record]) -> Record | None:
    """The record that was written last: it is the latest of its symbol."""
    return max(latest, key=lambda record: record.id, default=None)
