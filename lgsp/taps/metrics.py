"""Numbers for Prometheus: every label set there from the start, every child kept.

The counts of transactions are the ledger's own, rendered at scrape time: there is no second count to disagree with.
`docs/metrics.md` lists every metric.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from lgsp.catalogue.live import Commit
from lgsp.catalogue.service import Catalogue, Service
from lgsp.catalogue.watch import Reload
from lgsp.ledger.base import Ledger
from lgsp.ledger.periods import PERIODS
from lgsp.model import Outcome, Transaction
from lgsp.taps.cells import Cell, Counter, Gauge, Histogram

WHOLE = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60)
SEGMENT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 30)
LOOP = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1)
SIZES = (256, 1024, 4096, 16384, 65536, 262144, 1048576)
RESULTS = ("ack", "requeue", "reject", "expired")
SHED = ("inflight", "memory", "outbox", "quota")
LOST_STATE = ("expired", "consumer", "whole")
ROUTES = ("service", "own", "refused", "unknown")
_ANSWERED = (Outcome.OK, Outcome.BUSINESS_FAULT)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class ProcessMetrics:
    """What every process tells: who it is, how its event loop does, how its broker connections stand."""

    def __init__(self, version: str, bus: str) -> None:
        self.registry = CollectorRegistry()
        self.taking: list[Callable[[], None]] = []
        """What is copied in one moment of the event loop, because its numbers belong together."""
        ProcessCollector(registry=self.registry)
        build = Gauge("lgsp_build_info", "What runs here.", ("version", "python"), registry=self.registry)
        build.labels(version, platform.python_version()).set(1)
        Gauge("lgsp_bus_info", "The kind of bus.", ("kind",), registry=self.registry).labels(bus).set(1)
        self.loop_lag = Histogram(
            "lgsp_event_loop_lag_seconds", "How late the event loop ran a timer.", buckets=LOOP, registry=self.registry
        )
        up = Gauge("lgsp_amqp_connection_up", "Whether the connection stands.", ("component",), registry=self.registry)
        back = Counter(
            "lgsp_amqp_reconnects_total", "Connections that came back.", ("component",), registry=self.registry
        )
        components = ("publish", "consume") if bus == "rabbitmq" else ()
        self._up = {component: up.labels(component) for component in components}
        self._back = {component: back.labels(component) for component in components}
        self._was_up: dict[str, bool] = {}  # without an entry it never was
        self._circuit = Gauge(
            "lgsp_circuit_open", "1 while a service is not asked after failures.", ("service",), registry=self.registry
        )
        self._opened: dict[str, set[str]] = {}
        self._reload_ok = Gauge(
            "lgsp_config_last_reload_successful",
            "Whether what stands in the files is in force.",
            ("config",),
            registry=self.registry,
        )
        self._reload_at = Gauge(
            "lgsp_config_last_reload_success_timestamp_seconds",
            "When what is in force was read.",
            ("config",),
            registry=self.registry,
        )

    def connection(self, component: str, *, up: bool) -> None:
        """A connection came up or went down."""
        if component not in self._up:
            return
        self._up[component].set(up)
        was_up = self._was_up.get(component)
        if up and was_up is False:
            self._back[component].inc()
        if up or was_up is not None:
            self._was_up[component] = up

    def circuit(self, half: str, service: str, *, is_open: bool) -> None:
        """A breaker of the asking or the answering `half` opened or closed; where both are one process, one is enough."""
        opened = self._opened.setdefault(service, set())
        (opened.add if is_open else opened.discard)(half)
        self._circuit.labels(service).set(bool(opened))

    def reloaded(self, reload: Reload) -> None:
        """A configuration was read; at start, the first time."""
        self._reload_ok.labels(reload.what).set(reload.successful)
        if reload.successful:
            self._reload_at.labels(reload.what).set(reload.at)

    def hold(self) -> Callable[[], bytes]:
        """Copies, on the event loop, what belongs together; what this gives renders it in Prometheus's text format, off the loop."""
        for take in self.taking:
            take()
        return partial(generate_latest, self.registry)


class _LedgerCollector(Collector):
    """The ledger's own totals as metrics."""

    def __init__(self, ledger: Ledger, name: str, services: Iterable[Service]) -> None:
        self._ledger = ledger
        self._name = name
        self.services = tuple(services)
        """Those that exist: they have a count, if 0. What is gone keeps the counts that it has."""
        self.take()

    def take(self) -> None:
        """Copy the counts in one moment: while a scrape is rendered the loop goes on, and accepted = ended + open must hold."""
        ledger = self._ledger
        self._taken = dict(ledger.totals()), dict(ledger.accepted()), dict(ledger.still_open())
        self._by_period = dict(ledger.periods())

    def collect(self) -> Iterator[Metric]:
        totals, accepts, opens = self._taken
        ended = CounterMetricFamily(
            "lgsp_transactions", "Transactions that ended, by outcome.", labels=("service", "outcome")
        )
        none = {(service.id, outcome): 0 for service in self.services for outcome in Outcome}
        for (service, outcome), count in (none | totals).items():
            ended.add_metric((service, str(outcome)), count)
        yield ended
        zero = {service.id: 0 for service in self.services}
        accepted = CounterMetricFamily("lgsp_transactions_accepted", "Transactions accepted.", labels=("service",))
        for service, count in (zero | accepts).items():
            accepted.add_metric((service,), count)
        yield accepted
        still_open = GaugeMetricFamily(
            "lgsp_open_transactions", "Accepted, without an outcome yet.", labels=("service",)
        )
        for service, count in (zero | opens).items():
            still_open.add_metric((service,), count)
        yield still_open
        info = GaugeMetricFamily("lgsp_ledger_info", "Which account these are.", labels=("ledger", "backend", "zone"))
        info.add_metric((self._name, self._ledger.backend, self._ledger.zone), 1)
        yield info
        yield self._periods(none)
        yield from self._standing()

    def _periods(self, none: Mapping[tuple[str, Outcome], int]) -> Metric:
        family = GaugeMetricFamily(
            "lgsp_ledger_period_transactions",
            "Transactions that ended in the period.",
            labels=("service", "outcome", "period"),
        )
        zero = {(service, outcome, period): 0 for service, outcome in none for period in PERIODS}
        for (service, outcome, period), count in (zero | self._by_period).items():
            family.add_metric((service, str(outcome), period), count)
        return family

    def _standing(self) -> Iterator[Metric]:
        standing = self._ledger.standing()
        gauges = {
            "lgsp_ledger_last_sequence": ("The last row's number.", standing.sequence),
            "lgsp_ledger_queue_depth": ("Ended, not in the tables yet.", standing.waiting),
            "lgsp_ledger_lag_seconds": ("How long the first of them waits.", standing.lag),
            "lgsp_ledger_checkpoint_sequence": ("The row up to which it is signed.", standing.checkpoint),
            "lgsp_ledger_checkpoint_root_prefix": ("48 bits of the chain's root there.", standing.root),
            "lgsp_ledger_last_verified_timestamp_seconds": ("Last verification; 0 is never.", standing.verified_at),
            "lgsp_ledger_verify_failed": ("1 when it found something.", float(standing.verify_failed)),
        }
        for name, (says, value) in gauges.items():
            yield GaugeMetricFamily(name, says, value=value)
        yield CounterMetricFamily("lgsp_ledger_write_errors", "Commits that failed.", value=standing.write_errors)
        yield CounterMetricFamily(
            "lgsp_ledger_duplicates", "Second outcomes that were refused.", value=self._ledger.duplicates
        )

    def describe(self) -> Iterator[Metric]:
        return iter(())


class _FactsCollector(Collector):
    """What the services are, of those that exist."""

    def __init__(self, services: Iterable[Service]) -> None:
        self.services = tuple(services)

    def collect(self) -> Iterator[Metric]:
        objective = GaugeMetricFamily("lgsp_slo_objective_ratio", "The objective of a service.", labels=("service",))
        timeout = GaugeMetricFamily("lgsp_service_timeout_seconds", "How long the gateway waits.", labels=("service",))
        info = GaugeMetricFamily(
            "lgsp_service_info", "What a service is.", labels=("service", "owner", "tier", "route", "mode")
        )
        for service in self.services:
            objective.add_metric((service.id,), service.objective)
            timeout.add_metric((service.id,), service.timeout)
            info.add_metric((service.id, service.owner, service.tier, service.route, service.mode), 1)
        yield from (objective, timeout, info)

    def describe(self) -> Iterator[Metric]:
        return iter(())


class _Asked:
    """The children of one service that the asking half moves."""

    __slots__ = ("error", "inflight", "last_failure", "last_success", "ok")

    def __init__(self, service: str, duration: Histogram, inflight: Gauge, success: Gauge, failure: Gauge) -> None:
        self.ok = duration.labels(service, "ok")
        self.error = duration.labels(service, "error")
        self.inflight = inflight.labels(service)
        self.last_success = success.labels(service)
        self.last_failure = failure.labels(service)


class GatewayMetrics:
    """A tap, and the watch of a gateway's bus and edge."""

    def __init__(self, process: ProcessMetrics, services: Iterable[Service], ledger: Ledger, name: str) -> None:
        registry = process.registry
        self._process = process
        known = Catalogue({service.id: service for service in services})
        self._counts = _LedgerCollector(ledger, name, known)
        registry.register(self._counts)
        process.taking.append(self._counts.take)
        by = ("service",)
        duration = Histogram(
            "lgsp_transaction_duration_seconds",
            "From acceptance to answer, as the caller sees it.",
            ("service", "result"),
            buckets=WHOLE,
            registry=registry,
        )
        inflight = Gauge("lgsp_inflight_transactions", "Calls this process waits on.", by, registry=registry)
        success = Gauge(
            "lgsp_service_last_success_timestamp_seconds", "Last official success; 0 is never.", by, registry=registry
        )
        failure = Gauge(
            "lgsp_service_last_failure_timestamp_seconds", "Last failure; 0 is never.", by, registry=registry
        )
        self._by_service = (duration, inflight, success, failure)
        self._asked: dict[str, _Asked] = {}
        size = Histogram(
            "lgsp_transaction_size_bytes", "Bytes of a body.", ("direction",), buckets=SIZES, registry=registry
        )
        self._request_size, self._response_size = size.labels("request"), size.labels("response")
        self._confirm = Histogram(
            "lgsp_publish_confirm_seconds", "From publish to the broker's confirm.", buckets=SEGMENT, registry=registry
        )
        unroutable = "Requests that came back: nobody serves them."
        self._unroutable = Counter("lgsp_unroutable_total", unroutable, by, registry=registry)
        late = "Replies after their caller had been answered."
        self._late = Counter("lgsp_late_replies_total", late, by, registry=registry)
        duplicate = "Second replies to one request."
        self._duplicate = Counter("lgsp_duplicate_replies_total", duplicate, by, registry=registry)
        shed = Counter("lgsp_shed_total", "Calls refused for our own capacity.", ("reason",), registry=registry)
        self._shed = {reason: shed.labels(reason) for reason in SHED}
        self._http = Counter(
            "lgsp_http_requests_total", "HTTP requests at the edge.", ("route", "method", "code"), registry=registry
        )
        # The rest appears as it happens; but the first calls after a start must be a step, not a new line.
        self._http_children: dict[tuple[str, str, int], Cell] = {
            ("service", method, 200): self._http.labels("service", method, "200") for method in ("GET", "POST")
        }
        self._facts = _FactsCollector(known)
        registry.register(self._facts)
        self.prepare(known)()

    def prepare(self, new: Catalogue) -> Commit:
        """See `Taker`: every label set of what is new; those of what is gone stay, its facts go."""
        fresh = [service.id for service in new if service.id not in self._asked]
        for family in (self._unroutable, self._late, self._duplicate):
            for service in fresh:
                family.labels(service)
        for service in fresh:
            self.circuit(service, is_open=False)
        asked = self._asked | {service: _Asked(service, *self._by_service) for service in fresh}

        def commit() -> None:
            self._asked = asked
            self._counts.services = self._facts.services = tuple(new)

        return commit

    def saw(self, transaction: Transaction) -> None:
        """Note a finished transaction."""
        asked = self._asked.get(transaction.request.service)
        if asked is None:
            return
        ended = transaction.started_at + transaction.seconds
        if transaction.outcome in _ANSWERED:
            took = asked.ok
            asked.last_success.set(ended)
        else:
            took = asked.error
            asked.last_failure.set(ended)
        if not transaction.request.stored:  # its hours are no waiting of a caller's: see `stored`
            took.observe(transaction.seconds)
        self._request_size.observe(len(transaction.request.body))
        if transaction.reply is not None:
            self._response_size.observe(len(transaction.reply.body))

    def inflight(self, service: str, change: int) -> None:
        """A call to a service began (+1) or ended (-1)."""
        self._asked[service].inflight.inc(change)

    def http(self, route: str, method: str, code: int) -> None:
        """An HTTP request was answered. `method` is one of HTTP's own, else counted as OTHER."""
        key = (route, method, code)
        child = self._http_children.get(key)
        if child is None:
            if method not in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}:
                key = (route, "OTHER", code)
            child = self._http_children[key] = self._http.labels(key[0], key[1], str(code))
        child.inc()

    def shed(self, reason: str) -> None:
        """A call was refused for our own capacity."""
        self._shed[reason].inc()

    def circuit(self, service: str, *, is_open: bool) -> None:
        """See `dispatch.Watch`."""
        self._process.circuit("asking", service, is_open=is_open)

    def late_reply(self, service: str) -> None:
        """See `bus.base.Watch`."""
        if service in self._asked:  # a name from outside the catalogue makes no series
            self._late.labels(service).inc()

    def duplicate_reply(self, service: str) -> None:
        """See `bus.base.Watch`."""
        if service in self._asked:  # a name from outside the catalogue makes no series
            self._duplicate.labels(service).inc()

    def unroutable(self, service: str) -> None:
        """See `bus.base.Watch`."""
        if service in self._asked:  # a name from outside the catalogue makes no series
            self._unroutable.labels(service).inc()

    def confirmed(self, seconds: float) -> None:
        """See `bus.base.Watch`."""
        self._confirm.observe(seconds)

    def delivery(self, service: str, result: str) -> None:
        """Deliveries are the answering half's."""

    def queue_wait(self, service: str, seconds: float) -> None:
        """So is the wait in the queue."""

    def connection(self, component: str, *, up: bool) -> None:
        """See `bus.base.Watch`."""
        self._process.connection(component, up=up)


class _Served:
    """The children of one service that the answering half moves."""

    __slots__ = ("busy", "lost", "messages", "took", "wait")

    def __init__(
        self, service: str, wait: Histogram, took: Histogram, messages: Counter, busy: Gauge, lost: Counter
    ) -> None:
        self.wait = wait.labels(service)
        self.took = took.labels(service)
        self.messages = {result: messages.labels(service, result) for result in RESULTS}
        self.busy = busy.labels(service)
        self.lost = {reason: lost.labels(service, reason) for reason in LOST_STATE}


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
        self._by_service = (wait, took, messages, busy, lost)
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
