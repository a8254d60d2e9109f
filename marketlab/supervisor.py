"""The whole pipeline as processes of their own, watched: what is killed is started again.

Each half is the same command that a person would run. They are held by a pipe on their standard input: should the
supervisor itself be killed, the pipe closes, and they drain and end. A killed consumer goes on exactly where the
store stands. A killed producer begins a new run, for only a whole run can be told to be complete; the old one stays
in the books as open.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from marketlab.books import RunBook, balance
from marketlab.deadline import Deadline
from marketlab.digest import DigestRow, digest
from marketlab.errors import HomeInUseError, MarketlabError
from marketlab.files import read_json, write_json
from marketlab.ports import StoreReader
from marketlab.producer import new_run

__all__ = ["Child", "Home", "Pipeline", "Progress", "Result"]

POLL_S = 0.1
STOP_S = 5.0
API_S = 10.0
MAX_DEATHS, DEATHS_WITHIN_S = 5, 60.0  # a child that dies more often than this and does nothing has its own reason


class Home(AbstractContextManager["Home"]):
    """A home in use by one ``marketlab up``.

    :raises HomeInUseError: by another one; the message says which and where it can be seen
    """

    def __init__(self, folder: Path) -> None:
        self._state = folder / "run" / "up.json"
        self._state.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self._state.with_suffix(".lock"))

    def __enter__(self) -> Self:
        """Take the home."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            other = read_json(self._state) or {}
            url = other.get("dashboard_url")
            where = f", with its dashboard at {url}" if url else ""
            raise HomeInUseError(
                f"`marketlab up` already runs in {self._state.parent.parent} as process {other.get('pid', '?')}{where}",
                mend="Stop it with Ctrl-C, or use another home: marketlab --home DIR up",
            ) from None
        self.note()
        return self

    def note(self, **state: Any) -> None:
        """Leave word for whoever finds the home in use."""
        write_json(self._state, {"pid": os.getpid(), **state})

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Give the home back."""
        self._state.unlink(missing_ok=True)
        self._lock.release()


class Child:
    """One command of marketlab as a process.

    :param arguments: after ``marketlab``; ``--json --until-eof`` is added
    :param log: takes the standard error
    :param variables: of the environment, besides those of this process
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        home: Path,
        log: Path,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._environment = {**os.environ, **variables} if variables else None
        self._argv = [sys.executable, "-m", "marketlab", "--home", str(home), *arguments, "--json", "--until-eof"]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: list[bytes] = []
        self._reader: threading.Thread | None = None
        self._deaths: deque[float] = deque(maxlen=MAX_DEATHS)
        self.restarts = 0

    def start(self, *more: str) -> None:
        """Start the process."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as stderr:
            self._log_from = stderr.tell()
            # A session of its own: Ctrl-C in the terminal is for the supervisor, which ends its children in order.
            self._process = subprocess.Popen(
                [*self._argv, *more],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
                env=self._environment,
            )
        self._lines = []
        self._reader = threading.Thread(target=self._read, args=(self._process, self._lines), daemon=True)
        self._reader.start()

    @staticmethod
    def _read(process: subprocess.Popen[bytes], lines: list[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101 (for the type checker)
        lines.extend(process.stdout)

    @property
    def pid(self) -> int | None:
        """Process id, while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def code(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._process.poll() if self._process else None

    def printed(self) -> dict[str, Any]:
        """The JSON object that the process has printed so far, or an empty one; all of it once it has ended."""
        if self._reader is not None and self.code is not None:
            self._reader.join()
        try:
            value = json.loads(self._lines[-1])
        except (IndexError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}

    def said(self) -> str:
        """What the process has said on standard error since it was started."""
        with self._log.open("rb") as file:
            file.seek(self._log_from)
            return file.read().decode("utf-8", "replace").strip()

    def restart(self, *more: str) -> None:
        """Start again after a death by signal.

        :raises MarketlabError: it ended by itself with an error, or dies again and again
        """
        code = self.code
        if code is not None and code > 0:
            error = MarketlabError(f"the {self.name} ended with exit code {code}: {self.said() or 'it said nothing'}")
            error.exit_code = code
            raise error
        now = time.monotonic()
        if len(self._deaths) == MAX_DEATHS and now - self._deaths[0] < DEATHS_WITHIN_S:
            raise MarketlabError(
                f"the {self.name} died {MAX_DEATHS + 1} times in {now - self._deaths[0]:.0f} s, the last time of "
                f"{death(code)}",
                mend=f"Its words stand in {self._log}",
            )
        self._deaths.append(now)
        self.restarts += 1
        self.close()
        self.start(*more)

    def thrives(self) -> None:
        """Since it was started it has done what it is for: it does not die of itself, so its deaths do not count."""
        self._deaths.clear()

    def terminate(self) -> None:
        """Ask the process to drain and end."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self, deadline: Deadline) -> int | None:
        """Exit code, or None if it still runs at the deadline."""
        try:
            return self._process.wait(deadline.remaining_s) if self._process else 0
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> None:
        """End the process for good."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._reader is not None:
            self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def death(code: int | None) -> str:
    """An exit code in words."""
    if code is not None and code < 0:
        return f"signal {-code} ({signal.Signals(-code).name})"
    return f"exit code {code}"


@dataclass(frozen=True, slots=True)
class Progress:
    """How the current run stands; all counts are ticks."""

    run: str
    stored: int = 0
    late: int = 0
    duplicate: int = 0
    refused: int = 0
    lost: int = 0
    produced: int | None = None
    per_second: float = 0.0
    dashboard_url: str | None = None
    restarts: int = 0
    note: str = ""


@dataclass(slots=True)
class Result:
    """What a pipeline did, the figures of its own run."""

    book: RunBook
    produced: int
    skipped: dict[str, int] = field(default_factory=dict)
    alerts: int = 0
    digest: str | None = None
    seconds: float = 0.0
    dashboard_url: str | None = None
    restarts: dict[str, int] = field(default_factory=dict)

    @property
    def balanced(self) -> bool:
        """Whether every tick that the producer sent is accounted for and none is lost."""
        if not self.produced:
            return self.book.stored + self.book.late + self.book.refused + self.book.lost == 0
        return self.book.state == "closed" and self.book.balanced and self.book.produced == self.produced

    def as_dict(self) -> dict[str, Any]:
        """As ``marketlab up --json`` prints it."""
        book = self.book
        return {
            "run": book.run,
            "produced": self.produced,
            "stored": book.stored,
            "late": book.late,
            "duplicate": book.duplicate,
            "dead_lettered": book.refused,
            "refused": book.refused,
            "lost": book.lost,
            "balanced": self.balanced,
            "skipped": self.skipped,
            "alerts": self.alerts,
            "digest": self.digest,
            "seconds": round(self.seconds, 3),
            "ticks_per_second": round(self.produced / self.seconds, 1) if self.seconds else 0.0,
            "dashboard_url": self.dashboard_url,
            "restarts": self.restarts,
        }


class Pipeline:
    """Producer, consumer and API, from their start to a closed run.

    :param producer: arguments of ``marketlab produce``; its run id is added
    :param consumer: arguments of ``marketlab consume``
    :param api: arguments of ``marketlab serve``
    :param reader: the home's store
    :param log: id of the log that they meet on
    :param keep_alive: called at every turn; restarts what else has died
    :param on_progress: called at every turn
    """

    def __init__(
        self,
        home: Path,
        *,
        producer: Sequence[str],
        consumer: Sequence[str],
        api: Sequence[str],
        reader: StoreReader,
        log: str,
        keep_alive: Callable[[], str] = lambda: "",
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        logs = home / "logs"
        self.run_id = new_run()
        self._producer = Child("producer", ["produce", *producer], home=home, log=logs / "producer.log")
        self._consumer = Child("consumer", ["consume", *consumer], home=home, log=logs / "consumer.log")
        self._api = Child("API", ["serve", *api], home=home, log=logs / "api.log")
        self._url: str | None = None
        self._reader = reader
        self._log = log
        self._keep_alive = keep_alive
        self._on_progress = on_progress
        self._note = ""
        self._received = -1
        self._seen: deque[tuple[float, int]] = deque(maxlen=30)

    def run(self, stop: threading.Event) -> Result:
        """Run until the source ends, or ``stop`` is set and what was sent has been stored.

        :raises MarketlabError: a child ended with an error of its own
        """
        started = time.monotonic()
        try:
            self._consumer.start()
            self._producer.start("--run", self.run_id)
            self._api.start()
            self._while_producing(stop)
            produced, skipped = self._end_of_production()
            book = self._drain(produced, stop)
            seconds = time.monotonic() - started
            self._await_api(stop)
            self._consumer.terminate()
            self._consumer.wait(Deadline(STOP_S))
            return self._result(book, produced, skipped, seconds)
        finally:
            self._api.terminate()
            self._api.wait(Deadline(STOP_S))
            for child in (self._producer, self._consumer, self._api):
                child.close()

    def _while_producing(self, stop: threading.Event) -> None:
        while not stop.wait(POLL_S):
            if self._producer.code == 0:
                return
            if self._producer.code is not None:
                was = death(self._producer.code)
                self.run_id = new_run()
                self._producer.restart("--run", self.run_id)
                self._note = f"producer was ended by {was}, started again with a new run"
            self._turn()

    def _turn(self) -> RunBook:
        """Look after the others, and tell how things stand."""
        if self._consumer.code is not None:
            was = death(self._consumer.code)
            self._consumer.restart()
            self._note = f"consumer was ended by {was}, started again"
        if self._api.code is not None:
            was = death(self._api.code)
            # On the same port: a page that is open finds it again.
            self._api.restart(*(("--port", str(urlsplit(self._url).port)) if self._url else ()))
            self._note = f"API was ended by {was}, started again"
        self._url = self._url or self._api.printed().get("url")
        note = self._keep_alive()
        self._note = note or self._note
        book = self._book()
        kept = book.stored + book.late
        self._note_progress(book)
        self._seen.append((time.monotonic(), kept))
        (then, before), (now, _) = self._seen[0], self._seen[-1]
        self._on_progress(
            Progress(
                run=self.run_id,
                stored=book.stored,
                late=book.late,
                duplicate=book.duplicate,
                refused=book.refused,
                lost=book.lost,
                produced=book.produced,
                per_second=max(0.0, kept - before) / (now - then) if now > then else 0.0,
                dashboard_url=self._dashboard(),
                restarts=sum(self._restarts().values()),
                note=self._note,
            )
        )
        return book

    def _note_progress(self, book: RunBook) -> None:
        """Who has got something done since its last start may be killed any number of times."""
        received = sum(partition.counts.received for partition in self._reader.partition_books())
        if received > self._received >= 0:
            self._consumer.thrives()
        self._received = received
        if book.stored:
            self._producer.thrives()
        if self._api.printed():
            self._api.thrives()

    def _restarts(self) -> dict[str, int]:
        return {child.name: child.restarts for child in (self._producer, self._consumer, self._api)}

    def _dashboard(self) -> str | None:
        return f"{self._url}dashboard" if self._url else None

    def _book(self) -> RunBook:
        runs = balance((), self._reader.stream_books(run=self.run_id))
        return runs.of_run(self.run_id, log=self._log) or RunBook(self.run_id, self._log)

    def _end_of_production(self) -> tuple[int, dict[str, int]]:
        """Let the producer close its run; how much it has sent."""
        self._producer.terminate()
        code = self._producer.wait(Deadline(STOP_S))
        result = self._producer.printed() if code is not None else {}
        if code is not None and code > 0 and not result:
            self._producer.restart()  # raises, with what it said
        return int(result.get("produced", 0)), Counter(result.get("skipped", {}))

    def _drain(self, produced: int, stop: threading.Event) -> RunBook:
        """Wait until everything that was sent stands in the store; after a stop, not for long."""
        deadline = Deadline(STOP_S)
        tick = threading.Event()
        while True:
            book = self._turn()
            if produced == 0 or (book.state == "closed" and (book.produced or 0) >= produced):
                return book
            if stop.is_set() and deadline.passed:
                return book
            tick.wait(POLL_S / 2)

    def _await_api(self, stop: threading.Event) -> None:
        """A short run may be over before the API has said where it is, or that its port is taken."""
        deadline = Deadline(API_S)
        while self._url is None and not deadline.passed and not stop.wait(POLL_S):
            self._turn()

    def _result(self, book: RunBook, produced: int, skipped: dict[str, int], seconds: float) -> Result:
        result = Result(book, produced, dict(skipped), seconds=seconds, dashboard_url=self._dashboard())
        result.restarts = self._restarts()
        if book.stored + book.late:
            rules = self._reader.rules(book.run, log=book.log)

            def rows() -> Iterator[DigestRow]:  # never all at once: a run has any length
                for row in self._reader.digest_rows(book.run, log=book.log):
                    result.alerts += row[6] is not None
                    yield row

            result.digest = digest(rows(), rules=rules)
        return result
