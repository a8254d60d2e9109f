"""What a notebook asks for by name: a broker, a topic of its own, ticks, a verdict.

The rest stands in the learner's own cells. A lab belongs to its kernel: it holds a lease on the managed broker as long
as the kernel lives, and takes its topics away with it.
"""

from __future__ import annotations

import atexit
import html
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from marketlab.crew import Crew
from marketlab.deadline import Deadline
from marketlab.errors import MarketlabError
from marketlab.producer import Pace
from marketlab.settings import load_settings
from marketlab.sources import DEFAULT_SEED
from marketlab.transports import KafkaConfig
from marketlab.transports.kafka_client import failed, open_client
from marketlab.widgets import registry
from marketlab.widgets.style import STYLE
from marketlab.widgets.verdict import Verdict
from marketlab.wiring import kafka, open_source

__all__ = ["Broker", "Lab"]

log = logging.getLogger(__name__)

FOUND_S = 0.3  # no broker starts in so short a time

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
        return f'{STYLE}<div class="marketlab" style="color:var(--ml-ink)">{html.escape(repr(self))}</div>'


class Lab:
    """A learner's way into the pipeline.

    ::

        lab = Lab()
        lab.broker()
        topic = lab.topic_name()
        for tick in lab.ticks(rate=20, seconds=8):
            ...

    A second one in the same kernel closes the first, so that a notebook can be run again from the top.

    :param home: folder of the lab's state; default: as every ``marketlab`` command finds it
    :param seed: of the prices; the same seed, the same prices
    """

    def __init__(self, *, home: Path | str | None = None, seed: int = DEFAULT_SEED) -> None:
        self.settings = load_settings(home=home)
        self._config: KafkaConfig | None = None
        self._topics: list[str] = []
        self._source = iter(open_source("simulator", seed=seed))
        registry.replace("lab", self)

    def broker(self) -> Broker:
        """Find Kafka, or start it: your own if the settings name one, else the managed broker.

        It stays at least as long as this kernel. The first time on a machine Kafka is fetched, 45 MB.

        :raises BrokerError: it cannot be had; says why and what to do
        """
        began = time.monotonic()
        lease = ExitStack()
        self._config = lease.enter_context(kafka(self.settings, progress=_progress()))
        before = _leases.get(self.settings.home)
        _leases[self.settings.home] = lease
        if before is not None:
            before.close()
        managed = not self.settings.bootstrap_servers
        return Broker(self._config.bootstrap_servers, managed, time.monotonic() - began)

    @property
    def bootstrap_servers(self) -> str:
        """``host:port``, for a client of Kafka."""
        if self._config is None:
            self.broker()
        assert self._config is not None  # noqa: S101 (broker() sets it or raises)
        return self._config.bootstrap_servers

    def topic_name(self, what: str = "ticks") -> str:
        """A name for a topic that no other notebook has; the topic goes when the kernel ends."""
        name = f"notebook-{what}-{secrets.token_hex(3)}"
        self._topics.append(name)
        return name

    def group_name(self, what: str) -> str:
        """A name for a consumer group that nobody else has: a group of that name has read nothing yet."""
        return f"{what}-{secrets.token_hex(3)}"

    def ticks(
        self, *, rate: float = 20.0, seconds: float | None = None, count: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """Simulated ticks, one at a time, when each is due: ``{"symbol": …, "price": …, "timestamp": …}``.

        A second call goes on where the first one ended.

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
            tick = next(self._source)
            yield {"symbol": tick.symbol, "price": tick.price, "timestamp": tick.timestamp}
            given += 1

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
        """Take the topics away that were named by this lab. Again: nothing."""
        registry.forget("lab", self)
        topics, self._topics = self._topics, []
        if not topics or self._config is None:
            return
        try:
            _delete_topics(self._config, topics)
        except MarketlabError as error:  # a broker that is gone has no topics to be tidied up
            log.warning("topics %s stay: %s", ", ".join(topics), error.message)

    def __repr__(self) -> str:
        return f"<Lab in {self.settings.home}>"


def _delete_topics(config: KafkaConfig, topics: list[str]) -> None:
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    with closing(open_client(KafkaAdminClient, config)) as admin:
        try:
            # A name that was given out is not yet a topic.
            made = set(admin.list_topics()).intersection(topics)
            if made:
                admin.delete_topics(sorted(made))
        except KafkaError as error:
            raise failed(config, "delete topics", error) from error


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
