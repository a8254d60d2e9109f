"""``GET /metrics``: what Prometheus asks for, in its text format.

The store's numbers are read when they are asked for, so they are right however the rows got there and whatever was
restarted; only requests are counted here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from flask import Blueprint, Flask, Response, current_app, g, request
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from api.pulse import Lag
from api.services import Services
from marketlab.books import balance
from marketlab.commit_times import CommitTimes
from marketlab.errors import StoreError
from marketlab.model import BINS

__all__ = ["Gauges", "bp", "register"]

EXTENSION = "marketlab-metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LAG_WAIT_S = 0.5  # for Kafka to say how long the log is, when nobody has asked for a while
REQUEST_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

bp = Blueprint("metrics", __name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """What is shown beside the store and the requests, each None where nobody can tell.

    ``lag``: how far the store is behind the log; ``clients``: connections to ``/ws``; ``commits``: how long the
    consumers' commits took; ``refused``: requests that were answered before this application saw them, by (protocol,
    status).
    """

    lag: Lag | None = None
    clients: Callable[[], int] | None = None
    commits: Callable[[], Sequence[CommitTimes]] | None = None
    refused: Mapping[tuple[str, str], int] | None = None


@bp.get("/metrics")
def metrics() -> Response:
    """All of it, at most a second old."""
    registry: CollectorRegistry = current_app.extensions[EXTENSION]
    response = Response(generate_latest(registry), content_type=CONTENT_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response


def register(app: Flask, services: Services, gauges: Gauges) -> None:
    """Time every request of the app, and be ready to tell. To be called before anything that refuses requests."""
    registry = app.extensions[EXTENSION] = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Told(services, gauges))
    requests = Histogram(
        "marketlab_http_request_seconds",
        "Time from a whole request to its answer, without the way to the client.",
        ["method", "route", "status"],
        buckets=REQUEST_BOUNDS_S,
        registry=registry,
    )

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        # The rule and not the address, for of those there are as many as somebody cares to make up.
        route = request.url_rule.rule if request.url_rule else "none"
        method = request.method if request.method in {"GET", "HEAD", "POST", "OPTIONS"} else "other"
        requests.labels(method, route, str(response.status_code)).observe(time.perf_counter() - g.began)
        return response


class _Told(Collector):
    """The numbers of others, asked for at each scrape."""

    def __init__(self, services: Services, gauges: Gauges) -> None:
        self._services, self._gauges = services, gauges

    def collect(self) -> Iterator[Metric]:
        """The numbers as they are now; what is not known is not there."""
        readable = GaugeMetricFamily("marketlab_store_readable", "1 if the database could be read, else 0.")
        try:
            yield from self._store()
            readable.add_metric([], 1)
        except StoreError:
            readable.add_metric([], 0)
        yield readable
        yield from self._log()
        if self._gauges.clients:
            yield GaugeMetricFamily("marketlab_websocket_clients", "Connections to /ws.", value=self._gauges.clients())
        if self._gauges.commits:
            yield _commits(self._gauges.commits())
        if self._gauges.refused is not None:
            yield _refused(self._gauges.refused)

    def describe(self) -> Iterator[Metric]:
        """Nothing, or registering would already ask the store."""
        return iter(())

    def _store(self) -> Sequence[Metric]:
        messages = CounterMetricFamily(
            "marketlab_messages", "Messages received, by the bin they went to.", labels=["log", "partition", "bin"]
        )
        dead = CounterMetricFamily("marketlab_dead_letters", "Messages refused, by reason.", labels=["reason"])
        alerts = CounterMetricFamily("marketlab_alerts", "Alerts fired.")
        with self._services.reading() as reader:
            # Both counts outlive a prune: the books keep the reasons, and the newest alert stays with its number.
            partitions = reader.partition_books()
            newest = reader.alerts(limit=1)
        for book in partitions:
            for name in BINS:
                messages.add_metric([book.log, str(book.partition), name], getattr(book.counts, name))
        for reason, count in balance(partitions, ()).reasons.items():
            dead.add_metric([reason], count)
        alerts.add_metric([], newest[0].id if newest else 0)
        return messages, dead, alerts

    def _log(self) -> Iterator[Metric]:
        lag = self._gauges.lag(wait_s=LAG_WAIT_S) if self._gauges.lag else None
        if lag is not None:
            behind = GaugeMetricFamily(
                "marketlab_group_lag", "Messages on the log that are not stored yet.", labels=["partition"]
            )
            for partition, count in sorted(lag.items()):
                behind.add_metric([str(partition)], count)
            yield behind


def _commits(all_times: Sequence[CommitTimes]) -> Metric:
    family = HistogramMetricFamily(
        "marketlab_commit_seconds",
        "Time a consumer took to make a batch durable.",
        labels=["consumer", "sink"],
    )
    for times in all_times:
        edges = [*map(str, times.bounds_s), "+Inf"]
        buckets = list(zip(edges, accumulate(times.counts), strict=True))
        family.add_metric([times.consumer, times.sink], buckets, times.sum_s)
    return family


def _refused(counts: Mapping[tuple[str, str], int]) -> Metric:
    family = CounterMetricFamily(
        "marketlab_refused", "Requests and WebSockets that were turned away at the door.", labels=["protocol", "status"]
    )
    for (protocol, status), count in sorted(dict(counts).items()):
        family.add_metric([protocol, status], count)
    return family
