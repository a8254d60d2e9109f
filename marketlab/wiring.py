"""Where adapters meet ports: the one file that knows which source, log and store a setting means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from time import monotonic
from time import time as wall_clock

from marketlab import tokens
from marketlab.broker import ManagedBroker, Progress
from marketlab.commit_times import CommitTimes, TimedSink, read_commit_times
from marketlab.errors import BrokerError, SettingsError, TransportError
from marketlab.files import home_id, take_slot
from marketlab.lag import GroupLag
from marketlab.model import Rule
from marketlab.ports import Sink, Source, Store, StoreReader, Transport
from marketlab.provenance import Explainer
from marketlab.settings import Settings
from marketlab.sources import Replay, Simulator, Uniform, simulated_clock
from marketlab.store import Backup, HttpSink, Pruned, SqliteReader, SqliteStore
from marketlab.store import back_up as back_up_database
from marketlab.store import prune as prune_database
from marketlab.transports import KafkaConfig, KafkaTransport, TapeTransport, delete_topics, ensure_topic, trim_topic

__all__ = [
    "answers",
    "api_token",
    "back_up",
    "commit_times",
    "delete_namespaces",
    "group",
    "group_lag",
    "kafka",
    "kept_broker",
    "member",
    "open_explainer",
    "open_reader",
    "open_sink",
    "open_source",
    "open_store",
    "open_transport",
    "prune",
    "prune_log",
    "rule",
    "tape_path",
    "timed",
    "topic_of",
]

API_HOST, API_PORT = "127.0.0.1", 5000
EXPLAIN_S = 3.0  # for one alert; a page waits for the answer
LOOK_S = 0.5  # between two looks at the broker
LAG_S = 2.0  # for a broker to answer how long its log is
TOPIC_S = 30.0  # for a broker that has just come up to make the topic


def rule(settings: Settings) -> Rule:
    """The rule alerts and averages are made by."""
    return Rule(window=settings.window, threshold_pct=settings.alert_threshold_pct)


def open_store(settings: Settings) -> Store:
    """The store of the home, for writing; made if missing.

    :raises StoreError: it cannot be opened, or is not ours
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    return SqliteStore(settings.database)


def open_sink(settings: Settings, kind: str, *, api: str | None = None) -> Sink:
    """Where a consumer's batches go: ``sqlite``, the home's store, or ``http``, the API.

    :param api: address of the API
    """
    if kind == "http":
        return HttpSink(api or f"http://{API_HOST}:{settings.port or API_PORT}", token=api_token(settings))
    return open_store(settings)


def api_token(settings: Settings) -> str | None:
    """The secret for writing to the API: that of the setting, else the one that the home keeps, else none.

    :raises SettingsError: it is no good; an empty one is not taken for none
    """
    if settings.token is not None:
        return tokens.checked(settings.token.get_secret_value(), source="MARKETLAB_TOKEN")
    return tokens.kept(settings.home)


def timed(sink: Sink, settings: Settings, *, consumer: int, kind: str) -> Sink:
    """The sink of a consumer of the home, which leaves word of how long its commits take.

    :param consumer: the consumer's number in the home
    """
    path = settings.home / "run" / f"commits-{consumer}.json"
    return TimedSink(sink, path, consumer=str(consumer), kind=kind)


def commit_times(settings: Settings) -> list[CommitTimes]:
    """How long the commits of the home's consumers took."""
    return read_commit_times(settings.home / "run")


def open_reader(settings: Settings) -> StoreReader:
    """The store of the home, for reading; one that does not exist yet answers as an empty one."""
    return SqliteReader(settings.database)


def back_up(settings: Settings, file: Path) -> Backup:
    """A verified copy of the home's database.

    :raises MarketlabError: it cannot be made; then there is none
    """
    return back_up_database(settings.database, file)


def prune(settings: Settings, *, before_s: float, dry_run: bool, say: Callable[[str], None]) -> Pruned:
    """Remove what is older from the home's database.

    :param before_s: seconds since the epoch
    """
    return prune_database(settings.database, before=before_s, dry_run=dry_run, say=say)


def prune_log(settings: Settings, *, before_s: float, dry_run: bool, progress: Progress | None = None) -> int | None:
    """Delete what was sent before a time from the managed broker's log, as far as the store has it.

    :returns: messages; None if there is no such log: your own Kafka has a retention that is yours, a tape has none
    """
    if settings.bootstrap_servers:
        return None
    with open_reader(settings) as reader:
        positions = {(book.log, book.partition): book.next_offset for book in reader.partition_books()}
    if not any(log.startswith("kafka:") for log, _ in positions):
        return None
    with open_transport(settings, progress=progress) as log:
        read = {partition: end for (name, partition), end in positions.items() if name == log.log_id and end}
        if not read:
            return 0
        with kafka(settings) as config:
            return trim_topic(config, before_s=before_s, at_most=read, dry_run=dry_run)


@contextmanager
def kafka(settings: Settings, *, progress: Progress | None = None) -> Iterator[KafkaConfig]:
    """How to reach Kafka: your own if the settings name one, else the managed broker, held by a lease meanwhile.

    :raises BrokerError: the managed broker cannot be had
    """
    if settings.bootstrap_servers:
        yield _config(settings, settings.bootstrap_servers)
        return
    broker = ManagedBroker(settings.broker_home, cache=settings.cache, port=settings.broker_port)
    with broker.acquire(progress=progress) as lease:
        yield _config(settings, lease.bootstrap_servers)


def delete_namespaces(config: KafkaConfig, prefix: str) -> list[str]:
    """Delete the topics of all namespaces that begin with a prefix; none, if there is no broker to hold them.

    :returns: their names
    """
    try:
        return delete_topics(config, lambda name: name.startswith(prefix) and "." in name)
    except TransportError:
        return []


def answers(config: KafkaConfig) -> bool:
    """Whether Kafka answers; waits five seconds for it."""
    try:
        delete_topics(config, lambda _: False)
    except TransportError:
        return False
    return True


@contextmanager
def kept_broker(settings: Settings, transport: str = "kafka") -> Iterator[Callable[[], str]]:
    """Something to call now and then, that starts the managed broker again if it was killed.

    It returns a sentence when it did, or when it cannot yet: a full disk or a taken port may pass, so the next call
    tries again; else nothing. A tape or your own Kafka is nothing to look after.
    """
    if settings.bootstrap_servers or tape_path(transport) is not None:
        yield lambda: ""
        return
    broker = ManagedBroker(settings.broker_home, cache=settings.cache, port=settings.broker_port)
    look_at = monotonic() + LOOK_S
    with ExitStack() as leases:

        def look() -> str:
            nonlocal look_at
            if monotonic() < look_at:
                return ""
            try:
                if broker.status().running:
                    return ""
                leases.enter_context(broker.acquire(timeout_s=TOPIC_S))
            except BrokerError as error:
                return f"the broker is down and waits to be started again: {error.message}"
            finally:
                look_at = monotonic() + LOOK_S
            return "the broker was killed, started again"

        yield look


def tape_path(transport: str) -> Path | None:
    """The file of ``tape:FILE``, or None for ``kafka``.

    :raises SettingsError: it is neither
    """
    kind, _, rest = transport.partition(":")
    if kind == "kafka" and not rest:
        return None
    if kind == "tape" and rest:
        return Path(rest)
    raise SettingsError(f"transport must be kafka or tape:FILE, was {transport!r}")


@contextmanager
def open_transport(
    settings: Settings, transport: str = "kafka", *, create: bool = False, progress: Progress | None = None
) -> Iterator[Transport]:
    """The log of messages; Kafka's topic is made if missing.

    :param transport: ``kafka`` or ``tape:FILE``
    :param create: make the tape if missing
    """
    path = tape_path(transport)
    if path is not None:
        with TapeTransport(path, topic=settings.topic, partitions=settings.partitions) as tape:
            if create and not path.exists():
                tape.publisher().close(timeout_s=0.0)
            yield tape
        return
    with kafka(settings, progress=progress) as config:
        ensure_topic(config, partitions=settings.partitions, timeout_s=TOPIC_S)
        with KafkaTransport(config) as log:
            yield log


def open_explainer(settings: Settings, transport: str = "kafka") -> Explainer:
    """Explains alerts by the log as it can be had at that moment. It starts nothing: it says that the log is away."""
    return Explainer(
        lambda: _log_at_hand(settings, transport), timeout_s=EXPLAIN_S, topic=topic_of(settings, transport)
    )


def topic_of(settings: Settings, transport: str) -> str | None:
    """The topic that a transport reads, by name; a tape has none that matters."""
    return settings.topic_name if tape_path(transport) is None else None


@contextmanager
def _log_at_hand(settings: Settings, transport: str) -> Iterator[Transport]:
    if tape_path(transport) is not None:
        with open_transport(settings, transport) as tape:
            yield tape
        return
    kafka_log = _kafka_if_up(settings)
    if kafka_log is None:
        raise TransportError("the managed broker does not run", mend="`marketlab broker start` starts it.")
    with kafka_log as log:
        yield log


@contextmanager
def group_lag(settings: Settings) -> Iterator[GroupLag]:
    """How far the home's store is behind Kafka. It is asked only while it runs; nothing is started to find out."""
    with open_reader(settings) as reader, closing(GroupLag(lambda: _kafka_if_up(settings), reader)) as lag:
        yield lag


def group(settings: Settings) -> str:
    """The consumer group: each home reads everything, and the consumers of one home share it."""
    return settings.own(settings.group or f"marketlab-{home_id(settings.home)}")


@contextmanager
def member(settings: Settings) -> Iterator[tuple[str, int]]:
    """A place in the consumer group that outlives the process: its static member id and its number in this home.

    A killed consumer that starts again takes the same place and gets its partitions back at once.
    """
    slot = take_slot(settings.home / "run", "consumer")
    try:
        yield f"marketlab-{home_id(settings.home)}-{slot.number}", slot.number
    finally:
        slot.release()


def open_source(
    spec: str,
    *,
    seed: int | None = None,
    symbols: Sequence[str] | None = None,
    simulated: bool = False,
    columns: Mapping[str, str | int] | None = None,
    symbol: str | None = None,
    time_unit: str | None = None,
    day: date | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Source:
    """The source that a ``--source`` names.

    :param spec: ``simulator``, ``uniform`` or ``replay:FILE``
    :param simulated: event times from a fixed start instead of the wall clock
    :raises SettingsError: no such source
    """
    kind, _, rest = spec.partition(":")
    if kind in ("simulator", "uniform") and not rest:
        make: Callable[..., Source] = Simulator if kind == "simulator" else Uniform
        given = {name: value for name, value in (("seed", seed), ("symbols", symbols)) if value is not None}
        return make(clock=simulated_clock() if simulated else wall_clock, **given)
    if kind == "replay" and rest:
        return Replay(
            Path(rest),
            columns=columns,
            symbol=symbol,
            time_unit=time_unit,
            date=day,
            delimiter=delimiter,
            header=header,
        )
    raise SettingsError(f"source must be simulator, uniform or replay:FILE, was {spec!r}")


def _kafka_if_up(settings: Settings) -> Transport | None:
    servers = settings.bootstrap_servers
    if not servers:
        servers = ManagedBroker(settings.broker_home, cache=settings.cache).status().bootstrap_servers
    if not servers:
        return None
    return KafkaTransport(replace(_config(settings, servers), connect_timeout_s=LAG_S, request_timeout_s=LAG_S))


def _config(settings: Settings, bootstrap_servers: str) -> KafkaConfig:
    password = settings.sasl_password
    return KafkaConfig(
        bootstrap_servers=bootstrap_servers,
        topic=settings.topic_name,
        security_protocol=settings.security_protocol,
        sasl_mechanism=settings.sasl_mechanism,
        sasl_username=settings.sasl_username,
        sasl_password=password.get_secret_value() if password else None,
        ssl_cafile=settings.ssl_cafile,
        ssl_certfile=settings.ssl_certfile,
        ssl_keyfile=settings.ssl_keyfile,
    )
