"""Numbers of the answering half: connectors, real providers, injected faults; and of both halves in one process."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from lgsp.catalogue.live import Commit
from lgsp.catalogue.service import Catalogue, Service
from lgsp.model import Outcome, Transaction
from lgsp.taps.cells import Counter, Gauge, Histogram
from lgsp.taps.metrics import SEGMENT, WHOLE, GatewayMetrics, ProcessMetrics

RESULTS = ("ack", "requeue", "reject", "expired")
LOST_STATE = ("expired", "consumer", "whole")
FOLLOWED = ("sent", "failed", "gave_up", "refused", "dropped")


class _Served:
    """The children of one service that the answering half moves."""

    __slots__ = ("busy", "followed", "lost", "messages", "owed", "took", "wait")

    def __init__(
        self,
        service: str,
        wait: Histogram,
        took: Histogram,
        messages: Counter,
        busy: Gauge,
        lost: Counter,
        followed: Counter,
        owed: Gauge,
    ) -> None:
        self.wait = wait.labels(service)
        self.took = took.labels(service)
        self.messages = {result: messages.labels(service, result) for result in RESULTS}
        self.busy = busy.labels(service)
        self.lost = {reason: lost.labels(service, reason) for reason in LOST_STATE}
        self.followed = {result: followed.labels(service, result) for result in FOLLOWED}
        self.owed = owed.labels(service)


class ConnectorMetrics:
    """The watch of the answering half, its bus and its host: of the services in `only`, or of all."""

    def __init__(
        self, process: ProcessMetrics, services: Iterable[Service], capacity: int, only: Collection[str] = ()
    ) -> None:
        registry = process.registry
        self._process = process
        by = ("service",)
        wait = Histogram("lgsp_queue_wait_seconds", "From publish to delivery.", by, buckets=SEGMENT, registry=registry)
        took = Histogram(
            "lgsp_connector_duration_seconds", "The provider's part.", by, buckets=WHOLE, registry=registry
        )
        messages = Counter(
            "lgsp_connector_messages_total", "What became of each delivery.", ("service", "result"), registry=registry
        )
        busy = Gauge("lgsp_connector_busy", "Requests being answered.", by, registry=registry)
        limit = Gauge("lgsp_connector_capacity", "Requests answered at a time, at most.", by, registry=registry)
        lost = Counter(
            "lgsp_state_dropped_total", "Things that stand-ins forgot.", ("service", "reason"), registry=registry
        )
        followed = Counter(
            "lgsp_follow_ups_total", "What was sent after an answer.", ("service", "result"), registry=registry
        )
        owed = Gauge("lgsp_follow_ups_owed", "What is still to be sent after an answer.", by, registry=registry)
        self._by_service = (wait, took, messages, busy, lost, followed, owed)
        self._limit, self._capacity = limit, capacity
        self._only = frozenset(only)
        self._served: dict[str, _Served] = {}
        self.prepare(Catalogue({service.id: service for service in services}))()
        self._skew = Counter(
            "lgsp_clock_skew_total", "Waits that came out negative: two clocks disagree.", registry=registry
        )

    def prepare(self, new: Catalogue) -> Commit:
        """See `Taker`: every label set of what is new; those of what is gone stay."""
        ours = [service.id for service in new if not self._only or service.id in self._only]
        fresh = [service for service in ours if service not in self._served]
        served = self._served | {service: _Served(service, *self._by_service) for service in fresh}

        def commit() -> None:
            self._served = served
            for service in fresh:
                self._limit.labels(service).set(self._capacity)

        return commit

    def busy(self, service: str, change: int) -> None:
        """A request began (+1) or ended (-1)."""
        self._served[service].busy.inc(change)

    def duration(self, service: str, seconds: float) -> None:
        """A connector took `seconds`, behaviours included."""
        self._served[service].took.observe(seconds)

    def state_dropped(self, service: str, reason: str, count: int) -> None:
        """A stand-in forgot `count` things. A service that this process does not serve makes no series."""
        served = self._served.get(service)
        if served is not None and reason in served.lost:
            served.lost[reason].inc(count)

    def owed(self, service: str, change: int) -> None:
        """Something is to be sent after an answer (+1), or has come to its end (-1)."""
        self._served[service].owed.inc(change)

    def follow_up(self, service: str, result: str) -> None:
        """How a try or the whole of what follows an answer ended."""
        self._served[service].followed[result].inc()

    def delivery(self, service: str, result: str) -> None:
        """See `bus.base.Watch`."""
        served = self._served.get(service)
        if served is not None and result in served.messages:
            served.messages[result].inc()

    def queue_wait(self, service: str, seconds: float) -> None:
        """See `bus.base.Watch`."""
        served = self._served.get(service)
        if served is not None:
            served.wait.observe(max(seconds, 0.0))
        if seconds < 0:
            self._skew.inc()

    def late_reply(self, service: str) -> None:
        """Replies are the asking half's."""

    def duplicate_reply(self, service: str) -> None:
        """So are these."""

    def unroutable(self, service: str) -> None:
        """A reply whose gateway is gone: the broker's own metrics show it."""

    def confirmed(self, seconds: float) -> None:
        """Confirms of replies are not measured."""

    def connection(self, component: str, *, up: bool) -> None:
        """See `bus.base.Watch`."""
        self._process.connection(component, up=up)


class UpstreamMetrics:
    """The watch of real providers, and the tap of the services that spy on them."""

    def __init__(self, process: ProcessMetrics) -> None:
        registry = process.registry
        by = ("service", "outcome")
        self._process = process
        self._attempts = Counter("lgsp_upstream_attempts_total", "HTTP requests to providers.", by, registry=registry)
        self._spied = Counter("lgsp_spied_total", "Calls that were spied on.", by, registry=registry)

    def provider(self, service: str) -> None:
        """A service has a real provider: its label sets are there from now on."""
        self.circuit(service, is_open=False)
        for outcome in Outcome:
            self._attempts.labels(service, outcome)
            self._spied.labels(service, outcome)

    def attempt(self, service: str, outcome: Outcome) -> None:
        """One HTTP request to the provider ended."""
        self._attempts.labels(service, outcome).inc()

    def circuit(self, service: str, *, is_open: bool) -> None:
        """Its breaker opened or closed."""
        self._process.circuit("answering", service, is_open=is_open)

    def saw(self, transaction: Transaction) -> None:
        """A call was spied on."""
        self._spied.labels(transaction.request.service, transaction.outcome).inc()


class FaultMetrics:
    """The faults that are active in this process, and those that are not: every service and kind from the start."""

    def __init__(self, process: ProcessMetrics, services: Callable[[], Iterable[str]], kinds: Iterable[str]) -> None:
        self._collector = _FaultCollector(services, tuple(kinds))
        process.registry.register(self._collector)

    def faults(self, active: Collection[tuple[str, str]]) -> None:
        """The faults that are active now, as (service, kind)."""
        self._collector.active = frozenset(active)


class _FaultCollector(Collector):
    """One series a service and kind."""

    def __init__(self, services: Callable[[], Iterable[str]], kinds: Iterable[str]) -> None:
        self._services = services
        self._kinds = kinds
        self.active: frozenset[tuple[str, str]] = frozenset()

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "lgsp_fault_active", "Whether an injected fault is active.", labels=("service", "fault")
        )
        active = self.active
        for service in self._services():
            for kind in self._kinds:
                family.add_metric((service, kind), (service, kind) in active)
        yield family

    def describe(self) -> Iterator[Metric]:
        return iter(())


class BothMetrics:
    """Asking and answering half in one process on one bus."""

    def __init__(self, asking: GatewayMetrics, answering: ConnectorMetrics) -> None:
        self.late_reply = asking.late_reply
        self.duplicate_reply = asking.duplicate_reply
        self.unroutable = asking.unroutable
        self.confirmed = asking.confirmed
        self.delivery = answering.delivery
        self.queue_wait = answering.queue_wait
        self.connection = asking.connection
