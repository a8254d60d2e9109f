"""What a notebook asks for by name: a broker, a topic, ticks, the whole pipeline, and what came of it.

The rest stands in the learner's own cells. A lab belongs to its kernel: it holds a lease on the managed broker as long
as the kernel lives, runs the package's own producer and consumer as child processes that end with it, and takes its
topics away with it.
"""

from __future__ import annotations

import atexit
import html
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import msgspec

from marketlab.crew import Crew
from marketlab.deadline import Deadline
from marketlab.doctor import Finding
from marketlab.errors import BrokerError, MarketlabError, NotFoundError
from marketlab.model import Alert, Tick
from marketlab.notebook.answers import BooksAnswer, Findings, Reason, Table, behind, framed
from marketlab.notebook.client import ApiClient, Follower
from marketlab.notebook.processes import Processes, ask, options
from marketlab.notebook.run import Run
from marketlab.notebook.weighing import weigh
from marketlab.notebook.workspace import Workspace
from marketlab.ports import Transport
from marketlab.producer import Pace, new_run
from marketlab.provenance import explain, read_same
from marketlab.recorder import record
from marketlab.settings import load_settings
from marketlab.sources import DEFAULT_SEED
from marketlab.transports import KafkaConfig, TapeWriter, delete_topics, ensure_topic
from marketlab.widgets import registry
from marketlab.widgets.balance import Balance
from marketlab.widgets.verdict import Verdict
from marketlab.wiring import group, kafka, open_source, open_transport, tape_path

if TYPE_CHECKING:
    from marketlab.widgets.control_panel import Choice, ControlPanel
    from marketlab.widgets.live import LiveWidget

__all__ = ["Broker", "Lab"]

log = logging.getLogger(__name__)

FOUND_S = 0.3  # no broker starts in so short a time
TOPIC_S, READ_S = 30.0, 10.0
WATCH_S, LOOK_S = 30.0, 0.2
CRASH_S = 30.0
RECORD = ("symbol", "price", "change_pct", "moving_average", "timestamp", "partition", "offset", "seq")
ALERT = ("id", "symbol", "change_pct", "previous_price", "price", "timestamp", "partition", "offset")

#: Leases by home. They outlive a lab that is made anew, for the broker would stop and start in between, and a reload.
_leases: dict[Path, ExitStack] = globals().get("_leases", {})


@dataclass(frozen=True)
class Broker:
    """A Kafka that answers. ``seconds``: how long it took to have it."""

    bootstrap_servers: str
    managed: bool
    seconds: float

    def __repr__(self) -> str:
        whose = "Apache Kafka" if self.managed else "Your own Kafka"
        if self.seconds < FOUND_S:
            return f"● {whose} answers at {self.bootstrap_servers}"
        return f"● {whose} answers at {self.bootstrap_servers}, started in {self.seconds:.1f} s"

    def _repr_html_(self) -> str:
        return framed(f'<div style="color:var(--ml-ink)">{html.escape(repr(self))}</div>')


class Lab:
    """A learner's way into the pipeline.

    ::

        lab = Lab()
        lab.broker()                      # find Kafka, or start it
        topic = lab.topic("first-look")   # a topic of your own, 3 partitions
        for tick in lab.ticks(seconds=8): # simulated ticks, when each is due
            ...

        with lab.run(rate=20, seconds=8): # producer and consumer of the package, as processes
            lab.chart("AAPL")             # live, until the run is over
        lab.data()                        # the last record of every symbol
        lab.books()                       # where every tick went

    The same without a broker, on a tape:

    >>> lab = Lab(seed=7, transport="tape")
    >>> run = lab.run(ticks=500, rate=0).wait()
    >>> run.balanced, run.account["stored"]
    (True, 500)
    >>> [record["symbol"] for record in lab.data()]
    ['AAPL', 'AMZN', 'GOOG', 'NFLX', 'TSLA']
    >>> [record["seq"] for record in lab.history("AAPL", limit=3)]
    [114, 113, 112]
    >>> [alert["symbol"] for alert in lab.alerts()], lab.explain().verdict
    (['GOOG'], 'confirmed')
    >>> lab.close()

    A second one in the same kernel closes the first, so that a notebook can be run again from the top. Several
    notebooks do not meet: each has a topic, a consumer group and a database of its own.

    :param home: folder of the lab's state; default: as every ``marketlab`` command finds it
    :param seed: of the prices; the same seed, the same prices
    :param shared: use the home's own topic and database, as ``marketlab up`` and the dashboard do
    :param transport: ``kafka``, ``tape`` (a recording in place of a broker, in the lab's own folder) or ``tape:FILE``
    """

    def __init__(
        self,
        *,
        home: Path | str | None = None,
        seed: int = DEFAULT_SEED,
        shared: bool = False,
        transport: str = "kafka",
    ) -> None:
        self._home_settings = load_settings(home=home)
        # The one before goes first: it gives its place back, and this one takes it.
        registry.close("lab")
        self._place = Workspace(self._home_settings, shared=shared)
        self.settings = self._place.settings
        self._transport = self._place.transport(transport)
        self._is_tape = tape_path(self._transport) is not None
        self._config: KafkaConfig | None = None
        self._topics: list[str] = []
        self._seed = seed
        self._source = iter(open_source("simulator", seed=seed))
        self._processes: Processes | None = None
        self._run: Run | None = None
        registry.replace("lab", self)

    # ---------------------------------------------------------------------------------------- Kafka

    def broker(self) -> Broker:
        """Find Kafka, or start it: your own if the settings name one, else the managed broker.

        It stays at least as long as this kernel. The first time on a machine Kafka is fetched, 45 MB.

        :raises BrokerError: it cannot be had, or a tape stands in its place; says why and what to do
        """
        if self._is_tape:
            raise BrokerError(
                "this cell wants a Kafka broker, and this lab has a tape in its place",
                mend='Leave the cell out; or set transport = "kafka" and run the notebook again from the top.',
            )
        began = time.monotonic()
        lease = ExitStack()
        home = self._home_settings
        config = lease.enter_context(kafka(home, progress=_progress()))
        before = _leases.get(home.home)
        _leases[home.home] = lease
        if before is not None:
            before.close()
        self._config = replace(config, topic=self.settings.topic_name)
        return Broker(config.bootstrap_servers, not home.bootstrap_servers, time.monotonic() - began)

    @property
    def bootstrap_servers(self) -> str:
        """``host:port``, for a client of Kafka."""
        return self._kafka().bootstrap_servers

    def topic(self, what: str | None = None, *, partitions: int = 3) -> str:
        """Make a topic that no other notebook has, and return its name; it goes when the kernel ends.

        :param what: a word in its name; None: the lab's own, which :meth:`run` uses
        :raises TransportError: the broker does not make it
        """
        config = self._kafka()
        name = self._own_topic() if what is None else self.topic_name(what)
        ensure_topic(replace(config, topic=name), partitions=partitions, timeout_s=TOPIC_S)
        return name

    def topic_name(self, what: str = "ticks") -> str:
        """A name for a topic that no other notebook has; the topic goes when the kernel ends."""
        name = self.settings.own(f"notebook-{what}-{secrets.token_hex(3)}")
        self._topics.append(name)
        return name

    def group_name(self, what: str) -> str:
        """A name for a consumer group that nobody else has: a group of that name has read nothing yet."""
        return self.settings.own(f"{what}-{secrets.token_hex(3)}")

    @property
    def group(self) -> str:
        """The consumer group of the package's consumer; see :meth:`consume`."""
        return group(self.settings)

    def ticks(
        self, *, rate: float = 20.0, seconds: float | None = None, count: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """Simulated ticks, one at a time, when each is due: ``{"symbol": …, "price": …, "timestamp": …}``.

        A second call goes on where the first one ended.

        >>> [tick["symbol"] for tick in Lab().ticks(rate=0, count=3)]
        ['TSLA', 'AMZN', 'GOOG']

        :param rate: ticks a second over all five symbols; 0: as fast as they are taken
        :param seconds: end after so long
        :param count: end after so many; with neither, it ends never
        """
        pace, deadline = Pace(rate=rate), Deadline(seconds)
        given = 0
        while (count is None or given < count) and not deadline.passed:
            wait = pace.next_due_s() - time.monotonic()
            if wait >= deadline.remaining_s:
                time.sleep(deadline.remaining_s)
                return
            if wait > 0:
                time.sleep(wait)
            yield _as_dict(next(self._source))
            given += 1

    # ---------------------------------------------------------------------------------------- the pipeline

    def run(
        self,
        *,
        rate: float | None = None,
        seconds: float | None = None,
        ticks: int | None = None,
        source: str = "simulator",
        symbols: Sequence[str] | None = None,
        speed: float | None = None,
    ) -> Run:
        """Start the package's producer and consumer, as processes; returns at once.

        ::

            with lab.run(rate=20, seconds=8) as run:
                lab.chart("AAPL")
            run                           # produced, stored, balanced

        At the end of the block, or by :meth:`Run.wait`, everything that was sent is stored.

        :param rate: ticks a second, 0 for as fast as it goes; default 20
        :param seconds: end after so long
        :param ticks: end after so many; with neither, it runs until :meth:`stop`
        :param source: ``simulator``, ``uniform`` or ``replay:FILE``
        :param symbols: of the simulator
        :param speed: of a recording, times the recorded pace
        """
        self.consume()
        return self.produce(rate=rate, seconds=seconds, ticks=ticks, source=source, symbols=symbols, speed=speed)

    def produce(
        self,
        *,
        rate: float | None = None,
        seconds: float | None = None,
        ticks: int | None = None,
        source: str = "simulator",
        symbols: Sequence[str] | None = None,
        speed: float | None = None,
    ) -> Run:
        """As :meth:`run`, but the producer alone: without a consumer its ticks wait in the log."""
        processes = self._children()
        processes.stop("producer")
        run = new_run()
        processes.start(
            "producer",
            *options(
                run=run,
                source=source,
                rate=rate,
                for_=seconds,
                ticks=ticks,
                symbols=",".join(symbols) if symbols else None,
                speed="max" if speed == float("inf") else speed,
                seed=None if source.startswith("replay:") else self._seed,
            ),
        )
        bounded = seconds is not None or ticks is not None or source.startswith("replay:")
        self._run = Run(run, processes=processes, books=self.books, data=self.data, alerts=self.alerts, bounded=bounded)
        return self._run

    def consume(self) -> None:
        """Start the package's consumer, unless it runs: log → average, alerts, books → the lab's database."""
        self._children().start("consumer")

    def stop(self) -> None:
        """End the run: what was sent is stored, then producer and consumer end. Again: nothing."""
        if self._run is not None:
            self._run.stop()
        if self._processes is not None:
            self._processes.stop("producer", "consumer")

    def kill(self, name: str = "consumer") -> bool:
        """End ``producer``, ``consumer`` or ``API`` with ``kill -9``, as a crash would; False if it does not run."""
        return self._processes is not None and self._processes.kill(name)

    def crash(self, at: str) -> None:
        """Start the consumer and let it die, as by ``kill -9``, at a named place; returns when it has.

        ::

            lab.crash("after:store.commit")   # the moment after its first commit

        :param at: ``before:NAME`` or ``after:NAME``; the names are in ``marketlab.failpoints.FAILPOINTS``
        :raises ChildError: it has ended with an error instead, for instance because there is no such place
        :raises MarketlabError: it never came there, for there was nothing to do
        """
        processes, deadline = self._children(), Deadline(CRASH_S)
        processes.stop("consumer")
        processes.start("consumer", variables={"MARKETLAB_FAILPOINT": at})
        while processes.runs("consumer"):
            if deadline.passed:
                processes.stop("consumer")
                raise MarketlabError(
                    f"the consumer should have died at {at} within {CRASH_S:g} s; it never came there",
                    mend="Give it something to read first: lab.produce(ticks=300, rate=0).wait()",
                )
            time.sleep(LOOK_S)
        processes.check("consumer")

    def record(self, file: Path | str) -> int:
        """Copy the log, from its oldest message on, to a tape, which ``replay:FILE`` reads; how many messages it holds.

        :raises TapeError: it cannot be written
        """
        with (
            self._open_log() as log,
            TapeWriter(Path(file), topic=self.settings.topic, partitions=log.partitions) as writer,
        ):
            return record(log.subscribe(self.group_name("record")), writer.write, Event(), drain=True)

    # ---------------------------------------------------------------------------------------- what came of it

    @property
    def database(self) -> Path:
        """The SQLite file, for your own ``sqlite3`` and pandas: open it with ``mode=ro``."""
        return self.settings.database

    def data(self) -> Table:
        """The last record of every symbol."""
        return Table(self._api().get("data"), columns=RECORD, nothing="nothing is stored yet: lab.run(seconds=8)")

    def history(self, symbol: str, limit: int = 100) -> Table:
        """Records of one symbol, newest first; ``.frame()`` makes a pandas DataFrame of them.

        :raises NotFoundError: the symbol was never seen
        """
        return Table(self._api().history(symbol, limit=limit), columns=RECORD)

    def alerts(self, limit: int = 100) -> Table:
        """Alerts, newest first."""
        nothing = f"no alert yet: nothing moved by {self.settings.alert_threshold_pct:g} % in one tick"
        return Table(self._api().get("alerts", limit=limit), columns=ALERT, nothing=nothing)

    def books(self) -> BooksAnswer:
        """Where every tick went: produced = stored + late + refused + lost."""
        return BooksAnswer(self._api().get("books"))

    def balance(self) -> Balance:
        """The log in one pan, the books in the other: level when all that was sent was found again."""
        with self._open_log() as log:
            held = log.held(timeout_s=READ_S)  # before the books: what is stored meanwhile is not behind
        return weigh(self.books(), held)

    def digest(self, run: Run | str) -> str:
        """One number for all that is stored of a run: equal input gives an equal digest, whatever carried it.

        :raises ChildError: there is no such run
        """
        name = run.id if isinstance(run, Run) else run
        found = ask("digest", "--run", name, home=self.settings.home, variables=self._place.variables(None))
        return str(found["runs"][name])

    def explain(self, alert: int | Mapping[str, Any] | None = None) -> Reason:
        """Why did this alert fire? Reads its ticks again from the log and works it out anew.

        :param alert: its id, or one of :meth:`alerts`; None: the newest
        :raises NotFoundError: there is none
        """
        if alert is None:
            newest = self.alerts(limit=1)
            if not newest:
                raise NotFoundError("there is no alert yet", mend="lab.run(seconds=30), or a source that jumps more.")
            alert = newest[0]
        stored = msgspec.convert(self._api().get(f"alerts/{alert}") if isinstance(alert, int) else dict(alert), Alert)

        def read(partition: int, offsets: Iterable[int]) -> Mapping[int, bytes | None]:
            with self._open_log() as log:
                return read_same(log, stored.log, partition, offsets, timeout_s=READ_S)

        return Reason(explain(stored, read=read))

    def doctor(self) -> Findings:
        """What is installed, reachable, free and wrong, each with the mend."""
        servers = self._config.bootstrap_servers if self._config is not None else None
        said = ask("doctor", home=self.settings.home, variables=self._place.variables(servers))
        findings = [Finding(**finding) for finding in said["findings"]]
        if servers and not self._home_settings.bootstrap_servers:
            # The notebook's place is told of the managed broker as of anybody's Kafka.
            managed = Finding("broker", "ok", f"Apache Kafka runs at {servers}, managed by this lab")
            findings = [managed if item.what == "broker" and item.state == "ok" else item for item in findings]
        return Findings(findings)

    @property
    def dashboard(self) -> str:
        """Address of the lab's own dashboard."""
        return f"{self._api().url}dashboard"

    # ---------------------------------------------------------------------------------------- live

    def follow(self, symbol: str | None = None, *, past: int = 200) -> Follower:
        """For a widget's ``pull``: gives what was stored since it was last asked.

        ::

            lab.watch(Watchlist(pull=lab.follow()), BooksPanel(lab.books), seconds=20)

        :param past: records of before that it begins with, of each symbol; 0: only what comes from now on
        """
        return Follower(self._api(), symbol, past=past)

    def chart(self, symbol: str, *, seconds: float | None = None, background: bool = False) -> LiveWidget:
        """A live chart of what is stored; see :meth:`watch` for when it ends."""
        from marketlab.widgets.chart import LiveChart

        chart = LiveChart(symbol, pull=self.follow(symbol))
        self.watch(chart, seconds=seconds, background=background)
        return chart

    def feed(self, *, seconds: float | None = None, background: bool = False) -> LiveWidget:
        """Alerts as they are stored; "Why?" reads the ticks behind one again from the log."""
        from marketlab.widgets.alert_feed import AlertFeed

        def why(tick: Mapping[str, Any]) -> Any:
            found = [row for row in self.alerts() if row["tick_id"] == tick["id"]]
            if not found:
                raise NotFoundError("this alert is no longer among the newest 100")
            return behind(self.explain(found[0]).explanation)

        feed = AlertFeed(
            threshold_pct=self.settings.alert_threshold_pct,
            window=self.settings.window,
            explain=why,
            pull=self.follow(),
        )
        self.watch(feed, seconds=seconds, background=background)
        return feed

    def panel(
        self,
        *takers: Callable[[Mapping[str, Any]], object],
        sources: Sequence[str] = ("simulator",),
        rate: float = 20.0,
    ) -> ControlPanel:
        """Start, pause, step and stop, for ticks that go to your own functions instead of into the pipeline.

        ::

            chart = LiveChart("AAPL")
            display(lab.panel(chart.push), chart)

        :param takers: each is called with every tick, a dict as :meth:`ticks` gives it
        :param sources: to choose from: ``simulator``, ``uniform`` or ``replay:FILE``
        :param rate: ticks a second, to begin with
        """
        from marketlab.widgets.control_panel import ControlPanel

        def ticks(choice: Choice) -> Iterator[dict[str, Any]]:
            seed = None if choice.recorded else self._seed
            return map(_as_dict, open_source(choice.source, seed=seed, symbols=choice.symbols or None))

        return ControlPanel(ticks, *takers, sources=sources, rate=rate)

    def watch(self, *widgets: LiveWidget, seconds: float | None = None, background: bool = False) -> None:
        """Show widgets until the run is over, or ``seconds`` are; an interrupt ends them too, and nothing else.

        :param seconds: default: as long as the run, and 30 if there is none or it has no end
        :param background: return at once; they end in the same way, but leave the kernel to you
        """
        for widget in widgets:
            _show(widget)
        run = self._run
        limit = seconds if seconds is not None else None if run is not None and run.bounded else WATCH_S

        def over() -> bool:
            return run is not None and run.over

        if background:
            for widget in widgets:
                widget.end_when(over, within_s=limit)
            return
        deadline = Deadline(limit)
        try:
            while not (deadline.passed or over() or all(widget.ended for widget in widgets)):
                time.sleep(min(LOOK_S, deadline.remaining_s))
        except KeyboardInterrupt:
            pass  # that is how one looks away
        finally:
            for widget in widgets:
                widget.finish()

    def crew(self, work: Callable[[str, Event], object]) -> Crew:
        """Threads for a ``with`` block: ``crew.hire("A")`` runs ``work("A", stop)``; all end with the block."""
        return Crew(work)

    def verdict(self, name: str, findings: Mapping[str, tuple[Any, Any]]) -> Verdict:
        """Hold what was seen against what was wanted, and show it.

        :param findings: {what it is: (seen, wanted)}
        :raises NotYetError: after it was shown, if something is not as it should be
        """
        verdict = Verdict(name, findings)
        if not verdict.ok:
            _show(verdict)
            verdict.check()
        return verdict

    def close(self) -> None:
        """End what this lab runs, and take the topics away that it named. Again: nothing."""
        registry.forget("lab", self)
        if self._processes is not None:
            self._processes.stop()
        self._place.release()
        topics, self._topics = self._topics, []
        if not topics or self._config is None:
            return
        try:
            delete_topics(self._config, topics.__contains__)  # a name that was given out is not yet a topic
        except MarketlabError as error:  # a broker that is gone has no topics to be tidied up
            log.warning("topics %s stay: %s", ", ".join(topics), error.message)

    def __repr__(self) -> str:
        running = ", ".join(self._processes.pids()) if self._processes is not None else ""
        whose = "shared" if self._place.shared else "your own"
        return f"<Lab in {self.settings.home} ({whose}), {f'running: {running}' if running else 'nothing runs'}>"

    def _repr_html_(self) -> str:
        return framed(f'<div style="color:var(--ml-ink)">{html.escape(repr(self)[1:-1])}</div>')

    # ---------------------------------------------------------------------------------------- behind it

    def _kafka(self) -> KafkaConfig:
        if self._config is None:
            self.broker()
        assert self._config is not None  # noqa: S101 (broker() sets it or raises)
        return self._config

    def _own_topic(self) -> str:
        name = self.settings.topic_name
        if not self._place.shared and name not in self._topics:
            self._topics.append(name)
        return name

    def _children(self) -> Processes:
        if self._processes is None:
            servers = None if self._is_tape else self.bootstrap_servers
            self._own_topic()
            if self._is_tape:
                with open_transport(self.settings, self._transport, create=True):
                    pass  # the consumer wants to find one
            self._processes = Processes(
                self.settings.home, variables=self._place.variables(servers), transport=self._transport
            )
        return self._processes

    def _api(self) -> ApiClient:
        if self._processes is None:
            self._children()
        assert self._processes is not None  # noqa: S101 (set by the line before)
        self._processes.check("consumer", "producer")
        return ApiClient(self._processes.api_url())

    def _open_log(self) -> AbstractContextManager[Transport]:
        settings = self.settings
        if not self._is_tape:
            settings = settings.model_copy(update={"bootstrap_servers": self.bootstrap_servers})
        return open_transport(settings, self._transport)


def _as_dict(tick: Tick) -> dict[str, Any]:
    return {"symbol": tick.symbol, "price": tick.price, "timestamp": tick.timestamp}


def _show(thing: object) -> None:
    from IPython.display import display

    display(thing)


def _progress() -> _Progress | None:
    """Where a notebook shows how far the start of the broker is; nothing outside of one."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return _Progress() if get_ipython() is not None else None


class _Progress:
    """One line of output that is written over, and goes away in the end."""

    EVERY_S = 0.2

    def __init__(self) -> None:
        from IPython.display import DisplayHandle

        self._handle = DisplayHandle()
        self._shown = False
        self._text, self._done, self._total = "", 0, 0
        self._last = 0.0

    def stage(self, text: str, *, total_bytes: int | None = None) -> None:
        """Begin a stage; without text the work is over."""
        self._text, self._done, self._total = text, 0, total_bytes or 0
        if text or self._shown:
            self._write(text)  # an empty one takes the line away

    def advance(self, n_bytes: int) -> None:
        """So many more bytes."""
        self._done += n_bytes
        if time.monotonic() - self._last >= self.EVERY_S:
            self._write(f"{self._text}: {self._done / 1e6:,.0f} of {self._total / 1e6:,.0f} MB")

    def _write(self, text: str) -> None:
        self._last = time.monotonic()
        bundle = {"text/plain": text} if text else {}
        if self._shown:
            self._handle.update(bundle, raw=True)
        else:
            self._shown = True
            self._handle.display(bundle, raw=True)


def _end() -> None:
    """Before the kernel ends: topics first, then the leases, with which the broker may stop."""
    registry.close_all("lab")
    while _leases:
        _leases.popitem()[1].close()


if "_ended_with" not in globals():  # once, however often this module is loaded again
    _ended_with = atexit.register(_end)
